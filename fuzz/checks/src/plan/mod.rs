//! What a session is told, in any order: the inputs that `session` and `model` read from bytes.
//!
//! Each input begins with one byte: five bits say which it is, one that its clock is stale, and two
//! whether everything is polled afterwards. What follows depends on the input and is short, so that
//! a change of one byte changes one thing. Bytes that are missing are zero, and nothing is refused.

mod message;
mod telling;

use arbitrary::Unstructured;
use pushest_proto::{BackoffConfig, Config, DialFailure, Limits, Loss, SubscribeOptions};
use std::time::Duration;

pub(crate) use message::{IDS, ListForm, Message, NUMBERED, infos};
pub(crate) use telling::{Known, authorization};

/// The app's secret, and the beginning of everything else that must not show.
pub(crate) const SECRET: &str = "5ent1nel-5ecret";

/// What no output may contain.
pub(crate) const SENTINEL: &str = "5ent1nel";

/// The app's key for encrypted channels.
pub(crate) const MASTER_KEY: [u8; 32] = *b"5ent1nel5ent1nel5ent1nel5ent1nel";

/// A shared secret as an authorization brings it: base64 of 32 bytes.
pub(crate) const SHARED_SECRET: &str = "5ent1nelAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// What is subscribed to. Small limits leave room for four.
pub(crate) const CHANNELS: [&str; 8] = [
    "a",
    "b",
    "private-a",
    "presence-a",
    "private-encrypted-a",
    "presence-b",
    "private-cache-b",
    "no name",
];

/// The pauses of a user that has its own.
pub(crate) const SCHEDULE: [Duration; 2] = [Duration::from_secs(3), Duration::from_millis(1)];

/// The nodes of a cluster.
pub(crate) const HOSTS: [&str; 4] = ["localhost", "b.example", "c.example", "d.example"];

/// Makes what is made once, before a check weighs what it allocates.
pub(crate) fn prepare() {
    message::prepare();
}

/// Maximum number of inputs of a plan.
const MOST_INPUTS: usize = 64;

/// A whole plan: what the session is configured with, and what happens to it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) setting: Setting,
    pub(crate) steps: Vec<Step>,
}

/// One input, and what the driver does around it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) input: Input,
    /// The input comes with a time that lies in the past.
    pub(crate) stale: bool,
    /// Everything is polled afterwards.
    pub(crate) polls: bool,
}

/// How the session is configured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) seed: u64,
    /// The session signs by itself.
    pub(crate) signs: bool,
    pub(crate) master_key: bool,
    pub(crate) stop_on_refusal: bool,
    /// Client events are limited to two a second.
    pub(crate) rate_limited: bool,
    /// Few channels, members and stored events.
    pub(crate) small: bool,
    pub(crate) tls: bool,
    /// The pauses are the user's own list.
    pub(crate) scheduled: bool,
    /// The endpoints are all of [`HOSTS`], and not only the first.
    pub(crate) several: bool,
}

/// Which connection an input is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    /// The last that was asked for.
    Last,
    /// Any former one.
    Former(u8),
}

/// What an authorizer answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// Good for a channel of any kind, and for a sign-in.
    Granted,
    /// Only a signature.
    Bare,
    /// A key that opens nothing.
    WrongKey,
    Refused,
    Unavailable,
    RetryAfter,
    /// More than an authorization may hold.
    TooLarge,
}

/// When a driver has read everything.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReadAt {
    /// This long before the present.
    Past(Duration),
    /// This long after it, which no clock shows.
    Future(Duration),
}

/// What the wall clock shows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WallStep {
    Forward(Duration),
    Back(Duration),
    /// Whatever it showed before.
    Absolute(Duration),
}

/// What happens, or what the user wants.
#[derive(Debug)]
pub(crate) enum Input {
    Connect,
    Disconnect,
    SetEndpoint,
    Open(Which),
    Message(Which, Message),
    Activity,
    Close(Which, Loss),
    /// The answer to one of the requests so far, counted from the last.
    Authorization {
        back: u8,
        answer: Answer,
    },
    /// Everything that had arrived at some time was read.
    CaughtUp(Which, ReadAt),
    Reading(bool),
    Writable(bool),
    NetworkChange,
    /// The wall clock is this much further ahead of the other clock than before.
    WallClock(WallStep),
    Timeout,
    Subscribe(&'static str, SubscribeOptions),
    Unsubscribe(&'static str),
    Retry(&'static str),
    Trigger(&'static str, &'static str),
    SignIn(Option<&'static str>),
    Ping,
    Pass(Duration),
    /// Time passes until the session wants to be called, or almost.
    PassToDeadline {
        early: bool,
    },
    PollOne,
}

impl Plan {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut bytes = Unstructured::new(bytes);
        let setting = Setting::read(byte(&mut bytes), byte(&mut bytes));
        let mut steps = Vec::new();
        while !bytes.is_empty() && steps.len() < MOST_INPUTS {
            let first = byte(&mut bytes);
            let input = Input::read(first & 31, &mut bytes);
            steps.push(Step { input, stale: first & 32 != 0, polls: first >> 6 != 3 });
        }
        Self { setting, steps }
    }

    /// Returns whether a server's message quotes what is looked for in the output.
    pub(crate) fn quotes(&self, texts: &[&str]) -> bool {
        self.steps.iter().any(|step| match &step.input {
            Input::Message(_, Message::Raw(raw)) => {
                let raw = String::from_utf8_lossy(raw);
                texts.iter().any(|text| raw.contains(text))
            }
            _ => false,
        })
    }
}

impl Setting {
    fn read(flags: u8, seed: u8) -> Self {
        let flag = |bit: u8| flags & (1 << bit) != 0;
        Self {
            seed: seed.into(),
            signs: flag(0),
            master_key: flag(1),
            stop_on_refusal: flag(2),
            rate_limited: flag(3),
            small: flag(4),
            tls: flag(5),
            scheduled: flag(6),
            several: flag(7),
        }
    }

    pub(crate) fn config(self) -> Config {
        let mut config = Config::builder("app-key")
            .host("localhost")
            .tls(self.tls)
            .stop_on_refusal(self.stop_on_refusal)
            .client_events_per_second(self.rate_limited.then_some(2))
            .limits(self.limits());
        if self.several {
            config = config.endpoints(HOSTS);
        }
        if self.scheduled {
            config = config.backoff(BackoffConfig::schedule(SCHEDULE));
        }
        if self.signs {
            config = config.secret(SECRET);
        }
        if self.master_key {
            config = config.master_key(&MASTER_KEY);
        }
        config.build().expect("these settings keep the rules")
    }

    pub(crate) fn limits(self) -> Limits {
        if self.small {
            Limits::default()
                .stored_events(8)
                .stored_bytes(4096)
                .channels(4)
                .members(3)
                .outgoing(512)
                .message(4096)
        } else {
            Limits::default()
        }
    }
}

impl Input {
    fn read(kind: u8, bytes: &mut Unstructured<'_>) -> Self {
        let message = |message| Self::Message(Which::Last, message);
        match kind {
            0 => Self::Connect,
            1 => Self::Disconnect,
            2 => Self::SetEndpoint,
            3 => Self::Open(Which::Last),
            4 => Self::Open(Which::Former(byte(bytes))),
            5 => Self::Activity,
            6 => Self::Close(Which::Last, loss(byte(bytes))),
            7 => Self::Close(Which::Former(byte(bytes)), loss(byte(bytes))),
            8 => Self::Authorization { back: byte(bytes), answer: answer(byte(bytes)) },
            9 => Self::Authorization { back: 0, answer: Answer::Granted },
            10 => match byte(bytes) {
                byte @ 0..128 => Self::Reading(byte & 1 != 0),
                byte @ 128..240 => Self::CaughtUp(Which::Last, read_at(byte)),
                byte => Self::CaughtUp(Which::Former(byte & 3), read_at(byte)),
            },
            11 => match byte(bytes) {
                byte @ 0..128 => Self::Writable(byte & 1 != 0),
                byte => Self::WallClock(wall_step(byte)),
            },
            12 => Self::NetworkChange,
            13 => Self::Timeout,
            14 => {
                let byte = byte(bytes);
                Self::Subscribe(channel(byte), options(byte >> 3))
            }
            15 => Self::Unsubscribe(channel(byte(bytes))),
            16 => Self::Retry(channel(byte(bytes))),
            17 => {
                let byte = byte(bytes);
                let events = ["client-e", "client-f", "client-", "e"];
                Self::Trigger(channel(byte), events[usize::from(byte >> 3) % events.len()])
            }
            18 => {
                let watching = r#"{"id":"1","watchlist":["2"]}"#;
                let data = [None, Some("{}"), Some(r#"{"id":"me"}"#), Some(watching)];
                Self::SignIn(data[usize::from(byte(bytes)) % data.len()])
            }
            19 => Self::Ping,
            20 => Self::Pass(duration(byte(bytes))),
            21 => Self::PassToDeadline { early: byte(bytes) & 1 != 0 },
            22 => Self::PollOne,
            23 => message(Message::raw(bytes)),
            24 => Self::Message(Which::Former(byte(bytes)), Message::raw(bytes)),
            25 => message(Message::established(bytes)),
            26 => message(Message::succeeded(bytes)),
            27 => message(Message::member(bytes)),
            28 => message(Message::event(bytes)),
            29 => message(Message::error(bytes)),
            30 => message(Message::other(bytes)),
            _ => message(Message::sealed(bytes)),
        }
    }
}

/// Returns the next byte; zero behind the last.
fn byte(bytes: &mut Unstructured<'_>) -> u8 {
    bytes.arbitrary().expect("missing bytes are zero")
}

fn channel(byte: u8) -> &'static str {
    CHANNELS[usize::from(byte & 7)]
}

fn options(byte: u8) -> SubscribeOptions {
    match byte & 7 {
        0..=2 => SubscribeOptions::member("me"),
        3 => SubscribeOptions::member("me").info(r#"{"name":"I"}"#),
        4 => SubscribeOptions::member("1"),
        5 => SubscribeOptions::member(""),
        6 => SubscribeOptions::member("me").info("no JSON"),
        _ => SubscribeOptions::default(),
    }
}

fn read_at(byte: u8) -> ReadAt {
    match byte & 7 {
        0..=2 => ReadAt::Past(Duration::ZERO),
        3 => ReadAt::Past(Duration::from_micros(1)),
        4 => ReadAt::Past(Duration::from_secs(7)),
        5 => ReadAt::Past(Duration::MAX),
        6 => ReadAt::Future(Duration::from_secs(7)),
        _ => ReadAt::Future(Duration::MAX),
    }
}

fn wall_step(byte: u8) -> WallStep {
    match byte & 15 {
        0..=2 => WallStep::Forward(Duration::ZERO),
        3 => WallStep::Forward(Duration::from_millis(1)),
        4 | 5 => WallStep::Forward(Duration::from_millis(4_990)),
        6 | 7 => WallStep::Forward(Duration::from_millis(5_010)),
        8..=10 => WallStep::Forward(Duration::from_secs(3_600)),
        11 => WallStep::Back(Duration::from_secs(3_600)),
        12 => WallStep::Back(Duration::from_millis(4)),
        13 => WallStep::Forward(Duration::MAX),
        14 => WallStep::Absolute(Duration::ZERO),
        _ => WallStep::Absolute(Duration::MAX),
    }
}

fn answer(byte: u8) -> Answer {
    match byte % 8 {
        0..=1 => Answer::Granted,
        2 => Answer::TooLarge,
        3 => Answer::Bare,
        4 => Answer::WrongKey,
        5 => Answer::Refused,
        6 => Answer::Unavailable,
        _ => Answer::RetryAfter,
    }
}

fn loss(byte: u8) -> Loss {
    let codes = [1000, 1006, 3999, 4000, 4001, 4009, 4100, 4199, 4200, 4201, 4299, 4300, 4301];
    let http = |status, retry_after: Option<u64>| {
        let retry_after = retry_after.map(Duration::from_secs);
        let body = "no, says the proxy".into();
        Loss::Dial(DialFailure::Http { status, retry_after, location: None, body })
    };
    if byte == u8::MAX {
        return Loss::AddressGone;
    }
    match byte % 32 {
        index @ 0..13 => Loss::closed(Some(codes[usize::from(index)]), "closed"),
        13 => Loss::closed(None, ""),
        14 => Loss::TooLarge { limit: 1 },
        15 => http(429, Some(7)),
        16 => http(503, Some(u64::MAX)),
        17 => http(404, None),
        18 => http(500, None),
        19 => Loss::Dial(DialFailure::Dns("no such host".into())),
        20 => Loss::Dial(DialFailure::Tls { certificate: true, detail: "expired".into() }),
        21 => Loss::Dial(DialFailure::Timeout),
        22 => Loss::Dial(DialFailure::Unsupported("no TLS".into())),
        23..25 => Loss::closed(Some(1009), "too big"),
        25 => Loss::bad_close(Some(1009), "it is a fragment"),
        26 => Loss::bad_close(Some(4001), "its reason is not UTF-8"),
        27 => Loss::bad_close(Some(4200), "cut off"),
        28 => Loss::bad_close(None, "one byte"),
        29 => Loss::Refused { code: 4001, message: "no".into() },
        30 => Loss::Refused { code: 4100, message: "".into() },
        _ => Loss::reset("gone"),
    }
}

/// From nothing over milliseconds and seconds to the end of time.
fn duration(byte: u8) -> Duration {
    match byte {
        0..128 => Duration::from_millis(u64::from(byte) * 100),
        128..192 => Duration::from_secs(u64::from(byte - 127)),
        192..254 => Duration::from_micros(u64::from(byte - 191)),
        254 => Duration::from_secs(24 * 60 * 60),
        255 => Duration::MAX,
    }
}
