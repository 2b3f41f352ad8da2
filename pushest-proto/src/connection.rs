//! The connection's lifecycle: Idle → Connecting → Opening → Established → Waiting → Connecting …

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::endpoints::Endpoints;
use crate::event::failure::ServerError;
use crate::id::{ConnectionId, SocketId};
use crate::loss::{CloseCode, Loss};
use crate::memory;
use crate::order::Order;
use crate::status::ConnectionState;
use crate::time::Instant;

/// The internal state, which is finer than the public [`ConnectionState`].
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

    /// Returns the connection that inputs may be about, if there is one.
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
    pub(crate) endpoints: Endpoints,
    pub(crate) socket_id: Option<SocketId>,
    pub(crate) attempt: u32,
    pub(crate) last_loss: Option<Arc<Loss>>,
    pub(crate) last_error: Option<Box<ServerError>>,
    /// No attempt begins before this: the pause that the server asked for, which is dialled next.
    pub(crate) not_before: Instant,
    /// The size of the largest frame that was polled for this connection.
    pub(crate) largest_frame: usize,
    /// When the last message beyond the driver's transport limit came.
    pub(crate) too_large_at: Option<Instant>,
    /// `Connect` waits to be polled.
    pub(crate) connect_due: Option<Order>,
    /// `Close` waits to be polled.
    pub(crate) close_due: Option<(Order, ConnectionId, CloseCode)>,
    /// Whether the driver takes frames, as it said last.
    pub(crate) writable: bool,
    /// The user disconnected while frames waited: they are sent before the `Close`.
    pub(crate) sends_before_close: bool,
    /// Since when the public state is what it is.
    pub(crate) state_since: Instant,
    /// Since when there is no connection although one is wanted.
    pub(crate) away_since: Option<Instant>,
    last_id: u64,
}

impl Connection {
    pub(crate) fn new(endpoints: Endpoints, now: Instant) -> Self {
        Self {
            phase: Phase::Idle,
            endpoints,
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
            sends_before_close: false,
            state_since: now,
            away_since: None,
            last_id: 0,
        }
    }

    pub(crate) fn next_id(&mut self) -> ConnectionId {
        self.last_id += 1;
        ConnectionId(self.last_id)
    }

    /// Goes to another phase. The public state that this makes begins now, unless it was that before.
    pub(crate) fn go_to(&mut self, phase: Phase, now: Instant) {
        let (from, to) = (self.phase.state(), phase.state());
        self.phase = phase;
        if from != to {
            self.state_since = now;
        }
        match to {
            // Attempts and pauses take turns: what counts is when the first of them began.
            ConnectionState::Connecting | ConnectionState::Waiting => {
                self.away_since.get_or_insert(now);
            }
            ConnectionState::Connected
            | ConnectionState::Disconnected
            | ConnectionState::Refused => self.away_since = None,
        }
    }

    /// Returns whether an input about `connection` is about the present one.
    pub(crate) fn is_current(&self, connection: ConnectionId) -> bool {
        self.phase.connection() == Some(connection)
    }

    pub(crate) fn established(&self) -> Option<ConnectionId> {
        match self.phase {
            Phase::Established(id) => Some(id),
            _ => None,
        }
    }

    /// Returns what it keeps alive, in bytes, but for what was configured.
    pub(crate) fn memory(&self) -> usize {
        let share = |loss: &Arc<Loss>| crate::loss::loss(loss) - crate::loss::others_share(loss);
        self.socket_id.as_ref().map_or(0, |id| memory::shared_text(id.as_str()))
            + self.endpoints.memory()
            + self.last_loss.as_ref().map_or(0, share)
            + self.last_error.as_deref().map_or(0, |error| {
                memory::allocation(size_of::<ServerError>()) + error.content_bytes()
            })
    }
}
