//! How far the connection, a subscription and the sign-in are.

use serde::{Serialize, Serializer};

use super::ms_up;
use crate::channel::ChannelState;
use crate::config::endpoint::Endpoint;
use crate::event::failure::{RequestFailure, ServerError};
use crate::id::SocketId;
use crate::loss::Loss;
use crate::status::{ConnectionState, SignInState, StateChange, Status};

impl Serialize for ConnectionState {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match self {
            Self::Disconnected => "disconnected",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
        })
    }
}

impl Serialize for ChannelState {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match self {
            Self::Waiting => "waiting",
            Self::Authorizing => "authorizing",
            Self::Subscribing => "subscribing",
            Self::Subscribed => "subscribed",
            Self::Failed => "failed",
        })
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum SignInForm<'a> {
    NotAsked,
    Waiting,
    Authorizing,
    SigningIn,
    SignedIn { user_id: &'a str },
    Failed { reason: &'a RequestFailure },
}

impl Serialize for SignInState<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let form = match self {
            Self::NotAsked => SignInForm::NotAsked,
            Self::Waiting => SignInForm::Waiting,
            Self::Authorizing => SignInForm::Authorizing,
            Self::SigningIn => SignInForm::SigningIn,
            Self::SignedIn { user_id } => SignInForm::SignedIn { user_id },
            Self::Failed { reason } => SignInForm::Failed { reason },
        };
        form.serialize(to)
    }
}

#[derive(Serialize)]
struct StateChangeForm<'a> {
    from: ConnectionState,
    to: ConnectionState,
    attempt: u32,
    socket_id: Option<&'a SocketId>,
    loss: Option<&'a Loss>,
    retry_in_ms: Option<u64>,
}

impl Serialize for StateChange {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { from, to: until, attempt, socket_id, loss, retry_in } = self;
        let form = StateChangeForm {
            from: *from,
            to: *until,
            attempt: *attempt,
            socket_id: socket_id.as_ref(),
            loss: loss.as_deref(),
            retry_in_ms: retry_in.map(ms_up),
        };
        form.serialize(to)
    }
}

#[derive(Serialize)]
struct StatusForm<'a> {
    state: ConnectionState,
    endpoint: &'a Endpoint,
    socket_id: Option<&'a SocketId>,
    attempt: u32,
    next_retry_ms: Option<u64>,
    last_loss: Option<&'a Loss>,
    last_error: Option<&'a ServerError>,
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { state, endpoint, socket_id, attempt, next_retry, last_loss, last_error } = self;
        let form = StatusForm {
            state: *state,
            endpoint,
            socket_id: socket_id.as_ref(),
            attempt: *attempt,
            next_retry_ms: next_retry.map(ms_up),
            last_loss: last_loss.as_deref(),
            last_error: last_error.as_ref(),
        };
        form.serialize(to)
    }
}
