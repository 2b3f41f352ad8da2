//! The way to the server: none, on its way, or open.

use futures_util::future::BoxFuture;
use pushest_proto::{ConnectionId, DialFailure, Instant};

use crate::wire::Wire;

/// The connection that the session asked for last.
pub(crate) enum Link<S> {
    None,
    /// Since then.
    Dialing(ConnectionId, Instant, BoxFuture<'static, Result<S, DialFailure>>),
    Open(Wire<S>),
}

impl<S> Link<S> {
    pub(crate) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::None => None,
            Self::Dialing(connection, ..) => Some(*connection),
            Self::Open(wire) => Some(wire.connection),
        }
    }
}
