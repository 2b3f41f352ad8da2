//! The wanted set: what the user said last is where a channel ends.

use std::time::Duration;

use crate::harness::{
    Harness, KEY, asking, message, object, signing, subscribe_frame, unsubscribe_frame,
};
use pushest_proto::{
    ChannelState, CommandError, Event, Loss, RequestFailure, ServerError, SubscribeOptions,
};

fn refusal(event: &Event) -> &ServerError {
    match event {
        Event::SubscriptionFailed { reason: RequestFailure::Refused(error), .. } => error,
        other => panic!("not a refused subscription: {other:?}"),
    }
}

#[test]
fn a_public_channel_is_subscribed_without_a_signature() {
    let mut harness = Harness::connected();
    harness.subscribe("orders");
    assert_eq!(harness.sent(), [subscribe_frame("orders")]);
    assert_eq!(harness.session.channel("orders").unwrap().state(), ChannelState::Subscribing);
    harness.succeed("orders");
    assert!(
        matches!(&harness.events()[..], [Event::Subscribed { channel }] if channel == "orders")
    );
    assert_eq!(harness.session.channel("orders").unwrap().state(), ChannelState::Subscribed);
}

#[test]
fn private_and_presence_channels_are_signed_as_the_protocols_vectors_are() {
    let mut harness = Harness::connected();
    harness.subscribe("private-foobar");
    let signature = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4";
    assert_eq!(
        harness.sent(),
        [format!(
            r#"{{"event":"pusher:subscribe","data":{{"channel":"private-foobar","auth":"{KEY}:{signature}"}}}}"#
        )]
    );
    let options = SubscribeOptions::member("10").info(r#"{"name":"Mr. Pusher"}"#);
    harness.session.subscribe("presence-foobar", &options, harness.now).unwrap();
    harness.drain();
    let signature = "48dac51d2d7569e1e9c0f48c227d4b26f238fa68e5c0bb04222c966909c4f7c4";
    let data = r#"{\"user_id\":\"10\",\"user_info\":{\"name\":\"Mr. Pusher\"}}"#;
    assert_eq!(
        harness.sent(),
        [format!(
            r#"{{"event":"pusher:subscribe","data":{{"channel":"presence-foobar","auth":"{KEY}:{signature}","channel_data":"{data}"}}}}"#
        )]
    );
}

#[test]
fn subscribing_twice_sends_once() {
    let mut harness = Harness::connected();
    harness.subscribe("orders");
    harness.subscribe("orders");
    harness.succeed("orders");
    harness.subscribe("orders");
    assert_eq!(harness.sent(), [subscribe_frame("orders")]);
    assert_eq!(harness.events().len(), 1);
    assert_eq!(harness.session.wanted_channels().count(), 1);
}

#[test]
fn subscribing_before_connecting_is_done_once_connected_in_order() {
    let mut harness = Harness::new(signing());
    for channel in ["c", "a", "b"] {
        harness.subscribe(channel);
    }
    harness.session.unsubscribe("a", harness.now).unwrap();
    harness.connect_and_keep();
    assert_eq!(harness.sent(), [subscribe_frame("c"), subscribe_frame("b")]);
}

#[test]
fn a_missing_or_odd_answer_data_is_a_subscription_all_the_same() {
    for answer in [
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"x"}"#,
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"x","data":null}"#,
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"x","data":{}}"#,
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"x","data":"{}"}"#,
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"x","data":[7]}"#,
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"\u0078","data":"junk"}"#,
    ] {
        let mut harness = Harness::connected();
        harness.subscribe("x");
        harness.receive(answer);
        assert!(matches!(&harness.events()[..], [Event::Subscribed { .. }]), "{answer}");
    }
}

#[test]
fn unsubscribing_tells_the_server_and_drops_what_still_comes() {
    let mut harness = Harness::connected();
    harness.subscribed("orders");
    harness.session.unsubscribe("orders", harness.now).unwrap();
    harness.receive(&message("late", Some("orders"), "1"));
    assert_eq!(harness.sent(), [unsubscribe_frame("orders")]);
    harness.receive(&message("later", Some("orders"), "1"));
    assert!(harness.events().is_empty());
    assert!(harness.session.channel("orders").is_none());
    assert_eq!(harness.session.statistics().unwanted, 2);
    assert_eq!(
        harness.session.unsubscribe("orders", harness.now),
        Err(CommandError::NotSubscribed { channel: "orders".into() })
    );
}

#[test]
fn unsubscribing_what_was_not_sent_yet_sends_nothing() {
    let mut harness = Harness::connected();
    let now = harness.now;
    harness.session.subscribe("x", &SubscribeOptions::default(), now).unwrap();
    harness.session.unsubscribe("x", now).unwrap();
    harness.drain();
    assert!(harness.actions.is_empty(), "{:?}", harness.actions);
}

#[test]
fn unsubscribing_while_the_answer_is_pending_ends_unsubscribed() {
    let mut harness = Harness::connected();
    harness.subscribe("x");
    harness.session.unsubscribe("x", harness.now).unwrap();
    harness.drain();
    harness.succeed("x");
    assert_eq!(harness.sent(), [subscribe_frame("x"), unsubscribe_frame("x")]);
    assert!(harness.events().is_empty());
}

#[test]
fn unsubscribing_and_subscribing_again_starts_anew() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    let now = harness.now;
    harness.session.unsubscribe("x", now).unwrap();
    harness.session.subscribe("x", &SubscribeOptions::default(), now).unwrap();
    harness.succeed("x");
    assert_eq!(harness.sent(), [unsubscribe_frame("x"), subscribe_frame("x")]);
    harness.succeed("x");
    assert_eq!(harness.events().len(), 1);
    assert_eq!(harness.session.channel("x").unwrap().state(), ChannelState::Subscribed);
}

#[test]
fn other_member_data_makes_a_new_subscription() {
    let mut harness = Harness::connected();
    harness.subscribed("presence-x");
    harness.subscribe_as("presence-x", "me");
    assert!(harness.sent().is_empty());
    harness.subscribe_as("presence-x", "somebody else");
    let sent = harness.sent();
    assert_eq!(sent[0], unsubscribe_frame("presence-x"));
    assert!(sent[1].contains("somebody else"));
    assert_eq!(harness.session.channel("presence-x").unwrap().my_id(), Some("somebody else"));
}

#[test]
fn an_unanswered_subscribe_is_sent_three_times_then_fails_until_the_next_connection() {
    let mut harness = Harness::connected();
    harness.subscribe("x");
    let mut sent = harness.sent().len();
    let begin = harness.now;
    while harness.session.channel("x").unwrap().state() != ChannelState::Failed {
        harness.next_deadline();
        sent += harness.sent().iter().filter(|frame| *frame == &subscribe_frame("x")).count();
    }
    assert_eq!(sent, 3);
    let took = harness.now.saturating_duration_since(begin);
    // Three times the timeout, and two pauses: a server that is overloaded gets a rest.
    assert!(took > Duration::from_millis(30_100) && took < Duration::from_secs(34), "{took:?}");
    let events = harness.events();
    assert!(matches!(
        &events[..],
        [Event::SubscriptionFailed { reason: RequestFailure::NoAnswer, retry_in: None, .. }]
    ));
    harness.close(4200);
    harness.establish();
    assert_eq!(harness.sent(), [subscribe_frame("x")]);
}

#[test]
fn an_answer_that_comes_late_is_taken() {
    let mut harness = Harness::connected();
    harness.subscribe("x");
    harness.pass(Duration::from_millis(10_001));
    harness.succeed("x");
    assert_eq!(harness.session.channel("x").unwrap().state(), ChannelState::Subscribed);
    harness.actions.clear();
    harness.pass_seconds(60);
    assert!(harness.sent().is_empty());
}

#[test]
fn a_refusal_that_names_the_channel_fails_it_and_no_other() {
    for event in ["pusher:subscription_error", "pusher_internal:subscription_error"] {
        let mut harness = Harness::connected();
        harness.subscribe("private-x");
        harness.subscribe("private-y");
        let data =
            serde_json::json!({"type": "AuthError", "error": "bad signature", "status": 401});
        harness.receive(&object(event, Some("private-x"), data));
        let events = harness.events();
        let error = refusal(&events[0]);
        assert_eq!((error.code, &*error.message), (Some(401), "bad signature"));
        assert!(!error.inferred);
        assert_eq!(harness.session.channel("private-x").unwrap().state(), ChannelState::Failed);
        assert_eq!(
            harness.session.channel("private-y").unwrap().state(),
            ChannelState::Subscribing
        );
    }
}

#[test]
fn an_error_without_a_channel_is_attributed_to_the_channel_in_its_message() {
    let mut harness = Harness::connected();
    harness.subscribe("private-x");
    harness.subscribe("private-y");
    let text = r#"{"code":4009,"message":"Subscription to private-y. refused"}"#;
    harness.receive(&message("pusher:error", None, text));
    let events = harness.events();
    assert!(matches!(&events[0], Event::ServerError(error) if error.inferred));
    let error = refusal(&events[1]);
    assert!(error.inferred);
    assert_eq!(error.channel.as_ref().unwrap().as_str(), "private-y");
}

#[test]
fn an_error_without_any_name_is_attributed_to_the_only_unanswered_signed_channel() {
    let mut harness = Harness::connected();
    harness.subscribe("public");
    harness.subscribe("private-x");
    let error = r#"{"code":4009,"message":"Connection is unauthorized"}"#;
    harness.receive(&message("pusher:error", None, error));
    let events = harness.events();
    assert_eq!(refusal(&events[1]).channel.as_ref().unwrap().as_str(), "private-x");
    assert_eq!(harness.session.channel("public").unwrap().state(), ChannelState::Subscribing);

    let mut harness = Harness::connected();
    harness.subscribe("private-x");
    harness.subscribe("private-y");
    harness.receive(&message("pusher:error", None, error));
    let events = harness.events();
    assert!(matches!(&events[..], [Event::ServerError(error)] if error.channel.is_none()));
}

#[test]
fn an_error_is_not_pinned_on_a_channel_that_it_is_not_about() {
    let failed = |error: &str| {
        let mut harness = Harness::connected();
        harness.subscribed("private-other");
        harness.subscribe("private-x");
        harness.receive(error);
        harness.session.channel("private-x").unwrap().state() == ChannelState::Failed
    };
    let error = |code: u16, text: &str| {
        message(
            "pusher:error",
            None,
            &serde_json::json!({"code": code, "message": text}).to_string(),
        )
    };
    assert!(!failed(&object("pusher:error", Some("private-gone"), "no".into())));
    assert!(!failed(&error(4009, "Client event on private-other refused")));
    for about_the_connection in [4004, 4100, 4201] {
        assert!(!failed(&error(about_the_connection, "Over capacity")));
    }
    for text in ["channel=private-x: no", "channel:private-x", "private-x.", "no"] {
        assert!(failed(&error(4009, text)), "{text}");
    }
}

#[test]
fn a_subscription_error_without_a_channel_is_about_the_only_unanswered_one() {
    let refusal = r#"{"event":"pusher:subscription_error","data":{"error":"no","status":403}}"#;
    let mut harness = Harness::connected();
    harness.subscribe("public");
    harness.subscribe("private-x");
    harness.receive(refusal);
    let events = harness.events();
    let error = self::refusal(&events[1]);
    assert!(error.inferred);
    assert_eq!(error.channel.as_ref().unwrap().as_str(), "private-x");

    let mut harness = Harness::connected();
    harness.subscribe("private-x");
    harness.subscribe("private-y");
    harness.receive(refusal);
    let events = harness.events();
    assert!(matches!(&events[..], [Event::ServerError(error)] if error.channel.is_none()));
}

#[test]
fn a_second_answer_does_not_fell_a_subscription_that_stands() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    for _ in 0..1_000 {
        let refusal = serde_json::json!({"error": "Existing subscription", "status": 409});
        harness.receive(&object("pusher:subscription_error", Some("private-x"), refusal));
    }
    assert_eq!(harness.session.channel("private-x").unwrap().state(), ChannelState::Subscribed);
    let events = harness.events();
    assert!(events.iter().all(|event| matches!(event, Event::ServerError(_))));
}

#[test]
fn errors_about_something_else_fail_no_subscription() {
    let mut harness = Harness::connected();
    harness.subscribe("private-x");
    for code in [4200, 4301, 4302] {
        let data = serde_json::json!({"code": code, "message": "about private-x"});
        harness.receive(&object("pusher:error", None, data));
    }
    assert_eq!(harness.session.channel("private-x").unwrap().state(), ChannelState::Subscribing);
    harness.succeed("private-x");
    harness.receive(&object(
        "pusher:error",
        Some("private-x"),
        serde_json::json!({"code": null, "message": "Existing subscription"}),
    ));
    assert_eq!(harness.session.channel("private-x").unwrap().state(), ChannelState::Subscribed);
}

#[test]
fn a_refused_channel_is_tried_again_on_request_and_on_the_next_connection() {
    let mut harness = Harness::connected();
    harness.subscribe("private-x");
    harness.sent();
    let refuse = |harness: &mut Harness| {
        harness.receive(&object("pusher:subscription_error", Some("private-x"), 0.into()));
        assert_eq!(harness.session.channel("private-x").unwrap().state(), ChannelState::Failed);
    };
    refuse(&mut harness);
    harness.session.retry("private-x", harness.now).unwrap();
    harness.drain();
    assert_eq!(harness.sent().len(), 1);
    refuse(&mut harness);
    harness.subscribe("private-x");
    assert_eq!(harness.sent().len(), 1);
    refuse(&mut harness);
    harness.close(4200);
    harness.establish();
    assert_eq!(harness.sent().len(), 1);
    harness.succeed("private-x");
    assert_eq!(harness.session.channel("private-x").unwrap().state(), ChannelState::Subscribed);
}

#[test]
fn a_channel_lost_while_it_was_being_left_is_gone() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.session.unsubscribe("x", harness.now).unwrap();
    harness.session.handle_close(harness.current(), Loss::reset(""), harness.now);
    harness.drain();
    harness.next_deadline();
    harness.establish();
    assert!(harness.sent().is_empty());
}

#[test]
fn bad_input_names_the_value_and_the_rule_and_changes_nothing() {
    let mut harness = Harness::connected();
    let before = harness.session.state_hash();
    let now = harness.now;
    let mut error = |channel: &str, options: &SubscribeOptions| {
        harness.session.subscribe(channel, options, now).unwrap_err().to_string()
    };
    let plain = SubscribeOptions::default();
    assert_eq!(error("", &plain), "a channel name cannot be empty");
    assert!(error("my channel", &plain).starts_with("\"my channel\" is not a channel name: ' '"));
    assert!(error("#server-to-user-1", &plain).contains("sign-in"));
    assert_eq!(
        error("presence-x", &plain),
        "presence-x is a presence channel: subscribing with the secret needs a user id"
    );
    assert_eq!(
        error("presence-x", &SubscribeOptions::member("")),
        "\"\" is not a user id: 1 to 128 bytes"
    );
    assert!(
        error("presence-x", &SubscribeOptions::member("1").info("{"))
            .starts_with("the user info \"{\" is not JSON: ")
    );
    assert_eq!(
        error("private-encrypted-x", &plain),
        "private-encrypted-x is an encrypted channel: subscribing with the secret needs the \
         master key"
    );
    assert_eq!(harness.session.state_hash(), before);
    assert!(harness.session.poll_action().is_none());
}

#[test]
fn without_the_secret_a_presence_channel_needs_no_user_id() {
    let mut harness = Harness::new(asking());
    harness.subscribe("presence-x");
    harness.connect_and_keep();
    assert_eq!(harness.requests().len(), 1);
}

#[test]
fn a_channel_without_a_connection_waits_and_has_not_failed() {
    let mut harness = Harness::new(signing());
    harness.subscribe("x");
    let known = |harness: &Harness| {
        let view = harness.session.channel("x").unwrap();
        (view.state(), view.failure().is_some())
    };
    assert_eq!(known(&harness), (ChannelState::Waiting, false));
    harness.connect();
    harness.succeed("x");
    assert_eq!(known(&harness), (ChannelState::Subscribed, false));
    harness.lose(Loss::reset("gone"));
    assert_eq!(known(&harness), (ChannelState::Waiting, false));
}
