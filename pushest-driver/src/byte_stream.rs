//! Streams of bytes in both directions, as a WebSocket needs them of every runtime.

use std::convert::Infallible;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use futures_util::future::Either;
use pushest_proto::Instant;

/// A stream of bytes in both directions, such as TCP or TLS over it. A runtime's crate implements
/// it for a type around its own streams, since neither is its own.
///
/// After `Pending` the context wakes the task once it is worth another try.
pub trait ByteStream {
    /// Reads at most `buffer.len()` bytes and returns their number; 0 means that the peer has
    /// closed its side.
    ///
    /// # Errors
    /// Those of the stream.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>>;

    /// Writes the beginning of `bytes`, and returns how many bytes were taken.
    ///
    /// # Errors
    /// Those of the stream.
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Flushes what was written.
    ///
    /// # Errors
    /// Those of the stream.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Polls whether the peer has neither closed the stream nor sent anything that was not read, and
    /// takes what it has sent. This asks the operating system: what an event loop has been told so
    /// far does not count.
    ///
    /// The default is for streams whose [`poll_read`](Self::poll_read) asks it.
    fn poll_is_silent(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        Poll::Ready(self.poll_read(context, &mut [0]).is_pending())
    }

    /// Returns a time, on the clock of [`Runtime::now`](crate::unstable::Runtime::now), such that
    /// everything that had arrived on the TCP socket by then has been read from it, be it still in
    /// a buffer above the socket, such as that of TLS. [`Reads`](crate::unstable::Reads) knows it of
    /// a socket whose reads it is told.
    ///
    /// A gap begins there ([`Event::Gap`](crate::Event::Gap)), so that a time too late loses data.
    /// `None`, the default, where it is not known: then a gap begins when the connection was made.
    fn caught_up(&self) -> Option<Instant> {
        None
    }

    /// Returns the addresses of the TCP socket below the stream, so that the client finds out which changes
    /// of the networks concern it. Asked once, of a new connection, and only where they are watched.
    ///
    /// `None`, the default, for a stream without: then no change concerns it.
    fn addresses(&self) -> Option<Addresses> {
        None
    }
}

/// The addresses of the two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addresses {
    /// Our own.
    pub local: SocketAddr,
    /// That of the server, or of the proxy before it.
    pub peer: SocketAddr,
}

impl Addresses {
    /// Returns the two, if the socket has both.
    ///
    /// ```
    /// use pushest_driver::unstable::Addresses;
    ///
    /// # fn addresses(stream: &std::net::TcpStream) -> Option<Addresses> {
    /// Addresses::of(stream.local_addr(), stream.peer_addr())
    /// # }
    /// ```
    pub fn of(local: io::Result<SocketAddr>, peer: io::Result<SocketAddr>) -> Option<Self> {
        Some(Self { local: local.ok()?, peer: peer.ok()? })
    }
}

/// A [`ByteStream`] of a stream that returns `WouldBlock` instead of waiting. It registers no waker:
/// the caller must poll again by itself.
#[derive(Debug)]
pub struct NonBlocking<S> {
    stream: S,
    caught_up: fn(&S) -> Option<Instant>,
    addresses: fn(&S) -> Option<Addresses>,
}

impl<S> NonBlocking<S> {
    /// Wraps a stream of which nothing is known ([`ByteStream::caught_up`]).
    pub fn new(stream: S) -> Self {
        Self::with_reads(stream, |_| None)
    }

    /// Wraps a stream, and a way to ask it for what [`ByteStream::caught_up`] returns.
    pub fn with_reads(stream: S, caught_up: fn(&S) -> Option<Instant>) -> Self {
        Self { stream, caught_up, addresses: |_| None }
    }

    /// Sets a way to ask the stream for what [`ByteStream::addresses`] returns.
    #[must_use]
    pub fn with_addresses(mut self, addresses: fn(&S) -> Option<Addresses>) -> Self {
        self.addresses = addresses;
        self
    }

    /// Returns the stream.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: Read + Write> ByteStream for NonBlocking<S> {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        polled(|| self.stream.read(buffer))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        polled(|| self.stream.write(bytes))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        polled(|| self.stream.flush())
    }

    fn caught_up(&self) -> Option<Instant> {
        (self.caught_up)(&self.stream)
    }

    fn addresses(&self) -> Option<Addresses> {
        (self.addresses)(&self.stream)
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

    fn poll_is_silent(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        match self {
            Self::Left(stream) => stream.poll_is_silent(context),
            Self::Right(stream) => stream.poll_is_silent(context),
        }
    }

    fn caught_up(&self) -> Option<Instant> {
        match self {
            Self::Left(stream) => stream.caught_up(),
            Self::Right(stream) => stream.caught_up(),
        }
    }

    fn addresses(&self) -> Option<Addresses> {
        match self {
            Self::Left(stream) => stream.addresses(),
            Self::Right(stream) => stream.addresses(),
        }
    }
}

/// The stream of runtimes without TLS, which is never constructed.
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
