//! What goes over sockets.

/// What went over the WebSockets of a client since it began, of all connections together. Bytes are
/// those behind the upgrade and within TLS: messages with their frames, pings, pongs and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Traffic {
    /// Messages, pings, pongs and closes received. A message in several frames counts once.
    pub frames_received: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Messages, pings and closes sent; the pong that answers a WebSocket ping is in the bytes only.
    pub frames_sent: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
}

impl Traffic {
    /// Returns this and the other together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            frames_received: self.frames_received + other.frames_received,
            bytes_received: self.bytes_received + other.bytes_received,
            frames_sent: self.frames_sent + other.frames_sent,
            bytes_sent: self.bytes_sent + other.bytes_sent,
        }
    }

    /// Returns what was added since it was the former one.
    pub(crate) fn since(self, former: Self) -> Self {
        Self {
            frames_received: self.frames_received - former.frames_received,
            bytes_received: self.bytes_received - former.bytes_received,
            frames_sent: self.frames_sent - former.frames_sent,
            bytes_sent: self.bytes_sent - former.bytes_sent,
        }
    }
}
