//! An endpoint whose name has several addresses.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pushest_driver::unstable::Client;
use pushest_driver::{AuthEndpoint, Options};
use pushest_testkit::conformance::connecting::DeadAddress;
use pushest_testkit::protocol::App;
use pushest_testkit::{AuthorizationEndpoint, Server};

use super::client_resolving;

/// An endpoint that refuses everything with this status.
fn refusing(status: u16) -> AuthorizationEndpoint {
    let endpoint = AuthorizationEndpoint::start(&App::default()).expect("an endpoint");
    endpoint.refuse(status, "");
    endpoint
}

/// A client of a server that is there. What the endpoint's name resolves to depends on how often
/// that was asked.
fn client(
    server: &Server,
    endpoint: impl Fn(usize) -> Vec<SocketAddr> + Send + Sync + 'static,
) -> Client {
    let (server, times) = (server.addr(), AtomicUsize::new(0));
    let resolve = move |host: &str| match host {
        "server.example" => vec![server],
        "endpoint.example" => endpoint(times.fetch_add(1, Ordering::SeqCst)),
        other => panic!("{other}"),
    };
    let asks = AuthEndpoint::new("http://endpoint.example/auth");
    client_resolving(Box::new(resolve), Options::default().auth_endpoint(asks))
}

/// The status that a channel is refused with.
async fn refusal(client: &Client, channel: &str) -> String {
    let subscription = client.subscribe(channel).expect("a good channel");
    subscription.subscribed().await.expect_err("refused").to_string()
}

#[tokio::test]
async fn silent_addresses_of_an_endpoint_cost_less_than_a_second_and_only_once() {
    let (server, good) = (Server::start().expect("a server"), refusing(403));
    for count in [2, 4] {
        let silent: Vec<_> = (0..count).map(|_| DeadAddress::new()).collect();
        let mut addresses: Vec<_> = silent.iter().map(|silent| silent.address).collect();
        addresses.push(good.addr());
        let client = client(&server, move |_| addresses.clone());
        client.connected().await.expect("connected");
        for channel in ["private-first", "private-second"] {
            let begun = Instant::now();
            let text = refusal(&client, channel).await;
            assert!(text.contains("403"), "{text}");
            // One after the other they cost five of ten seconds and more, on every request.
            assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}", begun.elapsed());
        }
    }
}

#[tokio::test]
async fn the_address_of_an_endpoint_that_answered_is_asked_first_the_next_time() {
    let server = Server::start().expect("a server");
    let (silent, answers, other) = (DeadAddress::new(), refusing(403), refusing(404));
    let (dead, answered, moved) = (silent.address, answers.addr(), other.addr());
    let client = client(&server, move |times| match times {
        0 => vec![dead, answered],
        1 => vec![moved, answered],
        // The name has another address now.
        _ => vec![moved],
    });
    for (channel, status) in [("private-a", "403"), ("private-b", "403"), ("private-c", "404")] {
        let text = refusal(&client, channel).await;
        assert!(text.contains(status), "{channel}: {text}");
    }
}

#[tokio::test]
async fn an_endpoint_without_an_address_is_unavailable_and_says_so() {
    let server = Server::start().expect("a server");
    let client = client(&server, |_| Vec::new());
    let mut orders = client.subscribe("private-orders").expect("a good channel");
    let text = loop {
        let event = orders.recv().await.expect("the client lives");
        if let pushest_driver::Event::SubscriptionFailed { reason, retry_in: Some(_), .. } = event {
            break reason.to_string();
        }
    };
    assert!(text.contains("does not resolve: it has no address"), "{text}");
}
