//! An open WebSocket: tungstenite, or its companion for a runtime, over the runtime's stream, with a
//! follower between them.
//!
//! tungstenite's read buffer grows with a large message and stays so, and every later message is a
//! view into it: one small event that is kept would keep all of it. So a large frame is read to its
//! end and no further, and tungstenite starts anew behind it.

mod ahead;
mod close;
pub(crate) mod followed;
mod follower;
pub(crate) mod polled;

use std::fmt;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use pushest_proto::{Instant, Limits, Loss};
use tungstenite::error::{CapacityError, Error, ProtocolError};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Bytes, Message};

use self::close::CloseFrame;
use self::followed::Followed;
use self::follower::Follower;
use crate::byte_stream::{Addresses, ByteStream};
use crate::traffic::Traffic;
use crate::unstable::traits::{Dialled, Runtime, Transport};

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

/// The client's side of a WebSocket.
pub(crate) struct WebSocket<R: Runtime> {
    /// `None` only while it begins anew.
    socket: Option<R::Socket>,
    config: WebSocketConfig,
    /// The messages that tungstenite has handed out; those that the follower has seen beyond them
    /// are in its buffer.
    taken: u64,
    /// The messages that tungstenite was given to send.
    sent: u64,
    /// One of the sides has sent its close frame.
    is_closing: bool,
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

/// Returns the most that one read buffer may come to, in bytes. It grows for frames that are not
/// large: by doubling, if it has room for neither the frame nor what was read before it, which is
/// no more than another frame, and the same again is behind it.
pub(crate) fn most_buffer(read_buffer: usize) -> usize {
    6 * LARGE.max(read_buffer)
}

/// Returns how an open connection was lost.
pub(crate) fn loss(error: &Error) -> Loss {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            Loss::TooLarge { limit: *max_size }
        }
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Loss::reset(ENDED),
        // What rustls makes of an end without its own farewell, with a link to its documentation.
        Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => Loss::reset(ENDED),
        other => Loss::reset(&other.to_string()),
    }
}

/// Returns the code to close with if the server broke a rule (RFC 6455, section 7.4.1): a message too
/// big to process, or a breach of the protocol.
pub(crate) fn breach(loss: &Loss) -> Option<u16> {
    match loss {
        Loss::TooLarge { .. } => Some(1009),
        Loss::BadClose { .. } => Some(1002),
        _ => None,
    }
}

/// The stream ended in order, which the WebSocket had not.
const ENDED: &str = "it ended without a close frame";

const WHOLE: &str = "it begins anew within one call";

impl<R: Runtime> WebSocket<R> {
    /// Begins with what came behind the answer to the upgrade.
    pub(crate) fn new(stream: Dialled<R>, beginning: Vec<u8>, config: WebSocketConfig) -> Self {
        let follower = Follower::new(LARGE.max(config.read_buffer_size));
        let transport = Followed::new(stream, beginning, follower, config.read_buffer_size);
        let socket = Some(R::websocket(transport, config));
        Self { socket, config, taken: 0, sent: 0, is_closing: false }
    }

    fn socket(&mut self) -> &mut R::Socket {
        self.socket.as_mut().expect(WHOLE)
    }

    fn transport(&self) -> &Transport<R> {
        R::transport(self.socket.as_ref().expect(WHOLE))
    }

    fn follower(&self) -> &Follower {
        &self.transport().follower
    }

    /// Returns a time such that everything that had arrived by then has been handed out, where that
    /// is known. For a socket that has just had nothing to hand out (`Pending`), so that what was
    /// read is in no buffer any more.
    pub(crate) fn caught_up(&self) -> Option<Instant> {
        self.transport().caught_up_between_messages()
    }

    /// Returns the addresses of its two ends.
    pub(crate) fn addresses(&self) -> Option<Addresses> {
        self.transport().addresses()
    }

    /// Returns how many bytes were read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.follower().bytes()
    }

    /// Returns what went over it so far.
    pub(crate) fn traffic(&self) -> Traffic {
        let transport = self.transport();
        Traffic {
            frames_received: self.taken,
            bytes_received: transport.follower.bytes(),
            frames_sent: self.sent,
            bytes_sent: transport.written,
        }
    }

    /// Returns how the connection was lost by an error: as the close frame says, if it is the frame
    /// that failed, or came whole behind one that broke a rule (a refusal says more than the breach).
    /// Part of a close frame behind such a frame says nothing: it is the reading that ended there.
    ///
    /// A message over the limit breaks no rule, and only the user can raise the limit: it is told
    /// whatever came behind it.
    fn failed(&self, error: &Error) -> Loss {
        let follower = self.follower();
        let Some(close) = follower.close() else { return loss(error) };
        let says_more = match error {
            // A close frame may itself be the frame that is too long.
            Error::Capacity(CapacityError::MessageTooLong { size, .. }) => close.has_length(*size),
            _ => follower.before_close() == self.taken || close.is_whole(),
        };
        if says_more { close.loss() } else { loss(error) }
    }

    #[inline]
    fn incoming(&mut self, message: Message) -> Incoming {
        self.taken += 1;
        match message {
            Message::Text(text) => Incoming::Message(self.kept(text.into())),
            Message::Binary(bytes) => Incoming::Message(self.kept(bytes)),
            Message::Ping(_) => Incoming::Ping,
            Message::Pong(_) | Message::Frame(_) => Incoming::Pong,
            Message::Close(_) => {
                self.is_closing = true;
                let close = self.follower().close();
                Incoming::Closed(close.map_or(Loss::closed(None, ""), CloseFrame::loss))
            }
        }
    }

    /// Returns a message that may outlive the large buffer that it came in.
    #[inline]
    fn kept(&self, message: Bytes) -> Bytes {
        if self.follower().has_met_large() && message.len() <= LARGE {
            Bytes::copy_from_slice(&message)
        } else {
            message
        }
    }

    /// Gives tungstenite's buffers back after a large frame, once there is nothing in them: nothing
    /// that was read, and nothing that could not be written yet, such as the pong to a ping.
    /// Returns whether it did.
    #[inline]
    fn has_begun_anew(&mut self, context: &mut Context<'_>) -> bool {
        if !self.follower().has_met_large() || self.is_closing {
            return false;
        }
        self.begins_anew(context)
    }

    fn begins_anew(&mut self, context: &mut Context<'_>) -> bool {
        let follower = self.follower();
        let is_read = follower.is_between_messages() && follower.messages() == self.taken;
        if !is_read || !matches!(self.socket().poll_flush_unpin(context), Poll::Ready(Ok(()))) {
            return false;
        }
        let mut transport = R::into_transport(self.socket.take().expect(WHOLE));
        transport.follower.forget_large();
        self.socket = Some(R::websocket(transport, self.config));
        true
    }
}

impl<R: Runtime> Stream for WebSocket<R> {
    type Item = Result<Incoming, Loss>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match self.socket().poll_next_unpin(context) {
                // Where it begins anew, it is the new one that must see to being woken.
                Poll::Pending if self.has_begun_anew(context) => continue,
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(message))) => {
                    let incoming = self.incoming(message);
                    self.has_begun_anew(context);
                    Some(Ok(incoming))
                }
                Poll::Ready(Some(Err(error))) => Some(Err(self.failed(&error))),
                Poll::Ready(None) => None,
            });
        }
    }
}

impl<R: Runtime> Sink<Message> for WebSocket<R> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.socket().poll_ready_unpin(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.is_closing |= message.is_close();
        self.socket().start_send_unpin(message)?;
        self.sent += 1;
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.socket().poll_flush_unpin(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.socket().poll_close_unpin(context)
    }
}

impl<R: Runtime> fmt::Debug for WebSocket<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("follower", self.follower()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
