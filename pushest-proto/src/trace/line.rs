//! The lines of a recording. Their names and fields are the format: a change of them is a new
//! [`VERSION`].

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::version::{LIBRARY, VERSION};
use crate::auth::request::{Authorization, Denied};
use crate::channel::encrypted::DecryptionFailure;
use crate::channel::name::NameRules;
use crate::channel::secret::SharedSecret;
use crate::config::backoff::BackoffConfig;
use crate::config::endpoint::Endpoint;
use crate::config::error::ConfigError;
use crate::config::{Config, Limits, Timeouts};
use crate::id::{ConnectionId, Ticket};
use crate::loss::{DialFailure, Loss};
use crate::time::Instant;

/// One line. Times are microseconds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Line<'a> {
    /// The first line.
    Trace(Box<Header>),

    // What the user wanted.
    Connect {
        at: u64,
    },
    Disconnect {
        at: u64,
    },
    SetEndpoint {
        at: u64,
        #[serde(with = "endpoint")]
        endpoint: Endpoint,
    },
    Subscribe {
        at: u64,
        channel: Cow<'a, str>,
        user_id: Option<Cow<'a, str>>,
        user_info: Option<Cow<'a, str>>,
    },
    Unsubscribe {
        at: u64,
        channel: Cow<'a, str>,
    },
    Retry {
        at: u64,
        channel: Cow<'a, str>,
    },
    Trigger {
        at: u64,
        channel: Cow<'a, str>,
        event: Cow<'a, str>,
        #[serde(with = "json")]
        data: Box<RawValue>,
    },
    SignIn {
        at: u64,
        user_data: Option<Cow<'a, str>>,
    },
    Ping {
        at: u64,
    },

    // What happened.
    Open {
        at: u64,
        connection: u64,
    },
    Message {
        at: u64,
        connection: u64,
        text: Cow<'a, str>,
    },
    /// A message that is not UTF-8.
    Bytes {
        at: u64,
        connection: u64,
        #[serde(with = "base64")]
        base64: Cow<'a, [u8]>,
    },
    /// A message over the limit: its size and its beginning.
    Oversized {
        at: u64,
        connection: u64,
        size: usize,
        #[serde(with = "base64")]
        beginning: Cow<'a, [u8]>,
    },
    Activity {
        at: u64,
        connection: u64,
    },
    /// Everything that had arrived at this time was read, be it in the past.
    CaughtUp {
        at: u64,
        connection: u64,
    },
    Close {
        at: u64,
        connection: u64,
        #[serde(with = "LossText")]
        loss: Loss,
    },
    Authorization {
        at: u64,
        connection: u64,
        number: u64,
        answer: Answer,
    },
    Reading {
        at: u64,
        reading: bool,
    },
    Writable {
        at: u64,
        connection: u64,
        writable: bool,
    },
    NetworkChange {
        at: u64,
    },
    WallClock {
        at: u64,
        unix_ms: u64,
    },
    Timeout {
        at: u64,
    },

    // What came of it.
    /// An encrypted event was opened, and has so many bytes.
    Opened(usize),
    /// An encrypted event could not be opened.
    Unopened(#[serde(with = "FailureText")] DecryptionFailure),
    /// A signature: `KEY:HEX`.
    Signed(Cow<'a, str>),
    /// An action was polled.
    Action(Cow<'a, str>),
    /// There was nothing more to poll.
    Drained {},
}

impl<'a> Line<'a> {
    pub(crate) fn message(connection: ConnectionId, message: &'a [u8], now: Instant) -> Self {
        let (at, connection) = (now.as_micros(), connection.0);
        match core::str::from_utf8(message) {
            Ok(text) => Self::Message { at, connection, text: text.into() },
            Err(_) => Self::Bytes { at, connection, base64: message.into() },
        }
    }

    pub(crate) fn authorization(
        ticket: Ticket,
        answer: &Result<Authorization, Denied>,
        now: Instant,
    ) -> Self {
        let Ticket { connection, number } = ticket;
        let (at, connection, answer) = (now.as_micros(), connection.0, Answer::of(answer));
        Self::Authorization { at, connection, number, answer }
    }
}

/// Everything that decides what a session does.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(super) version: u32,
    /// The version of this library, for whoever reads a report.
    pub(super) library: String,
    pub(super) at: u64,
    pub(super) seed: u64,
    key: String,
    has_secret: bool,
    has_master_key: bool,
    client_events_per_second: Option<u32>,
    stop_on_refusal: bool,
    #[serde(with = "endpoint")]
    endpoint: Endpoint,
    #[serde(with = "TimeoutsText")]
    timeouts: Timeouts,
    #[serde(with = "BackoffText")]
    backoff: BackoffConfig,
    #[serde(with = "LimitsText")]
    limits: Limits,
}

impl Header {
    pub(crate) fn new(config: &Config, seed: u64, now: Instant) -> Self {
        Self {
            version: VERSION,
            library: LIBRARY.to_string(),
            at: now.as_micros(),
            seed,
            key: config.key.clone(),
            has_secret: config.has_secret(),
            has_master_key: config.has_master_key(),
            client_events_per_second: config.client_events_per_second,
            stop_on_refusal: config.stop_on_refusal,
            endpoint: config.endpoint.clone(),
            timeouts: config.timeouts.clone(),
            backoff: config.backoff.clone(),
            limits: config.limits.clone(),
        }
    }

    /// The configuration, with something in the place of the secrets.
    pub(super) fn config(self) -> Result<Config, ConfigError> {
        let mut builder = Config::builder(&self.key)
            .client_events_per_second(self.client_events_per_second)
            .stop_on_refusal(self.stop_on_refusal)
            .timeouts(self.timeouts)
            .backoff(self.backoff)
            .limits(self.limits);
        if self.has_secret {
            builder = builder.secret("not in the recording");
        }
        #[cfg(feature = "encrypted")]
        if self.has_master_key {
            builder = builder.master_key(&[0; 32]);
        }
        Ok(Config { endpoint: self.endpoint, ..builder.build()? })
    }
}

/// What an authorizer answered. The key of an encrypted channel stays out of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Answer {
    Granted {
        auth: String,
        channel_data: Option<String>,
        user_data: Option<String>,
        shared_secret: Option<SharedSecretText>,
    },
    Refused {
        status: Option<u16>,
        message: Box<str>,
    },
    Unavailable {
        status: Option<u16>,
        message: Box<str>,
        retry_after: Option<Duration>,
    },
}

/// What is said about a key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SharedSecretText {
    /// It was one.
    Key,
    /// It was something else.
    NoKey,
}

impl Answer {
    fn of(answer: &Result<Authorization, Denied>) -> Self {
        match answer.clone() {
            Ok(granted) => Self::Granted {
                shared_secret: granted.shared_secret.as_deref().map(|text| {
                    let key = SharedSecret::from_base64(text);
                    key.map_or(SharedSecretText::NoKey, |_| SharedSecretText::Key)
                }),
                auth: granted.auth,
                channel_data: granted.channel_data,
                user_data: granted.user_data,
            },
            Err(Denied::Refused { status, message }) => Self::Refused { status, message },
            Err(Denied::Unavailable { status, message, retry_after }) => {
                Self::Unavailable { status, message, retry_after }
            }
        }
    }

    /// The answer, with something in the place of the key.
    pub(super) fn into_answer(self) -> Result<Authorization, Denied> {
        match self {
            Self::Granted { auth, channel_data, user_data, shared_secret } => Ok(Authorization {
                auth,
                channel_data,
                user_data,
                shared_secret: shared_secret.map(|text| match text {
                    SharedSecretText::Key => base64::text(&[0; 32]).into(),
                    SharedSecretText::NoKey => String::new().into(),
                }),
            }),
            Self::Refused { status, message } => Err(Denied::Refused { status, message }),
            Self::Unavailable { status, message, retry_after } => {
                Err(Denied::Unavailable { status, message, retry_after })
            }
        }
    }
}

// The shapes of public types, which do not promise one of their own.

#[derive(Serialize, Deserialize)]
#[serde(remote = "Timeouts", deny_unknown_fields)]
struct TimeoutsText {
    dial: Duration,
    handshake: Duration,
    activity: Duration,
    pong: Duration,
    subscribe: Duration,
    authorization: Duration,
    stable: Duration,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BackoffConfig", deny_unknown_fields)]
struct BackoffText {
    initial: Duration,
    maximum: Duration,
    schedule: Option<Vec<Duration>>,
    retry_after_limit: Duration,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Limits", deny_unknown_fields)]
struct LimitsText {
    message: usize,
    channels: usize,
    members: usize,
    member_bytes: usize,
    stored_events: usize,
    stored_bytes: usize,
    outgoing: usize,
    #[serde(with = "NameRulesText")]
    channel_name: NameRules,
    event_name: usize,
    event_data: usize,
    signed_data: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "NameRules", deny_unknown_fields)]
struct NameRulesText {
    bytes: usize,
    extra_characters: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Loss", rename_all = "snake_case", deny_unknown_fields)]
enum LossText {
    Closed { code: Option<u16>, reason: Box<str> },
    BadClose { code: Option<u16>, problem: Box<str> },
    Reset(Box<str>),
    TooLarge { limit: usize },
    Dial(#[serde(with = "DialFailureText")] DialFailure),
    Refused { code: u16, message: Box<str> },
    HandshakeTimeout,
    PongTimeout,
    EndpointChanged,
    Disconnected,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DialFailure", rename_all = "snake_case", deny_unknown_fields)]
enum DialFailureText {
    Dns(Box<str>),
    Connect(Box<str>),
    Tls { certificate: bool, detail: Box<str> },
    Proxy(Box<str>),
    Http { status: u16, retry_after: Option<Duration>, location: Option<Box<str>>, body: Box<str> },
    Upgrade(Box<str>),
    NotWebSocket(Box<str>),
    Timeout,
    Headers(Box<str>),
    Unsupported(Box<str>),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DecryptionFailure", rename_all = "snake_case")]
enum FailureText {
    NotEncrypted,
    BadNonce,
    BadCiphertext,
    WrongKey,
    NotUtf8,
}

/// An endpoint; what is read keeps the rules of one.
mod endpoint {
    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct EndpointText {
        host: String,
        port: u16,
        path: String,
        tls: bool,
        own_port: bool,
        hosted: bool,
    }

    pub(super) fn serialize<S: Serializer>(endpoint: &Endpoint, to: S) -> Result<S::Ok, S::Error> {
        let host = endpoint.host_with_zone().into_owned();
        let Endpoint { port, path, tls, own_port, hosted, .. } = endpoint.clone();
        EndpointText { host, port, path, tls, own_port, hosted }.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Endpoint, D::Error> {
        let EndpointText { host, port, path, tls, own_port, hosted } =
            EndpointText::deserialize(from)?;
        let checked = Endpoint::host(&host)
            .and_then(|endpoint| endpoint.port(port))
            .and_then(|endpoint| endpoint.path(&path))
            .map_err(D::Error::custom)?;
        Ok(Endpoint { tls, own_port, hosted, ..checked })
    }
}

/// JSON within a string, so that it may span lines.
mod json {
    use super::*;

    pub(super) fn serialize<S: Serializer>(json: &RawValue, to: S) -> Result<S::Ok, S::Error> {
        json.get().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Box<RawValue>, D::Error> {
        let text = String::deserialize(from)?;
        RawValue::from_string(text)
            .map_err(|error| D::Error::custom(format!("what was triggered is not JSON: {error}")))
    }
}

mod base64 {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::STANDARD;

    use super::*;

    pub(super) fn text(bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        text(bytes).serialize(to)
    }

    pub(super) fn deserialize<'de, 'a, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Cow<'a, [u8]>, D::Error> {
        let text = String::deserialize(from)?;
        let bytes: Result<Vec<u8>, _> = STANDARD.decode(text);
        bytes.map(Cow::Owned).map_err(|error| D::Error::custom(format!("not base64: {error}")))
    }
}
