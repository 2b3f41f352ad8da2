//! Bad input from a server becomes an event; the connection and the subscriptions live on.

use bytes::Bytes;

use crate::harness::{Harness, established, message, object, signing};
use pushest_proto::{ChannelState, ConnectionState, Event, Limits, Loss, MalformedReason};

fn problem(harness: &mut Harness, message: &[u8]) -> MalformedReason {
    let connection = harness.current();
    harness.session.handle_message(connection, Bytes::copy_from_slice(message), harness.now);
    harness.drain();
    match &harness.events()[..] {
        [Event::Malformed { problem, message, .. }] => {
            assert!(message.len() <= 512);
            *problem
        }
        other => panic!("{}: {other:?}", String::from_utf8_lossy(message)),
    }
}

#[test]
fn junk_is_told_and_loses_nothing() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    let deep = format!("{}7{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    let cases: &[(&[u8], MalformedReason)] = &[
        (b"", MalformedReason::NotAnObject),
        (b"\xff\xfe", MalformedReason::NotUtf8),
        (b"junk", MalformedReason::NotAnObject),
        (b"[1]", MalformedReason::NotAnObject),
        (b"{\"event\":\"e\",\"channel\":\"x\",\"data\":\"cut sh", MalformedReason::NotAnObject),
        (b"{}", MalformedReason::NoEvent),
        (b"{\"event\":7}", MalformedReason::NoEvent),
        (b"{\"event\":null,\"channel\":\"x\"}", MalformedReason::NoEvent),
        (b"{\"event\":\"\\ud800\"}", MalformedReason::NoEvent),
        (b"{\"event\":\"e\",\"channel\":7}", MalformedReason::BadChannel),
        (b"{\"event\":\"pusher_internal:member_added\",\"data\":{}}", MalformedReason::BadChannel),
        (deep.as_bytes(), MalformedReason::NoEvent),
    ];
    for (bytes, expected) in cases {
        let problem = problem(&mut harness, bytes);
        assert_eq!(
            problem,
            *expected,
            "{}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(80)])
        );
    }
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    harness.receive(&message("still", Some("x"), "here"));
    assert_eq!(harness.events().len(), 1);
}

#[test]
fn a_control_character_in_a_channels_name_is_no_name_behind_a_backslash_either() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    for control in 0..0x20_u8 {
        // At every place of a block that is looked at at once, and behind it.
        for before in (0..70).chain([127, 128, 200]) {
            let name = format!("{}\\{}c", "b".repeat(before), char::from(control));
            let message = format!(r#"{{"event":"a","channel":"{name}","data":"1"}}"#);
            let problem = problem(&mut harness, message.as_bytes());
            assert_eq!(problem, MalformedReason::BadChannel, "{control} behind {before}");
        }
    }
    assert_eq!(harness.session.statistics().unwanted, 0);
    harness.receive(&message("still", Some("x"), "here"));
    assert_eq!(harness.events().len(), 1);
}

#[test]
fn an_event_before_a_connection_is_established_is_of_no_channel_of_the_last_one() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    // The second one passes on without a look at the channel.
    for _ in 0..2 {
        harness.receive(&message("e", Some("x"), "1"));
    }
    harness.lose(Loss::reset("gone"));
    harness.wait_for_retry();
    harness.open();
    harness.actions.clear();
    harness.receive(&message("early", Some("x"), "1"));
    assert!(harness.events().is_empty());
    assert_eq!(harness.session.statistics().unwanted, 1);
    harness.receive(&established("1.2", 120));
    harness.actions.clear();
    harness.succeed("x");
    harness.receive(&message("later", Some("x"), "1"));
    let events = harness.events();
    assert!(
        matches!(&events[..], [Event::Subscribed { .. }, Event::Gap { .. }, Event::Channel(_)]),
        "{events:?}"
    );
}

#[test]
fn a_message_over_the_limit_is_told() {
    let mut harness = Harness::new(signing().limits(Limits::default().message(100)));
    harness.connect_with(r#"{"event":"pusher:connection_established","data":{"socket_id":"1.2"}}"#);
    let long = message("e", Some("x"), &"ü".repeat(2_000));
    let too_large = |size| MalformedReason::TooLarge { size, limit: 100 };
    assert_eq!(problem(&mut harness, long.as_bytes()), too_large(long.len()));
    assert_eq!(problem(&mut harness, &[0xff; 101]), too_large(101));
    assert_eq!(harness.session.state(), ConnectionState::Connected);
}

#[test]
fn wrongly_typed_protocol_messages_are_told_and_change_nothing() {
    let mut harness = Harness::connected();
    harness.subscribed("presence-x");
    for (event, data) in [
        ("pusher_internal:subscription_count", serde_json::json!({"subscription_count": []})),
        ("pusher_internal:subscription_count", serde_json::json!(null)),
        ("pusher_internal:member_added", serde_json::json!([])),
        ("pusher_internal:member_removed", serde_json::json!({"user_id": [1]})),
    ] {
        let bytes = object(event, Some("presence-x"), data);
        assert_eq!(problem(&mut harness, bytes.as_bytes()), MalformedReason::BadData);
    }
    let view = harness.session.channel("presence-x").unwrap();
    assert_eq!(view.state(), ChannelState::Subscribed);
}

#[test]
fn an_error_is_told_whatever_its_shape_and_by_itself_changes_nothing() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    for (data, code, text) in [
        (
            r#"{"code":4200,"message":"Invalid message format"}"#,
            Some(4200),
            "Invalid message format",
        ),
        (r#""{\"code\":4009,\"message\":\"no\"}""#, Some(4009), "no"),
        (r#"{"message":"m","code":null}"#, None, "m"),
        (r#""just words""#, None, "just words"),
        ("null", None, ""),
        ("[1,2]", None, "[1,2]"),
        (r#"{"code":99999999,"message":["odd"]}"#, None, r#"["odd"]"#),
    ] {
        harness.receive(&format!(r#"{{"event":"pusher:error","data":{data}}}"#));
        let events = harness.events();
        let [Event::ServerError(error)] = &events[..] else { panic!("{data}: {events:?}") };
        assert_eq!((error.code, &*error.message), (code, text), "{data}");
    }
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    assert_eq!(harness.session.channel("x").unwrap().state(), ChannelState::Subscribed);
    let long = object("pusher:error", None, serde_json::json!({"message": "x".repeat(9_999)}));
    harness.receive(&long);
    assert_eq!(harness.session.status(harness.now).last_error.unwrap().message.len(), 512);
}

#[test]
fn confirmations_that_nobody_asked_for_change_nothing() {
    let mut harness = Harness::connected();
    harness.succeed("never-wanted");
    harness.receive(&object("pusher:subscription_error", Some("never-wanted"), 1.into()));
    assert!(harness.actions.is_empty(), "{:?}", harness.actions);
}
