//! What names a connection, a ping and a request for an authorization.

use alloc::sync::Arc;
use core::fmt;

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

/// Names a ping of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PingId(pub(crate) u64);

/// Names one request for an authorization. It belongs to one connection: what was signed for a
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
