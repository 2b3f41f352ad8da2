//! Misbehaving on purpose: the faults that are a matter of messages, not of sockets.

use std::collections::BTreeMap;
use std::time::Duration;

use bytestring::ByteString;

use super::{Broker, PeerId, Refusal, encode};

/// The connections that a fault concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// Every connection there is now; not those that come later.
    All,
    /// The connection with this socket id.
    SocketId(String),
    /// The connection with this number.
    Peer(PeerId),
}

impl From<&str> for Target {
    fn from(socket_id: &str) -> Self {
        Self::SocketId(socket_id.to_owned())
    }
}

impl From<String> for Target {
    fn from(socket_id: String) -> Self {
        Self::SocketId(socket_id)
    }
}

impl From<PeerId> for Target {
    fn from(peer: PeerId) -> Self {
        Self::Peer(peer)
    }
}

/// The faults that are switched on.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Channels whose subscriptions are refused, and what is said.
    pub(super) denied: BTreeMap<String, String>,
    /// New connections hear nothing at all.
    pub(super) withhold_handshake: bool,
    /// New connections are refused so.
    pub(super) refuse_connections: Option<Refusal>,
    /// The data that presence channels get instead of their members.
    pub(super) presence_data: Option<String>,
    /// Every message goes out this much later.
    pub(super) delay: Duration,
}

/// Faults.
impl Broker {
    /// Returns the connections that `target` names now.
    #[must_use]
    pub fn targets(&self, target: &Target) -> Vec<PeerId> {
        match target {
            Target::All => self.connections.keys().copied().collect(),
            Target::SocketId(socket_id) => self.peer(socket_id).into_iter().collect(),
            Target::Peer(peer) => self.socket_id(*peer).map(|_| *peer).into_iter().collect(),
        }
    }

    /// Closes connections with a code and a reason (cut to the 123 bytes that a close frame holds);
    /// with 1006 they end without a close frame.
    pub fn close(&mut self, target: &Target, code: u16, reason: &str) {
        for peer in self.targets(target) {
            self.close_peer(peer, code, reason);
        }
    }

    /// Refuses every later subscription to `channel` with this reason.
    pub fn deny(&mut self, channel: &str, reason: &str) {
        self.faults.denied.insert(channel.to_owned(), reason.to_owned());
    }

    /// Takes [`deny`](Self::deny) back.
    pub fn allow(&mut self, channel: &str) {
        self.faults.denied.remove(channel);
    }

    /// While on, a new connection is accepted and never told `connection_established`.
    pub fn withhold_handshake(&mut self, on: bool) {
        self.faults.withhold_handshake = on;
    }

    /// While set, every new connection is refused with this code and reason, in the form that the
    /// profile gives it.
    pub fn refuse_connections(&mut self, refusal: Option<(u16, &str)>) {
        let form = self.dialect().refused_connection;
        self.faults.refuse_connections =
            refusal.map(|(code, reason)| Refusal::in_form(form, code, reason));
    }

    /// While set, every new connection is refused in this form, whatever the profile's is.
    pub fn refuse_connections_with(&mut self, refusal: Option<Refusal>) {
        self.faults.refuse_connections = refusal;
    }

    /// Sends every later message this much later; order is kept.
    pub fn set_delay(&mut self, delay: Duration) {
        self.faults.delay = delay;
    }

    /// Sets whether these connections are sent nothing anymore; what they send is read in any case.
    /// Messages of the silent time are lost.
    pub fn set_silent(&mut self, target: &Target, silent: bool) {
        for peer in self.targets(target) {
            if let Some(connection) = self.connections.get_mut(&peer) {
                connection.silenced = silent;
            }
        }
    }

    /// Sends this, whatever it is, as the data of every later `subscription_succeeded` of a presence
    /// channel; `None` brings the true lists back.
    pub fn replace_presence_data(&mut self, data: Option<&str>) {
        self.faults.presence_data = data.map(str::to_owned);
    }

    /// Sends `text` as one message, whatever it is.
    pub fn send_raw(&mut self, target: &Target, text: &str) {
        let text = ByteString::from(text);
        for peer in self.targets(target) {
            self.send(peer, text.clone());
        }
    }

    /// Sends a `pusher:error`; the connection stays.
    pub fn send_error(&mut self, target: &Target, code: Option<u16>, message: &str) {
        let text = encode::error(&self.dialect(), None, code, message);
        for peer in self.targets(target) {
            self.send(peer, text.clone());
        }
    }
}
