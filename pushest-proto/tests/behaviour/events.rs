//! What a channel event shows of its message.

use std::collections::BTreeMap;

use crate::harness::{Harness, object};
use pushest_proto::{ChannelEvent, Event};
use serde_json::{Value, json};

fn event(message: &str) -> ChannelEvent {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.receive(message);
    match &harness.events()[..] {
        [Event::Channel(event)] => event.clone(),
        other => panic!("{message}: {other:?}"),
    }
}

fn with_data(data: &str) -> ChannelEvent {
    event(&format!(r#"{{"event":"e","channel":"x","data":{data}}}"#))
}

#[test]
fn data_may_be_anything() {
    let cases = [
        (r#""{\"a\":1}""#, r#"{"a":1}"#, json!({"a": 1})),
        (r#"{"a":1}"#, r#"{"a":1}"#, json!({"a": 1})),
        ("[1,2]", "[1,2]", json!([1, 2])),
        ("7", "7", json!(7)),
        ("null", "null", Value::Null),
        (r#""plain words""#, "plain words", json!("plain words")),
        (r#""h\u00e9""#, "hé", json!("hé")),
        (r#""""#, "", json!("")),
        (r#""12""#, "12", json!(12)),
    ];
    for (raw, text, value) in cases {
        let event = with_data(raw);
        assert_eq!(event.raw(), raw);
        assert_eq!(event.text(), text, "{raw}");
        assert_eq!(event.json::<Value>().unwrap(), value, "{raw}");
    }
    assert_eq!(with_data(r#""12""#).json::<String>().unwrap(), "12");
    let absent = event(r#"{"event":"e","channel":"x"}"#);
    assert_eq!((absent.raw(), &*absent.text()), ("", ""));
    assert_eq!(absent.json::<Option<u8>>().unwrap(), None);
}

#[test]
fn data_that_is_not_json_inside_is_told_when_read() {
    for raw in ["[1,}", r#"{"a":}"#, r#""\q""#] {
        let event = with_data(raw);
        assert_eq!(event.raw(), raw);
        assert!(event.json::<Value>().is_err(), "{raw}");
    }
    assert_eq!(with_data(r#""\q""#).text(), r"\q");
    // No JSON string, though what stands between its quotes would be JSON.
    assert!(with_data("\"[\t1]\"").json::<Value>().is_err());
    assert_eq!(with_data("\"[\t1]\"").text(), "[\t1]");
    assert!(with_data(r#"{"a":1}"#).json::<BTreeMap<String, String>>().is_err());
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert!(with_data(&deep).json::<Value>().is_err());
}

#[test]
fn laravels_names_are_unescaped() {
    let event = event(r#"{"event":"App\\Events\\OrderShipped","channel":"x","data":"\u00fc\/"}"#);
    assert_eq!(event.name(), r"App\Events\OrderShipped");
    assert_eq!(event.text(), "ü/");
}

#[test]
fn an_owned_event_is_the_same_event() {
    let event = event(&object("e", Some("x"), json!({"a": 1})));
    let owned = event.clone().into_owned();
    assert_eq!((owned.name(), owned.raw()), (event.name(), event.raw()));
    assert_ne!(owned.message().as_ptr(), event.message().as_ptr());
    assert_eq!(owned.pinned_bytes(), event.message().len());
}

#[test]
fn the_order_of_the_keys_and_unknown_ones_do_not_matter() {
    let event = event(r#"{ "tags":[{"a":"}"}], "data":"d", "channel":"x", "event":"e" }"#);
    assert_eq!((event.name(), event.channel().as_str(), &*event.text()), ("e", "x", "d"));
}

#[test]
fn unknown_protocol_events_of_a_channel_reach_the_user() {
    let event = event(r#"{"event":"pusher:something_new","channel":"x","data":{}}"#);
    assert_eq!(event.name(), "pusher:something_new");
}

#[test]
fn an_event_of_no_channel_reaches_the_user() {
    let mut harness = Harness::connected();
    harness.receive(r#"{"event":"announcement","data":1}"#);
    let events = harness.events();
    let [Event::Unrouted { name, message }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(&**name, "announcement");
    assert_eq!(&**message, r#"{"event":"announcement","data":1}"#);
}

#[test]
fn cache_misses_and_counts_are_events_of_their_own() {
    let mut harness = Harness::connected();
    harness.subscribed("cache-x");
    harness.receive(r#"{"event":"pusher:cache_miss","channel":"cache-x"}"#);
    harness.receive(
        r#"{"event":"pusher_internal:subscription_count","channel":"cache-x","data":"{\"subscription_count\":3}"}"#,
    );
    let events = harness.events();
    assert!(matches!(&events[0], Event::CacheMiss { channel } if channel == "cache-x"));
    assert!(matches!(&events[1], Event::SubscriptionCount { count: 3, .. }));
    assert_eq!(harness.session.channel("cache-x").unwrap().subscription_count(), Some(3));
}
