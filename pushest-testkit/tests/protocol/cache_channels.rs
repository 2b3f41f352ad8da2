use std::time::Duration;

use serde_json::json;

use crate::harness::Harness;

#[test]
fn a_new_subscriber_gets_the_last_event_or_hears_that_there_is_none() {
    let mut server = Harness::new();
    for channel in ["cache-x", "private-cache-x", "private-encrypted-cache-x"] {
        let first = server.connect();
        server.subscribe(first, channel);
        let messages = server.messages(first);
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[1]["event"], "pusher:cache_miss");
        assert_eq!(messages[1]["channel"], channel);

        server.publish(channel, "old", "1");
        server.publish(channel, "new", "2");
        server.broker.disconnected(first, server.now);
        let second = server.connect();
        server.subscribe(second, channel);
        let messages = server.messages(second);
        assert_eq!(messages[1], json!({ "event": "new", "channel": channel, "data": "2" }));
    }
}

#[test]
fn presence_cache_channels_keep_theirs_too() {
    let mut server = Harness::new();
    server.publish("presence-cache-x", "state", "kept");
    let peer = server.connect();
    server.join(peer, "presence-cache-x", &json!({ "user_id": "1" }));
    assert_eq!(server.events(peer), ["pusher_internal:subscription_succeeded", "state"]);
}

#[test]
fn an_event_is_kept_for_thirty_minutes() {
    let mut server = Harness::new();
    server.publish("cache-x", "state", "kept");
    server.pass(Duration::from_secs(30 * 60 - 1));
    let peer = server.connect();
    server.subscribe(peer, "cache-x");
    assert_eq!(server.events(peer).last().unwrap(), "state");
    server.pass(Duration::from_secs(1));
    let peer = server.connect();
    server.subscribe(peer, "cache-x");
    assert_eq!(server.events(peer).last().unwrap(), "pusher:cache_miss");
}

#[test]
fn client_events_are_not_kept() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.subscribe(peer, "private-cache-x");
    let event = json!({ "event": "client-x", "channel": "private-cache-x", "data": 1 });
    server.send(peer, &event);
    let other = server.connect();
    server.subscribe(other, "private-cache-x");
    assert_eq!(server.events(other).last().unwrap(), "pusher:cache_miss");
}
