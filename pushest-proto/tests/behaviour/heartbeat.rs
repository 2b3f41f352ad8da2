//! Signs of life in both directions.

use std::time::Duration;

use crate::harness::{Harness, PING, PONG, established, message, signing};
use pushest_proto::{ConnectionState, Loss, Timeouts};

#[test]
fn a_ping_of_the_server_is_answered_whatever_its_data() {
    let mut harness = Harness::connected();
    for ping in [
        r#"{"event":"pusher:ping","data":{}}"#,
        r#"{"event":"pusher:ping","data":"{}"}"#,
        r#"{"event":"pusher:ping"}"#,
    ] {
        harness.receive(ping);
        assert_eq!(harness.sent(), [PONG]);
    }
}

#[test]
fn a_ping_before_the_connection_is_established_is_answered() {
    let mut harness = Harness::new(signing());
    harness.session.connect(harness.now);
    harness.drain();
    harness.open();
    harness.receive(PING);
    assert_eq!(harness.sent(), [PONG]);
}

#[test]
fn silence_for_the_activity_timeout_is_broken_by_a_ping() {
    let mut harness = Harness::connected();
    harness.pass(Duration::from_millis(119_999));
    assert!(harness.sent().is_empty());
    harness.pass(Duration::from_millis(1));
    assert_eq!(harness.sent(), [PING]);
}

#[test]
fn the_shorter_activity_timeout_counts() {
    for (own, servers, effective) in [(120, 30, 30), (20, 30, 20), (120, 0, 1)] {
        let timeouts = Timeouts::default().activity(Duration::from_secs(own));
        let mut harness = Harness::new(signing().timeouts(timeouts));
        harness.session.connect(harness.now);
        harness.drain();
        harness.open();
        harness.receive(&established("1.2", servers));
        assert_eq!(harness.session.activity_timeout(), Duration::from_secs(effective));
        harness.actions.clear();
        harness.pass_seconds(effective);
        assert_eq!(harness.sent(), [PING]);
    }
}

#[test]
fn any_message_counts_as_activity() {
    let mut harness = Harness::connected();
    for _ in 0..10 {
        harness.pass_seconds(100);
        harness.receive(&message("x", Some("nobody"), "1"));
    }
    assert!(harness.sent().is_empty());
    harness.pass_seconds(100);
    harness.session.handle_activity(harness.current(), harness.now);
    harness.pass_seconds(119);
    assert!(harness.sent().is_empty());
    harness.pass_seconds(1);
    assert_eq!(harness.sent(), [PING]);
}

#[test]
fn anything_within_the_pong_timeout_keeps_the_connection() {
    let mut harness = Harness::connected();
    for answer in [r#"{"event":"pusher:pong"}"#, "junk", r#"{"event":"x"}"#] {
        harness.pass_seconds(120);
        assert_eq!(harness.sent(), [PING]);
        harness.pass_seconds(29);
        harness.receive(answer);
        harness.pass_seconds(100);
        assert_eq!(harness.session.state(), ConnectionState::Connected);
        harness.pass_seconds(20);
        harness.receive(r#"{"event":"pusher:pong","data":{}}"#);
        harness.actions.clear();
    }
}

#[test]
fn silence_after_a_ping_ends_the_connection_and_reconnects_within_half_a_second() {
    let mut harness = Harness::connected();
    let former = harness.current();
    harness.pass(Duration::from_millis(149_999));
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    harness.pass(Duration::from_millis(1));
    assert_eq!(*harness.session.status(harness.now).last_loss.unwrap(), Loss::PongTimeout);
    assert_eq!(harness.closes().len(), 1);
    assert!(harness.wait_for_retry() <= Duration::from_millis(500));
    assert_eq!(harness.connects(), 1);
    assert_ne!(harness.current(), former);
}

#[test]
fn a_driver_that_does_not_read_misses_no_pong_and_still_pings() {
    let mut harness = Harness::connected();
    harness.session.handle_reading(false, harness.now);
    harness.pass_seconds(600);
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    assert_eq!(harness.sent().len(), 5);
    harness.session.handle_reading(true, harness.now);
    harness.pass_seconds(119);
    assert!(harness.sent().is_empty());
    harness.pass_seconds(1);
    assert_eq!(harness.sent(), [PING]);
    harness.pass_seconds(30);
    assert_eq!(*harness.session.status(harness.now).last_loss.unwrap(), Loss::PongTimeout);
}

#[test]
fn a_driver_that_stops_reading_while_a_pong_is_due_misses_nothing() {
    let mut harness = Harness::connected();
    harness.pass_seconds(120);
    assert_eq!(harness.sent(), [PING]);
    harness.session.handle_reading(false, harness.now);
    harness.pass_seconds(119);
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    harness.pass_seconds(1);
    assert_eq!(harness.sent(), [PING], "the server needs to hear from us");
}

#[test]
fn a_peer_that_takes_nothing_is_noticed() {
    let mut harness = Harness::connected();
    let connection = harness.current();
    harness.session.handle_writable(connection, false, harness.now);
    harness.pass_seconds(150);
    assert!(harness.sent().is_empty());
    assert_eq!(*harness.session.status(harness.now).last_loss.unwrap(), Loss::PongTimeout);
}

#[test]
fn many_pings_before_a_drain_are_answered_by_one_pong() {
    let mut harness = Harness::connected();
    for _ in 0..1_000 {
        harness.session.handle_slice(harness.current(), PING.as_bytes(), harness.now);
    }
    harness.drain();
    assert_eq!(harness.sent(), [PONG]);
}
