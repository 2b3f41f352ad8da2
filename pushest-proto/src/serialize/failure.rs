//! What failed, and why.

use serde::{Serialize, Serializer};

use super::ms_up;
use crate::auth::request::AuthorizationError;
use crate::channel::encrypted::DecryptionFailure;
use crate::channel::name::ChannelName;
use crate::dial_failure::DialFailure;
use crate::event::failure::{InReplyTo, RequestFailure, ServerError};
use crate::loss::Loss;

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum LossForm<'a> {
    Closed { code: Option<u16>, reason: &'a str },
    BadClose { code: Option<u16>, problem: &'a str },
    Reset { detail: &'a str },
    TooLarge { limit_bytes: usize },
    Dial { failure: &'a DialFailure },
    Refused { code: u16, message: &'a str },
    HandshakeTimeout,
    PongTimeout,
    AddressGone,
    EndpointChanged,
    Disconnected,
    Resubscribed,
}

impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let form = match self {
            Self::Closed { code, reason } => LossForm::Closed { code: *code, reason },
            Self::BadClose { code, problem } => LossForm::BadClose { code: *code, problem },
            Self::Reset(detail) => LossForm::Reset { detail },
            Self::TooLarge { limit } => LossForm::TooLarge { limit_bytes: *limit },
            Self::Dial(failure) => LossForm::Dial { failure },
            Self::Refused { code, message } => LossForm::Refused { code: *code, message },
            Self::HandshakeTimeout => LossForm::HandshakeTimeout,
            Self::PongTimeout => LossForm::PongTimeout,
            Self::AddressGone => LossForm::AddressGone,
            Self::EndpointChanged => LossForm::EndpointChanged,
            Self::Disconnected => LossForm::Disconnected,
            Self::Resubscribed => LossForm::Resubscribed,
        };
        form.serialize(to)
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum DialForm<'a> {
    Dns {
        detail: &'a str,
    },
    Connect {
        detail: &'a str,
    },
    Tls {
        certificate: bool,
        detail: &'a str,
    },
    Proxy {
        detail: &'a str,
    },
    Connector {
        detail: &'a str,
    },
    Http {
        status: u16,
        retry_after_ms: Option<u64>,
        location: Option<&'a str>,
        body: &'a str,
    },
    Upgrade {
        detail: &'a str,
    },
    #[serde(rename = "not_websocket")]
    NotWebSocket {
        detail: &'a str,
    },
    Timeout,
    Headers {
        detail: &'a str,
    },
    Unsupported {
        detail: &'a str,
    },
}

impl Serialize for DialFailure {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let form = match self {
            Self::Dns(detail) => DialForm::Dns { detail },
            Self::Connect(detail) => DialForm::Connect { detail },
            Self::Tls { certificate, detail } => {
                DialForm::Tls { certificate: *certificate, detail }
            }
            Self::Proxy(detail) => DialForm::Proxy { detail },
            Self::Connector(detail) => DialForm::Connector { detail },
            Self::Http { status, retry_after, location, body } => DialForm::Http {
                status: *status,
                retry_after_ms: retry_after.map(ms_up),
                location: location.as_deref(),
                body,
            },
            Self::Upgrade(detail) => DialForm::Upgrade { detail },
            Self::NotWebSocket(detail) => DialForm::NotWebSocket { detail },
            Self::Timeout => DialForm::Timeout,
            Self::Headers(detail) => DialForm::Headers { detail },
            Self::Unsupported(detail) => DialForm::Unsupported { detail },
        };
        form.serialize(to)
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum RequestForm<'a> {
    AuthorizationRefused { error: &'a AuthorizationError },
    AuthorizationUnavailable { error: &'a AuthorizationError },
    Refused { error: &'a ServerError },
    NoAnswer,
    TooLarge { bytes: usize },
}

impl Serialize for RequestFailure {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let form = match self {
            Self::AuthorizationRefused(error) => RequestForm::AuthorizationRefused { error },
            Self::AuthorizationUnavailable(error) => {
                RequestForm::AuthorizationUnavailable { error }
            }
            Self::Refused(error) => RequestForm::Refused { error },
            Self::NoAnswer => RequestForm::NoAnswer,
            Self::TooLarge { bytes } => RequestForm::TooLarge { bytes: *bytes },
        };
        form.serialize(to)
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum AuthorizationForm<'a> {
    Refused { status: Option<u16>, message: &'a str },
    Unavailable { status: Option<u16>, message: &'a str, retry_after_ms: Option<u64> },
}

impl Serialize for AuthorizationError {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let form = match self {
            Self::Refused { status, message } => {
                AuthorizationForm::Refused { status: *status, message }
            }
            Self::Unavailable { status, message, retry_after } => AuthorizationForm::Unavailable {
                status: *status,
                message,
                retry_after_ms: retry_after.map(ms_up),
            },
        };
        form.serialize(to)
    }
}

#[derive(Serialize)]
struct ServerErrorForm<'a> {
    code: Option<u16>,
    message: &'a str,
    channel: Option<&'a ChannelName>,
    in_reply_to: Option<&'a InReplyTo>,
    inferred: bool,
}

impl Serialize for ServerError {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { code, message, channel, in_reply_to, inferred } = self;
        let form = ServerErrorForm {
            code: *code,
            message,
            channel: channel.as_ref(),
            in_reply_to: in_reply_to.as_ref(),
            inferred: *inferred,
        };
        form.serialize(to)
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum InReplyToForm<'a> {
    Subscribe,
    SignIn,
    ClientEvent { event: &'a str },
}

impl Serialize for InReplyTo {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let form = match self {
            Self::Subscribe => InReplyToForm::Subscribe,
            Self::SignIn => InReplyToForm::SignIn,
            Self::ClientEvent { event } => InReplyToForm::ClientEvent { event },
        };
        form.serialize(to)
    }
}

impl Serialize for DecryptionFailure {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match self {
            Self::NotEncrypted => "not_encrypted",
            Self::BadNonce => "bad_nonce",
            Self::BadCiphertext => "bad_ciphertext",
            Self::WrongKey => "wrong_key",
            Self::NotUtf8 => "not_utf8",
        })
    }
}
