//! Signing in as a user, events to the user, and the watchlist.

use crate::harness::{Harness, KEY, asking, message, object, signing, subscribe_frame};
use pushest_proto::{
    Authorization, AuthorizationError, AuthorizationSubject, ChannelState, CommandError,
    ConnectionState, Event, InReplyTo, Limits, MalformedReason, RequestFailure, SubscribeOptions,
};
use serde_json::json;

const USER: &str = r#"{"id":"12345"}"#;
const SIGNATURE: &str = "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba";

fn sign_in_frame() -> String {
    let data = r#"{\"id\":\"12345\"}"#;
    format!(
        r#"{{"event":"pusher:signin","data":{{"auth":"{KEY}:{SIGNATURE}","user_data":"{data}"}}}}"#
    )
}

fn success() -> String {
    message("pusher:signin_success", None, &json!({"user_data": USER}).to_string())
}

/// A session that is signed in and subscribed to the user's channel.
fn signed_in() -> Harness {
    let mut harness = Harness::connected();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    harness.receive(&success());
    harness.succeed("#server-to-user-12345");
    harness.actions.clear();
    harness
}

fn failure(harness: &mut Harness) -> RequestFailure {
    let events = harness.events();
    let failure = events.iter().find_map(|event| match event {
        Event::SignInFailed { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    failure.unwrap_or_else(|| panic!("{events:?}"))
}

#[test]
fn a_sign_in_that_the_authorizer_refused_is_not_confirmed_by_a_server() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    let ticket = harness.requests()[0].ticket;
    let denied = AuthorizationError::refused(Some(403), "no");
    harness.session.handle_authorization(ticket, Err(denied), harness.now);
    harness.receive(&success());
    assert_eq!(harness.session.signed_in_user(), None);
    assert!(harness.sent().is_empty());
}

#[test]
fn the_users_own_channel_takes_no_place_among_the_channels() {
    let limits = Limits::default().channels(1);
    let mut harness = Harness::new(signing().limits(limits));
    harness.connect();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    harness.receive(&success());
    harness.subscribe("orders");
    assert_eq!(harness.session.memory().channels, 2);
    harness.session.unsubscribe("#server-to-user-12345", harness.now).unwrap();
    let plain = SubscribeOptions::default();
    assert!(harness.session.subscribe("more", &plain, harness.now).is_err());
}

#[test]
fn the_sign_in_is_signed_as_the_protocols_vector_and_confirmed() {
    let mut harness = Harness::connected();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    assert_eq!(harness.sent(), [sign_in_frame()]);
    assert_eq!(harness.session.signed_in_user(), None);
    harness.receive(&success());
    let events = harness.events();
    assert!(
        matches!(&events[..], [Event::SignedIn { user_id, user_data }]
            if &**user_id == "12345" && &**user_data == USER),
        "{events:?}"
    );
    assert_eq!(harness.session.signed_in_user(), Some("12345"));
    assert_eq!(harness.sent(), [subscribe_frame("#server-to-user-12345")]);
}

#[test]
fn the_confirmation_may_be_an_object() {
    let mut harness = Harness::connected();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    harness.receive(&object("pusher:signin_success", None, json!({"user_data": USER})));
    assert_eq!(harness.session.signed_in_user(), Some("12345"));
    let mut harness = Harness::connected();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    let data = json!({"user_data": {"id": "12345"}});
    harness.receive(&object("pusher:signin_success", None, data));
    assert_eq!(harness.session.signed_in_user(), Some("12345"));
}

#[test]
fn events_to_the_user_arrive() {
    let mut harness = signed_in();
    harness.receive(&message("mail", Some("#server-to-user-12345"), "hello"));
    let events = harness.events();
    assert!(matches!(&events[..], [Event::Channel(event)] if event.text() == "hello"));
}

#[test]
fn the_sign_in_is_repeated_after_every_reconnect_and_the_users_channel_follows() {
    let mut harness = signed_in();
    harness.close(4200);
    assert_eq!(harness.session.signed_in_user(), None);
    harness.establish();
    assert_eq!(harness.sent(), [sign_in_frame()]);
    harness.actions.clear();
    harness.receive(&success());
    assert_eq!(harness.sent(), [subscribe_frame("#server-to-user-12345")]);
    harness.succeed("#server-to-user-12345");
    assert!(matches!(
        &harness.events()[..],
        [Event::SignedIn { .. }, Event::Subscribed { .. }, Event::Gap { .. }]
    ));
}

#[test]
fn another_user_takes_the_place_of_the_former() {
    let mut harness = signed_in();
    let other = r#"{"id":"other"}"#;
    harness.session.sign_in(Some(other), harness.now).unwrap();
    harness.drain();
    assert_eq!(harness.sent().len(), 1);
    let data = json!({"user_data": other}).to_string();
    harness.receive(&message("pusher:signin_success", None, &data));
    assert_eq!(
        harness.sent(),
        [
            crate::harness::unsubscribe_frame("#server-to-user-12345"),
            subscribe_frame("#server-to-user-other"),
        ]
    );
}

#[test]
fn bad_user_data_is_refused_with_the_rule() {
    let mut harness = Harness::connected();
    let before = harness.session.state_hash();
    let many: Vec<String> = (0..101).map(|id| id.to_string()).collect();
    let too_many = json!({"id": "1", "watchlist": many}).to_string();
    for (data, problem) in [
        ("junk", "it is not JSON"),
        ("[]", "it is not an object"),
        ("{}", "it has no `id`"),
        (r#"{"id":""}"#, "its `id` is not a string, or empty"),
        (r#"{"id":7}"#, "its `id` is not a string, or empty"),
        (r#"{"id":"1","watchlist":7}"#, "its `watchlist` is not an array"),
        (r#"{"id":"1","watchlist":[7]}"#, "its `watchlist` holds something else than strings"),
        (&too_many, "its `watchlist` has more than 100 ids"),
    ] {
        let error = harness.session.sign_in(Some(data), harness.now).unwrap_err();
        assert!(matches!(&error, CommandError::UserData { problem: told, .. } if *told == problem));
    }
    let error = harness.session.sign_in(None, harness.now).unwrap_err();
    assert_eq!(error, CommandError::UserDataMissing);
    assert_eq!(harness.session.state_hash(), before);
}

#[test]
fn without_the_secret_the_sign_in_is_authorized() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.session.sign_in(None, harness.now).unwrap();
    harness.drain();
    let request = harness.requests().remove(0);
    assert_eq!(request.subject, AuthorizationSubject::User { user_data: None });
    let granted = Authorization::new("key:signature").user_data(r#"{"id":"7"}"#);
    harness.session.handle_authorization(request.ticket, Ok(granted), harness.now);
    harness.drain();
    assert_eq!(
        harness.sent(),
        [
            r#"{"event":"pusher:signin","data":{"auth":"key:signature","user_data":"{\"id\":\"7\"}"}}"#
        ]
    );
}

#[test]
fn an_authorization_that_is_refused_or_not_usable_is_final_and_one_that_is_unavailable_is_not() {
    let ask = |answer: Result<Authorization, AuthorizationError>| {
        let mut harness = Harness::new(asking());
        harness.connect();
        harness.session.sign_in(Some(USER), harness.now).unwrap();
        harness.drain();
        let ticket = harness.requests()[0].ticket;
        harness.session.handle_authorization(ticket, answer, harness.now);
        harness.drain();
        harness
    };
    for answer in [
        Err(AuthorizationError::refused(Some(401), "who are you")),
        Ok(Authorization::new("k:s")),
        Ok(Authorization::new("k:s").user_data("{}")),
    ] {
        let mut harness = ask(answer);
        assert!(matches!(failure(&mut harness), RequestFailure::AuthorizationRefused(_)));
        harness.close(4200);
        harness.establish();
        assert!(harness.requests().is_empty(), "not before the user asks");
        harness.session.sign_in(Some(USER), harness.now).unwrap();
        harness.drain();
        assert_eq!(harness.requests().len(), 1);
    }
    let mut harness = ask(Err(AuthorizationError::unavailable(Some(503), "later")));
    assert!(matches!(failure(&mut harness), RequestFailure::AuthorizationUnavailable(_)));
    harness.pass_seconds(1);
    let request = harness.requests().remove(0);
    assert_eq!(request.attempt, 2);
    assert!(request.last_failure.is_some());
    // The same again is no news; something else is.
    for (words, told) in [("later", 0), ("no upstream", 1)] {
        let denied = AuthorizationError::unavailable(Some(503), words);
        let ticket = harness.requests().pop().unwrap_or_else(|| request.clone()).ticket;
        harness.session.handle_authorization(ticket, Err(denied), harness.now);
        harness.drain();
        assert_eq!(harness.events().len(), told, "{words}");
        harness.next_deadline();
    }
}

#[test]
fn an_authorization_that_takes_too_long_or_belongs_to_a_former_socket_is_given_up() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    let first = harness.requests()[0].ticket;
    harness.pass_seconds(10);
    assert_eq!(harness.abandoned(), [first]);
    harness.pass_seconds(1);
    let second = harness.requests()[0].ticket;
    harness.close(4200);
    assert_eq!(harness.abandoned(), [second]);
    harness.establish();
    assert_eq!(harness.requests().len(), 1);
    let granted = Authorization::new("k:s").user_data(USER);
    harness.session.handle_authorization(second, Ok(granted), harness.now);
    harness.drain();
    assert!(harness.sent().is_empty());
}

#[test]
fn an_error_while_only_the_sign_in_is_unanswered_is_its_refusal() {
    let mut harness = Harness::connected();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    let refusal = json!({"code": 4009, "message": "Connection not authorized"});
    harness.receive(&object("pusher:error", None, refusal));
    let RequestFailure::Refused(error) = failure(&mut harness) else { panic!() };
    assert_eq!((error.in_reply_to, error.inferred), (Some(InReplyTo::SignIn), true));
    assert_eq!(harness.session.state(), ConnectionState::Connected);

    let mut harness = Harness::connected();
    harness.subscribe("private-x");
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    let refusal = json!({"code": 4009, "message": "Invalid signature"});
    harness.receive(&object("pusher:error", None, refusal));
    let events = harness.events();
    assert!(matches!(&events[..], [Event::ServerError(error)] if error.in_reply_to.is_none()));
    let refusal = json!({"code": 4009, "message": "Signin failed"});
    harness.receive(&object("pusher:error", None, refusal));
    assert!(matches!(failure(&mut harness), RequestFailure::Refused(_)));
    assert_eq!(harness.session.channel("private-x").unwrap().state(), ChannelState::Subscribing);
}

#[test]
fn a_server_that_closes_instead_of_confirming_has_refused() {
    let mut harness = Harness::connected();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    harness.close(4009);
    assert!(matches!(failure(&mut harness), RequestFailure::Refused(_)));
    assert_eq!(harness.session.state(), ConnectionState::Refused);
}

#[test]
fn a_server_that_does_not_know_signing_in_fails_it_visibly() {
    let mut harness = Harness::connected();
    harness.session.sign_in(Some(USER), harness.now).unwrap();
    harness.drain();
    harness.pass_seconds(10);
    assert_eq!(failure(&mut harness), RequestFailure::NoAnswer);
    harness.receive(&success());
    assert_eq!(harness.session.signed_in_user(), Some("12345"), "late is not never");
}

#[test]
fn both_forms_of_watchlist_events_are_told() {
    let mut harness = Harness::watching(signing());
    let events = json!({"events": [
        {"name": "online", "user_ids": ["1", 2]},
        {"name": "offline", "user_ids": ["3"]},
    ]});
    harness.receive(&message("pusher_internal:watchlist_events", None, &events.to_string()));
    harness.receive(&object("online", None, json!({"user_ids": ["4"]})));
    harness.receive(&message("offline", None, r#"{"user_ids":["5"]}"#));
    let told: Vec<(bool, Vec<String>)> = harness
        .events()
        .into_iter()
        .map(|event| match event {
            Event::Watchlist { online, user_ids } => (online, user_ids),
            other => panic!("{other:?}"),
        })
        .collect();
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        told,
        [(true, ids(&["1", "2"])), (false, ids(&["3"])), (true, ids(&["4"])), (false, ids(&["5"]))]
    );
}

#[test]
fn odd_confirmations_and_watchlists_are_malformed_and_an_online_of_the_app_is_its_own() {
    let mut harness = Harness::watching(signing());
    for (event, data) in [
        ("pusher:signin_success", json!({})),
        ("pusher:signin_success", json!({"user_data": "{}"})),
        ("pusher:signin_success", json!({"user_data": r#"{"id":""}"#})),
        ("pusher_internal:watchlist_events", json!({"events": 7})),
        ("pusher_internal:watchlist_events", json!({"events": [{"name": "x", "user_ids": []}]})),
        ("pusher_internal:watchlist_events", json!([])),
    ] {
        harness.receive(&object(event, None, data));
        let events = harness.events();
        assert!(
            matches!(&events[..], [Event::Malformed { problem: MalformedReason::BadData, .. }]),
            "{event}: {events:?}"
        );
    }
    harness.receive(&object("online", None, json!({"doors": 7})));
    assert!(matches!(&harness.events()[..], [Event::Unrouted { .. }]));
    let mut harness = Harness::connected();
    harness.receive(&success());
    assert!(harness.actions.is_empty(), "nobody asked for it: {:?}", harness.actions);
}
