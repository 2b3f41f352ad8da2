//! What is logged and exported looks as the page `docs/serialized.md` says, line by line.

use std::sync::Arc;
use std::time::Duration;

use pushest_proto::{
    Authorization, AuthorizationError, ChannelName, DecryptionFailure, DialFailure, Event,
    InReplyTo, LimitReached, Loss, MalformedReason, PresenceUpdate, RequestFailure, ServerError,
    SignInState, Status,
};
use serde::Serialize;
use serde_json::json;

use crate::harness::{Harness, SECRET, asking, message, object, signing, succeeded};

const PAGE: &str = include_str!("../../docs/serialized.md");

/// The lines of the page's JSON under a heading.
fn lines(heading: &str) -> Vec<&'static str> {
    let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).expect("a heading");
    let (_, block) = section.split_once("\n```json\n").expect("a block of JSON");
    let (block, _) = block.split_once("\n```\n").expect("its end");
    block.lines().collect()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it can be written")
}

fn name(channel: &str) -> ChannelName {
    ChannelName::new(channel).expect("a good name")
}

/// What a session tells of these messages.
fn told(harness: &mut Harness, messages: &[String]) -> Vec<Event> {
    harness.actions.clear();
    for message in messages {
        harness.receive(message);
    }
    harness.events()
}

/// An error of the server's, as it tells it of the subscription that it was asked for.
fn refusal(channel: &str) -> ServerError {
    let mut harness = Harness::new(signing());
    harness.connect();
    harness.subscribe(channel);
    let data = json!({ "code": 4009, "message": "wrong signature" });
    let refused = told(&mut harness, &[object("pusher:subscription_error", Some(channel), data)]);
    match refused.into_iter().next() {
        Some(Event::SubscriptionFailed { reason: RequestFailure::Refused(error), .. }) => *error,
        other => panic!("{other:?}"),
    }
}

/// One of each line of the page, made by a session where only a session can make it.
fn events() -> Vec<Event> {
    let (orders, room) = (name("orders"), name("presence-room"));
    let (notes, private) = (name("private-encrypted-notes"), name("private-orders"));
    let failed = |channel: &ChannelName, reason, retry_in| Event::SubscriptionFailed {
        channel: channel.clone(),
        reason,
        retry_in,
    };
    let mut all = Vec::new();

    let mut harness = Harness::connected();
    harness.subscribed("orders");
    all.extend(told(&mut harness, &[message("shipped", Some("orders"), r#"{"id":7}"#)]));
    harness.subscribe_as("presence-room", "me");
    harness.succeed("presence-room");
    let typing =
        r#"{"event":"client-typing","channel":"presence-room","data":"{}","user_id":"ann"}"#;
    all.extend(told(&mut harness, &[typing.to_string()]));
    all.push(opened());
    all.push(Event::Subscribed { channel: orders.clone() });
    let refused = AuthorizationError::refused(Some(403), "not yours");
    all.push(failed(&private, RequestFailure::AuthorizationRefused(refused), None));
    let retry_after = Some(Duration::from_secs(7));
    let message = "later".into();
    let unavailable = AuthorizationError::Unavailable { status: Some(503), message, retry_after };
    let pause = Duration::from_micros(1_500_001);
    all.push(failed(&private, RequestFailure::AuthorizationUnavailable(unavailable), Some(pause)));
    all.push(failed(&private, RequestFailure::Refused(refusal("private-orders").into()), None));
    all.push(failed(&orders, RequestFailure::NoAnswer, None));
    all.push(failed(&orders, RequestFailure::TooLarge { bytes: 70_000 }, None));
    all.push(Event::Gap {
        channel: orders.clone(),
        silent_for: pause,
        since: Some(Duration::from_nanos(1_700_000_000_000_999_999)),
        cause: Arc::new(Loss::closed(Some(4200), "restart")),
    });
    all.push(Event::SubscriptionCount { channel: orders.clone(), count: 3 });
    all.push(Event::CacheMiss { channel: name("cache-prices") });
    let reason = DecryptionFailure::WrongKey;
    all.push(Event::Undecryptable { channel: notes, name: "note".into(), reason });
    let user_data = r#"{"id":"ann"}"#.into();
    all.push(Event::SignedIn { user_id: "ann".into(), user_data });
    all.push(Event::SignInFailed { reason: RequestFailure::NoAnswer, retry_in: None });
    all.push(Event::Watchlist { online: true, user_ids: vec!["bob".to_string()] });

    let mut harness = Harness::new(signing());
    harness.session.connect(harness.now);
    harness.drain();
    harness.open();
    harness.receive(&crate::harness::established("1.2", 120));
    all.extend(harness.state_changes().into_iter().map(Event::State));
    harness.subscribed("private-chat");
    harness.session.trigger("private-chat", "client-typing", "1", harness.now).expect("taken");
    harness.drain();
    let error = json!({ "code": 4301, "message": "too fast", "channel": "private-chat", "event": "client-typing" });
    all.extend(told(&mut harness, &[object("pusher:error", None, error)]));
    harness.session.ping(harness.now).expect("connected");
    harness.drain();
    harness.pass(Duration::from_millis(40));
    all.extend(told(&mut harness, &[crate::harness::PONG.to_string()]));
    harness.session.ping(harness.now).expect("connected");
    harness.drain();
    harness.actions.clear();
    harness.lose(Loss::reset("gone"));
    all.extend(harness.events().into_iter().filter(|it| matches!(it, Event::PingLost { .. })));

    let unrouted = r#"{"event":"announcement"}"#.into();
    all.push(Event::Unrouted { name: "announcement".into(), message: unrouted });
    let malformed = |problem, channel: Option<&ChannelName>, message: &str| Event::Malformed {
        problem,
        channel: channel.cloned(),
        message: message.into(),
    };
    all.push(malformed(MalformedReason::NotAnObject, None, "junk"));
    all.push(malformed(MalformedReason::Partly { kept: 2, lost: 1 }, Some(&room), "{"));
    let too_large = MalformedReason::TooLarge { size: 2_000_000, limit: 1_048_576 };
    all.push(malformed(too_large, Some(&orders), "{"));
    let members = LimitReached::Members { channel: room, dropped: 5 };
    all.push(Event::LimitReached(members));
    all.push(Event::LimitReached(LimitReached::StoredEvents { dropped: 12 }));
    all.push(Event::LimitReached(LimitReached::Watchlist { dropped: 1 }));
    all.extend(presence().into_iter().map(Event::Presence));
    all.push(Event::Lagged { dropped: 42 });
    all
}

/// Two members that are there, and one who comes and goes.
fn presence() -> Vec<PresenceUpdate> {
    let mut harness = Harness::connected();
    harness.subscribe_as("presence-room", "ann");
    harness.actions.clear();
    let list =
        r#"{"presence":{"count":2,"ids":["ann","bob"],"hash":{"ann":{"name":"Ann"},"bob":null}}}"#;
    let member = |event| message(event, Some("presence-room"), r#"{"user_id":"eve"}"#);
    for message in [
        succeeded("presence-room", list),
        member("pusher_internal:member_added"),
        member("pusher_internal:member_removed"),
    ] {
        harness.receive(&message);
    }
    let changes = harness.presence();
    assert_eq!(changes.len(), 3, "{changes:?}");
    let channel = name("presence-room");
    changes.into_iter().map(|change| PresenceUpdate::new(channel.clone(), change)).collect()
}

/// The protocol's second vector for encrypted channels, opened.
fn opened() -> Event {
    let channel = "private-encrypted-notes";
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe(channel);
    let request = harness.requests().remove(0);
    let granted = Authorization::new("key:signature")
        .shared_secret("iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=");
    harness.session.handle_authorization(request.ticket, Ok(granted), harness.now);
    harness.drain();
    harness.succeed(channel);
    let sealed = json!({
        "nonce": "4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9",
        "ciphertext": "/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A=",
    });
    let events = told(&mut harness, &[object("note", Some(channel), sealed)]);
    events.into_iter().next().expect("it is opened")
}

#[test]
fn events_look_as_the_page_says() {
    let written: Vec<String> = events().iter().map(text).collect();
    for (written, line) in written.iter().zip(lines("Events")) {
        assert_eq!(written, line);
    }
    assert_eq!(written.len(), lines("Events").len());
}

#[test]
fn losses_look_as_the_page_says() {
    let body = "later".into();
    let retry_after = Some(Duration::from_secs(7));
    let losses = [
        Loss::closed(Some(4200), "restart"),
        Loss::bad_close(None, "a code of one byte"),
        Loss::reset("connection reset by peer"),
        Loss::TooLarge { limit: 16_777_216 },
        Loss::Dial(DialFailure::Dns("no such host".into())),
        Loss::Dial(DialFailure::Connect("connection refused".into())),
        Loss::Dial(DialFailure::Tls { certificate: true, detail: "expired".into() }),
        Loss::Dial(DialFailure::Proxy("refused".into())),
        Loss::Dial(DialFailure::Connector("no tunnel".into())),
        Loss::Dial(DialFailure::Http { status: 503, retry_after, location: None, body }),
        Loss::Dial(DialFailure::Upgrade("reset".into())),
        Loss::Dial(DialFailure::NotWebSocket("no HTTP".into())),
        Loss::Dial(DialFailure::Timeout),
        Loss::Dial(DialFailure::Headers("no token".into())),
        Loss::Dial(DialFailure::Unsupported("no TLS".into())),
        Loss::Refused { code: 4001, message: "no such app".into() },
        Loss::HandshakeTimeout,
        Loss::PongTimeout,
        Loss::AddressGone,
        Loss::EndpointChanged,
        Loss::Disconnected,
        Loss::Resubscribed,
    ];
    assert_eq!(losses.each_ref().map(text).to_vec(), lines("Losses"));
}

#[test]
fn the_status_looks_as_the_page_says() {
    let status = |harness: &Harness| -> Status { harness.session.status(harness.now) };
    let mut harness = Harness::new(signing());
    let before = text(&status(&harness));
    harness.connect_with(&crate::harness::established("1.2", 120));
    assert_eq!([before, text(&status(&harness))].to_vec(), lines("Status"));
    harness.lose(Loss::closed(Some(4100), "full"));
    let waiting = serde_json::to_value(status(&harness)).expect("it can be written");
    assert_eq!(waiting["state"], "waiting");
    assert_eq!(waiting["last_loss"], json!({ "kind": "closed", "code": 4100, "reason": "full" }));
    assert!(waiting["next_retry_ms"].as_u64().is_some_and(|pause| pause > 0), "{waiting}");
}

#[test]
fn words_are_those_of_the_page_where_there_is_no_line_for_them() {
    let reasons = [
        DecryptionFailure::NotEncrypted,
        DecryptionFailure::BadNonce,
        DecryptionFailure::BadCiphertext,
        DecryptionFailure::NotUtf8,
    ];
    let problems = [
        MalformedReason::NotUtf8,
        MalformedReason::NoEvent,
        MalformedReason::BadChannel,
        MalformedReason::BadData,
        MalformedReason::Unexpected,
    ];
    let kinds = problems.iter().map(|problem| {
        let value = serde_json::to_value(problem).expect("it can be written");
        value["kind"].as_str().expect("a word").to_string()
    });
    let words =
        reasons.iter().map(|reason| text(reason).trim_matches('"').to_string()).chain(kinds);
    for word in words {
        assert!(PAGE.contains(&format!("`{word}`")), "{word}");
    }
    assert_eq!(text(&InReplyTo::SignIn), r#"{"kind":"sign_in"}"#);
    let failed = SignInState::Failed { reason: &RequestFailure::NoAnswer };
    assert_eq!(text(&failed), r#"{"kind":"failed","reason":{"kind":"no_answer"}}"#);
    assert_eq!(
        text(&SignInState::SignedIn { user_id: "7" }),
        r#"{"kind":"signed_in","user_id":"7"}"#
    );
    assert_eq!(text(&pushest_proto::ChannelState::Subscribed), "\"subscribed\"");
}

#[test]
fn a_span_of_any_length_can_be_written() {
    let event = Event::Gap {
        channel: name("orders"),
        silent_for: Duration::MAX,
        since: Some(Duration::MAX),
        cause: Arc::new(Loss::PongTimeout),
    };
    assert!(text(&event).contains(&format!(r#""silent_for_ms":{}"#, u64::MAX)));
    let event = Event::SignInFailed {
        reason: RequestFailure::NoAnswer,
        retry_in: Some(Duration::from_nanos(1)),
    };
    assert!(text(&event).contains(r#""retry_in_ms":1"#), "no pause is written as none");
}

#[test]
fn nothing_that_is_serialized_holds_a_secret() {
    let mut harness = Harness::new(asking().secret(SECRET));
    harness.connect();
    harness.subscribe("private-orders");
    harness.lose(Loss::reset("gone"));
    let mut all: Vec<String> = harness.events().iter().map(text).collect();
    all.push(text(&harness.session.status(harness.now)));
    assert!(all.iter().all(|text| !text.contains(SECRET)), "{all:#?}");
}

#[test]
fn statistics_look_as_the_page_says() {
    let mut harness = Harness::new(signing().channel_statistics(true));
    harness.connect();
    harness.subscribed("orders");
    harness.receive(&message("shipped", Some("orders"), "7"));
    harness.pass(Duration::from_secs(2));
    let of_all = text(&harness.session.statistics());
    let of_one = harness.session.channel("orders").unwrap().statistics(harness.now);
    assert_eq!([of_all, text(&of_one.expect("it is counted"))].to_vec(), lines("Statistics"));
}
