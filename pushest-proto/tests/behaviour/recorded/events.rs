//! What channels carry.

use crate::harness::{Harness, PONG, message, object, signing, succeeded};
use bytes::Bytes;
use pushest_proto::{Limits, SubscribeOptions};
use serde_json::json;

/// Counts and caches in their forms, and messages that cannot be read.
pub(super) fn cache_and_counts() -> Harness {
    let mut harness = Harness::new(signing().limits(Limits::default().message(1_000)));
    for name in ["cache-weather", "private-cache-a", "presence-cache-b", "news"] {
        harness.want(name);
    }
    harness.connect_and_keep();
    let miss = |name: &str| object("pusher:cache_miss", Some(name), json!(""));
    harness.hear(&message("cached", Some("cache-weather"), "before it is confirmed"));
    harness.hear(&succeeded("cache-weather", "{}"));
    harness.hear(&succeeded("private-cache-a", "{}"));
    harness.hear(&miss("private-cache-a"));
    harness.hear(&miss("presence-cache-b"));
    harness.hear(&miss("unwanted"));
    harness.drain();
    harness.succeed("news");
    let count = |data| object("pusher_internal:subscription_count", Some("news"), data);
    for data in [
        json!({"subscription_count": 2}),
        json!("{\"subscription_count\":\"12\"}"),
        json!({"subscription_count": 1e3}),
        json!({"subscription_count": -1}),
        json!([]),
    ] {
        harness.receive(&count(data));
    }
    // Names and data in odd forms.
    for text in [
        r#"{"event":"e","channel":"news"}"#,
        r#"{"event":"App\\Events\\Shipped","channel":"news","data":{"a":[1,2]}}"#,
        r#"{"channel":"n\u0065ws","data":"\"\\u00fc\"","event":"\u0065"}"#,
        r#"{"event":"pusher:unknown","channel":"news","data":"{}"}"#,
        r#"{"event":"e","channel":"unwanted","data":"{}"}"#,
        r#"{"event":"e","data":"for nobody"}"#,
        r#"{"event":"pusher:connection_established","data":{"socket_id":"1.1"}}"#,
        r#"{"event":"pusher_internal:member_added","data":{}}"#,
        r#"{"event":"e","channel":7}"#,
        r#"{"event":null}"#,
        r#"{"event":"e","data":"cut sh"#,
        "[]",
        "",
    ] {
        harness.receive(text);
    }
    let connection = harness.current();
    harness.session.handle_message(connection, Bytes::from_static(b"{\xff}"), harness.now);
    // Over the limit: the subscription stands, whatever came with it.
    harness.receive(&message("e", Some("news"), &"x".repeat(1_000)));
    harness.receive(&succeeded("presence-cache-b", &"x".repeat(1_000)));
    harness.receive(&message("e", None, &"\u{fc}".repeat(1_000)));
    harness.come_back(4200);
    harness.receive(&miss("cache-weather"));
    harness.receive(&message("cached", Some("private-cache-a"), "1"));
    harness.receive(&message("e", Some("presence-cache-b"), &"x".repeat(1_000)));
    harness.disconnect()
}

/// Who comes and goes: lists, odd ids, members that find no room.
pub(super) fn presence() -> Harness {
    const ROOM: &str = "presence-room";
    let list = |data: serde_json::Value| succeeded(ROOM, &json!({"presence": data}).to_string());
    let members = |ids: &[&str]| {
        let hash: serde_json::Map<_, _> =
            ids.iter().map(|id| ((*id).to_owned(), json!({"name": id}))).collect();
        list(json!({"count": ids.len(), "ids": ids, "hash": hash}))
    };
    let change = |joins: bool, data| {
        let event = if joins { "member_added" } else { "member_removed" };
        object(&format!("pusher_internal:{event}"), Some(ROOM), data)
    };
    let mut harness = Harness::new(signing().limits(Limits::default().members(4)));
    let options = SubscribeOptions::member("me").info(r#"{"name":"me"}"#);
    harness.session.subscribe(ROOM, &options, harness.now).unwrap();
    harness.want("private-a");
    harness.connect_and_keep();
    harness.receive(&change(true, json!({"user_id": "early"})));
    harness.receive(&members(&["me", "you"]));
    for (joins, data) in [
        (true, json!({"user_id": "they", "user_info": {"name": "they"}})),
        (true, json!({"user_id": "they", "user_info": {"name": "they"}})),
        (true, json!({"user_id": "they", "user_info": {"name": "they, renamed"}})),
        (true, json!({"user_id": 7})),
        (true, json!({"user_id": 7.0, "user_info": null})),
        (true, json!({"user_id": "no room"})),
        (false, json!({"user_id": "7"})),
        (false, json!({"user_id": "7"})),
        (false, json!("{\"user_id\":\"they\"}")),
        (true, json!({"user_id": "\u{fc} \"\\"})),
        (true, json!({"user_id": 1.5})),
        (true, json!({"user_id": {"id": 1}})),
        (true, json!([])),
        (false, json!({"user_id": [1]})),
        (false, json!({})),
    ] {
        harness.receive(&change(joins, data));
    }
    let added = object("pusher_internal:member_added", Some("private-a"), json!({"user_id": "x"}));
    harness.receive(&added);
    harness.receive(
        &message("client-x", Some(ROOM), "1").replace("\"data\"", "\"user_id\":\"you\",\"data\""),
    );
    // Lists again, in odd forms, with too many, or not to be read.
    harness.receive(&members(&["me", "she"]));
    harness.receive(&list(json!({"ids": ["me", null, 5, 5], "hash": {"5": [1], "me": null}})));
    harness.receive(&members(&["a", "b", "c", "d", "e", "f"]));
    harness.receive(&list(json!({"hash": 7})));
    harness.receive(&change(true, json!({"user_id": "since"})));
    harness.receive(&members(&["me", "you"]));
    // The difference to what was known before the loss.
    harness.close(4200);
    harness.establish();
    harness.hear(&change(true, json!({"user_id": "early"})));
    harness.hear(&members(&["she", "me"]));
    harness.hear(&change(false, json!({"user_id": "she"})));
    harness.drain();
    harness.unsubscribe(ROOM);
    harness.drain();
    harness.receive(&change(true, json!({"user_id": "late"})));
    harness.subscribe_as(ROOM, "another");
    harness.receive(&members(&["another", "me"]));
    harness.disconnect()
}

/// Rates, sizes, what waits while the driver cannot write, and what goes out before an end.
pub(super) fn client_events() -> Harness {
    let limits = Limits::default().outgoing(800).event_data(200);
    let config = signing().limits(limits).client_events_per_second(Some(4));
    let mut harness = Harness::new(config);
    harness.want("private-a");
    harness.want("presence-b");
    harness.want("news");
    harness.connect_and_keep();
    let refused = |harness: &mut Harness, channel: &str, event: &str, bytes: usize| {
        let data = "x".repeat(bytes);
        harness.session.trigger(channel, event, &data, harness.now).unwrap_err();
        harness.drain();
    };
    refused(&mut harness, "private-a", "client-early", 1);
    for name in ["private-a", "presence-b", "news"] {
        harness.succeed(name);
    }
    refused(&mut harness, "news", "client-x", 1);
    refused(&mut harness, "private-a", "x", 1);
    refused(&mut harness, "private-c", "client-x", 1);
    refused(&mut harness, "private-a", "client-x", 199);
    for number in 0..4 {
        harness.trigger("private-a", "client-number", &json!({"number": number, "text": "\u{fc}"}));
    }
    refused(&mut harness, "private-a", "client-x", 1);
    harness.pass_millis(600);
    refused(&mut harness, "private-a", "client-x", 1);
    harness.pass_millis(400);
    // What waits is bounded; pongs, pings and subscribes keep their places.
    harness.writable(false);
    harness.trigger("private-a", "client-first", &json!("x".repeat(100)));
    harness.receive(r#"{"event":"pusher:ping"}"#);
    harness.ping();
    harness.trigger("presence-b", "client-second", &json!([1, null]));
    harness.want("private-late");
    refused(&mut harness, "private-a", "client-x", 198);
    harness.receive(&message("client-x", Some("presence-b"), "1"));
    harness.writable(true);
    harness.drain();
    harness.receive(PONG);
    harness.pass_seconds(1);
    // What is accepted and not polled is lost with the connection.
    harness.trigger("private-a", "client-lost", &json!(1));
    harness.ping();
    harness.close(4200);
    refused(&mut harness, "private-a", "client-x", 1);
    harness.session.ping(harness.now).unwrap_err();
    harness.establish();
    harness.succeed("private-a");
    // It still goes out before the close that the user asks for.
    harness.writable(false);
    harness.trigger("private-a", "client-last", &json!(1));
    harness.ping();
    harness.disconnect()
}
