//! An open WebSocket: tungstenite over a runtime's stream, with a follower between them.
//!
//! tungstenite's read buffer grows with a large message and stays so, and every later message is a
//! view into it: one small event that is kept would keep all of it. So a large frame is read to its
//! end and no further, and tungstenite starts anew behind it.

mod close;
mod follower;

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::{Sink, Stream};
use pushest_proto::{Limits, Loss};
use tungstenite::error::{CapacityError, Error};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Bytes, Message};

use self::follower::Follower;
use crate::byte_stream::ByteStream;

/// How much is gathered before it is written out; a flush writes it in any case.
const WRITE_BUFFER: usize = 4 * 1024;

/// What may pile up in the write buffer beside one frame: answers to pings of a server that reads
/// none of them.
const SPARE: usize = 4 * 1024;

/// The most bytes of a control frame (RFC 6455, section 5.5): they must fit whatever the limit is.
const CONTROL_FRAME: usize = 125;

/// A frame up to this size may enlarge the read buffer for good, and an event may keep as much alive.
const LARGE: usize = 64 * 1024;

/// What a WebSocket brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    Message(Bytes),
    Ping,
    Pong,
    /// The server closed the connection. Its close frame is answered by flushing.
    Closed(Loss),
}

/// The client's side of a WebSocket over a stream.
pub(crate) struct WebSocket<S> {
    stream: S,
    /// What was read of the stream before and is still to be followed. tungstenite, if it were
    /// given this itself, would go on with a buffer no larger than it.
    beginning: Bytes,
    follower: Follower,
    context: WebSocketContext,
    config: WebSocketConfig,
    /// The messages that tungstenite has handed out; those that the follower has seen beyond them
    /// are in its buffer.
    taken: u64,
    /// The stream did not take all that was written.
    is_blocked: bool,
    /// Reading has failed, and must not be tried again.
    is_over: bool,
    /// Of whoever asked last for room to write.
    waker: Waker,
}

/// Sizes of buffers and messages. A message over `limit` bytes, at least as large as the session's
/// own limit, is noticed before memory is given to it.
pub(crate) fn config(limits: &Limits, limit: usize, read_buffer: usize) -> WebSocketConfig {
    let limit = limit.max(limits.message).max(CONTROL_FRAME);
    // Within JSON a character takes six bytes at most. Names and a signature are shorter than this.
    let subscribe = limits.signed_data.saturating_add(4 * 1024).saturating_mul(6);
    let frame = limits.outgoing.max(limits.message).max(subscribe);
    WebSocketConfig::default()
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
        .read_buffer_size(read_buffer)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(frame.saturating_add(WRITE_BUFFER + SPARE))
}

/// How an open connection was lost.
pub(crate) fn loss(error: &Error) -> Loss {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            Loss::TooLarge { limit: *max_size }
        }
        other => Loss::reset(&other.to_string()),
    }
}

impl<S: ByteStream> WebSocket<S> {
    /// Begins with what came behind the answer to the upgrade.
    pub(crate) fn new(stream: S, beginning: Vec<u8>, config: WebSocketConfig) -> Self {
        Self {
            stream,
            beginning: beginning.into(),
            follower: Follower::new(LARGE.max(config.read_buffer_size)),
            context: WebSocketContext::new(Role::Client, Some(config)),
            config,
            taken: 0,
            is_blocked: false,
            is_over: false,
            waker: Waker::noop().clone(),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Incoming, Error>> {
        let Self { stream, beginning, follower, .. } = self;
        let mut stream = Followed { stream, beginning, follower, context };
        let message = match self.context.read(&mut stream) {
            Err(error) if is_blocked(&error) => {
                self.start_anew(context);
                return Poll::Pending;
            }
            result => result?,
        };
        self.taken += 1;
        let incoming = match message {
            Message::Text(text) => Incoming::Message(self.kept(text.into())),
            Message::Binary(bytes) => Incoming::Message(self.kept(bytes)),
            Message::Ping(_) => Incoming::Ping,
            Message::Pong(_) | Message::Frame(_) => Incoming::Pong,
            Message::Close(_) => {
                let close = self.follower.close().map(|close| close.loss());
                return Poll::Ready(Ok(Incoming::Closed(close.unwrap_or(Loss::closed(None, "")))));
            }
        };
        self.start_anew(context);
        Poll::Ready(Ok(incoming))
    }

    /// A message that may outlive the large buffer that it came in.
    fn kept(&self, message: Bytes) -> Bytes {
        if self.follower.has_met_large() && message.len() <= LARGE {
            Bytes::copy_from_slice(&message)
        } else {
            message
        }
    }

    /// Gives tungstenite's buffers back after a large frame, once there is nothing in them: nothing
    /// that was read, and nothing that could not be written yet, such as the pong to a ping.
    fn start_anew(&mut self, context: &mut Context<'_>) {
        if !self.follower.has_met_large() {
            return;
        }
        let is_read = self.follower.is_between_messages() && self.follower.messages() == self.taken;
        if is_read && self.context.can_write() && self.try_flush(context).is_ok() {
            self.context = WebSocketContext::new(Role::Client, Some(self.config));
            self.follower.forget_large();
        }
    }

    fn try_flush(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        let Self { stream, beginning, follower, .. } = self;
        self.context.flush(&mut Followed { stream, beginning, follower, context })
    }
}

impl<S: ByteStream + Unpin> Stream for WebSocket<S> {
    type Item = Result<Incoming, Loss>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.poll(context).map(|result| match result {
            Ok(incoming) => Some(Ok(incoming)),
            Err(error) => {
                self.is_over = true;
                let is_end = matches!(error, Error::ConnectionClosed | Error::AlreadyClosed);
                // What the server said in a frame that could not be read says more than the error.
                let said = self.follower.close().map(|close| close.loss());
                (!is_end).then(|| Err(said.unwrap_or_else(|| loss(&error))))
            }
        })
    }
}

impl<S: ByteStream + Unpin> Sink<Message> for WebSocket<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.waker.clone_from(context.waker());
        if self.is_blocked { self.poll_flush(context) } else { Poll::Ready(Ok(())) }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let Self { stream, beginning, follower, context, waker, .. } = &mut *self;
        let task = &mut Context::from_waker(waker);
        let mut stream = Followed { stream, beginning, follower, context: task };
        match context.write(&mut stream, message) {
            // It is in the buffer.
            Err(error) if is_blocked(&error) => {
                self.is_blocked = true;
                Ok(())
            }
            result => result,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self.try_flush(context) {
            Err(error) if is_blocked(&error) => {
                self.is_blocked = true;
                Poll::Pending
            }
            // A close frame of both sides was the last that went out.
            Ok(()) | Err(Error::ConnectionClosed) => {
                self.is_blocked = false;
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// A close frame is a message like any other: it was sent already.
    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("follower", &self.follower).finish_non_exhaustive()
    }
}

/// A stream as tungstenite wants it, for the time of one call: what is read is followed.
struct Followed<'a, 'b, S> {
    stream: &'a mut S,
    beginning: &'a mut Bytes,
    follower: &'a mut Follower,
    context: &'a mut Context<'b>,
}

impl<S: ByteStream> Read for Followed<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut most = buffer.len();
        if self.follower.has_met_large() {
            // Nothing of a later frame may come into the buffer of a large one.
            most = most.min(self.follower.missing());
        }
        let buffer = &mut buffer[..most];
        let length = if self.beginning.is_empty() {
            uninterrupted(|| self.stream.poll_read(self.context, buffer))?
        } else {
            let length = buffer.len().min(self.beginning.len());
            buffer[..length].copy_from_slice(&self.beginning.split_to(length));
            length
        };
        self.follower.follow(&buffer[..length]);
        Ok(length)
    }
}

impl<S: ByteStream> Write for Followed<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        uninterrupted(|| self.stream.poll_write(self.context, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        uninterrupted(|| self.stream.poll_flush(self.context))
    }
}

fn uninterrupted<T>(mut step: impl FnMut() -> Poll<io::Result<T>>) -> io::Result<T> {
    loop {
        match step() {
            Poll::Ready(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
            Poll::Ready(result) => return result,
            Poll::Pending => return Err(ErrorKind::WouldBlock.into()),
        }
    }
}

fn is_blocked(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests;
