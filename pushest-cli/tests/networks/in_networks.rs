//! `pushest listen` on a machine whose networks change.
#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

#[path = "../cli/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod support;

use std::thread::sleep;
use std::time::{Duration, Instant};

use pushest_conformance::networks::{Networks, ip, is_from};

use support::{Pushest, words};

/// A listener that is subscribed over the first network, once what the kernel tells of networks that are new
/// is over.
fn listening(networks: &Networks, options: &[&str]) -> Pushest {
    let port = format!("--port={}", networks.server.port());
    let server = ["--host=10.99.0.1", &port, "--key=app-key", "--json"].map(str::to_owned);
    let arguments = [&["listen", "news"], options].concat();
    let mut listener = Pushest::start(&words(&arguments, &server));
    listener.stderr.until("subscribed to news");
    assert!(is_from("10.1.0.2"));
    // Nothing tells when it is over; the clients' own tests wait as long.
    sleep(Duration::from_secs(1));
    listener
}

fn is_back_on_another_address(runtime: &str) {
    let networks = Networks::new();
    let mut listener = listening(&networks, &["--watch-network", "--runtime", runtime]);
    let begun = Instant::now();
    ip("addr del 10.1.0.2/24 dev e1");
    let why = listener.stdout.until(r#""state":"waiting""#);
    assert!(why.contains("the address that the connection was made from is gone"), "{why}");
    listener.stdout.until(r#""state":"connected""#);
    let took = begun.elapsed();
    assert!(took <= Duration::from_secs(2), "{took:?}");
    assert!(is_from("10.2.0.2"));
    listener.stdout.until(r#""type":"gap""#);
    networks.server.publish("news", "headline", "rain");
    listener.stdout.until(r#""data":"rain""#);
}

#[test]
fn a_listener_on_tokio_whose_address_is_gone_is_back_on_another_within_two_seconds() {
    is_back_on_another_address("tokio");
}

#[test]
fn a_listener_on_async_std_whose_address_is_gone_is_back_on_another_within_two_seconds() {
    is_back_on_another_address("async-std");
}

#[test]
fn a_listener_on_a_thread_whose_address_is_gone_is_back_on_another_within_two_seconds() {
    is_back_on_another_address("blocking");
}

#[test]
fn a_listener_that_was_not_asked_to_watch_stays_where_it_is() {
    let networks = Networks::new();
    let listener = listening(&networks, &[]);
    ip("addr del 10.1.0.2/24 dev e1");
    sleep(Duration::from_secs(2));
    listener.signal("INT");
    let ended = listener.end();
    let states = ended.stdout.iter().filter(|line| line.contains(r#""type":"state""#));
    let lost = states.filter(|line| line.contains(r#""state":"waiting""#)).count();
    assert_eq!(lost, 0, "{ended:?}");
}
