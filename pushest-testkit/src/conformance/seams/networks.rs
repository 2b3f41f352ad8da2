//! Networks that change, as a program tells the client: what becomes of connections, attempts and pauses.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use pushest_proto::{BackoffConfig, Config, ConnectionState, DialFailure, Loss, Timeouts};

use super::super::driver::{Driver, DriverClient};
use super::super::patience::{Expect, connected, started};
use super::super::{Remote, in_process};
use crate::{Server, Target, UpgradeFault};

/// Longer than a scenario takes.
const NEVER: Duration = Duration::from_secs(3_600);

fn config(remote: &Remote, after_change: u64) -> Config {
    let timeouts = Timeouts::default()
        .pong(NEVER)
        .dial(NEVER)
        .pong_after_change(Duration::from_millis(after_change));
    remote.signing().timeouts(timeouts).build().expect("valid")
}

pub fn a_path_that_died_is_noticed_in_the_time_after_a_change_of_the_network<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = started::<D>(config(&remote, 200));
    client.must_subscribe("news");
    // Pings among them.
    server.stop_answering(Target::All);
    let begun = Instant::now();
    client.network_changed();
    assert_eq!(client.next_gap("news"), Loss::PongTimeout);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    server.publish("news", "headline", "rain");
    assert_eq!(client.next_text("headline"), "rain");
}

pub fn a_change_of_the_network_costs_a_connection_that_works_a_ping_and_no_more<D: Driver>() {
    let server = Server::builder().record(true).start().expect("a server");
    let mut client = started::<D>(config(&Remote::of(&server), 5_000));
    let socket_id = client.must_connect();
    let pings = |server: &Server| {
        server.received().iter().filter(|text| text.contains("pusher:ping")).count()
    };
    for count in 1..4 {
        client.network_changed();
        client.until("a ping", |_| pings(&server) >= count);
        client.until("its pong", |client| client.statistics().round_trip.is_some());
    }
    client.must_flush();
    assert_eq!(server.socket_ids(), [socket_id.as_str()]);
    assert_eq!(client.statistics().losses, 0);
}

pub fn an_attempt_that_hangs_is_given_up_soon_after_a_change_of_the_network<D: Driver>() {
    // It accepts connections, and answers no upgrade.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("its address").port();
    let timeouts = Timeouts::default().dial(NEVER).pong_after_change(Duration::from_millis(200));
    let builder = Config::builder("app-key").host("127.0.0.1").port(port);
    let mut client = started::<D>(builder.timeouts(timeouts).build().expect("valid"));
    client.next_state(ConnectionState::Connecting);
    client.sleep(Duration::from_millis(300));
    assert_eq!(client.status().state, ConnectionState::Connecting);
    client.network_changed();
    let change = client.next_state(ConnectionState::Waiting);
    assert_eq!(change.loss.as_deref(), Some(&Loss::Dial(DialFailure::Timeout)));
}

pub fn a_change_of_the_network_ends_a_long_pause<D: Driver>() {
    let (remote, server) = in_process();
    let backoff = BackoffConfig::schedule([NEVER]);
    let mut client = connected::<D>(remote.signing().backoff(backoff).build().expect("valid"));
    server.drop_connections(Target::All);
    client.next_state(ConnectionState::Waiting);
    client.network_changed();
    client.next_state(ConnectionState::Connected);
}

pub fn a_network_that_changes_all_the_time_does_not_defeat_backoff<D: Driver>() {
    let (remote, server) = in_process();
    server.fault_upgrades(usize::MAX, UpgradeFault::status(500, &[]));
    let backoff = BackoffConfig::schedule([NEVER]);
    let mut client = started::<D>(remote.signing().backoff(backoff).build().expect("valid"));
    client.next_state(ConnectionState::Waiting);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        client.network_changed();
        client.sleep(Duration::from_millis(10));
    }
    // The first one, and three that a change has brought forward.
    assert_eq!(client.statistics().dials, 4);
    server.heal_upgrades();
    client.connect();
    client.must_connect();
}
