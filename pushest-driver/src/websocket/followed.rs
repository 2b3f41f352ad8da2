//! A stream whose bytes are followed on their way to tungstenite.

use std::fmt;
use std::io;
use std::task::{Context, Poll};

use pushest_proto::Instant;

use super::ahead::Ahead;
use super::follower::Follower;
use crate::byte_stream::{Addresses, ByteStream};

/// A stream behind the upgrade, as a WebSocket is made of it ([`Runtime::websocket`]). The driver
/// follows the frames in what is read of it.
///
/// [`Runtime::websocket`]: crate::unstable::Runtime::websocket
pub struct Followed<S> {
    stream: S,
    /// What was read before and is still to be followed. tungstenite, if it were given the first of
    /// it itself, would go on with a buffer no larger than that.
    ahead: Ahead,
    pub(super) follower: Follower,
    /// Bytes that were written.
    pub(super) written: u64,
}

impl<S> Followed<S> {
    /// Takes a stream of which `beginning` was read. While there is much to read, buffers of this many bytes
    /// are read at a time.
    pub(super) fn new(stream: S, beginning: Vec<u8>, follower: Follower, buffer: usize) -> Self {
        Self { stream, ahead: Ahead::new(beginning, buffer), follower, written: 0 }
    }

    #[cfg(test)]
    pub(super) fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: ByteStream> Followed<S> {
    /// As [`ByteStream::caught_up`], for one that has nothing to give for now. Within a message
    /// there is no such moment: it was begun to be sent before, and other messages wait behind it.
    pub(super) fn caught_up_between_messages(&self) -> Option<Instant> {
        if self.follower.is_between_messages() { self.stream.caught_up() } else { None }
    }
}

impl<S: ByteStream> ByteStream for Followed<S> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut most = buffer.len();
        if self.follower.has_met_large() {
            // Nothing of a later frame may come into the buffer of a large one.
            most = most.min(self.follower.missing());
        }
        let buffer = &mut buffer[..most];
        let read = self.ahead.poll_read(&mut self.stream, context, buffer);
        if let Poll::Ready(Ok(length)) = &read {
            self.follower.follow(&buffer[..*length]);
        }
        read
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream.poll_write(context, bytes);
        if let Poll::Ready(Ok(length)) = &written {
            self.written += *length as u64;
        }
        written
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(context)
    }

    fn caught_up(&self) -> Option<Instant> {
        self.stream.caught_up()
    }

    fn addresses(&self) -> Option<Addresses> {
        self.stream.addresses()
    }
}

impl<S> fmt::Debug for Followed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed").field("follower", &self.follower).finish_non_exhaustive()
    }
}
