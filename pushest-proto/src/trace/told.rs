//! The lines of what a session was told: `{"KIND":{"at":TIME,…}}`, with the fields of the input
//! behind its time.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use bytes::Bytes;
use core::time::Duration;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::answer;
use super::texts::{
    ConnectionText, LossText, TicketText, base64, endpoint, json, milliseconds, options, utf8,
};
use crate::auth::request::{Authorization, AuthorizationError};
use crate::config::endpoint::Endpoint;
use crate::id::{ConnectionId, Ticket};
use crate::input::Input;
use crate::loss::Loss;
use crate::session::options::SubscribeOptions;
use crate::time::Instant;

/// The kinds and fields of all inputs; both as they are written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Input", rename_all = "snake_case", deny_unknown_fields)]
enum InputText<'a> {
    // What the user wanted.
    Connect {},
    Disconnect {},
    SetEndpoint {
        #[serde(with = "endpoint")]
        endpoint: Endpoint,
    },
    Subscribe {
        channel: Cow<'a, str>,
        #[serde(flatten, with = "options")]
        options: Cow<'a, SubscribeOptions>,
    },
    Unsubscribe {
        channel: Cow<'a, str>,
    },
    Retry {
        channel: Cow<'a, str>,
    },
    Trigger {
        channel: Cow<'a, str>,
        event: Cow<'a, str>,
        #[serde(with = "json")]
        data: Cow<'a, RawValue>,
    },
    SignIn {
        user_data: Option<Cow<'a, str>>,
    },
    Ping {},

    // What happened.
    Open {
        #[serde(with = "ConnectionText")]
        connection: ConnectionId,
    },
    /// A message in UTF-8. Any other is [`Bytes`](BytesText::Bytes).
    Message {
        #[serde(with = "ConnectionText")]
        connection: ConnectionId,
        #[serde(rename = "text", with = "utf8")]
        message: Bytes,
    },
    Oversized {
        #[serde(with = "ConnectionText")]
        connection: ConnectionId,
        size: usize,
        #[serde(with = "base64")]
        beginning: Cow<'a, [u8]>,
    },
    Activity {
        #[serde(with = "ConnectionText")]
        connection: ConnectionId,
    },
    CaughtUp {
        #[serde(with = "ConnectionText")]
        connection: ConnectionId,
    },
    Close {
        #[serde(with = "ConnectionText")]
        connection: ConnectionId,
        #[serde(with = "LossText")]
        loss: Loss,
    },
    Authorization {
        #[serde(flatten, with = "TicketText")]
        ticket: Ticket,
        #[serde(with = "answer")]
        answer: Result<Authorization, AuthorizationError>,
    },
    Reading {
        reading: bool,
    },
    Writable {
        #[serde(with = "ConnectionText")]
        connection: ConnectionId,
        writable: bool,
    },
    NetworkChange {},
    WallClock {
        #[serde(rename = "unix_ms", with = "milliseconds")]
        unix: Duration,
    },
    Timeout {},
}

/// A message that is not UTF-8: the one input whose line is of another kind.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum BytesText<'a> {
    Bytes {
        at: u64,
        connection: u64,
        #[serde(with = "base64")]
        base64: Cow<'a, [u8]>,
    },
}

const BYTES: &str = "bytes";

pub(super) fn read(line: &str, kind: &str) -> Result<(Instant, Input<'static>), serde_json::Error> {
    if kind == BYTES {
        let BytesText::Bytes { at, connection, base64 } = serde_json::from_str(line)?;
        let (connection, message) = (ConnectionId(connection), base64.into_owned().into());
        return Ok((Instant::from_micros(at), Input::Message { connection, message }));
    }
    let mut line: Map<String, Value> = serde_json::from_str(line)?;
    let fields = line.values_mut().next().and_then(Value::as_object_mut);
    // No input has its time among its fields.
    let at = fields.and_then(|fields| fields.remove("at"));
    let input = InputText::deserialize(Value::Object(line))?;
    let at = at.ok_or_else(|| serde_json::Error::missing_field("at"))?;
    Ok((Instant::from_micros(u64::deserialize(at)?), input))
}

pub(super) fn written(at: Instant, input: &Input<'_>) -> String {
    let at = at.as_micros();
    let line = match input {
        Input::Message { connection, message } if core::str::from_utf8(message).is_err() => {
            let (connection, base64) = (connection.0, (&**message).into());
            serde_json::to_string(&BytesText::Bytes { at, connection, base64 })
        }
        input => serde_json::to_string(&Written(input)).map(|mut line| {
            // Behind the kind, which is a name without any special characters.
            let place = line.find(":{").expect("the fields of an input are an object") + 2;
            let comma = if line[place..].starts_with('}') { "" } else { "," };
            line.insert_str(place, &format!("\"at\":{at}{comma}"));
            line
        }),
    };
    line.expect("texts and numbers can be written")
}

#[derive(Serialize)]
#[serde(transparent)]
struct Written<'a>(#[serde(with = "InputText")] &'a Input<'a>);
