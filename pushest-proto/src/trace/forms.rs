//! The forms of all actions. They are the format: a form that has to change makes another
//! [`VERSION`](super::version::VERSION), and a new name in the code changes none of them.

extern crate std;

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::time::Duration;

use super::actions::written;
use super::coverage::{KINDS, Seen, see_action};
use crate::action::{Action, Frame};
use crate::auth::request::{AuthorizationError, AuthorizationRequest, AuthorizationSubject};
use crate::channel::encrypted::DecryptionFailure;
use crate::channel::name::ChannelName;
use crate::config::endpoint::Endpoint;
use crate::dial_failure::DialFailure;
use crate::event::channel_event::ChannelEvent;
use crate::event::failure::{InReplyTo, RequestFailure, ServerError};
use crate::event::names::EventNames;
use crate::event::{Event, LimitReached, MalformedReason};
use crate::hash::Seeded;
use crate::id::{ConnectionId, PingId, SocketId, Ticket};
use crate::loss::{CloseCode, Loss};
use crate::presence::{Member, PresenceChange, PresenceUpdate};
use crate::status::{ConnectionState, StateChange};
use crate::wire::envelope;

const CONNECTION: ConnectionId = ConnectionId(2);
const TICKET: Ticket = Ticket { connection: CONNECTION, number: 7 };
const SECOND: Duration = Duration::from_millis(1_500);

/// Returns all forms: those of actions, and below them those of what an event can hold.
fn forms() -> Vec<(Action, &'static str)> {
    let endpoint =
        Endpoint::new("fe80::1%eth0").and_then(|it| it.with_port(6001)?.with_path("/app"));
    let send = Frame { connection: CONNECTION, text: r#"{"auth":"k:5f"}"#.into() };
    let ask = |subject, last_failure: Option<AuthorizationError>| {
        let socket_id = SocketId::new("1.2").expect("a socket id");
        let ticket = TICKET;
        Action::Authorize(AuthorizationRequest {
            ticket,
            socket_id,
            subject,
            attempt: 1,
            last_failure: last_failure.map(Box::new),
        })
    };
    let subscription = |channel_data| AuthorizationSubject::Channel { name: name(), channel_data };
    let sign_in = |user_data| AuthorizationSubject::User { user_data };
    let retry_after = Some(SECOND);
    let later =
        AuthorizationError::Unavailable { status: Some(503), message: "later".into(), retry_after };
    let (ada, bob) = (Member::new("ada", Some(r#"{"name":"Ada"}"#)), Member::new("bob", None));
    let present = |change| PresenceUpdate { channel: name(), change };
    let reset = PresenceChange::Reset { joined: vec![ada.clone(), bob.clone()], left: vec![] };
    let mut forms = vec![
        (
            Action::Connect { connection: CONNECTION, endpoint: endpoint.expect("an address") },
            r#"{"connect":{"connection":2,"host":"fe80::1%eth0","port":6001,"tls":false,"path":"/app"}}"#,
        ),
        (Action::Send(send), r#"{"send":{"connection":2,"text":"{\"auth\":\"k:5f\"}"}}"#),
        (
            Action::Close { connection: CONNECTION, code: CloseCode::Normal },
            r#"{"close":{"connection":2,"code":1000}}"#,
        ),
        (
            Action::Close { connection: CONNECTION, code: CloseCode::Away },
            r#"{"close":{"connection":2,"code":1001}}"#,
        ),
        (
            ask(subscription(None), None),
            r#"{"authorize":{"connection":2,"number":7,"socket_id":"1.2","subscribe":{"channel":"a"},"attempt":1}}"#,
        ),
        (
            ask(subscription(Some("{}".into())), Some(AuthorizationError::refused(None, "no"))),
            r#"{"authorize":{"connection":2,"number":7,"socket_id":"1.2","subscribe":{"channel":"a","channel_data":"{}"},"attempt":1,"last_failure":{"refused":{"message":"no"}}}}"#,
        ),
        (
            ask(sign_in(None), None),
            r#"{"authorize":{"connection":2,"number":7,"socket_id":"1.2","sign_in":{},"attempt":1}}"#,
        ),
        (
            ask(sign_in(Some("{}".into())), Some(later)),
            r#"{"authorize":{"connection":2,"number":7,"socket_id":"1.2","sign_in":{"user_data":"{}"},"attempt":1,"last_failure":{"unavailable":{"status":503,"message":"later","retry_after":{"secs":1,"nanos":500000000}}}}}"#,
        ),
        (Action::Abandon(TICKET), r#"{"abandon":{"connection":2,"number":7}}"#),
        (
            Action::UpdatePresence(present(reset)),
            r#"{"presence":{"channel":"a","reset":{"joined":[{"id":"ada","info":"{\"name\":\"Ada\"}"},{"id":"bob"}],"left":[]}}}"#,
        ),
        (
            Action::UpdatePresence(present(PresenceChange::Joined(ada))),
            r#"{"presence":{"channel":"a","joined":{"id":"ada","info":"{\"name\":\"Ada\"}"}}}"#,
        ),
        (
            Action::UpdatePresence(present(PresenceChange::Left(bob.clone()))),
            r#"{"presence":{"channel":"a","left":{"id":"bob"}}}"#,
        ),
        (
            Action::Emit(Event::Presence(present(PresenceChange::Left(bob)))),
            r#"{"event":{"presence":{"channel":"a","left":{"id":"bob"}}}}"#,
        ),
    ];
    for group in [carried(), told(), failures(), states(), errors(), malformed(), limits()] {
        forms.extend(group.into_iter().map(|(event, form)| (Action::Emit(event), form)));
    }
    forms
}

type Forms = Vec<(Event, &'static str)>;

fn carried() -> Forms {
    let sealed = r#"{"event":"e","channel":"a","user_id":7,"data":"sealed"}"#;
    let opened = event(sealed).opened("hello");
    vec![
        (
            Event::Channel(event(r#"{"event":"App\\Events\\E","data":"{\"id\":7}"}"#)),
            r#"{"event":{"channel":{"channel":"a","event":"App\\Events\\E","data":"\"{\\\"id\\\":7}\""}}}"#,
        ),
        (
            Event::Channel(event(r#"{"event":"e","user_id":"ada"}"#)),
            r#"{"event":{"channel":{"channel":"a","event":"e","user_id":"ada"}}}"#,
        ),
        (
            Event::Channel(opened),
            r#"{"event":{"channel":{"channel":"a","event":"e","opened":5,"user_id":"7"}}}"#,
        ),
    ]
}

fn told() -> Forms {
    let gap = |since| {
        let cause = Loss::closed(Some(4200), "again").into();
        Event::Gap { channel: name(), silent_for: SECOND, since, cause }
    };
    let mut forms = vec![
        (Event::Subscribed { channel: name() }, r#"{"event":{"subscribed":{"channel":"a"}}}"#),
        (
            gap(None),
            r#"{"event":{"gap":{"channel":"a","silent_for":{"secs":1,"nanos":500000000},"cause":{"closed":{"code":4200,"reason":"again"}}}}}"#,
        ),
        (
            gap(Some(Duration::from_secs(9))),
            r#"{"event":{"gap":{"channel":"a","silent_for":{"secs":1,"nanos":500000000},"since":{"secs":9,"nanos":0},"cause":{"closed":{"code":4200,"reason":"again"}}}}}"#,
        ),
        (
            Event::SubscriptionCount { channel: name(), count: 3 },
            r#"{"event":{"subscription_count":{"channel":"a","count":3}}}"#,
        ),
        (Event::CacheMiss { channel: name() }, r#"{"event":{"cache_miss":{"channel":"a"}}}"#),
        (
            Event::SignedIn { user_id: "ada".into(), user_data: "{}".into() },
            r#"{"event":{"signed_in":{"user_id":"ada","user_data":"{}"}}}"#,
        ),
        (
            Event::Watchlist { online: true, user_ids: vec!["ada".into(), "bob".into()] },
            r#"{"event":{"watchlist":{"online":true,"user_ids":["ada","bob"]}}}"#,
        ),
        (
            Event::Pong { ping: PingId(4), round_trip: Duration::from_micros(250) },
            r#"{"event":{"pong":{"ping":4,"round_trip":{"secs":0,"nanos":250000}}}}"#,
        ),
        (Event::PingLost { ping: PingId(4) }, r#"{"event":{"ping_lost":{"ping":4}}}"#),
        (
            Event::Unrouted { name: "e".into(), message: "{}".into() },
            r#"{"event":{"unrouted":{"event":"e","message":"{}"}}}"#,
        ),
        (Event::Lagged { dropped: 5 }, r#"{"event":{"lagged":{"dropped":5}}}"#),
    ];
    for (reason, form) in [
        (DecryptionFailure::NotEncrypted, "not_encrypted"),
        (DecryptionFailure::BadNonce, "bad_nonce"),
        (DecryptionFailure::BadCiphertext, "bad_ciphertext"),
        (DecryptionFailure::WrongKey, "wrong_key"),
        (DecryptionFailure::NotUtf8, "not_utf8"),
    ] {
        let form = format!(
            r#"{{"event":{{"undecryptable":{{"channel":"a","event":"e","reason":"{form}"}}}}}}"#
        );
        let event = Event::Undecryptable { channel: name(), name: "e".into(), reason };
        forms.push((event, form.leak()));
    }
    forms
}

fn failures() -> Forms {
    let no = AuthorizationError::refused(Some(403), "no");
    let failed = |reason, retry_in| Event::SubscriptionFailed { channel: name(), reason, retry_in };
    vec![
        (
            failed(RequestFailure::AuthorizationRefused(no.clone()), None),
            r#"{"event":{"subscription_failed":{"channel":"a","reason":{"denied":{"refused":{"status":403,"message":"no"}}}}}}"#,
        ),
        (
            failed(RequestFailure::NoAnswer, Some(SECOND)),
            r#"{"event":{"subscription_failed":{"channel":"a","reason":"no_answer","retry_in":{"secs":1,"nanos":500000000}}}}"#,
        ),
        (
            failed(RequestFailure::Refused(error(None).into()), None),
            r#"{"event":{"subscription_failed":{"channel":"a","reason":{"refused":{"message":"","inferred":false}}}}}"#,
        ),
        (
            failed(RequestFailure::TooLarge { bytes: 9 }, None),
            r#"{"event":{"subscription_failed":{"channel":"a","reason":{"too_large":{"bytes":9}}}}}"#,
        ),
        (
            Event::SignInFailed {
                reason: RequestFailure::AuthorizationUnavailable(AuthorizationError::unavailable(
                    None, "later",
                )),
                retry_in: Some(SECOND),
            },
            r#"{"event":{"sign_in_failed":{"reason":{"authorization_unavailable":{"unavailable":{"message":"later"}}},"retry_in":{"secs":1,"nanos":500000000}}}}"#,
        ),
    ]
}

fn states() -> Forms {
    let change = |from, to| StateChange {
        from,
        to,
        attempt: 3,
        socket_id: None,
        loss: None,
        retry_in: None,
    };
    let connected = StateChange {
        socket_id: SocketId::new("1.2"),
        ..change(ConnectionState::Connecting, ConnectionState::Connected)
    };
    let mut forms = vec![
        (
            Event::State(change(ConnectionState::Disconnected, ConnectionState::Connecting)),
            r#"{"event":{"state":{"from":"disconnected","to":"connecting","attempt":3}}}"#,
        ),
        (
            Event::State(connected),
            r#"{"event":{"state":{"from":"connecting","to":"connected","attempt":3,"socket_id":"1.2"}}}"#,
        ),
    ];
    for (loss, form) in losses() {
        let form = format!(
            r#"{{"event":{{"state":{{"from":"waiting","to":"refused","attempt":3,"loss":{form},"retry_in":{{"secs":1,"nanos":500000000}}}}}}}}"#
        );
        let change = change(ConnectionState::Waiting, ConnectionState::Refused);
        let change = StateChange { loss: Some(loss.into()), retry_in: Some(SECOND), ..change };
        forms.push((Event::State(change), form.leak()));
    }
    forms
}

/// These are the forms of the line `close`, too.
fn losses() -> Vec<(Loss, &'static str)> {
    let text = || Box::<str>::from("x");
    let http = |retry_after, location| {
        Loss::Dial(DialFailure::Http { status: 503, retry_after, location, body: text() })
    };
    let tls = DialFailure::Tls { certificate: true, detail: text() };
    vec![
        (Loss::closed(None, ""), r#"{"closed":{"code":null,"reason":""}}"#),
        (Loss::bad_close(Some(4001), "x"), r#"{"bad_close":{"code":4001,"problem":"x"}}"#),
        (Loss::Reset(text()), r#"{"reset":"x"}"#),
        (Loss::TooLarge { limit: 9 }, r#"{"too_large":{"limit":9}}"#),
        (
            Loss::Refused { code: 4001, message: text() },
            r#"{"refused":{"code":4001,"message":"x"}}"#,
        ),
        (Loss::HandshakeTimeout, r#""handshake_timeout""#),
        (Loss::PongTimeout, r#""pong_timeout""#),
        (Loss::AddressGone, r#""address_gone""#),
        (Loss::EndpointChanged, r#""endpoint_changed""#),
        (Loss::Disconnected, r#""disconnected""#),
        (Loss::Resubscribed, r#""resubscribed""#),
        (Loss::Dial(DialFailure::Dns(text())), r#"{"dial":{"dns":"x"}}"#),
        (Loss::Dial(DialFailure::Connect(text())), r#"{"dial":{"connect":"x"}}"#),
        (Loss::Dial(tls), r#"{"dial":{"tls":{"certificate":true,"detail":"x"}}}"#),
        (Loss::Dial(DialFailure::Proxy(text())), r#"{"dial":{"proxy":"x"}}"#),
        (Loss::Dial(DialFailure::Connector(text())), r#"{"dial":{"connector":"x"}}"#),
        (
            http(None, None),
            r#"{"dial":{"http":{"status":503,"retry_after":null,"location":null,"body":"x"}}}"#,
        ),
        (
            http(Some(SECOND), Some(text())),
            r#"{"dial":{"http":{"status":503,"retry_after":{"secs":1,"nanos":500000000},"location":"x","body":"x"}}}"#,
        ),
        (Loss::Dial(DialFailure::Upgrade(text())), r#"{"dial":{"upgrade":"x"}}"#),
        (Loss::Dial(DialFailure::NotWebSocket(text())), r#"{"dial":{"not_web_socket":"x"}}"#),
        (Loss::Dial(DialFailure::Timeout), r#"{"dial":"timeout"}"#),
        (Loss::Dial(DialFailure::Headers(text())), r#"{"dial":{"headers":"x"}}"#),
        (Loss::Dial(DialFailure::Unsupported(text())), r#"{"dial":{"unsupported":"x"}}"#),
    ]
}

fn errors() -> Forms {
    let whole = |answers| ServerError {
        code: Some(4301),
        message: "slow".into(),
        channel: Some(name()),
        inferred: true,
        ..error(Some(answers))
    };
    vec![
        (
            Event::ServerError(error(None)),
            r#"{"event":{"server_error":{"message":"","inferred":false}}}"#,
        ),
        (
            Event::ServerError(whole(InReplyTo::ClientEvent { event: "client-e".into() })),
            r#"{"event":{"server_error":{"code":4301,"message":"slow","channel":"a","in_reply_to":{"client_event":{"event":"client-e"}},"inferred":true}}}"#,
        ),
        (
            Event::ServerError(whole(InReplyTo::Subscribe)),
            r#"{"event":{"server_error":{"code":4301,"message":"slow","channel":"a","in_reply_to":"subscribe","inferred":true}}}"#,
        ),
        (
            Event::ServerError(whole(InReplyTo::SignIn)),
            r#"{"event":{"server_error":{"code":4301,"message":"slow","channel":"a","in_reply_to":"sign_in","inferred":true}}}"#,
        ),
    ]
}

fn malformed() -> Forms {
    let event = |problem, channel| Event::Malformed { problem, channel, message: "x".into() };
    let mut forms = vec![
        (
            event(MalformedReason::Partly { kept: 2, lost: 1 }, Some(name())),
            r#"{"event":{"malformed":{"problem":{"partly":{"kept":2,"lost":1}},"channel":"a","message":"x"}}}"#,
        ),
        (
            event(MalformedReason::TooLarge { size: 9, limit: 8 }, None),
            r#"{"event":{"malformed":{"problem":{"too_large":{"size":9,"limit":8}},"message":"x"}}}"#,
        ),
    ];
    for (problem, word) in [
        (MalformedReason::NotUtf8, "not_utf8"),
        (MalformedReason::NotAnObject, "not_an_object"),
        (MalformedReason::NoEvent, "no_event"),
        (MalformedReason::BadChannel, "bad_channel"),
        (MalformedReason::BadData, "bad_data"),
        (MalformedReason::Unexpected, "unexpected"),
    ] {
        let form = format!(r#"{{"event":{{"malformed":{{"problem":"{word}","message":"x"}}}}}}"#);
        forms.push((event(problem, None), form.leak()));
    }
    forms
}

fn limits() -> Forms {
    let event = Event::LimitReached;
    vec![
        (
            event(LimitReached::StoredEvents { dropped: 3 }),
            r#"{"event":{"limit_reached":{"stored_events":{"dropped":3}}}}"#,
        ),
        (
            event(LimitReached::Members { channel: name(), dropped: 3 }),
            r#"{"event":{"limit_reached":{"members":{"channel":"a","dropped":3}}}}"#,
        ),
        (
            event(LimitReached::Watchlist { dropped: 3 }),
            r#"{"event":{"limit_reached":{"watchlist":{"dropped":3}}}}"#,
        ),
    ]
}

fn name() -> ChannelName {
    ChannelName::new("a").expect("a name")
}

fn error(in_reply_to: Option<InReplyTo>) -> ServerError {
    ServerError { code: None, message: "".into(), channel: None, in_reply_to, inferred: false }
}

fn event(message: &str) -> ChannelEvent {
    let envelope = envelope::scan(message).expect("an object");
    let mut names = EventNames::new(Seeded::new(0, 0));
    let event = names.name(envelope.event.expect("a name"), message).expect("a text");
    ChannelEvent::new(name(), message.to_string().into(), event, envelope.data, envelope.user_id)
}

#[test]
fn the_form_of_every_action_and_event_stays_as_it_is() {
    let mut seen = Seen::new();
    for (action, form) in forms() {
        assert_eq!(written(&action).get(), form);
        see_action(&action, &mut seen);
    }
    // A new kind of anything has a form here, too.
    let is_told = |kind: &&&str| !kind.starts_with("Line::") && !kind.starts_with("Input::");
    let expected: Seen = KINDS.iter().filter(is_told).copied().collect();
    let missing: Vec<_> = expected.difference(&seen).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn what_is_written_says_nothing_of_tables_and_nothing_that_was_encrypted() {
    let sealed = r#"{"event":"e","channel":"a","data":"sealed"}"#;
    let opened = event(sealed).opened("5ent1nel");
    let text = written(&Action::Emit(Event::Channel(opened))).to_string();
    assert!(!text.contains("5ent1nel") && !text.contains("sealed"), "{text}");
}
