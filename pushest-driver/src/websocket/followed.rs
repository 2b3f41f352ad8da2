//! A stream whose bytes are followed on their way to tungstenite, or cut into messages before.

use std::fmt;
use std::io;
use std::task::{Context, Poll};

use pushest_proto::Instant;
use tungstenite::Bytes;

use super::ahead::{Ahead, Front};
use super::follower::Follower;
use crate::byte_stream::ByteStream;

/// A stream behind the upgrade, as a WebSocket is made of it ([`Runtime::websocket`]). The driver
/// follows the frames in what is read of it.
///
/// [`Runtime::websocket`]: crate::unstable::Runtime::websocket
pub struct Followed<S> {
    stream: S,
    ahead: Ahead,
    pub(super) follower: Follower,
    /// Bytes that were read, be they still ahead.
    pub(super) read: u64,
    /// Bytes that were written.
    pub(super) written: u64,
}

impl<S> Followed<S> {
    /// Takes a stream, and what was read of it before. Messages up to `longest` bytes are cut out.
    pub(super) fn new(
        stream: S,
        beginning: &[u8],
        follower: Follower,
        size: usize,
        longest: usize,
    ) -> Self {
        let ahead = Ahead::new(beginning, size, longest);
        Self { stream, ahead, follower, read: beginning.len() as u64, written: 0 }
    }

    #[cfg(test)]
    pub(super) fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: ByteStream> Followed<S> {
    /// Follows all that was read, as nothing more is handed out: a close frame may be in it.
    pub(super) fn follow_rest(&mut self) {
        self.follower.follow(self.ahead.rest());
    }

    /// As [`ByteStream::caught_up`], for one that has nothing to give for now. Within a message
    /// there is no such moment: it was begun to be sent before, and other messages wait behind it.
    pub(super) fn caught_up_between_messages(&self) -> Option<Instant> {
        let is_between = self.ahead.is_empty() && self.follower.is_between_messages();
        if is_between { self.stream.caught_up() } else { None }
    }

    /// Returns the next message if it is text in one frame, and `None` if what comes next is for
    /// tungstenite, which must have handed out all that it was given.
    #[inline]
    pub(super) fn poll_text(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match self.ahead.front() {
                Front::Text { header, length } => {
                    let text = self.ahead.cut(header, length);
                    self.follower.skip_text();
                    return Poll::Ready(Some(text));
                }
                Front::Other => return Poll::Ready(None),
                Front::Missing(missing) => match self.poll_fill(context, missing) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(None),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(error)) => {
                        self.ahead.error = Some(error);
                        return Poll::Ready(None);
                    }
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    /// Reads more of a frame of which so many bytes are missing.
    fn poll_fill(&mut self, context: &mut Context<'_>, missing: usize) -> Poll<io::Result<usize>> {
        let Self { stream, ahead, .. } = self;
        let filled = ahead.fill(missing, |buffer| match stream.poll_read(context, buffer) {
            Poll::Ready(Ok(length)) => Ok(length),
            Poll::Ready(Err(error)) => Err(Some(error)),
            Poll::Pending => Err(None),
        });
        match filled {
            Ok(length) => {
                self.read += length as u64;
                Poll::Ready(Ok(length))
            }
            Err(Some(error)) => Poll::Ready(Err(error)),
            Err(None) => Poll::Pending,
        }
    }
}

impl<S: ByteStream> ByteStream for Followed<S> {
    /// Gives tungstenite bytes up to the end of a frame, or of its header, and none behind.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.ahead.is_empty() {
            if let Some(error) = self.ahead.error.take() {
                return Poll::Ready(Err(error));
            }
            match self.poll_fill(context, 1) {
                Poll::Ready(Ok(1..)) => {}
                other => return other,
            }
        }
        let most = buffer.len().min(self.follower.missing());
        let length = self.ahead.take(&mut buffer[..most]);
        self.follower.follow(&buffer[..length]);
        Poll::Ready(Ok(length))
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
}

impl<S> fmt::Debug for Followed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed").field("follower", &self.follower).finish_non_exhaustive()
    }
}
