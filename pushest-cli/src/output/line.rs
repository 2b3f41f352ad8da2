//! What standard output can carry.

use std::borrow::Cow;
use std::net::IpAddr;

use pushest_proto::{ChannelEvent, Event, LimitReached, Member, PresenceChange, PresenceUpdate};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, Value, to_raw_value};

use super::backend::Backend;
use super::beside::ms_up;
use super::painter::escaped_json;
use super::served::Served;

/// One line of standard output. The names of its fields are an interface: scripts read them.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    /// A channel's event.
    Event {
        channel: &'a str,
        event: &'a str,
        data: Box<RawValue>,
        user_id: Option<Cow<'a, str>>,
        /// Whether the data came encrypted.
        decrypted: bool,
        /// The data as it reads for people.
        #[serde(skip)]
        text: Cow<'a, str>,
    },
    /// The whole list of members came: the difference to what was known. Where the list could not
    /// be read, `known` is false.
    Members { channel: &'a str, joined: Vec<User<'a>>, left: Vec<User<'a>>, known: bool },
    /// A member came.
    Joined {
        channel: &'a str,
        #[serde(flatten)]
        user: User<'a>,
    },
    /// A member went.
    Left {
        channel: &'a str,
        #[serde(flatten)]
        user: User<'a>,
    },
    /// Events may be missing.
    Gap { channel: &'a str, silent_ms: u64, since_ms: Option<u64>, cause: String },
    /// How many connections subscribe to a channel.
    SubscriptionCount { channel: &'a str, count: u64 },
    /// A cache channel has no cached event.
    CacheMiss { channel: &'a str },
    /// An encrypted event that could not be opened.
    Undecryptable { channel: &'a str, event: &'a str, reason: String },
    /// The server has confirmed who this is.
    SignedIn { user_id: &'a str },
    /// Users of the watchlist came online.
    Online { user_ids: &'a [String] },
    /// Users of the watchlist went offline.
    Offline { user_ids: &'a [String] },
    /// A message that belongs to no channel and that the protocol does not know.
    Unrouted {
        event: &'a str,
        /// The whole message.
        message: Box<RawValue>,
    },
    /// Standard output was read too slowly.
    Lagged { dropped: u64 },
    /// A member of a presence channel.
    Member {
        channel: &'a str,
        #[serde(flatten)]
        user: User<'a>,
        /// Whether this is the user that the command itself joined as.
        me: bool,
    },
    /// The server has read a client event.
    Triggered { channel: &'a str, event: &'a str, round_trip_ms: f64 },
    /// The embedded server listens.
    Listening {
        host: IpAddr,
        port: u16,
        app_id: &'a str,
        key: &'a str,
        profile: &'a str,
        tls: bool,
        /// The certificate to trust, where it was made for this.
        ca_file: Option<&'a str>,
        /// Commands to paste.
        #[serde(serialize_with = "joined")]
        example: Vec<String>,
    },
    /// A recording was replayed: all of its actions are equal.
    Replayed { lines: usize, actions: usize },
    /// The first line of a recording at which its replay does something else.
    Differs { line: usize, recorded: &'a str, replayed: &'a str },
    /// A step of the doctor.
    Check { step: &'a str, result: Outcome, text: String, hint: Option<String> },
    /// A step of the demo.
    Step { step: &'a str, elapsed_ms: u64, text: String },
    /// The connection's state changed.
    State {
        state: String,
        attempt: u32,
        /// Where it connects to, while it does.
        address: Option<&'a str>,
        /// The proxy on the way there, without user and password.
        proxy: Option<&'a str>,
        /// The path of the Unix socket that it is reached over.
        unix_socket: Option<&'a str>,
        socket_id: Option<&'a str>,
        /// What ended the former connection or attempt.
        reason: Option<String>,
        retry_ms: Option<u64>,
        /// The change as it reads for people.
        #[serde(skip)]
        text: String,
    },
    /// The server has confirmed a subscription.
    Subscribed { channel: &'a str },
    /// A subscription failed.
    SubscriptionFailed { channel: &'a str, reason: String, retry_ms: Option<u64> },
    /// The sign-in failed.
    SignInFailed { reason: String, retry_ms: Option<u64> },
    /// The server reported an error.
    ServerError {
        channel: Option<&'a str>,
        code: Option<u16>,
        message: &'a str,
        #[serde(skip)]
        text: String,
    },
    /// A message that could not be understood.
    Malformed { channel: Option<&'a str>, reason: String, message: &'a str },
    /// More came than is kept.
    LimitReached { channel: Option<&'a str>, dropped: u64, text: String },
    /// Something is not as it should be.
    Warning { text: String },
    /// What else is said on standard error.
    Note { text: String },
    /// Why the command has failed.
    Error { text: &'a str },
    /// What happened at the embedded server.
    #[serde(untagged)]
    Served(Served<'a>),
    /// What the commands of an app's backend print.
    #[serde(untagged)]
    Backend(Backend<'a>),
}

/// How a step went.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It works.
    Ok,
    /// It does not.
    Failed,
    /// It was not tried.
    Skipped,
}

impl<'a> Line<'a> {
    /// What there is to print about an event; `None` for what goes to standard error alone.
    pub(crate) fn of(event: &'a Event) -> Option<Self> {
        Some(match event {
            Event::Channel(event) => event.into(),
            Event::Presence(update) => update.into(),
            Event::Gap { channel, silent_for, since, cause } => Self::Gap {
                channel: channel.as_str(),
                silent_ms: ms_up(*silent_for),
                // Rounded down: a program that fetches from there on must not begin late.
                since_ms: since.map(|since| since.as_millis().try_into().unwrap_or(u64::MAX)),
                cause: cause.to_string(),
            },
            Event::SubscriptionCount { channel, count } => {
                Self::SubscriptionCount { channel: channel.as_str(), count: *count }
            }
            Event::CacheMiss { channel } => Self::CacheMiss { channel: channel.as_str() },
            Event::Undecryptable { channel, name, reason } => Self::Undecryptable {
                channel: channel.as_str(),
                event: name,
                reason: reason.to_string(),
            },
            Event::SignedIn { user_id, .. } => Self::SignedIn { user_id },
            Event::Watchlist { online: true, user_ids } => Self::Online { user_ids },
            Event::Watchlist { online: false, user_ids } => Self::Offline { user_ids },
            Event::Unrouted { name, message } => {
                // The core reads more than JSON allows.
                let json = serde_json::from_str(message).ok().and_then(readable);
                Self::Unrouted { event: name, message: json.unwrap_or_else(|| quoted(message)) }
            }
            Event::Lagged { dropped }
            | Event::LimitReached(LimitReached::StoredEvents { dropped }) => {
                Self::Lagged { dropped: *dropped }
            }
            _ => return None,
        })
    }

    /// The line for programs; the time, if there is one, stands behind the type.
    pub(super) fn json(&self, time: Option<&str>) -> String {
        let text = serde_json::to_string(self).expect("strings and numbers only");
        let mut text = escaped_json(text);
        if let Some(time) = time {
            let end = text.find(',').unwrap_or(text.len() - 1);
            text.insert_str(end, &format!(",\"time\":\"{time}\""));
        }
        text.push('\n');
        text
    }

    /// How many lines it stands for where lines are counted that could not be printed.
    pub(super) fn weight(&self) -> u64 {
        match self {
            Self::Lagged { dropped } => *dropped,
            _ => 1,
        }
    }

    /// Whether it is printed where only events of these names are wanted; without any, all are.
    pub(crate) fn passes(&self, names: &[String]) -> bool {
        match self {
            _ if names.is_empty() => true,
            Self::Event { event, .. } | Self::Undecryptable { event, .. } => {
                names.iter().any(|name| name == event)
            }
            Self::Gap { .. } | Self::Lagged { .. } | Self::Unrouted { .. } => true,
            _ => false,
        }
    }
}

/// A user of a presence channel.
#[derive(Serialize)]
pub(crate) struct User<'a> {
    pub(super) user_id: &'a str,
    pub(super) user_info: Option<Box<RawValue>>,
}

impl<'a> From<&'a Member> for User<'a> {
    fn from(member: &'a Member) -> Self {
        let user_info = member.info_json().and_then(|info| {
            let json = serde_json::from_str(info).ok()?;
            Some(readable(json).unwrap_or_else(|| quoted(info)))
        });
        Self { user_id: member.id(), user_info }
    }
}

impl<'a> From<&'a ChannelEvent> for Line<'a> {
    fn from(event: &'a ChannelEvent) -> Self {
        let text = event.text();
        // Some of it is no JSON at all, which only a faulty server sends.
        let data = event.json().ok().and_then(readable).unwrap_or_else(|| quoted(&text));
        let (channel, user_id) = (event.channel().as_str(), event.user_id());
        let decrypted = event.was_encrypted();
        Self::Event { channel, event: event.name(), data, user_id, decrypted, text }
    }
}

impl<'a> From<&'a PresenceUpdate> for Line<'a> {
    fn from(update: &'a PresenceUpdate) -> Self {
        let channel = update.channel.as_str();
        let users = |members: &'a [Member]| members.iter().map(User::from).collect();
        match &update.change {
            PresenceChange::Reset { joined, left } => {
                Self::Members { channel, joined: users(joined), left: users(left), known: true }
            }
            PresenceChange::Joined(member) => Self::Joined { channel, user: member.into() },
            PresenceChange::Left(member) => Self::Left { channel, user: member.into() },
        }
    }
}

fn joined<S: Serializer>(lines: &[String], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&lines.join("\n"))
}

/// Returns the value of a text: what it is as JSON, where it is and can be read, else the text.
pub(super) fn decoded(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).ok().and_then(readable).unwrap_or_else(|| quoted(text))
}

/// Returns a text as a JSON string.
fn quoted(text: &str) -> Box<RawValue> {
    to_raw_value(text).expect("a string can always be written as JSON")
}

/// Returns the JSON on one line, or `None` if a strict reader would refuse the whole line because of
/// it: half of a surrogate pair, a number beyond 64-bit floats, nesting deeper than 124.
///
/// A `RawValue` is checked for its syntax only; it comes from strangers.
fn readable(json: Box<RawValue>) -> Option<Box<RawValue>> {
    // Read as deep as it is to stand: the line is an object, and members stand in an array of objects.
    let line = format!("[[[{}]]]", json.get());
    serde_json::from_str::<Value>(&line).is_ok().then(|| one_line(json))
}

/// The same JSON without white space between its tokens.
fn one_line(json: Box<RawValue>) -> Box<RawValue> {
    if !json.get().contains(['\n', '\r', '\t', ' ']) {
        return json;
    }
    let (mut in_string, mut is_escaped) = (false, false);
    let keep = |character: &char| {
        if !in_string {
            in_string = *character == '"';
            return !character.is_ascii_whitespace();
        }
        if !is_escaped && *character == '"' {
            in_string = false;
        }
        is_escaped = !is_escaped && *character == '\\';
        true
    };
    let compact = json.get().chars().filter(keep).collect();
    RawValue::from_string(compact).unwrap_or(json)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pushest_proto::{ChannelName, Loss};

    use super::*;

    fn json(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn json_becomes_one_line_without_touching_strings() {
        let text = "{ \"a b\" :\n [1,\t\"c \\\" d\\\\\" , 2.50]}";
        assert_eq!(one_line(json(text)).get(), "{\"a b\":[1,\"c \\\" d\\\\\",2.50]}");
    }

    #[test]
    fn json_that_strict_readers_refuse_is_a_string() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        let (deepest, deeper, abyss) = (nested(124), nested(125), nested(10_000));
        for (data, is_kept) in [
            (r#"{"a":"\ud83d\ude00","b":-1.5e300}"#, true),
            ("99999999999999999999999999", true),
            (&deepest, true),
            (&deeper, false),
            (&abyss, false),
            (r#"["\ud800"]"#, false),
            (r#"["\ude00\ud83d"]"#, false),
            (r#"{"\udc00":1}"#, false),
            ("[1e999]", false),
            ("-1e999", false),
        ] {
            let text = Value::from(data).to_string();
            let shown = if is_kept { data } else { &text };
            let unrouted = Event::Unrouted { name: "a".into(), message: data.into() };
            let line = Line::of(&unrouted).unwrap().json(None);
            assert!(line.contains(&format!(r#""message":{shown}}}"#)), "{line:.200}");
            serde_json::from_str::<Value>(&line).unwrap();
            let users = vec![User { user_id: "7", user_info: readable(json(data)) }];
            let members = Line::Members { channel: "a", joined: users, left: vec![], known: true };
            serde_json::from_str::<Value>(&members.json(None)).unwrap();
        }
    }

    #[test]
    fn json_lines_have_their_fields() {
        let user = |info: Option<&str>| User { user_id: "7", user_info: info.map(json) };
        let line = |line: Line<'_>| serde_json::to_string(&line).unwrap();
        assert_eq!(
            line(Line::Joined { channel: "presence-a", user: user(Some("{\"n\":1}")) }),
            r#"{"type":"joined","channel":"presence-a","user_id":"7","user_info":{"n":1}}"#
        );
        assert_eq!(
            line(Line::Member { channel: "presence-a", user: user(None), me: true }),
            r#"{"type":"member","channel":"presence-a","user_id":"7","user_info":null,"me":true}"#
        );
        assert_eq!(
            line(Line::Event {
                channel: "a",
                event: "b",
                data: json("[1]"),
                user_id: None,
                decrypted: true,
                text: "".into(),
            }),
            r#"{"type":"event","channel":"a","event":"b","data":[1],"user_id":null,"decrypted":true}"#
        );
        assert_eq!(
            line(Line::CacheMiss { channel: "cache-a" }),
            r#"{"type":"cache_miss","channel":"cache-a"}"#
        );
        let gap = |since_ms| Line::Gap { channel: "a", silent_ms: 7, since_ms, cause: "b".into() };
        assert_eq!(
            line(gap(Some(1_795_680_000_123))),
            r#"{"type":"gap","channel":"a","silent_ms":7,"since_ms":1795680000123,"cause":"b"}"#
        );
        assert!(line(gap(None)).contains(r#""since_ms":null,"#));
        let gap = Event::Gap {
            channel: ChannelName::new("a").unwrap(),
            silent_for: Duration::from_micros(7_001),
            since: None,
            cause: Loss::PongTimeout.into(),
        };
        assert!(line(Line::of(&gap).unwrap()).contains(r#""silent_ms":8,"#));
        let unrouted = Event::Unrouted { name: "a".into(), message: "{\"event\": \"a\"}".into() };
        assert_eq!(
            line(Line::of(&unrouted).unwrap()),
            r#"{"type":"unrouted","event":"a","message":{"event":"a"}}"#
        );
        let unrouted = Event::Unrouted { name: "a".into(), message: "{\"data\":\\}".into() };
        assert!(line(Line::of(&unrouted).unwrap()).ends_with(r#""message":"{\"data\":\\}"}"#));
        assert_eq!(
            line(Line::Online { user_ids: &["7".to_owned()] }),
            r#"{"type":"online","user_ids":["7"]}"#
        );
    }

    #[test]
    fn the_time_stands_behind_the_type() {
        let line = Line::CacheMiss { channel: "cache-a" };
        assert_eq!(
            line.json(Some("2026-11-26T15:17:42.034Z")),
            "{\"type\":\"cache_miss\",\"time\":\"2026-11-26T15:17:42.034Z\",\
             \"channel\":\"cache-a\"}\n"
        );
        assert_eq!(line.json(None), "{\"type\":\"cache_miss\",\"channel\":\"cache-a\"}\n");
    }
}
