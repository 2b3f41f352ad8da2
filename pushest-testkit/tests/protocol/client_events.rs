use std::time::Duration;

use pushest_testkit::Profile;
use serde_json::json;

use crate::harness::Harness;

#[test]
fn a_client_event_reaches_the_other_subscribers_unchanged() {
    let mut server = Harness::new();
    let (first, second, stranger) = (server.connect(), server.connect(), server.connect());
    server.subscribe(first, "private-x");
    server.subscribe(second, "private-x");
    server.subscribe(stranger, "private-y");
    server.actions();
    let text = r#"{"event":"client-typing","channel":"private-x","data":{"b":1.0,"a":[]}}"#;
    server.broker.receive(first, text, server.now);
    let messages = server.actions();
    assert_eq!(messages.len(), 1);
    assert!(format!("{messages:?}").contains("client-typing"));
    server.broker.receive(first, text, server.now);
    let Some(pushest_testkit::protocol::Action::Send { peer, text: heard }) =
        server.broker.poll_action()
    else {
        panic!("a message")
    };
    assert_eq!((peer, &*heard), (second, text));
}

#[test]
fn data_that_is_null_is_handed_on_as_null() {
    let mut server = Harness::new();
    let (first, second) = (server.connect(), server.connect());
    server.subscribe(first, "private-x");
    server.subscribe(second, "private-x");
    server.actions();
    let text = r#"{"event":"client-typing","channel":"private-x","data":null}"#;
    server.broker.receive(first, text, server.now);
    let heard = &server.actions()[0];
    assert!(format!("{heard:?}").contains("null"), "{heard:?}");
}

#[test]
fn on_presence_channels_it_carries_the_sender_and_cannot_forge_it() {
    let mut server = Harness::new();
    let (alice, bob) = (server.connect(), server.connect());
    server.join(alice, "presence-x", &json!({ "user_id": "alice" }));
    server.join(bob, "presence-x", &json!({ "user_id": "bob" }));
    server.actions();
    let forged = json!({
        "event": "client-x", "channel": "presence-x", "data": "y", "user_id": "bob",
    });
    server.send(alice, &forged);
    let heard = &server.messages(bob)[0];
    assert_eq!(heard["user_id"], "alice");
    assert_eq!(heard["data"], "y");
}

#[test]
fn a_client_event_where_none_is_allowed_is_refused_with_4301() {
    let mut server = Harness::new();
    let (first, second) = (server.connect(), server.connect());
    for channel in ["news", "private-encrypted-x", "private-other"] {
        server.subscribe(second, channel);
    }
    server.subscribe(first, "news");
    server.subscribe(first, "private-encrypted-x");
    server.subscribe(first, "private-x");
    server.actions();
    for (event, channel, data) in [
        ("client-x", "news", json!({})),
        ("client-x", "private-encrypted-x", json!({})),
        ("client-x", "private-other", json!({})),
        ("client-x", "private-x", json!("y".repeat(10 * 1024))),
        (&format!("client-{}", "y".repeat(200)), "private-x", json!({})),
    ] {
        server.send(first, &json!({ "event": event, "channel": channel, "data": data }));
        let messages = server.messages_by_peer();
        assert_eq!(messages.len(), 1, "{event} on {channel}");
        let (peer, error) = &messages[0];
        assert_eq!(*peer, first);
        assert_eq!(error["event"], "pusher:error");
        assert_eq!(error["data"]["code"], 4301);
        assert_eq!(error["channel"], channel);
    }
}

#[test]
fn the_hosted_profile_allows_ten_a_second() {
    let mut server = Harness::with(Profile::Hosted, |_| {});
    let (first, second) = (server.connect(), server.connect());
    server.subscribe(first, "private-x");
    server.subscribe(second, "private-x");
    server.actions();
    let event = json!({ "event": "client-x", "channel": "private-x" });
    for _ in 0..12 {
        server.send(first, &event);
    }
    let messages = server.messages_by_peer();
    assert_eq!(messages.iter().filter(|(peer, _)| *peer == second).count(), 10);
    let errors: Vec<_> = messages.iter().filter(|(peer, _)| *peer == first).collect();
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[0].1["data"]["code"], 4301);

    server.pass(Duration::from_millis(999));
    server.send(first, &event);
    assert!(server.messages(second).is_empty());
    server.pass(Duration::from_millis(1));
    server.send(first, &event);
    assert_eq!(server.messages(second).len(), 1);
}

#[test]
fn they_can_be_switched_off() {
    let mut server = Harness::with(Profile::Standard, |config| config.client_events = false);
    let peer = server.connect();
    server.subscribe(peer, "private-x");
    server.actions();
    server.send(peer, &json!({ "event": "client-x", "channel": "private-x" }));
    assert_eq!(server.events(peer), ["pusher:error"]);
}
