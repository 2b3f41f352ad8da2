//! Why the session is or is not connected, as data, how that changes, and how far the sign-in is.

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use crate::config::endpoint::Endpoint;
use crate::event::failure::{RequestFailure, ServerError};
use crate::id::SocketId;
use crate::loss::Loss;

/// The state of the connection.
///
/// Exhaustive on purpose: another state would be another life cycle, and a program that decides by the
/// state, such as a health check, must decide for the new one, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Not connected, and not trying to: before `connect` and after `disconnect`.
    Disconnected,
    /// An attempt is running, up to the server's `pusher:connection_established`.
    Connecting,
    /// The server has established the connection.
    Connected,
    /// The connection was lost, or the attempt failed; the next attempt is scheduled.
    Waiting,
    /// The server, or what stands before it, refused for good. `connect` tries anew.
    Refused,
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disconnected => "disconnected",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
        })
    }
}

/// Why the session is or is not connected, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The state of the connection.
    pub state: ConnectionState,
    /// The endpoint that is connected or dialled, or that the next attempt goes to: of several the one
    /// whose turn it is.
    pub endpoint: Endpoint,
    /// The socket id that the server gave; `None` unless connected.
    pub socket_id: Option<SocketId>,
    /// The attempt that is running or was the last: 1 for the first after `connect`, after a
    /// refusal, or after a stable connection. 0 before any.
    pub attempt: u32,
    /// The time until the next attempt begins, counted from when the status was asked for; zero if
    /// it is due. `None` unless waiting.
    pub next_retry: Option<Duration>,
    /// How the last connection or attempt ended. It is kept until the next loss, also while the
    /// session is connected again; `None` before the first.
    pub last_loss: Option<Arc<Loss>>,
    /// The last error that the server reported; `None` before the first.
    pub last_error: Option<ServerError>,
}

/// The state of the sign-in ([`Session::sign_in`](crate::Session::sign_in)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInState<'a> {
    /// The user has not asked to be signed in.
    NotAsked,
    /// There is no connection, the sign-in's turn has not come, or an authorization could not be
    /// had and is asked for again after a pause.
    Waiting,
    /// An authorization was asked for.
    Authorizing,
    /// The server has been asked.
    SigningIn,
    /// The server has confirmed, on the present connection.
    SignedIn {
        /// The user's id.
        user_id: &'a str,
    },
    /// It failed. The session tries again on the next connection; if the failure [is
    /// final](RequestFailure::is_final), only when the user asks. It stays until then.
    Failed {
        /// The reason.
        reason: &'a RequestFailure,
    },
}

/// A change of the connection's state, with what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateChange {
    /// The state until now.
    pub from: ConnectionState,
    /// The state from now on.
    pub to: ConnectionState,
    /// The attempt that is running or was the last: 1 for the first after `connect`, after a
    /// refusal, or after a stable connection.
    pub attempt: u32,
    /// The socket id that the server gave; `None` unless connected.
    pub socket_id: Option<SocketId>,
    /// How the former connection or attempt ended, when waiting or refused; `None` otherwise.
    pub loss: Option<Arc<Loss>>,
    /// The time until the next attempt begins; `None` unless waiting.
    pub retry_in: Option<Duration>,
}

impl fmt::Display for StateChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to.fmt(f)?;
        if let Some(socket_id) = &self.socket_id {
            write!(f, " as {socket_id}")?;
        }
        if let Some(loss) = &self.loss {
            write!(f, ": {loss}")?;
        }
        if let Some(pause) = self.retry_in {
            write!(f, "; next attempt in {:.1} s", pause.as_secs_f64())?;
        }
        Ok(())
    }
}
