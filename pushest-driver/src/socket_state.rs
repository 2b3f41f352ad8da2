//! The state of the connection's socket: none, dialling, or open.

use futures_util::future::BoxFuture;
use pushest_proto::{ConnectionId, DialFailure, Instant};

use crate::open_socket::OpenSocket;

/// The connection that the session asked for last.
pub(crate) enum SocketState<S> {
    None,
    /// The dial that is under way, and when it began.
    Dialing(ConnectionId, Instant, BoxFuture<'static, Result<S, DialFailure>>),
    Open(OpenSocket<S>),
}

impl<S> SocketState<S> {
    pub(crate) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::None => None,
            Self::Dialing(connection, ..) => Some(*connection),
            Self::Open(open) => Some(open.connection),
        }
    }
}
