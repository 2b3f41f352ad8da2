//! What is known, to be compared with what clients believe.

use super::{Broker, PeerId};

/// Looking at it.
impl Broker {
    /// Returns the connections there are, oldest first, refused and withheld ones not counted.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        let established = self.connections.iter().filter(|(_, connection)| connection.established);
        established.map(|(&peer, _)| peer)
    }

    /// Returns a connection's socket id; `None` once it is gone.
    #[must_use]
    pub fn socket_id(&self, peer: PeerId) -> Option<&str> {
        self.connections.get(&peer).map(|connection| connection.socket_id.as_str())
    }

    /// Returns the connection with this socket id.
    #[must_use]
    pub fn peer(&self, socket_id: &str) -> Option<PeerId> {
        self.by_socket_id.get(socket_id).copied()
    }

    /// Returns the channels that have subscribers, by name.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        self.channels.keys().map(String::as_str)
    }

    /// Returns the connections that are subscribed to `channel`, oldest connection first.
    pub fn subscribers(&self, channel: &str) -> impl Iterator<Item = PeerId> {
        self.channels
            .get(channel)
            .into_iter()
            .flat_map(|channel| channel.subscribers.iter().copied())
    }

    /// Returns the channels that a connection is subscribed to, by name.
    pub fn subscriptions(&self, peer: PeerId) -> impl Iterator<Item = &str> {
        let connection = self.connections.get(&peer).into_iter();
        connection.flat_map(|connection| connection.subscriptions.iter().map(String::as_str))
    }

    /// Returns the ids of the users on a presence channel, in the order of the ids.
    pub fn members(&self, channel: &str) -> impl Iterator<Item = &str> {
        let channel = self.channels.get(channel).into_iter();
        channel.flat_map(|channel| channel.members.iter().map(|member| member.id.as_str()))
    }

    /// Returns the ids of the users that are signed in.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(String::as_str)
    }
}
