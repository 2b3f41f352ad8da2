//! A stream of the user's own, as the runtimes take it.

use std::fmt;
use std::io;
use std::task::{Context, Poll};

use crate::byte_stream::ByteStream;
use crate::guarded::Guarded;

/// A stream of the user's own that is polled: what the crates of async runtimes make of one. A panic of its
/// code is an error.
pub struct OwnStream(Guarded<Box<dyn ByteStream + Send + Unpin>>);

impl OwnStream {
    /// Takes a stream.
    pub fn new(stream: impl ByteStream + Send + Unpin + 'static) -> Self {
        Self(Guarded::new(Box::new(stream)))
    }

    fn poll<T>(
        &mut self,
        work: impl FnOnce(&mut (dyn ByteStream + Send + Unpin)) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.0.run(|stream| work(&mut **stream)).unwrap_or_else(|| Poll::Ready(panicked()))
    }
}

impl ByteStream for OwnStream {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_read(context, buffer))
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write(context, bytes))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_flush(context))
    }
}

/// Returns the error of a stream that panicked.
pub(crate) fn panicked<T>() -> io::Result<T> {
    Err(io::Error::other("the connector's stream panicked"))
}

impl fmt::Debug for OwnStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnStream").finish_non_exhaustive()
    }
}
