//! One line of each kind, and a text that must not reach a terminal in any of them.

use std::net::IpAddr;

use pushest_proto::needs_escape;
use serde_json::value::to_raw_value;

use super::backend::Backend;
use super::line::{Line, Outcome, User};
use super::painter::Painter;
use super::served::Served;

/// Sets a title, clears the screen, reorders, hides, and begins lines that look like others.
const EVIL: &str = "EVIL\0\u{7}\u{8}\t\r\n7  (this command)\u{1b}]0;title\u{7}\u{1b}[2J\u{7f}\u{80}\
                    \u{9b}2J\u{9f}\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\
                    \u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{fe0f}\u{feff}\u{e0041}LIVE";

/// The lines, each under the name of its kind. A kind that is missing does not compile.
macro_rules! samples {
    ($($kind:ident => $sample:expr,)*) => {
        fn samples() -> Vec<(&'static str, Line<'static>)> {
            // Exhaustive on purpose: a new kind needs a sample.
            fn kind(line: &Line<'_>) -> &'static str {
                match line {
                    $(Line::$kind { .. } => stringify!($kind),)*
                }
            }
            let samples = vec![$((stringify!($kind), $sample),)*];
            for (name, line) in &samples {
                assert_eq!(kind(line), *name);
            }
            samples
        }
    };
}

fn user() -> User<'static> {
    User { user_id: EVIL, user_info: Some(to_raw_value(EVIL).unwrap()) }
}

fn ids() -> &'static [String] {
    Box::leak(Box::new([EVIL.to_owned(), EVIL.to_owned()]))
}

samples! {
    Event => Line::Event {
        channel: EVIL,
        event: EVIL,
        data: to_raw_value(EVIL).unwrap(),
        user_id: Some(EVIL.into()),
        decrypted: true,
        text: EVIL.into(),
    },
    Members => Line::Members { channel: EVIL, joined: vec![user(), user()], left: vec![user()], known: false },
    Joined => Line::Joined { channel: EVIL, user: user() },
    Left => Line::Left { channel: EVIL, user: user() },
    Gap => Line::Gap { channel: EVIL, silent_ms: 1, since_ms: Some(1), cause: EVIL.to_owned() },
    SubscriptionCount => Line::SubscriptionCount { channel: EVIL, count: 1 },
    CacheMiss => Line::CacheMiss { channel: EVIL },
    Undecryptable => Line::Undecryptable { channel: EVIL, event: EVIL, reason: EVIL.to_owned() },
    SignedIn => Line::SignedIn { user_id: EVIL },
    Online => Line::Online { user_ids: ids() },
    Offline => Line::Offline { user_ids: ids() },
    Unrouted => Line::Unrouted { event: EVIL, message: to_raw_value(EVIL).unwrap() },
    Lagged => Line::Lagged { dropped: 1 },
    Member => Line::Member { channel: EVIL, user: user(), me: true },
    Triggered => Line::Triggered { channel: EVIL, event: EVIL, round_trip_ms: 1.0 },
    Listening => Line::Listening {
        host: IpAddr::from([127, 0, 0, 1]),
        port: 1,
        app_id: EVIL,
        key: EVIL,
        profile: EVIL,
        tls: true,
        ca_file: Some(EVIL),
        example: vec![EVIL.to_owned(), EVIL.to_owned()],
    },
    Replayed => Line::Replayed { lines: 1, actions: 1 },
    Differs => Line::Differs { line: 1, recorded: EVIL, replayed: EVIL },
    Check => Line::Check {
        step: EVIL,
        result: Outcome::Failed,
        text: EVIL.to_owned(),
        hint: Some(EVIL.to_owned()),
    },
    Step => Line::Step { step: EVIL, elapsed_ms: 1, text: EVIL.to_owned() },
    State => Line::State {
        state: EVIL.to_owned(),
        attempt: 1,
        address: Some(EVIL),
        proxy: Some(EVIL),
        unix_socket: Some(EVIL),
        socket_id: Some(EVIL),
        reason: Some(EVIL.to_owned()),
        retry_ms: Some(1),
        text: EVIL.to_owned(),
    },
    Subscribed => Line::Subscribed { channel: EVIL },
    SubscriptionFailed => Line::SubscriptionFailed {
        channel: EVIL,
        reason: EVIL.to_owned(),
        retry_ms: Some(1),
    },
    SignInFailed => Line::SignInFailed { reason: EVIL.to_owned(), retry_ms: None },
    ServerError => Line::ServerError {
        channel: Some(EVIL),
        code: Some(1),
        message: EVIL,
        text: EVIL.to_owned(),
    },
    Malformed => Line::Malformed { channel: Some(EVIL), reason: EVIL.to_owned(), message: EVIL },
    LimitReached => Line::LimitReached { channel: Some(EVIL), dropped: 1, text: EVIL.to_owned() },
    Warning => Line::Warning { text: EVIL.to_owned() },
    Note => Line::Note { text: EVIL.to_owned() },
    Error => Line::Error { text: EVIL },
    Served => Line::Served(Served::SubscriptionRefused {
        socket_id: EVIL,
        channel: EVIL,
        reason: EVIL,
    }),
    Backend => Line::Backend(Backend::Authorization {
        channel: Some(EVIL),
        socket_id: EVIL,
        user_id: Some(EVIL),
        status: 1,
        reason: Some(EVIL),
    }),
}

/// One of each kind of a part of them, each under its name. A kind that is missing does not compile.
macro_rules! samples_of {
    ($name:ident: $part:ident, $($kind:ident { $($field:ident: $value:expr),* },)*) => {
        fn $name() -> Vec<(&'static str, $part<'static>)> {
            // Exhaustive on purpose: a new kind needs a sample.
            fn is_known(sample: &$part<'_>) -> bool {
                match sample {
                    $($part::$kind { .. } => true,)*
                }
            }
            let samples = vec![$((stringify!($kind), $part::$kind { $($field: $value),* }),)*];
            assert!(samples.iter().all(|(_, sample)| is_known(sample)));
            samples
        }
    };
}

samples_of! { backend: Backend,
    Signed {
        auth: EVIL,
        channel_data: Some(EVIL),
        shared_secret: Some(EVIL),
        user_data: Some(EVIL)
    },
    Serving {
        host: IpAddr::from([127, 0, 0, 1]),
        port: 1,
        key: EVIL,
        user_id: Some(EVIL),
        urls: vec![EVIL.to_owned()]
    },
    Authorization {
        channel: None,
        socket_id: EVIL,
        user_id: Some(EVIL),
        status: 1,
        reason: None
    },
    Accepted {
        channels: vec![EVIL, EVIL],
        user_id: Some(EVIL),
        event: EVIL,
        count: 2,
        elapsed_ms: 1.0
    },
    Batched { events: 1, requests: 1, elapsed_ms: 1.0 },
    Failed { published: 1, may_have_arrived: true, status: Some(1), reason: EVIL },
    Channel {
        channel: EVIL,
        occupied: true,
        user_count: Some(1),
        subscription_count: Some(1),
        cache: Some(to_raw_value(EVIL).unwrap()),
        text: EVIL
    },
    User { channel: EVIL, user_id: EVIL },
    Terminated { user_id: EVIL },
    Webhook {
        name: EVIL,
        channel: Some(EVIL),
        user_id: Some(EVIL),
        event: Some(EVIL),
        data: Some(to_raw_value(EVIL).unwrap()),
        socket_id: Some(EVIL),
        count: Some(1),
        json: Some(to_raw_value(EVIL).unwrap()),
        time_ms: Some(1),
        again: true,
        text: EVIL
    },
}

samples_of! { served: Served,
    Connected { socket_id: EVIL },
    Refused { code: Some(1), reason: EVIL },
    Disconnected { socket_id: EVIL, code: None, reason: EVIL },
    Subscribed { socket_id: EVIL, channel: EVIL, user_id: Some(EVIL) },
    SubscriptionRefused { socket_id: EVIL, channel: EVIL, reason: EVIL },
    Unsubscribed { socket_id: EVIL, channel: EVIL },
    SignedIn { socket_id: EVIL, user_id: EVIL },
    SignInRefused { socket_id: EVIL, reason: EVIL },
    ClientEvent { socket_id: EVIL, channel: EVIL, event: EVIL, data: Some(EVIL), receivers: 1 },
    ClientEventRefused { socket_id: EVIL, channel: EVIL, event: EVIL, reason: EVIL },
    Published { channel: EVIL, event: EVIL, data: EVIL, receivers: 1 },
    Request { method: EVIL, path: EVIL, status: Some(1), reason: EVIL },
    Received { socket_id: EVIL, text: EVIL },
    Sent { socket_id: EVIL, text: EVIL },
    WebhookSent { url: EVIL, attempt: 2, status: None, reason: EVIL },
    Fault { fault: EVIL },
    Missed { count: 1 },
}

/// The type of each kind of line, and its fields.
pub(crate) fn kinds() -> Vec<(String, Vec<String>)> {
    let kinds = all().into_iter().map(|(_, line)| {
        let value = serde_json::to_value(&line).unwrap();
        let fields = value.as_object().unwrap().keys().filter(|field| *field != "type");
        (value["type"].as_str().unwrap().to_owned(), fields.cloned().collect())
    });
    kinds.collect()
}

fn all() -> Vec<(&'static str, Line<'static>)> {
    let served = served().into_iter().map(|(name, served)| (name, Line::Served(served)));
    let backend = backend().into_iter().map(|(name, backend)| (name, Line::Backend(backend)));
    samples().into_iter().chain(served).chain(backend).collect()
}

/// How many lines of the terminal a kind takes.
fn height(name: &str) -> usize {
    match name {
        "Listening" => 4,
        "Differs" => 3,
        "Check" | "Signed" | "Serving" => 2,
        _ => 1,
    }
}

/// The text without the colours that are ours.
fn without_colours(text: &str) -> String {
    let parts = text.split("\u{1b}[").enumerate().map(|(place, part)| match part.split_once('m') {
        Some((codes, rest))
            if place > 0 && codes.bytes().all(|byte| byte.is_ascii_digit() || byte == b';') =>
        {
            rest
        }
        _ if place == 0 => part,
        _ => panic!("an escape sequence that is none of ours: {text:?}"),
    });
    parts.collect()
}

#[test]
fn no_line_of_standard_output_carries_a_hidden_character() {
    for (name, line) in all() {
        for has_colours in [false, true] {
            let mut painter = Painter::new(has_colours);
            line.paint(&mut painter);
            let text = without_colours(&painter.finish());
            assert_eq!(text.lines().count(), height(name), "{name}: {text:?}");
            assert!(text.ends_with('\n'), "{name}: {text:?}");
            let hidden = text.chars().find(|it| *it != '\n' && needs_escape(*it));
            assert_eq!(hidden, None, "{name}: {text:?}");
            let is_told = text.contains(r"EVIL\u{0}\u{7}\u{8}\t\r\n7");
            assert_eq!(
                is_told,
                !matches!(name, "Lagged" | "Replayed" | "Missed" | "Batched"),
                "{name}: {text:?}"
            );
        }
    }
}

#[test]
fn no_json_line_carries_a_hidden_character_and_none_has_another_value() {
    for (name, line) in all() {
        let text = line.json(None);
        let hidden = text.trim_end_matches('\n').chars().find(|it| needs_escape(*it));
        assert_eq!((hidden, text.lines().count()), (None, 1), "{name}: {text:?}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, serde_json::to_value(&line).unwrap(), "{name}");
    }
}
