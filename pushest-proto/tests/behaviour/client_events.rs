//! Events from client to client.

use std::cell::Cell;
use std::time::Duration;

use crate::harness::{Harness, message, object, signing};
use pushest_proto::{Action, CommandError, Config, ConnectionState, Event, InReplyTo, Limits};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

#[test]
fn a_client_event_goes_out_with_its_data_as_json() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let now = harness.now;
    let data = serde_json::json!({"text": "hé"});
    harness.session.trigger("private-x", "client-typing", &data, now).unwrap();
    let raw: Box<RawValue> = serde_json::from_str("[1, 2]").unwrap();
    harness.session.trigger("private-x", "client-raw", &raw, now).unwrap();
    harness.session.trigger("private-x", "client-text", "plain", now).unwrap();
    harness.drain();
    assert_eq!(
        harness.sent(),
        [
            r#"{"event":"client-typing","channel":"private-x","data":{"text":"hé"}}"#,
            r#"{"event":"client-raw","channel":"private-x","data":[1, 2]}"#,
            r#"{"event":"client-text","channel":"private-x","data":"plain"}"#,
        ]
    );
}

#[test]
fn the_name_of_a_client_event_is_counted_in_characters() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let name = format!("client-{}", "é".repeat(193));
    harness.session.trigger("private-x", &name, "", harness.now).unwrap();
}

#[test]
fn the_data_of_a_client_event_is_serialized_once() {
    struct Counted(Cell<u32>);
    impl Serialize for Counted {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.set(self.0.get() + 1);
            serializer.serialize_str("counted")
        }
    }
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let data = Counted(Cell::new(0));
    harness.session.trigger("private-x", "client-x", &data, harness.now).unwrap();
    harness.drain();
    assert_eq!(data.0.get(), 1);
    assert_eq!(harness.sent(), [r#"{"event":"client-x","channel":"private-x","data":"counted"}"#]);
}

#[test]
fn a_client_event_that_cannot_be_sent_is_refused_and_changes_nothing() {
    let mut harness = Harness::new(signing().master_key(&[7; 32]));
    harness.connect();
    harness.subscribed("private-x");
    harness.subscribed("public");
    harness.subscribed("private-encrypted-x");
    harness.subscribe("private-pending");
    let before = harness.session.state_hash();
    let now = harness.now;
    let mut refused = |channel: &str, event: &str, data: &str| {
        harness.session.trigger(channel, event, data, now).unwrap_err()
    };
    for event in ["typing", "client-", "clientx", "", &format!("client-{}", "x".repeat(194))] {
        assert!(matches!(refused("private-x", event, ""), CommandError::EventName { .. }));
    }
    let error = refused("private-x", &format!("client-{}", "é".repeat(194)), "").to_string();
    assert!(error.ends_with("it begins with `client-` and has at most 200 characters"), "{error}");
    assert!(matches!(refused("public", "client-x", ""), CommandError::NoClientEvents { .. }));
    assert!(matches!(
        refused("private-encrypted-x", "client-x", ""),
        CommandError::NoClientEvents { .. }
    ));
    assert!(matches!(refused("private-y", "client-x", ""), CommandError::NotSubscribed { .. }));
    assert!(matches!(
        refused("private-pending", "client-x", ""),
        CommandError::NotSubscribedYet { .. }
    ));
    assert!(matches!(refused("private x", "client-x", ""), CommandError::ChannelName(_)));
    assert_eq!(
        refused("private-x", "client-x", &"x".repeat(10_239)),
        CommandError::TooLarge { size: 10_241, limit: 10_240 }
    );
    assert_eq!(harness.session.state_hash(), before);
    let long = format!("client-{}", "x".repeat(193));
    harness.session.trigger("private-x", &long, &"x".repeat(10_238), now).unwrap();
}

#[test]
fn data_that_cannot_be_json_is_refused() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let data = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error = harness.session.trigger("private-x", "client-x", &data, harness.now).unwrap_err();
    assert!(matches!(error, CommandError::Data { .. }), "{error}");
}

#[test]
fn without_a_connection_a_client_event_is_refused() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let trigger = |harness: &mut Harness| {
        harness.session.trigger("private-x", "client-x", &1, harness.now).unwrap_err()
    };
    harness.close(4100);
    let state = harness.session.state();
    assert_ne!(state, ConnectionState::Connected);
    assert_eq!(trigger(&mut harness), CommandError::NotConnected { state });
    harness.session.disconnect(harness.now);
    let error = trigger(&mut harness);
    assert_eq!(error, CommandError::NotConnected { state: ConnectionState::Disconnected });
    assert_eq!(error.to_string(), "not connected at the moment (disconnected)");
}

#[test]
fn what_waits_to_be_sent_is_bounded() {
    let limits = Limits::default().outgoing(1_000);
    let mut harness = Harness::new(signing().limits(limits));
    harness.connect();
    harness.subscribed("private-x");
    harness.session.handle_writable(harness.current(), false, harness.now);
    let data = "x".repeat(100);
    let now = harness.now;
    let mut accepted = 0;
    let error = loop {
        match harness.session.trigger("private-x", "client-x", &data, now) {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, CommandError::OutgoingFull { limit: 1_000 });
    harness.drain();
    assert!(harness.sent().is_empty());
    assert!(harness.session.memory().outgoing_bytes <= 1_000);
    harness.session.handle_writable(harness.current(), true, harness.now);
    harness.drain();
    assert_eq!(harness.sent().len(), accepted);
    assert_eq!(harness.session.memory().outgoing_bytes, 0);
    harness.session.trigger("private-x", "client-x", &data, now).unwrap();
}

#[test]
fn while_the_driver_cannot_write_everything_else_flows() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    harness.session.handle_writable(harness.current(), false, harness.now);
    harness.session.trigger("private-x", "client-x", &1, harness.now).unwrap();
    harness.receive(&message("client-y", Some("private-x"), "1"));
    assert_eq!(harness.events().len(), 1);
    assert!(harness.sent().is_empty());
    let timeout = harness.session.poll_timeout().unwrap();
    assert!(timeout > harness.now, "a frame that cannot go is nothing to do now");
}

#[test]
fn what_was_accepted_while_the_driver_could_not_write_goes_out_before_the_close() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let connection = harness.current();
    harness.session.handle_writable(connection, false, harness.now);
    for number in 0..3 {
        harness.session.trigger("private-x", "client-x", &number, harness.now).unwrap();
    }
    harness.session.disconnect(harness.now);
    let mut actions = Vec::new();
    while let Some(action) = harness.session.poll_action() {
        actions.push(action);
    }
    let is_frame =
        |action: &Action| matches!(action, Action::Send(frame) if frame.connection == connection);
    let is_close = |action: &Action| matches!(action, Action::Close { .. });
    let close = actions.iter().position(is_close).expect("it closes");
    assert_eq!(actions[..close].iter().filter(|action| is_frame(action)).count(), 3);
    assert!(!actions[close..].iter().any(is_frame));
    assert_eq!(harness.session.memory().outgoing_bytes, 0);
}

#[test]
fn frames_of_a_lost_connection_are_gone() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    harness.session.trigger("private-x", "client-x", &1, harness.now).unwrap();
    harness.close(4200);
    harness.establish();
    assert_eq!(harness.sent().len(), 1, "the subscription alone");
    assert_eq!(harness.session.memory().outgoing_bytes, 0);
}

#[test]
fn the_sender_of_a_client_event_is_told_where_the_server_tells() {
    let mut harness = Harness::connected();
    harness.subscribed("presence-x");
    for (user_id, expected) in [(r#""7""#, "7"), ("7", "7"), (r#""a\u0062""#, "ab")] {
        harness.receive(&format!(
            r#"{{"event":"client-x","channel":"presence-x","data":1,"user_id":{user_id}}}"#
        ));
        let events = harness.events();
        let Event::Channel(event) = &events[0] else { panic!("{events:?}") };
        assert_eq!(event.user_id().unwrap(), expected);
        assert!(event.is_client_event());
    }
}

#[test]
fn more_than_the_server_takes_is_refused_with_the_time_of_the_next_one() {
    let mut harness = Harness::new(signing().client_events_per_second(Some(10)));
    harness.connect();
    harness.subscribed("private-x");
    let trigger =
        |harness: &mut Harness| harness.session.trigger("private-x", "client-x", &1, harness.now);
    for _ in 0..10 {
        assert_eq!(harness.session.next_client_event(harness.now), None);
        trigger(&mut harness).unwrap();
        harness.drain();
    }
    let retry_in = Duration::from_secs(1);
    let before = harness.session.state_hash();
    assert_eq!(trigger(&mut harness), Err(CommandError::RateLimited { limit: 10, retry_in }));
    assert_eq!(harness.session.state_hash(), before);
    assert_eq!(harness.session.next_client_event(harness.now), Some(retry_in));
    harness.pass(retry_in);
    for _ in 0..10 {
        trigger(&mut harness).unwrap();
    }
    assert!(trigger(&mut harness).is_err());
    harness.drain();
    harness.close(4200);
    harness.establish();
    harness.succeed("private-x");
    trigger(&mut harness).unwrap();
}

#[test]
fn an_event_that_could_never_be_sent_is_too_large() {
    for limit in 1..400 {
        let limits = Limits::default().outgoing(limit);
        let mut harness = Harness::unrecorded(signing().limits(limits));
        harness.connect();
        harness.subscribed("private-x");
        // With nothing before it, it is never told to come back when there is room.
        match harness.session.trigger("private-x", "client-x", &1, harness.now) {
            Ok(()) => assert!(limit > 100),
            Err(CommandError::TooLarge { size, limit: told }) => {
                assert!(told == limit && size > limit && limit < 300, "{size} of {limit}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn the_rate_is_limited_by_default_where_the_service_limits_it() {
    let limited = |builder: pushest_proto::ConfigBuilder| {
        let mut harness = Harness::new(builder.secret("s"));
        harness.connect();
        harness.subscribed("private-x");
        let trigger = |_| harness.session.trigger("private-x", "client-x", &1, harness.now);
        (0..100).map(trigger).filter(Result::is_err).count()
    };
    assert_eq!(limited(Config::builder("k").cluster("eu")), 90);
    assert_eq!(limited(Config::builder("k").host("localhost")), 0);
    assert_eq!(limited(Config::builder("k").cluster("eu").client_events_per_second(None)), 0);
    assert!(Config::builder("k").client_events_per_second(Some(0)).build().is_err());
}

#[test]
fn a_refused_client_event_is_named() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let refusal = |text: &str| {
        object("pusher:error", None, serde_json::json!({"code": 4301, "message": text}))
    };
    let answers = |harness: &mut Harness| match &harness.events()[..] {
        [Event::ServerError(error)] => {
            (error.in_reply_to.clone(), error.channel.clone().map(|name| name.to_string()))
        }
        other => panic!("{other:?}"),
    };
    let client_event = |event: &str| Some(InReplyTo::ClientEvent { event: event.into() });
    let private_x = || Some("private-x".to_string());
    let now = harness.now;
    harness.session.trigger("private-x", "client-a", &1, now).unwrap();
    harness.drain();
    harness.receive(&refusal("too many"));
    assert_eq!(answers(&mut harness), (client_event("client-a"), private_x()));

    for event in ["client-b", "client-c"] {
        harness.session.trigger("private-x", event, &1, now).unwrap();
    }
    harness.drain();
    harness.receive(&refusal("too many"));
    assert_eq!(answers(&mut harness), (None, None), "it may be either");
    harness.receive(&refusal("client-c came too soon"));
    assert_eq!(answers(&mut harness), (client_event("client-c"), private_x()));

    // The pong says that all before it was read and not refused.
    harness.session.ping(now).unwrap();
    harness.session.trigger("private-x", "client-d", &1, now).unwrap();
    harness.drain();
    harness.receive(r#"{"event":"pusher:pong"}"#);
    harness.events();
    harness.receive(&refusal("too many"));
    assert_eq!(answers(&mut harness), (client_event("client-d"), private_x()));
}
