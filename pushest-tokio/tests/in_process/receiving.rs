//! Receivers that are slower than what they receive, and sinks that are slower than what is sent.

use std::time::Duration;

use pushest_testkit::{Server, Target as Peers};
use pushest_tokio::{Client, CommandError, Event, Options, Overflow, Timeouts};

use crate::common::{next_text, subscribed, wait_for, within};
use crate::{start, target_of};

const EVENTS: usize = 2_000;

fn publish_numbers(server: &Server, channel: &str) {
    for number in 0..EVENTS {
        server.publish(channel, "number", &number.to_string());
    }
    server.publish(channel, "end", "");
}

#[tokio::test]
async fn a_slow_receiver_loses_its_oldest_events_and_is_told_how_many() {
    let (target, server) = start();
    let options = Options::default().queue(100, 1024 * 1024);
    let client = Client::with_options(target.config(), options);
    let mut slow = subscribed(&client, "numbers").await;
    let mut fast = client.subscribe("numbers").expect("a good channel");
    let receiving = tokio::spawn(async move {
        for number in 0..EVENTS {
            assert_eq!(next_text(&mut fast, "number").await, number.to_string());
        }
        next_text(&mut fast, "end").await;
    });
    for number in 0..EVENTS {
        server.publish("numbers", "number", &number.to_string());
        // The fast one is not to be outrun.
        if number % 50 == 0 {
            within(client.flush()).await.expect("flushed");
        }
    }
    server.publish("numbers", "end", "");
    within(receiving).await.expect("the fast one gets everything");

    let lagged = within(slow.recv()).await;
    let Some(Event::Lagged(lagged)) = lagged else {
        panic!("first of all the lag, not {lagged:?}")
    };
    let mut received = 0;
    while let Some(Event::Channel(event)) = within(slow.recv()).await {
        received += 1;
        if event.name() == "end" {
            break;
        }
    }
    assert_eq!(received, 100);
    // The numbers and the end, and that it was subscribed.
    assert_eq!(usize::try_from(lagged).unwrap() + received, EVENTS + 2);
}

#[tokio::test]
async fn the_bytes_that_events_pin_are_bounded_too() {
    let (target, server) = start();
    let options = Options::default().queue(1_000, 20_000);
    let client = Client::with_options(target.config(), options);
    let mut slow = subscribed(&client, "news").await;
    for _ in 0..10 {
        server.publish("news", "large", &"x".repeat(5_000));
    }
    within(client.flush()).await.expect("flushed");
    wait_for(&mut slow, |event| matches!(event, Event::Lagged(_)).then_some(())).await;
    let mut received = 0;
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(50), slow.recv()).await {
        assert!(matches!(event, Event::Channel(_)), "{event:?}");
        received += 1;
    }
    assert_eq!(received, 3);
}

#[tokio::test]
async fn with_overflow_wait_nothing_is_lost_however_long_it_takes() {
    let server = Server::builder().activity_timeout(Duration::from_secs(1)).start().unwrap();
    let target = target_of(&server);
    let timeouts = Timeouts {
        activity: Duration::from_millis(200),
        pong: Duration::from_millis(200),
        ..Timeouts::default()
    };
    let config = target.builder().secret(&target.secret).timeouts(timeouts).build().unwrap();
    let options = Options::default().queue(10, 1024 * 1024).overflow(Overflow::Wait);
    let client = Client::with_options(config, options);
    let mut slow = subscribed(&client, "private-numbers").await;
    let socket_id = client.status().socket_id;
    publish_numbers(&server, "private-numbers");

    // Longer than all timeouts: pings go out, and no pong is missed.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(client.status().socket_id, socket_id);
    // Whoever is waited for may still send.
    let another = target.connected().await;
    let mut other = subscribed(&another, "private-numbers").await;
    slow.trigger("client-hello", &1).expect("sent");
    assert_eq!(next_text(&mut other, "client-hello").await, "1");

    for number in 0..EVENTS {
        let event = within(async {
            loop {
                match slow.recv().await.expect("more") {
                    Event::Channel(event) => break event,
                    Event::Subscribed { .. } | Event::SubscriptionCount { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        assert_eq!(event.await.text(), number.to_string());
    }
    next_text(&mut slow, "end").await;
    assert_eq!(client.status().socket_id, socket_id);
}

#[tokio::test]
async fn with_overflow_wait_the_others_go_on_once_the_full_one_is_gone() {
    let (target, server) = start();
    let options = Options::default().queue(10, 1024 * 1024).overflow(Overflow::Wait);
    let client = Client::with_options(target.config(), options);
    let full = subscribed(&client, "numbers").await;
    let mut news = subscribed(&client, "news").await;
    publish_numbers(&server, "numbers");
    server.publish("news", "headline", "rain");
    drop(full);
    assert_eq!(next_text(&mut news, "headline").await, "rain");
}

#[tokio::test]
async fn a_client_dropped_while_it_waits_for_a_receiver_is_gone() {
    let (target, server) = start();
    let options = Options::default().queue(10, 1024 * 1024).overflow(Overflow::Wait);
    let client = Client::with_options(target.config(), options);
    let mut full = subscribed(&client, "numbers").await;
    publish_numbers(&server, "numbers");
    drop(client);
    within(server.until_connections(0)).await;
    within(async { while full.recv().await.is_some() {} }).await;
    within(async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_read_fills_the_session_and_nothing_else() {
    let (target, server) = start();
    let client = target.connected().await;
    let mut chat = subscribed(&client, "private-chat").await;
    server.stop_reading(Peers::All);
    let data = "x".repeat(10_000);
    let mut sent = 0_u32;
    let full = loop {
        match chat.trigger("client-data", &data) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        // It is for the sink to be full, not for the session to be flooded in one go.
        tokio::task::yield_now().await;
        assert!(sent < 10_000, "somebody takes it all");
    };
    assert!(matches!(full, CommandError::OutgoingFull { .. }), "{full}");
    // What comes in still arrives.
    server.publish("private-chat", "headline", "rain");
    assert_eq!(next_text(&mut chat, "headline").await, "rain");

    let another = target.connected().await;
    let mut other = subscribed(&another, "private-chat").await;
    server.resume_reading(Peers::All);
    for _ in 0..sent {
        assert_eq!(next_text(&mut other, "client-data").await.len(), data.len());
    }
    within(client.flush()).await.expect("flushed");
}

#[tokio::test]
async fn what_was_triggered_before_a_disconnect_still_arrives() {
    let (target, _server) = start();
    let (ann, bob) = (target.connected().await, target.connected().await);
    let mut of_bob = subscribed(&bob, "private-chat").await;
    let of_ann = subscribed(&ann, "private-chat").await;
    for number in 0..100 {
        of_ann.trigger("client-number", &number).expect("sent");
    }
    drop(ann);
    for number in 0..100 {
        assert_eq!(next_text(&mut of_bob, "client-number").await, number.to_string());
    }
}

#[tokio::test]
async fn a_receiver_does_not_speak_for_its_successor() {
    let (target, _server) = start();
    let client = target.connected().await;
    let old = subscribed(&client, "private-news").await;
    client.unsubscribe("private-news").expect("it is wanted");
    let new = subscribed(&client, "private-news").await;
    assert_eq!(old.state(), None);
    assert!(within(old.subscribed()).await.is_err());
    assert!(old.trigger("client-x", &1).is_err());
    assert!(old.members().is_empty());
    new.trigger("client-x", &1).expect("it is subscribed");
    drop(old);
    assert!(new.state().is_some());
}
