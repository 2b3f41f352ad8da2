//! Bytes both ways, as a WebSocket needs them of every runtime's streams.

use std::convert::Infallible;
use std::io::{self, ErrorKind, Read, Write};
use std::task::{Context, Poll};

use futures_util::future::Either;

/// A stream of bytes in both directions, such as TCP or TLS over it. A runtime's crate implements
/// it for a type around its own streams, since neither is its own.
///
/// Whoever is told `Pending` is woken by the context once it is worth another try.
pub trait ByteStream {
    /// Reads what there is, at most `buffer.len()` bytes; 0 means that the other side has ended.
    ///
    /// # Errors
    /// Those of the stream.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>>;

    /// Writes the beginning of `bytes`, and returns how many were taken.
    ///
    /// # Errors
    /// Those of the stream.
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Sends what was taken and not sent yet.
    ///
    /// # Errors
    /// Those of the stream.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A [`ByteStream`] of a stream that returns `WouldBlock` instead of waiting. It registers no waker:
/// whoever polls it must do so again by itself.
#[derive(Debug)]
pub struct NonBlocking<S>(pub S);

impl<S: Read + Write> ByteStream for NonBlocking<S> {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        polled(|| self.0.read(buffer))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        polled(|| self.0.write(bytes))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        polled(|| self.0.flush())
    }
}

impl<A: ByteStream, B: ByteStream> ByteStream for Either<A, B> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Left(stream) => stream.poll_read(context, buffer),
            Self::Right(stream) => stream.poll_read(context, buffer),
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Left(stream) => stream.poll_write(context, bytes),
            Self::Right(stream) => stream.poll_write(context, bytes),
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Left(stream) => stream.poll_flush(context),
            Self::Right(stream) => stream.poll_flush(context),
        }
    }
}

/// For runtimes without TLS.
impl ByteStream for Infallible {
    fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_write(&mut self, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

fn polled<T>(mut step: impl FnMut() -> io::Result<T>) -> Poll<io::Result<T>> {
    loop {
        match step() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
            result => return Poll::Ready(result),
        }
    }
}
