//! How the parts of lines are written. What is written here is the format: a change of a name, a
//! field or its place is a new [`VERSION`](super::version::VERSION).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::channel::encrypted::DecryptionFailure;
use crate::channel::name::NameRules;
use crate::config::backoff::BackoffConfig;
use crate::config::endpoint::Endpoint;
use crate::config::limits::Limits;
use crate::config::timeouts::Timeouts;
use crate::dial_failure::DialFailure;
use crate::id::{ConnectionId, Ticket};
use crate::loss::Loss;
use crate::session::options::SubscribeOptions;

// The shapes of public types, which do not promise one of their own.

#[derive(Serialize, Deserialize)]
#[serde(remote = "ConnectionId")]
pub(super) struct ConnectionText(u64);

/// A connection's id as a value of its own.
#[derive(Serialize)]
pub(super) struct ConnectionValue(#[serde(with = "ConnectionText")] pub(super) ConnectionId);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Ticket")]
pub(super) struct TicketText {
    #[serde(with = "ConnectionText")]
    connection: ConnectionId,
    number: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SubscribeOptions")]
struct OptionsText {
    user_id: Option<String>,
    user_info: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Timeouts", deny_unknown_fields)]
pub(super) struct TimeoutsText {
    dial: Duration,
    handshake: Duration,
    activity: Duration,
    pong: Duration,
    // Zero, which no configuration has, where a recording is older than this: then `pong` counts, as it
    // did in that session.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pong_after_change: Duration,
    subscribe: Duration,
    authorization: Duration,
    stable: Duration,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BackoffConfig", deny_unknown_fields)]
pub(super) struct BackoffText {
    initial: Duration,
    maximum: Duration,
    schedule: Option<Vec<Duration>>,
    retry_after_limit: Duration,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Limits", deny_unknown_fields)]
pub(super) struct LimitsText {
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

/// A loss as a value of its own.
#[derive(Serialize)]
pub(super) struct LossValue<'a>(#[serde(with = "LossText")] pub(super) &'a Loss);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Loss", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum LossText {
    Closed { code: Option<u16>, reason: Box<str> },
    BadClose { code: Option<u16>, problem: Box<str> },
    Reset(Box<str>),
    TooLarge { limit: usize },
    Dial(#[serde(with = "DialFailureText")] DialFailure),
    Refused { code: u16, message: Box<str> },
    HandshakeTimeout,
    PongTimeout,
    AddressGone,
    EndpointChanged,
    Disconnected,
    Resubscribed,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DialFailure", rename_all = "snake_case", deny_unknown_fields)]
enum DialFailureText {
    Dns(Box<str>),
    Connect(Box<str>),
    Tls { certificate: bool, detail: Box<str> },
    Proxy(Box<str>),
    Connector(Box<str>),
    Http { status: u16, retry_after: Option<Duration>, location: Option<Box<str>>, body: Box<str> },
    Upgrade(Box<str>),
    NotWebSocket(Box<str>),
    Timeout,
    Headers(Box<str>),
    Unsupported(Box<str>),
}

/// Why something could not be opened, as a value of its own.
#[derive(Serialize)]
pub(super) struct FailureValue(#[serde(with = "FailureText")] pub(super) DecryptionFailure);

#[derive(Serialize, Deserialize)]
#[serde(remote = "DecryptionFailure", rename_all = "snake_case")]
pub(super) enum FailureText {
    NotEncrypted,
    BadNonce,
    BadCiphertext,
    WrongKey,
    NotUtf8,
}

/// An endpoint; what is read keeps the rules of one.
pub(super) mod endpoint {
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

    pub(in crate::trace) fn serialize<S: Serializer>(
        endpoint: &Endpoint,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let host = endpoint.host_with_zone().into_owned();
        let Endpoint { port, path, tls, own_port, hosted, .. } = endpoint.clone();
        EndpointText { host, port, path, tls, own_port, hosted }.serialize(to)
    }

    pub(in crate::trace) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Endpoint, D::Error> {
        let EndpointText { host, port, path, tls, own_port, hosted } =
            EndpointText::deserialize(from)?;
        let checked = Endpoint::new(&host)
            .and_then(|endpoint| endpoint.with_port(port))
            .and_then(|endpoint| endpoint.with_path(&path))
            .map_err(D::Error::custom)?;
        Ok(Endpoint { tls, own_port, hosted, ..checked })
    }
}

/// JSON within a string, so that it may span lines.
pub(super) mod json {
    use super::*;

    pub(in crate::trace) fn serialize<S: Serializer>(
        json: &RawValue,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        json.get().serialize(to)
    }

    pub(in crate::trace) fn deserialize<'de, 'a, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Cow<'a, RawValue>, D::Error> {
        let text = String::deserialize(from)?;
        RawValue::from_string(text)
            .map(Cow::Owned)
            .map_err(|error| D::Error::custom(format!("what was triggered is not JSON: {error}")))
    }
}

pub(super) mod base64 {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::STANDARD;

    use super::*;

    pub(in crate::trace) fn text(bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }

    pub(in crate::trace) fn serialize<S: Serializer>(
        bytes: &[u8],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        text(bytes).serialize(to)
    }

    pub(in crate::trace) fn deserialize<'de, 'a, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Cow<'a, [u8]>, D::Error> {
        let text = String::deserialize(from)?;
        let bytes: Result<Vec<u8>, _> = STANDARD.decode(text);
        bytes.map(Cow::Owned).map_err(|error| D::Error::custom(format!("not base64: {error}")))
    }
}

/// The bytes of a text.
pub(super) mod utf8 {
    use bytes::Bytes;

    use super::*;

    pub(in crate::trace) fn serialize<S: Serializer>(
        text: &[u8],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        core::str::from_utf8(text).map_err(S::Error::custom)?.serialize(to)
    }

    pub(in crate::trace) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Bytes, D::Error> {
        String::deserialize(from).map(Bytes::from)
    }
}

/// A duration in whole milliseconds.
pub(super) mod milliseconds {
    use super::*;

    pub(in crate::trace) fn serialize<S: Serializer>(
        duration: &Duration,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).serialize(to)
    }

    pub(in crate::trace) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

/// What a channel is subscribed to with, borrowed or not.
pub(super) mod options {
    use super::*;

    pub(in crate::trace) fn serialize<S: Serializer>(
        options: &SubscribeOptions,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        OptionsText::serialize(options, to)
    }

    pub(in crate::trace) fn deserialize<'de, 'a, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Cow<'a, SubscribeOptions>, D::Error> {
        OptionsText::deserialize(from).map(Cow::Owned)
    }
}
