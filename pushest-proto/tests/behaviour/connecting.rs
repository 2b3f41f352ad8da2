//! From `connect` to an established connection, and the ways in which that ends early.

use std::time::Duration;

use crate::harness::{Harness, SOCKET, asking, established, message, object, signing};
use pushest_proto::{
    CloseCode, ConnectionState, DialFailure, Event, Loss, MalformedReason, SubscribeOptions,
    Timeouts,
};

#[test]
fn connecting_dials_the_endpoint_and_waits_for_the_server() {
    let mut harness = Harness::new(asking().path("/realtime/"));
    assert!(harness.session.poll_action().is_none());
    assert_eq!(harness.session.poll_timeout(), None);
    harness.session.connect(harness.now);
    assert_eq!(harness.session.poll_timeout(), Some(harness.now));
    harness.drain();
    assert_eq!(
        harness.endpoint.as_ref().unwrap().url("key"),
        concat!(
            "ws://localhost:6001/realtime/app/key?protocol=7&client=pushest-rust&version=",
            env!("CARGO_PKG_VERSION")
        )
    );
    harness.open();
    assert_eq!(harness.session.state(), ConnectionState::Connecting);
    harness.receive(&established(SOCKET, 30));
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    assert_eq!(harness.session.status(harness.now).socket_id.unwrap().as_str(), SOCKET);
    assert_eq!(harness.session.activity_timeout(), Duration::from_secs(30));
    assert_eq!(harness.states(), [ConnectionState::Connecting, ConnectionState::Connected]);
    assert_eq!(harness.connects(), 1);
}

#[test]
fn the_data_of_connection_established_may_be_an_object_and_lack_the_timeout() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    harness.open();
    let data = serde_json::json!({"socket_id": "98765432109876.12345678901234"});
    harness.receive(&object("pusher:connection_established", None, data));
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    assert_eq!(harness.session.activity_timeout(), Duration::from_secs(120));
}

#[test]
fn connecting_twice_dials_once() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.session.connect(harness.now);
    harness.drain();
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!(harness.connects(), 1);
    harness.establish();
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!(harness.connects(), 0);
}

#[test]
fn a_dial_that_takes_too_long_is_given_up_and_tried_again() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    let first = harness.current();
    harness.pass_seconds(30);
    assert_eq!(harness.closes(), [(first, CloseCode::Away)]);
    let loss = harness.session.status(harness.now).last_loss.unwrap();
    assert_eq!(*loss, Loss::Dial(DialFailure::Timeout));
    harness.pass_seconds(1);
    assert_eq!(harness.connects(), 2);
    assert_ne!(harness.current(), first);
}

#[test]
fn a_handshake_that_never_comes_is_given_up() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    harness.open();
    // Other messages are no handshake, and neither is an error that does not say which one it is.
    harness.pass_seconds(9);
    harness.receive(&message("pusher:error", None, r#"{"code":null,"message":"busy"}"#));
    assert_eq!(harness.session.state(), ConnectionState::Connecting);
    harness.pass_seconds(1);
    assert_eq!(harness.session.state(), ConnectionState::Waiting);
    let status = harness.session.status(harness.now);
    assert_eq!(*status.last_loss.unwrap(), Loss::HandshakeTimeout);
    assert_eq!(&*status.last_error.unwrap().message, "busy");
    assert_eq!(harness.closes().len(), 1);
}

#[test]
fn a_socket_id_that_is_none_is_malformed_and_establishes_nothing() {
    let mut harness = Harness::new(signing());
    harness.session.connect(harness.now);
    harness.drain();
    harness.open();
    let long = "1".repeat(101);
    for socket_id in ["", "1:2", "1.2::user::{}", "1.2 ", "1/2", "ä.1", &long] {
        harness.receive(&established(socket_id, 120));
        assert_eq!(harness.session.state(), ConnectionState::Connecting, "{socket_id}");
        let events = harness.events();
        assert!(
            matches!(&events[..], [Event::Malformed { problem: MalformedReason::BadData, .. }]),
            "{socket_id}: {events:?}"
        );
    }
}

#[test]
fn a_second_connection_established_changes_nothing() {
    let mut harness = Harness::connected();
    harness.receive(&established("9.9", 1));
    assert_eq!(harness.session.status(harness.now).socket_id.unwrap().as_str(), SOCKET);
    let events = harness.events();
    assert!(
        matches!(&events[..], [Event::Malformed { problem: MalformedReason::Unexpected, .. }]),
        "{events:?}"
    );
}

#[test]
fn what_is_about_a_former_connection_is_ignored() {
    let mut harness = Harness::connected();
    let former = harness.current();
    harness.close(4200);
    harness.establish();
    assert_ne!(harness.current(), former);
    harness.actions.clear();
    let now = harness.now;
    harness.session.handle_open(former, now);
    harness.session.handle_slice(former, message("x", None, "1").as_bytes(), now);
    harness.session.handle_activity(former, now);
    harness.session.handle_close(former, Loss::closed(Some(4001), ""), now);
    harness.drain();
    assert!(harness.actions.is_empty(), "{:?}", harness.actions);
    assert_eq!(harness.session.state(), ConnectionState::Connected);
}

#[test]
fn nothing_is_heard_before_the_connection_was_polled_and_opened() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    harness.receive(&established(SOCKET, 120));
    assert_eq!(harness.session.state(), ConnectionState::Connecting);
    assert_eq!(harness.session.statistics().messages, 0);
}

#[test]
fn disconnecting_sticks() {
    let mut harness = Harness::connected();
    harness.subscribed("orders");
    let connection = harness.current();
    harness.session.disconnect(harness.now);
    harness.drain();
    assert_eq!(harness.closes(), [(connection, CloseCode::Normal)]);
    assert_eq!(harness.states(), [ConnectionState::Disconnected]);
    assert_eq!(harness.session.poll_timeout(), None);
    harness.session.handle_close(connection, Loss::closed(Some(1000), ""), harness.now);
    harness.session.handle_network_change(harness.now);
    harness.pass_seconds(100_000);
    harness.session.subscribe("more", &SubscribeOptions::default(), harness.now).unwrap();
    harness.session.unsubscribe("more", harness.now).unwrap();
    harness.session.disconnect(harness.now);
    harness.drain();
    assert!(harness.actions.is_empty(), "{:?}", harness.actions);
    assert_eq!(harness.session.poll_timeout(), None);

    harness.session.connect(harness.now);
    harness.drain();
    harness.establish();
    assert_eq!(harness.sent(), [crate::harness::subscribe_frame("orders")]);
}

#[test]
fn disconnecting_sends_what_was_accepted_before() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let now = harness.now;
    harness.session.trigger("private-x", "client-bye", &1, now).unwrap();
    harness.session.disconnect(now);
    harness.drain();
    let kinds: Vec<&str> = harness
        .actions
        .iter()
        .map(|action| match action {
            pushest_proto::Action::Send(_) => "send",
            pushest_proto::Action::Close { .. } => "close",
            pushest_proto::Action::Emit(Event::State(_)) => "state",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["send", "close", "state"]);
}

#[test]
fn disconnecting_before_the_dial_was_polled_takes_it_back() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.session.disconnect(harness.now);
    harness.drain();
    assert_eq!(harness.connects(), 0);
    assert_eq!(harness.closes(), []);
    assert_eq!(harness.states(), [ConnectionState::Connecting, ConnectionState::Disconnected]);
}

#[test]
fn disconnecting_while_dialling_gives_the_dial_up() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    let connection = harness.current();
    harness.session.disconnect(harness.now);
    harness.drain();
    assert_eq!(harness.closes(), [(connection, CloseCode::Normal)]);
    harness.session.handle_open(connection, harness.now);
    harness.pass_seconds(60);
    assert_eq!(harness.session.state(), ConnectionState::Disconnected);
}

#[test]
fn timeouts_are_configurable() {
    let timeouts =
        Timeouts::default().dial(Duration::from_secs(2)).handshake(Duration::from_secs(3));
    let mut harness = Harness::new(asking().timeouts(timeouts));
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!(harness.next_deadline(), Duration::from_secs(2));
    harness.next_deadline();
    harness.open();
    assert_eq!(harness.next_deadline(), Duration::from_secs(3));
}
