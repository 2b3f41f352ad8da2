//! tungstenite over a stream that is polled, for runtimes whose ecosystem has no companion of it.

use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::{FusedStream, Stream};
use futures_util::Sink;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use crate::byte_stream::ByteStream;

/// A WebSocket over any [`ByteStream`], the client's side.
#[derive(Debug)]
pub struct PolledSocket<S> {
    stream: S,
    context: WebSocketContext,
    /// The stream did not take all that was written.
    is_blocked: bool,
    /// Reading has failed, and must not be tried again.
    is_over: bool,
    /// The waker of the task that asked last for room to write.
    waker: Waker,
}

impl<S> PolledSocket<S> {
    /// Creates a WebSocket over a stream whose upgrade is done.
    #[must_use]
    pub fn new(stream: S, config: WebSocketConfig) -> Self {
        Self {
            stream,
            context: WebSocketContext::new(Role::Client, Some(config)),
            is_blocked: false,
            is_over: false,
            waker: Waker::noop().clone(),
        }
    }

    /// Returns the stream.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Returns the stream, without what was buffered.
    pub fn into_stream(self) -> S {
        self.stream
    }

    #[cfg(test)]
    pub(super) fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: ByteStream + Unpin> Stream for PolledSocket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let Self { stream, context: socket, .. } = &mut *self;
        match socket.read(&mut Blocking { stream, context }) {
            Err(error) if is_blocked(&error) => Poll::Pending,
            result => {
                self.is_over = result.is_err();
                let is_end = matches!(result, Err(Error::ConnectionClosed | Error::AlreadyClosed));
                Poll::Ready(if is_end { None } else { Some(result) })
            }
        }
    }
}

/// Reading has ended once it has failed, too.
impl<S: ByteStream + Unpin> FusedStream for PolledSocket<S> {
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}

impl<S: ByteStream + Unpin> Sink<Message> for PolledSocket<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.waker.clone_from(context.waker());
        if self.is_blocked { self.poll_flush(context) } else { Poll::Ready(Ok(())) }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let Self { stream, context: socket, waker, .. } = &mut *self;
        let context = &mut Context::from_waker(waker);
        match socket.write(&mut Blocking { stream, context }, message) {
            // It is in the buffer.
            Err(error) if is_blocked(&error) => {
                self.is_blocked = true;
                Ok(())
            }
            result => result,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { stream, context: socket, .. } = &mut *self;
        match socket.flush(&mut Blocking { stream, context }) {
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

    /// Flushes only: a close frame is a message like any other, and was sent already.
    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }
}

/// A stream as tungstenite wants it, for the time of one call.
struct Blocking<'a, 'b, S> {
    stream: &'a mut S,
    context: &'a mut Context<'b>,
}

impl<S: ByteStream> Read for Blocking<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        ready(self.stream.poll_read(self.context, buffer))
    }
}

impl<S: ByteStream> Write for Blocking<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        ready(self.stream.poll_write(self.context, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        ready(self.stream.poll_flush(self.context))
    }
}

fn ready<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

fn is_blocked(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == ErrorKind::WouldBlock)
}
