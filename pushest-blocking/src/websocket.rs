//! A WebSocket over a stream that never blocks, as the driver's pump wants it.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Sink, Stream};
use tungstenite::{Error, Message, WebSocket};

/// Its loop looks at it whenever it wakes: there are no wakers to keep.
#[derive(Debug)]
pub(crate) struct Socket<S> {
    socket: WebSocket<S>,
    /// The stream did not take all that was written.
    is_blocked: bool,
    /// Reading has failed, and must not be tried again.
    is_over: bool,
}

impl<S> Socket<S> {
    pub(crate) fn new(socket: WebSocket<S>) -> Self {
        Self { socket, is_blocked: false, is_over: false }
    }
}

impl<S: Read + Write + Unpin> Stream for Socket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        match self.socket.read() {
            Err(error) if is_blocked(&error) => Poll::Pending,
            result => {
                self.is_over = result.is_err();
                let is_end = matches!(result, Err(Error::ConnectionClosed | Error::AlreadyClosed));
                Poll::Ready(if is_end { None } else { Some(result) })
            }
        }
    }
}

impl<S: Read + Write + Unpin> Sink<Message> for Socket<S> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.is_blocked { self.poll_flush(context) } else { Poll::Ready(Ok(())) }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        match self.socket.write(message) {
            // It is in the buffer.
            Err(error) if is_blocked(&error) => {
                self.is_blocked = true;
                Ok(())
            }
            result => result,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self.socket.flush() {
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

fn is_blocked(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
}
