//! The recordings under `tests/recordings` together hold every kind of line, action and event. A new
//! kind does not compile until it is listed here, and fails until it is recorded.

extern crate std;

use alloc::collections::BTreeSet;
use std::path::Path;
use std::{fs, println};

use super::line::Line;
use super::replay::Replay;
use crate::{
    Action, Answers, AuthorizationSubject, CloseCode, DecryptionFailure, Denied, DialFailure,
    Event, LimitReached, Loss, Malformation, PresenceChange, RequestFailure,
};

/// The kinds of these types, and for each type a function that names the kind of a value.
macro_rules! kinds {
    ($($function:ident: $type:ident { $($kind:ident)+ })+) => {
        const KINDS: &[&str] =
            &[$($(concat!(stringify!($type), "::", stringify!($kind))),+),+];

        $(fn $function(value: &$type) -> &'static str {
            match value {
                $($type::$kind { .. } => concat!(stringify!($type), "::", stringify!($kind)),)+
            }
        })+
    };
}

kinds! {
    line: Line {
        Trace Connect Disconnect SetEndpoint Subscribe Unsubscribe Retry Trigger SignIn Ping Open
        Message Bytes Oversized Activity CaughtUp Close Authorization Reading Writable NetworkChange
        WallClock Timeout Opened Unopened Signed Action Drained
    }
    action: Action { Connect Send Close Authorize Abandon Emit UpdatePresence }
    close_code: CloseCode { Normal Away }
    subject: AuthorizationSubject { Channel User }
    denied: Denied { Refused Unavailable }
    event: Event {
        Channel Subscribed SubscriptionFailed Gap SubscriptionCount CacheMiss Undecryptable SignedIn
        SignInFailed Watchlist State ServerError Pong PingLost Unrouted Malformed LimitReached
        Presence Lagged
    }
    failure: RequestFailure { Denied AuthorizationUnavailable Refused NoAnswer TooLarge }
    answers: Answers { Subscribe SignIn ClientEvent }
    malformation: Malformation {
        NotUtf8 NotAnObject NoEvent BadChannel BadData Partly TooLarge Unexpected
    }
    limit: LimitReached { StoredEvents Members Watchlist }
    decryption: DecryptionFailure { NotEncrypted BadNonce BadCiphertext WrongKey NotUtf8 }
    presence: PresenceChange { Reset Joined Left }
    loss: Loss {
        Closed BadClose Reset TooLarge Dial Refused HandshakeTimeout PongTimeout EndpointChanged
        Disconnected Resubscribed
    }
    dial: DialFailure {
        Dns Connect Tls Proxy Http Upgrade NotWebSocket Timeout Headers Unsupported
    }
}

/// What only drivers tell, and what ends a connection without a change of state that names it, or
/// ends none.
const NEVER: [&str; 4] =
    ["Event::Presence", "Event::Lagged", "Loss::Disconnected", "Loss::Resubscribed"];

type Seen = BTreeSet<&'static str>;

#[test]
fn the_recordings_hold_every_kind_of_line_action_and_event() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut seen = Seen::new();
    for file in fs::read_dir(folder).expect("the folder is there") {
        let path = file.expect("a file can be listed").path();
        let recording = fs::read_to_string(&path).expect("a recording is text");
        for text in recording.lines() {
            seen.insert(line(&serde_json::from_str(text).expect("a recording has lines")));
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
    let expected: Seen = KINDS.iter().copied().filter(|kind| !NEVER.contains(kind)).collect();
    for kind in expected.symmetric_difference(&seen) {
        println!("{kind} is {}", if seen.contains(kind) { "recorded" } else { "not recorded" });
    }
    assert_eq!(seen, expected);
}

fn see_action(value: &Action, seen: &mut Seen) {
    seen.insert(action(value));
    match value {
        Action::Close { code, .. } => drop(seen.insert(close_code(code))),
        Action::Authorize(request) => {
            seen.insert(subject(&request.subject));
            seen.extend(request.last_failure.as_ref().map(denied));
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
            if let RequestFailure::Denied(value) | RequestFailure::AuthorizationUnavailable(value) =
                reason
            {
                seen.insert(denied(value));
            }
        }
        Event::State(change) => {
            if let Some(value) = change.loss.as_deref() {
                seen.insert(loss(value));
                if let Loss::Dial(failure) = value {
                    seen.insert(dial(failure));
                }
            }
        }
        Event::ServerError(error) => seen.extend(error.answers.as_ref().map(answers)),
        Event::Malformed { problem, .. } => drop(seen.insert(malformation(problem))),
        Event::LimitReached(value) => drop(seen.insert(limit(value))),
        Event::Undecryptable { reason, .. } => drop(seen.insert(decryption(reason))),
        _ => {}
    }
}
