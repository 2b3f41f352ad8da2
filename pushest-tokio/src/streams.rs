//! tokio's streams as the driver wants them, and the driver's as tokio-tungstenite does.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pushest_driver::proto;
use pushest_driver::unstable::{Addresses, ByteStream, Reads};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// A TCP socket that knows up to when it has been read empty.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    reads: Reads,
    origin: Instant,
}

impl Socket {
    /// `reads` began before the stream was connected; `origin` is that of the runtime's time.
    pub(crate) fn new(stream: TcpStream, reads: Reads, origin: Instant) -> Self {
        Self { stream, reads, origin }
    }
}

#[cfg(feature = "api")]
impl Socket {
    /// Returns whether there is something to read, be it that the peer has closed the connection. The
    /// operating system knows that before tokio does.
    fn has_something_to_read(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        let peeked = socket2::SockRef::from(&self.stream).peek(&mut byte);
        !peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = proto::Instant::ORIGIN + self.origin.elapsed();
        let (asked, filled) = (buffer.remaining(), buffer.filled().len());
        // While it is pending, tokio has not asked the operating system: it knows of data only from
        // its own loop, which stands still while a task blocks the thread.
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.reads.read(before, asked, buffer.filled().len() - filled);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    /// TLS writes its records so.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A stream as the driver reads and writes it.
#[derive(Debug)]
pub(crate) struct Stream<S> {
    pub(crate) stream: S,
    /// The socket that it runs over.
    pub(crate) socket: fn(&S) -> &Socket,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream for Stream<S> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let read = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    #[cfg(feature = "api")]
    fn poll_is_silent(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        match self.poll_read(context, &mut [0]) {
            Poll::Ready(_) => Poll::Ready(false),
            // tokio will know soon, and wakes this then.
            Poll::Pending if (self.socket)(&self.stream).has_something_to_read() => Poll::Pending,
            Poll::Pending => Poll::Ready(true),
        }
    }

    fn caught_up(&self) -> Option<proto::Instant> {
        Some((self.socket)(&self.stream).reads.caught_up())
    }

    fn addresses(&self) -> Option<Addresses> {
        let stream = &(self.socket)(&self.stream).stream;
        Addresses::of(stream.local_addr(), stream.peer_addr())
    }
}

/// A stream of the driver's, as tokio-tungstenite reads and writes it.
#[derive(Debug)]
pub(crate) struct Bytes<S>(pub(crate) S);

impl<S: ByteStream + Unpin> AsyncRead for Bytes<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.0.poll_read(context, buffer.initialize_unfilled());
        read.map_ok(|length| buffer.advance(length))
    }
}

impl<S: ByteStream + Unpin> AsyncWrite for Bytes<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(context)
    }

    /// Flushes only: the connection ends when it is dropped.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
