use std::time::Instant;

use pushest_testkit::Server;
use serde_json::json;

use crate::client::{Client, PATIENCE};

#[test]
fn one_thread_holds_a_thousand_connections() {
    const COUNT: usize = 1200;
    let server = Server::start().unwrap();
    let before = Instant::now();
    let mut clients: Vec<_> = (0..COUNT).map(|_| Client::connect(&server)).collect();
    for client in &mut clients {
        client.send(&json!({ "event": "pusher:subscribe", "data": { "channel": "news" } }));
    }
    server.wait_for_subscribers("news", COUNT, PATIENCE).unwrap();
    server.publish("news", "headline", "to all");
    for client in &mut clients {
        assert_eq!(client.read()["event"], "pusher_internal:subscription_succeeded");
        assert_eq!(client.read()["data"], "to all");
    }
    drop(clients);
    server.wait_for_connections(0, PATIENCE).unwrap();
    println!("{COUNT} connections came, heard and went in {:?}", before.elapsed());
}

#[test]
fn a_burst_arrives_whole_and_in_order() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("news");
    let publisher = std::thread::spawn(move || {
        for number in 0..5000 {
            server.publish("news", "count", &number.to_string());
        }
        server
    });
    for number in 0..5000 {
        assert_eq!(client.read()["data"], number.to_string());
    }
    publisher.join().unwrap();
}

#[test]
fn a_client_that_floods_leaves_room_for_others() {
    let server = Server::start().unwrap();
    let mut flooder = Client::connect(&server);
    let flood = std::thread::spawn(move || {
        for _ in 0..20_000 {
            flooder.send(&json!({ "event": "pusher:pong" }));
        }
        flooder
    });
    let mut other = Client::connect(&server);
    for _ in 0..100 {
        other.send(&json!({ "event": "pusher:ping" }));
        assert_eq!(other.read()["event"], "pusher:pong");
    }
    flood.join().unwrap();
}
