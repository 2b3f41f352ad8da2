//! The connection's lifecycle: Idle → Connecting → Opening → Established → Waiting → Connecting …

use alloc::sync::Arc;
use core::fmt;

use crate::Instant;
use crate::action::CloseCode;
use crate::config::Endpoint;
use crate::event::ServerError;
use crate::loss::Loss;
use crate::memory;
use crate::pending::Order;

/// Names one connection, or one attempt to make it. Never used twice in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub(crate) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the server calls a connection: usually two runs of digits with a dot between them. Cloning
/// it is cheap.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SocketId(Arc<str>);

impl SocketId {
    /// Checks the form: 1 to 100 ASCII letters, digits, `.`, `-` and `_` ([protocol, connection
    /// established](crate::protocol#connection-established)); `None` for anything else. A colon
    /// above all is refused: it separates the parts of what is signed, so that with one in it the
    /// server could choose what a signature means.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let is_right = (1..=100).contains(&text.len()) && text.bytes().all(is_allowed);
        is_right.then(|| Self(text.into()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The state of the connection as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Not connected, and not trying to: before `connect` and after `disconnect`.
    Disconnected,
    /// An attempt is running, up to the server's `pusher:connection_established`.
    Connecting,
    /// The server has established the connection.
    Connected,
    /// The connection was lost, or the attempt failed; the next attempt has its time.
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
    /// The state.
    pub state: ConnectionState,
    /// The socket id, when connected.
    pub socket_id: Option<SocketId>,
    /// The attempt that is running or was the last: 1 for the first after `connect`, after a
    /// refusal, or after a stable connection. 0 before any.
    pub attempt: u32,
    /// When the next attempt begins, when waiting, on the session's clock. Clients tell the pause
    /// that is left instead: `retry_in()`.
    pub next_retry: Option<Instant>,
    /// How the last connection or attempt ended. It is kept until the next loss, also while the
    /// session is connected again; `None` before the first.
    pub last_loss: Option<Arc<Loss>>,
    /// The last error that the server reported.
    pub last_error: Option<ServerError>,
}

/// The internal state; it knows what the public one does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle,
    /// Dialling; the request may not have been polled yet.
    Connecting(ConnectionId),
    /// The WebSocket is open, the server has not established the connection.
    Opening(ConnectionId),
    Established(ConnectionId),
    Waiting,
    Refused,
}

impl Phase {
    pub(crate) fn state(self) -> ConnectionState {
        match self {
            Self::Idle => ConnectionState::Disconnected,
            Self::Connecting(_) | Self::Opening(_) => ConnectionState::Connecting,
            Self::Established(_) => ConnectionState::Connected,
            Self::Waiting => ConnectionState::Waiting,
            Self::Refused => ConnectionState::Refused,
        }
    }

    /// The connection that inputs may be about.
    pub(crate) fn connection(self) -> Option<ConnectionId> {
        match self {
            Self::Connecting(id) | Self::Opening(id) | Self::Established(id) => Some(id),
            Self::Idle | Self::Waiting | Self::Refused => None,
        }
    }
}

/// What the session knows of its connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) phase: Phase,
    pub(crate) endpoint: Endpoint,
    pub(crate) socket_id: Option<SocketId>,
    pub(crate) attempt: u32,
    pub(crate) last_loss: Option<Arc<Loss>>,
    pub(crate) last_error: Option<ServerError>,
    /// What the server asked for at the last loss: no attempt before this.
    pub(crate) not_before: Instant,
    /// The size of the largest frame that was polled for this connection.
    pub(crate) largest_frame: usize,
    /// When the last message beyond the driver's transport limit came.
    pub(crate) too_large_at: Option<Instant>,
    /// `Connect` waits to be polled.
    pub(crate) connect_due: Option<Order>,
    /// `Close` waits to be polled.
    pub(crate) close_due: Option<(Order, ConnectionId, CloseCode)>,
    /// Whether the driver can take frames.
    pub(crate) writable: bool,
    /// The session ended while these frames of its connection waited: they go before the `Close`.
    pub(crate) farewell: bool,
    last_id: u64,
}

impl Connection {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self {
            phase: Phase::Idle,
            endpoint,
            socket_id: None,
            attempt: 0,
            last_loss: None,
            last_error: None,
            not_before: Instant::ORIGIN,
            largest_frame: 0,
            too_large_at: None,
            connect_due: None,
            close_due: None,
            writable: true,
            farewell: false,
            last_id: 0,
        }
    }

    pub(crate) fn next_id(&mut self) -> ConnectionId {
        self.last_id += 1;
        ConnectionId(self.last_id)
    }

    /// Whether an input about `connection` is about the present one.
    pub(crate) fn is_current(&self, connection: ConnectionId) -> bool {
        self.phase.connection() == Some(connection)
    }

    pub(crate) fn established(&self) -> Option<ConnectionId> {
        match self.phase {
            Phase::Established(id) => Some(id),
            _ => None,
        }
    }

    /// What it keeps alive, in bytes, but for what was configured.
    pub(crate) fn memory(&self) -> usize {
        let share = |loss: &Arc<Loss>| memory::loss(loss) - memory::others_share(loss);
        self.socket_id.as_ref().map_or(0, |id| memory::shared_text(&id.0))
            + self.last_loss.as_ref().map_or(0, share)
            + self.last_error.as_ref().map_or(0, ServerError::content_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_id_is_made_of_letters_digits_dots_hyphens_and_underscores() {
        let long = "1".repeat(100);
        let uuid = "09bd1b5d-3a0c-4a2e-8a3f-0c2d3a5f9e11";
        for good in ["1.2", "123456789012345.98765432109876543", "7", uuid, "a_b", &*long] {
            assert!(SocketId::new(good).is_some(), "{good}");
        }
        let longer = "1".repeat(101);
        for bad in ["", "1:2", ":", "1.2::user::{}", " 1.2", "1.2\n", "1,2", "ä", "１.２", &*longer]
        {
            assert!(SocketId::new(bad).is_none(), "{bad}");
        }
    }
}
