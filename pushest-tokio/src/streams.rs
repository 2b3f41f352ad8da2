//! tokio's streams as the driver wants them, and the driver's as tokio-tungstenite does.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, ready};

use pushest_driver::proto;
use pushest_driver::unstable::{Addresses, ByteStream, OwnStream, Reads};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// A socket, or a stream of the user's own, that knows up to when it has been read empty.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Raw,
    reads: Reads,
    origin: Instant,
}

impl Socket {
    /// `reads` began before the stream was connected; `origin` is that of the runtime's time.
    pub(crate) fn new(stream: Raw, reads: Reads, origin: Instant) -> Self {
        Self { stream, reads, origin }
    }

    fn raw(&mut self) -> Pin<&mut dyn ReadWrite> {
        match &mut self.stream {
            Raw::Tcp(stream) => Pin::new(stream),
            Raw::Own { stream, .. } => Pin::new(stream),
        }
    }
}

/// What a [`Socket`] reads and writes.
#[derive(Debug)]
pub(crate) enum Raw {
    Tcp(TcpStream),
    Own {
        stream: Bytes<OwnStream>,
        /// A read of less than it was asked for has emptied it.
        is_socket: bool,
        /// Others had their turn since it was last asked whether it is silent.
        #[cfg_attr(not(feature = "api"), expect(dead_code, reason = "nothing is kept"))]
        has_yielded: AtomicBool,
    },
}

trait ReadWrite: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> ReadWrite for S {}

#[cfg(feature = "api")]
impl Socket {
    /// Returns whether there may be something to read that tokio does not know of yet, be it that the peer
    /// has closed the connection. It wakes the task then.
    fn has_something_to_read(&self, context: &mut Context<'_>) -> bool {
        use std::sync::atomic::Ordering::Relaxed;

        match &self.stream {
            // The operating system knows before tokio does.
            Raw::Tcp(stream) => {
                let mut byte = [std::mem::MaybeUninit::uninit()];
                let peeked = socket2::SockRef::from(stream).peek(&mut byte);
                !peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            }
            // A descriptor of it is not known; tokio asks for all of its own before others run.
            Raw::Own { has_yielded, .. } => {
                let asks = !has_yielded.fetch_xor(true, Relaxed);
                if asks {
                    let _ = std::pin::pin!(tokio::task::yield_now()).poll(context);
                }
                asks
            }
        }
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
        ready!(self.raw().poll_read(context, buffer))?;
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
        self.raw().poll_write(context, bytes)
    }

    /// TLS writes its records so.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.raw().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        matches!(&self.stream, Raw::Tcp(stream) if stream.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.raw().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.raw().poll_shutdown(context)
    }
}

/// A stream as the driver reads and writes it.
#[derive(Debug)]
pub(crate) struct Stream<S> {
    pub(crate) stream: S,
    /// The socket that it runs over; `None` for the user's own.
    pub(crate) socket: Option<fn(&S) -> &Socket>,
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
            Poll::Pending => match self.socket.map(|socket| socket(&self.stream)) {
                Some(socket) if socket.has_something_to_read(context) => Poll::Pending,
                _ => Poll::Ready(true),
            },
        }
    }

    fn caught_up(&self) -> Option<proto::Instant> {
        let socket = self.socket?(&self.stream);
        let is_known = !matches!(socket.stream, Raw::Own { is_socket: false, .. });
        is_known.then(|| socket.reads.caught_up())
    }

    fn addresses(&self) -> Option<Addresses> {
        match &self.socket?(&self.stream).stream {
            Raw::Tcp(stream) => Addresses::of(stream.local_addr(), stream.peer_addr()),
            Raw::Own { .. } => None,
        }
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
