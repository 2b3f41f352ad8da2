//! async-std's streams as the driver wants them, and the driver's as async-tungstenite does.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use async_std::io::{Read, Write};
use async_std::net::TcpStream;
use pushest_driver::proto;
use pushest_driver::unstable::{Addresses, ByteStream, OwnStream, Reads};

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
            Raw::Own(stream) => Pin::new(stream),
        }
    }
}

/// What a [`Socket`] reads and writes.
#[derive(Debug)]
pub(crate) enum Raw {
    Tcp(TcpStream),
    Own(Bytes<OwnStream>),
}

trait ReadWrite: Read + Write + Unpin {}

impl<S: Read + Write + Unpin> ReadWrite for S {}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let before = proto::Instant::ORIGIN + self.origin.elapsed();
        let read = self.raw().poll_read(context, buffer);
        let is_socket = matches!(self.stream, Raw::Tcp(_));
        match &read {
            Poll::Ready(Ok(length)) => {
                // Other streams return less than they are asked for, and have more.
                let asked = if is_socket { buffer.len() } else { *length };
                self.reads.read(before, asked, *length);
            }
            // async-io asks the operating system first, and is pending only after its refusal.
            Poll::Pending => self.reads.found_nothing(before),
            Poll::Ready(Err(_)) => {}
        }
        read
    }
}

impl Write for Socket {
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

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.raw().poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.raw().poll_close(context)
    }
}

/// A stream as the driver reads and writes it.
#[derive(Debug)]
pub(crate) struct Stream<S> {
    pub(crate) stream: S,
    /// The socket that it runs over; `None` for the user's own.
    pub(crate) socket: Option<fn(&S) -> &Socket>,
}

impl<S: Read + Write + Unpin> ByteStream for Stream<S> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn caught_up(&self) -> Option<proto::Instant> {
        Some(self.socket?(&self.stream).reads.caught_up())
    }

    fn addresses(&self) -> Option<Addresses> {
        match &self.socket?(&self.stream).stream {
            Raw::Tcp(stream) => Addresses::of(stream.local_addr(), stream.peer_addr()),
            Raw::Own(_) => None,
        }
    }
}

/// A stream of the driver's, as async-tungstenite reads and writes it.
#[derive(Debug)]
pub(crate) struct Bytes<S>(pub(crate) S);

impl<S: ByteStream + Unpin> Read for Bytes<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read(context, buffer)
    }
}

impl<S: ByteStream + Unpin> Write for Bytes<S> {
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
    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
