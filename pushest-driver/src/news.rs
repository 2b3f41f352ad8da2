//! What has happened on the socket since the session was told last.

use pushest_proto::{
    Authorization, AuthorizationError, ConnectionId, Instant, Loss, Session, Ticket,
};
use tungstenite::Bytes;

pub(crate) enum News {
    Opened(ConnectionId),
    Received(ConnectionId, Bytes),
    /// A WebSocket ping or pong.
    Heard(ConnectionId),
    /// Everything that had arrived by then stands before this.
    CaughtUp(ConnectionId, Instant),
    Lost(ConnectionId, Loss),
    /// The networks of the machine changed, in a way that concerns the client.
    NetworkChanged,
    /// Boxed, so that a batch of messages takes less room.
    Answered(Ticket, Box<Result<Authorization, AuthorizationError>>),
}

impl News {
    pub(crate) fn tell(self, session: &mut Session, now: Instant) {
        match self {
            Self::Opened(connection) => session.handle_open(connection, now),
            Self::Received(connection, message) => session.handle_message(connection, message, now),
            Self::Heard(connection) => session.handle_activity(connection, now),
            Self::CaughtUp(connection, at) => session.handle_caught_up(connection, at),
            Self::Lost(connection, loss) => session.handle_close(connection, loss, now),
            Self::NetworkChanged => session.handle_network_change(now),
            Self::Answered(ticket, answer) => session.handle_authorization(ticket, *answer, now),
        }
    }

    /// Returns how large the message is, in bytes, if it is one.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Received(_, message) => message.len(),
            _ => 0,
        }
    }
}
