//! One client's connection: its ids, when it was heard, and what it may do next.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use pushest_proto::Instant;

use super::config::ServerConfig;
use super::profile::Heartbeat;

/// A connection as the server sees it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket_id: String,
    /// False until `connection_established` was sent; such a connection is not served.
    pub(super) established: bool,
    pub(super) subscriptions: BTreeSet<String>,
    /// The id of the user that signed in.
    pub(super) user: Option<String>,
    /// Nothing is sent to it: a fault.
    pub(super) silenced: bool,
    last_heard: Instant,
    last_sent: Instant,
    /// When the ping that is unanswered was sent.
    pinged: Option<Instant>,
    /// When its latest client events came, oldest first; no more than the limit.
    client_events: VecDeque<Instant>,
    /// When the broker looks at it again: an upper bound is enough, see [`Connection::due`].
    pub(super) armed: Option<Instant>,
}

/// What a connection's silence calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing before this instant.
    Later(Instant),
    Never,
    Ping,
    /// No answer to the ping, or nothing sent for too long: close with 4201.
    Close,
}

impl Connection {
    pub(super) fn new(socket_id: String, now: Instant) -> Self {
        Self {
            socket_id,
            established: false,
            subscriptions: BTreeSet::new(),
            user: None,
            silenced: false,
            last_heard: now,
            last_sent: now,
            pinged: None,
            client_events: VecDeque::new(),
            armed: None,
        }
    }

    /// Takes a sign of life, which anything that arrives is. Returns whether a ping was unanswered.
    pub(super) fn heard(&mut self, now: Instant) -> bool {
        self.last_heard = now;
        self.pinged.take().is_some()
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.last_sent = now;
    }

    pub(super) fn pinged(&mut self, now: Instant) {
        self.pinged = Some(now);
    }

    /// Counts a client event; false if it is one too many for this second.
    pub(super) fn may_send_client_event(&mut self, per_second: Option<u32>, now: Instant) -> bool {
        let Some(limit) = per_second else { return true };
        let second = Duration::from_secs(1);
        while let Some(&oldest) = self.client_events.front()
            && now.saturating_duration_since(oldest) >= second
        {
            self.client_events.pop_front();
        }
        if self.client_events.len() >= limit as usize {
            return false;
        }
        self.client_events.push_back(now);
        true
    }

    /// Returns what the connection's silence calls for at `now`.
    pub(super) fn due(&self, config: &ServerConfig, now: Instant) -> Due {
        let (deadline, then) = match config.profile.dialect().heartbeat {
            Heartbeat::None => return Due::Never,
            Heartbeat::CloseWhenSilent(limit) => (self.last_sent + limit, Due::Close),
            Heartbeat::Ping => match self.pinged {
                Some(at) => (at + config.pong_timeout, Due::Close),
                None => (self.last_heard + config.activity_timeout, Due::Ping),
            },
        };
        if now < deadline { Due::Later(deadline) } else { then }
    }
}
