//! What answers to calls that were carried out say (docs/protocol.md#http-api).

use crate::{NOW, ok, request};
use pushest_proto::api::{
    AnswerErrorKind, Batch, Custom, GetChannel, HttpAnswer, ListChannels, ListUsers, Publish,
    Terminate,
};

#[test]
fn the_counts_of_what_was_published_on_are_read() {
    let request = request(&Publish::new(["a", "b", "c"], "e", ""));
    let read = |body: &str| request.read(&ok(body), NOW).unwrap().channels;
    let channels = read(
        r#"{"channels":{"a":{"user_count":2,"subscription_count":"3"},"b":{},"c":7},"other":[1]}"#,
    );
    let counts = |name: &str| {
        let counts = channels.get(name).unwrap();
        (counts.user_count, counts.subscription_count)
    };
    assert_eq!(counts("a"), (Some(2), Some(3)));
    assert_eq!((counts("b"), counts("c")), ((None, None), (None, None)));
    // What servers say where nothing was asked for; PHP has no empty object.
    for body in
        ["{}", "[]", r#"{"ok":true}"#, r#"{"channels":[]}"#, r#" {"error":null} "#, "\u{feff}{}"]
    {
        assert!(read(body).is_empty(), "{body}");
    }
    for status in [200, 201, 202] {
        assert!(request.read(&HttpAnswer::new(status, b"{}"), NOW).is_ok());
    }
}

#[test]
fn a_batchs_counts_stay_in_the_order_of_its_events() {
    let request = request(&Batch::new([Publish::new("a", "e", "")]));
    let read = |body: &str| request.read(&ok(body), NOW).unwrap().events;
    let events = read(r#"{"batch":[{"subscription_count":1},{},null,{"user_count":4}]}"#);
    let counts: Vec<_> =
        events.iter().map(|counts| (counts.subscription_count, counts.user_count)).collect();
    assert_eq!(counts, [(Some(1), None), (None, None), (None, None), (None, Some(4))]);
    assert!(read("{}").is_empty());
}

#[test]
fn occupied_channels_are_read_by_name() {
    let request = request(&ListChannels::new());
    let read = |body: &str| request.read(&ok(body), NOW).map(|answer| answer.channels);
    let channels = read(r#"{"channels":{"a":{},"presence-b\u0021":{"user_count":2}}}"#).unwrap();
    let names: Vec<_> = channels.keys().collect();
    assert_eq!(names, ["a", "presence-b!"]);
    assert_eq!(channels["presence-b!"].user_count, Some(2));
    assert!(read(r#"{"channels":{}}"#).unwrap().is_empty());
    assert!(read(r#"{"channels":[]}"#).unwrap().is_empty());
    for body in ["{}", r#"{"channels":null}"#, r#"{"channels":["a"]}"#, r#"{"channels":7}"#] {
        read(body).unwrap_err();
    }
}

#[test]
fn one_channel_is_occupied_or_not_and_may_keep_an_event() {
    let request = request(&GetChannel::new("cache-a").with_cache());
    let read = |body: &str| request.read(&ok(body), NOW);
    let answer = read(
        r#"{"occupied":true,"user_count":1,"subscription_count":2,"cache":{"data":"x","ttl":7}}"#,
    );
    let answer = answer.unwrap();
    assert!(answer.occupied);
    assert_eq!(answer.counts.user_count, Some(1));
    assert_eq!(answer.counts.subscription_count, Some(2));
    assert_eq!(answer.cache.as_deref(), Some(r#"{"data":"x","ttl":7}"#));
    let answer = read(r#"{"occupied":false,"cache":null}"#).unwrap();
    assert!(!answer.occupied && answer.cache.is_none());
    for body in ["{}", r#"{"occupied":null}"#, r#"{"occupied":7}"#] {
        read(body).unwrap_err();
    }
}

#[test]
fn users_are_read_by_their_ids_whether_strings_or_numbers() {
    let request = request(&ListUsers::new("presence-a"));
    let read = |body: &str| request.read(&ok(body), NOW);
    let users = read(r#"{"users":[{"id":"ada"},{"id":7},{"id":null},8,{"id":"\u00e9"}]}"#);
    assert_eq!(users.unwrap(), ["ada", "7", "8", "é"]);
    let plain = read(r#"{"users":["ada",7.0,null,{},"\u00e9"]}"#);
    assert_eq!(plain.unwrap(), ["ada", "7", "é"]);
    for nobody in ["[]", "{}", "[ ]"] {
        assert!(read(&format!(r#"{{"users":{nobody}}}"#)).unwrap().is_empty());
    }
    for body in [
        "{}",
        r#"{"users":null}"#,
        r#"{"users":7}"#,
        r#"{"users":[{"user_id":"ada"}]}"#,
        r#"{"users":[null]}"#,
        r#"{"users":[["ada"],{"id":{}}]}"#,
    ] {
        let error = read(body).unwrap_err();
        assert_eq!(error.kind, AnswerErrorKind::NotUnderstood, "{body}");
    }
}

#[test]
fn the_other_calls_answer_with_nothing_or_with_the_body() {
    request(&Terminate::user("7")).read(&ok("{}"), NOW).unwrap();
    let body = request(&Custom::get("/x")).read(&ok(" {\"a\": [1]}\n"), NOW).unwrap();
    assert_eq!(body, r#"{"a": [1]}"#);
}
