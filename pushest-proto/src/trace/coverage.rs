//! The recordings under `tests/recordings` together hold every kind of line, action and event. A new
//! kind does not compile until it is listed here, and fails until it is recorded.

extern crate std;

use alloc::collections::BTreeSet;
use std::path::Path;
use std::{fs, println};

use super::line::Line;
use super::replay::Replay;
use crate::action::Action;
use crate::auth::request::{AuthorizationError, AuthorizationSubject};
use crate::channel::encrypted::DecryptionFailure;
use crate::dial_failure::DialFailure;
use crate::event::failure::{InReplyTo, RequestFailure};
use crate::event::{Event, LimitReached, MalformedReason};
use crate::input::Input;
use crate::loss::{CloseCode, Loss};
use crate::presence::PresenceChange;
use crate::status::ConnectionState;

/// The kinds of these types, and for each type a function that names the kind of a value.
macro_rules! kinds {
    ($($function:ident: $type:ident { $($kind:ident)+ })+) => {
        pub(super) const KINDS: &[&str] =
            &[$($(concat!(stringify!($type), "::", stringify!($kind))),+),+];

        $(fn $function(value: &$type) -> &'static str {
            match value {
                $($type::$kind { .. } => concat!(stringify!($type), "::", stringify!($kind)),)+
            }
        })+
    };
}

kinds! {
    line: Line { Trace Told Opened Unopened Signed Action Drained }
    input: Input {
        Connect Disconnect SetEndpoint Subscribe Unsubscribe Retry Trigger SignIn Ping Open Message
        Oversized Activity CaughtUp Close Authorization Reading Writable NetworkChange WallClock
        Timeout
    }
    action: Action { Connect Send Close Authorize Abandon Emit UpdatePresence }
    close_code: CloseCode { Normal Away }
    subject: AuthorizationSubject { Channel User }
    authorization: AuthorizationError { Refused Unavailable }
    event: Event {
        Channel Subscribed SubscriptionFailed Gap SubscriptionCount CacheMiss Undecryptable SignedIn
        SignInFailed Watchlist State ServerError Pong PingLost Unrouted Malformed LimitReached
        Presence Lagged
    }
    failure: RequestFailure { AuthorizationRefused AuthorizationUnavailable Refused NoAnswer TooLarge }
    in_reply_to: InReplyTo { Subscribe SignIn ClientEvent }
    malformed: MalformedReason {
        NotUtf8 NotAnObject NoEvent BadChannel BadData Partly TooLarge Unexpected
    }
    limit: LimitReached { StoredEvents Members Watchlist }
    decryption: DecryptionFailure { NotEncrypted BadNonce BadCiphertext WrongKey NotUtf8 }
    presence: PresenceChange { Reset Joined Left }
    state: ConnectionState { Disconnected Connecting Connected Waiting Refused }
    loss: Loss {
        Closed BadClose Reset TooLarge Dial Refused HandshakeTimeout PongTimeout AddressGone
        EndpointChanged Disconnected Resubscribed
    }
    dial: DialFailure {
        Dns Connect Tls Proxy Connector Http Upgrade NotWebSocket Timeout Headers Unsupported
    }
}

/// What only drivers tell.
const NEVER: [&str; 2] = ["Event::Presence", "Event::Lagged"];

/// A kind of line of its own, for an input that has one already.
const NOT_UTF8: &str = "a message that is not UTF-8";

pub(super) type Seen = BTreeSet<&'static str>;

#[test]
fn the_recordings_hold_every_kind_of_line_action_and_event() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut seen = Seen::new();
    for file in fs::read_dir(folder).expect("the folder is there") {
        let path = file.expect("a file can be listed").path();
        let recording = fs::read_to_string(&path).expect("a recording is text");
        for text in recording.lines() {
            see_line(&Line::read(text).expect("a recording has lines"), &mut seen);
        }
        for action in Replay::new(&recording).expect("a recording can be read") {
            see_action(
                &action.unwrap_or_else(|difference| {
                    panic!("{}: {difference}", path.display());
                }),
                &mut seen,
            );
        }
    }
    let mut expected: Seen = KINDS.iter().copied().filter(|it| !NEVER.contains(it)).collect();
    expected.insert(NOT_UTF8);
    for kind in expected.symmetric_difference(&seen) {
        println!("{kind} is {}", if seen.contains(kind) { "recorded" } else { "not recorded" });
    }
    assert_eq!(seen, expected);
}

fn see_line(value: &Line<'_>, seen: &mut Seen) {
    seen.insert(line(value));
    if let Line::Told(_, told) = value {
        seen.insert(input(told));
        if let Input::Message { message, .. } = told
            && str::from_utf8(message).is_err()
        {
            seen.insert(NOT_UTF8);
        }
    }
}

pub(super) fn see_action(value: &Action, seen: &mut Seen) {
    seen.insert(action(value));
    match value {
        Action::Close { code, .. } => drop(seen.insert(close_code(code))),
        Action::Authorize(request) => {
            seen.insert(subject(&request.subject));
            seen.extend(request.last_failure.as_deref().map(authorization));
        }
        Action::UpdatePresence(update) => drop(seen.insert(presence(&update.change))),
        Action::Emit(value) => see_event(value, seen),
        Action::Connect { .. } | Action::Send(_) | Action::Abandon(_) => {}
    }
}

fn see_event(value: &Event, seen: &mut Seen) {
    seen.insert(event(value));
    match value {
        Event::SubscriptionFailed { reason, .. } | Event::SignInFailed { reason, .. } => {
            seen.insert(failure(reason));
            if let RequestFailure::AuthorizationRefused(value)
            | RequestFailure::AuthorizationUnavailable(value) = reason
            {
                seen.insert(authorization(value));
            }
        }
        Event::State(change) => {
            seen.extend([state(&change.from), state(&change.to)]);
            if let Some(value) = change.loss.as_deref() {
                seen.insert(loss(value));
                if let Loss::Dial(failure) = value {
                    seen.insert(dial(failure));
                }
            }
        }
        Event::Gap { cause, .. } => drop(seen.insert(loss(cause))),
        Event::ServerError(error) => seen.extend(error.in_reply_to.as_ref().map(in_reply_to)),
        Event::Malformed { problem, .. } => drop(seen.insert(malformed(problem))),
        Event::LimitReached(value) => drop(seen.insert(limit(value))),
        Event::Undecryptable { reason, .. } => drop(seen.insert(decryption(reason))),
        _ => {}
    }
}
