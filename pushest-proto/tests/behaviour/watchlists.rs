//! A server can tell only of a watchlist that there is, and of at most 100 users at once
//! (docs/protocol.md#client-to-server): the rest is counted, not kept.

use pushest_proto::{Authorization, Event, LimitReached, Limits, MalformedReason};
use serde_json::json;

use crate::harness::{Harness, asking, message, object, signing};

const WATCHING: &str = r#"{"id":"me","watchlist":["1"]}"#;

/// Both forms of the same news.
fn news(ids: &[&str]) -> [String; 2] {
    let events = json!({"events": [{"name": "online", "user_ids": ids}]});
    [
        message("pusher_internal:watchlist_events", None, &events.to_string()),
        object("online", None, json!({"user_ids": ids})),
    ]
}

/// Whether news of a watchlist are taken in now; if not, each is told as unexpected.
fn is_heard(harness: &mut Harness) -> bool {
    let heard = news(&["1"]).map(|news| {
        harness.actions.clear();
        harness.receive(&news);
        match &harness.events()[..] {
            [Event::Watchlist { online: true, user_ids }] => user_ids == &["1"],
            [Event::Malformed { problem: MalformedReason::Unexpected, channel: None, .. }] => false,
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(heard[0], heard[1]);
    heard[0]
}

fn confirm(harness: &mut Harness, user_data: &str) {
    let data = json!({"user_data": user_data});
    harness.receive(&object("pusher:signin_success", None, data));
}

#[test]
fn a_session_that_has_not_signed_in_hears_of_no_watchlist() {
    let mut harness = Harness::connected();
    assert!(!is_heard(&mut harness));
    harness.session.sign_in(Some(r#"{"id":"me"}"#), harness.now).unwrap();
    harness.drain();
    confirm(&mut harness, r#"{"id":"me"}"#);
    assert_eq!(harness.session.signed_in_user(), Some("me"));
    assert!(!is_heard(&mut harness), "it has signed in without a watchlist");
}

#[test]
fn a_watchlist_is_heard_of_from_the_sign_in_until_the_connection_ends() {
    let mut harness = Harness::connected();
    harness.session.sign_in(Some(WATCHING), harness.now).unwrap();
    let connection = harness.current();
    harness.session.handle_slice(connection, news(&["1"])[0].as_bytes(), harness.now);
    harness.drain();
    let events = harness.events();
    assert!(
        matches!(&events[..], [Event::Malformed { problem: MalformedReason::Unexpected, .. }]),
        "the server has not been asked: {events:?}"
    );
    assert!(is_heard(&mut harness), "Sockudo tells before it confirms");
    confirm(&mut harness, WATCHING);
    assert!(is_heard(&mut harness));
    harness.close(4200);
    harness.establish();
    assert!(is_heard(&mut harness), "it has signed in again");
    harness.close(4200);
    harness.wait_for_retry();
    harness.open();
    assert!(!is_heard(&mut harness));
    harness.session.sign_in(Some(r#"{"id":"me","watchlist":[]}"#), harness.now).unwrap();
    harness.establish();
    assert!(!is_heard(&mut harness), "nobody is on it");
}

#[test]
fn a_watchlist_that_the_authorizer_or_the_server_adds_is_heard_of() {
    for (granted, confirmed) in [(WATCHING, r#"{"id":"me"}"#), (r#"{"id":"me"}"#, WATCHING)] {
        let mut harness = Harness::new(asking());
        harness.connect();
        harness.session.sign_in(None, harness.now).unwrap();
        harness.drain();
        let ticket = harness.requests()[0].ticket;
        let granted = Authorization::new("key:5f00").user_data(granted);
        harness.session.handle_authorization(ticket, Ok(granted), harness.now);
        harness.drain();
        confirm(&mut harness, confirmed);
        assert!(is_heard(&mut harness), "{confirmed}");
    }
}

#[test]
fn of_a_watchlist_that_is_too_long_the_rest_is_counted() {
    let mut harness = Harness::watching(signing());
    let ids: Vec<String> = (0..1_000).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for news in news(&ids) {
        harness.receive(&news);
        let events = harness.events();
        let [
            Event::Watchlist { online: true, user_ids },
            Event::LimitReached(LimitReached::Watchlist { dropped: 900 }),
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!(user_ids, &ids[..100]);
        assert!(events[1].channel().is_none());
    }
    // Each change for itself, and odd entries apart.
    let changes = json!({"events": [
        {"name": "online", "user_ids": &ids[..101]},
        {"name": "offline", "user_ids": [null]},
        {"name": "offline", "user_ids": &ids[..102]},
    ]});
    harness.receive(&message("pusher_internal:watchlist_events", None, &changes.to_string()));
    let events = harness.events();
    assert!(
        matches!(&events[..], [
            Event::Watchlist { online: true, user_ids: came },
            Event::Watchlist { online: false, user_ids: went },
            Event::LimitReached(LimitReached::Watchlist { dropped: 3 }),
            Event::Malformed { problem: MalformedReason::Partly { kept: 200, lost: 1 }, .. },
        ] if came.len() == 100 && went.len() == 100),
        "{events:?}"
    );
}

#[test]
fn watchlists_of_ids_without_a_letter_are_bounded_by_what_they_cost() {
    let limits = Limits::default().stored_bytes(100_000);
    let mut harness = Harness::watching(signing().limits(limits));
    let connection = harness.current();
    let ids = vec![""; 20_000];
    for _ in 0..50 {
        let text = object("online", None, json!({"user_ids": ids}));
        harness.session.handle_slice(connection, text.as_bytes(), harness.now);
    }
    let memory = harness.session.memory();
    // A hundred empty texts take 2,400 bytes.
    let most = 2 * 100_000 / 2_400;
    assert!(memory.stored_bytes <= 100_000 && memory.stored_events <= most, "{memory:?}");
}
