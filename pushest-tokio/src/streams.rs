//! tokio's streams as the driver wants them, and the driver's as tokio-tungstenite does.

use std::io::{self, IoSlice, Read};
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, ready};

use pushest_driver::proto;
use pushest_driver::unstable::{Addresses, ByteStream, OwnStream, Reads};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// A socket, or a stream of the user's own, that knows up to when it has been read empty.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Raw,
    reads: Reads,
    origin: Instant,
    /// Writing has failed.
    is_broken: bool,
}

impl Socket {
    /// `reads` began before the stream was connected; `origin` is that of the runtime's time.
    pub(crate) fn new(stream: Raw, reads: Reads, origin: Instant) -> Self {
        Self { stream, reads, origin, is_broken: false }
    }

    /// Reads what had arrived before writing failed: the loop of tokio may not have been told of it yet,
    /// and it may be the server's close frame.
    fn read_behind_tokio(&self, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Raw::Tcp(stream) = &self.stream else { return Poll::Pending };
        match (&*SockRef::from(stream)).read(buffer.initialize_unfilled()) {
            Ok(length) => {
                buffer.advance(length);
                Poll::Ready(Ok(()))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn note_failure<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.is_broken |= matches!(written, Poll::Ready(Err(_)));
        written
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
                let peeked = SockRef::from(stream).peek(&mut byte);
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
        let mut read = self.raw().poll_read(context, buffer);
        if self.is_broken && read.is_pending() {
            read = self.read_behind_tokio(buffer);
        }
        ready!(read)?;
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
        let written = self.raw().poll_write(context, bytes);
        self.note_failure(written)
    }

    /// TLS writes its records so.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.raw().poll_write_vectored(context, slices);
        self.note_failure(written)
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

#[cfg(test)]
// Elsewhere, a reset may take back what was not read before it.
#[cfg(target_os = "linux")]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;
    use std::time::Duration;

    use super::*;

    /// The socket of a client, and that of its server, which has sent nothing yet.
    async fn pair() -> (Socket, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        stream.writable().await.unwrap();
        let reads = Reads::new(proto::Instant::ORIGIN);
        let socket = Socket::new(Raw::Tcp(stream), reads, Instant::now());
        (socket, listener.accept().unwrap().0)
    }

    #[tokio::test]
    async fn what_had_arrived_is_read_though_writing_fails_before_tokio_knows_of_it() {
        let (mut socket, mut server) = pair().await;
        // No other task runs from here on, nor does the loop of tokio.
        server.write_all(b"last words").unwrap();
        SockRef::from(&server).set_linger(Some(Duration::ZERO)).unwrap();
        drop(server);
        poll_fn(|context| {
            let mut bytes = [0; 32];
            let mut buffer = ReadBuf::new(&mut bytes);
            assert!(Pin::new(&mut socket).poll_read(context, &mut buffer).is_pending());
            let written = Pin::new(&mut socket).poll_write(context, b"hello");
            assert!(matches!(written, Poll::Ready(Err(_))), "{written:?}");
            assert!(Pin::new(&mut socket).poll_read(context, &mut buffer).is_ready());
            assert_eq!(buffer.filled(), b"last words");
            // Then it has ended.
            assert!(matches!(
                Pin::new(&mut socket).poll_read(context, &mut buffer),
                Poll::Ready(Ok(()))
            ));
            assert_eq!(buffer.filled().len(), 10);
            Poll::Ready(())
        })
        .await;
    }
}
