use pushest_testkit::Profile;
use serde_json::json;

use crate::harness::{Harness, auth, data};

#[test]
fn a_public_channel_needs_no_signature_and_receives_what_is_published() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.subscribe(peer, "news");
    server.publish("news", "headline", r#"{"text":"rain"}"#);
    server.publish("sports", "result", "1:0");
    let messages = server.messages(peer);
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0]["event"], "pusher_internal:subscription_succeeded");
    assert_eq!((&messages[0]["channel"], &messages[0]["data"]), (&json!("news"), &json!("{}")));
    assert_eq!(
        messages[1],
        json!({ "event": "headline", "channel": "news", "data": "{\"text\":\"rain\"}" })
    );
}

#[test]
fn a_private_channel_needs_the_right_signature() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.subscribe(peer, "private-orders");
    server.subscribe(peer, "private-encrypted-orders");
    assert_eq!(server.broker.subscriptions(peer).count(), 2);

    let other = server.connect();
    let socket_id = server.socket_id(other);
    let wrong = [
        json!({ "channel": "private-orders" }),
        json!({ "channel": "private-orders", "auth": "" }),
        json!({ "channel": "private-orders", "auth": "app-key:00" }),
        json!({ "channel": "private-orders", "auth": auth(&["1.1", ":", "private-orders"]) }),
        json!({ "channel": "private-orders", "auth": auth(&[&socket_id, ":", "private-other"]) }),
        json!({ "channel": "private-orders", "auth": auth(&[&socket_id, ":private-orders:{}"]) }),
    ];
    server.actions();
    for data in wrong {
        server.send(other, &json!({ "event": "pusher:subscribe", "data": data }));
        let error = &server.messages(other)[0];
        assert_eq!(error["event"], "pusher:error", "{data}");
        assert_eq!(error["channel"], "private-orders");
        assert_eq!(error["data"]["code"], 4009);
    }
    assert_eq!(server.broker.subscribers("private-orders").collect::<Vec<_>>(), [peer]);
}

#[test]
fn a_refusal_tells_neither_the_expected_signature_nor_the_secret() {
    for profile in Profile::ALL {
        let mut server = Harness::with(profile, |_| {});
        let peer = server.connect();
        let expected = auth(&[&server.socket_id(peer), ":", "private-x"]);
        let expected = expected.strip_prefix("app-key:").unwrap();
        let data = json!({ "channel": "private-x", "auth": "app-key:00" });
        server.send(peer, &json!({ "event": "pusher:subscribe", "data": data }));
        server.send(
            peer,
            &json!({ "event": "pusher:signin", "data": { "auth": "x", "user_data": "{}" } }),
        );
        let said = format!("{:?}", server.actions());
        assert!(!said.contains(expected) && !said.contains("app-secret"), "{profile:?}: {said}");
        let config = format!("{:?}", server.broker);
        assert!(!config.contains("app-secret"), "{config}");
    }
}

#[test]
fn a_second_subscription_succeeds_again_and_changes_nothing() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.subscribe(peer, "news");
    server.subscribe(peer, "news");
    let succeeded = "pusher_internal:subscription_succeeded";
    assert_eq!(server.events(peer), [succeeded, succeeded]);
    server.publish("news", "x", "");
    assert_eq!(server.events(peer), ["x"]);
    server.unsubscribe(peer, "news");
    server.publish("news", "x", "");
    assert!(server.actions().is_empty());
    assert_eq!(server.broker.channels().count(), 0);
}

#[test]
fn unsubscribing_from_what_one_is_not_subscribed_to_is_ignored() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.unsubscribe(peer, "news");
    assert!(server.actions().is_empty());
}

#[test]
fn names_that_break_the_rules_are_refused() {
    let mut server = Harness::new();
    let peer = server.connect();
    for name in ["", "with space", "slash/", "emoji-😀", "#private", &"x".repeat(201)] {
        server.subscribe(peer, name);
        assert_eq!(server.events(peer), ["pusher:error"], "{name}");
    }
    server.subscribe(peer, &"x".repeat(200));
    assert_eq!(server.events(peer), ["pusher_internal:subscription_succeeded"]);
}

#[test]
fn the_publisher_is_left_out_by_its_socket_id() {
    let mut server = Harness::new();
    let (first, second) = (server.connect(), server.connect());
    server.subscribe(first, "news");
    server.subscribe(second, "news");
    server.actions();
    let exclude = server.socket_id(first);
    server.broker.publish("news", "x", "", Some(&exclude), server.now);
    server.broker.publish("news", "y", "", Some("1.1"), server.now);
    let messages = server.messages_by_peer();
    let seen: Vec<_> = messages
        .iter()
        .map(|(peer, message)| (*peer, message["event"].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [(second, "x"), (first, "y"), (second, "y")]);
}

#[test]
fn subscribers_are_told_how_many_they_are_if_configured() {
    let mut server = Harness::with(Profile::Standard, |config| config.subscription_counts = true);
    let (first, second) = (server.connect(), server.connect());
    server.subscribe(first, "news");
    server.subscribe(second, "news");
    server.broker.disconnected(second, server.now);
    let counts: Vec<_> = server
        .messages(first)
        .iter()
        .filter(|message| message["event"] == "pusher_internal:subscription_count")
        .map(|message| data(message)["subscription_count"].clone())
        .collect();
    assert_eq!(counts, [1, 2, 1]);

    server.join(first, "presence-x", &json!({ "user_id": "1" }));
    assert_eq!(server.events(first), ["pusher_internal:subscription_succeeded"]);
}
