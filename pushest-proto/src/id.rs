//! Ids of connections, subscriptions, pings and requests for authorizations.

use alloc::sync::Arc;
use core::fmt;
use core::num::NonZeroU32;

/// The id of one connection, or of one attempt to make it. It is never used twice in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub(crate) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of one subscription of a session: a channel from the call that begins to want it until it
/// is unsubscribed from, over all connections and failures. A channel that is unsubscribed from and
/// subscribed to again has another id.
///
/// It is a slot of a table and a generation, which tells apart the subscriptions that have the slot
/// one after the other. A driver keeps what belongs to a subscription in a `Vec` at
/// [`ChannelId::slot`], together with the id: if that is not the id of an event, the event is about
/// a former subscription. Ids mean nothing to servers and to other sessions, and are in no
/// recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelId {
    slot: u32,
    /// Counted in the session, not in the slot: after 4,294,967,295 subscriptions it begins anew.
    generation: NonZeroU32,
}

impl ChannelId {
    pub(crate) fn new(slot: usize, generation: NonZeroU32) -> Self {
        // The generation tells them apart even if a table could be larger than that.
        Self { slot: u32::try_from(slot).unwrap_or(u32::MAX), generation }
    }

    /// Returns the place in a table. No two subscriptions have it at the same time, it is less than
    /// the most channels that the session wanted or was leaving at any one time, and free places
    /// are used again.
    #[must_use]
    pub fn slot(self) -> usize {
        self.slot as usize
    }
}

/// The server's id of a connection: usually two runs of digits with a dot between them. Cloning it
/// is cheap.
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

    /// Returns the id as the server sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for SocketId {
    fn as_ref(&self) -> &str {
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

/// The id of a ping of the user, for [`Event::Pong`](crate::Event::Pong) and
/// [`Event::PingLost`](crate::Event::PingLost).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PingId(pub(crate) u64);

/// The id of one request for an authorization. It belongs to one connection: what was signed for a
/// former socket id is worthless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(crate) connection: ConnectionId,
    pub(crate) number: u64,
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
