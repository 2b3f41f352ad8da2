//! A non-blocking byte stream, plain or TLS, that faults can mute.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use mio::Registry;
use mio::net::TcpStream;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use super::own_stream::OwnStream;

/// One accepted socket. Reads and writes return `WouldBlock` instead of waiting.
pub(super) struct Transport {
    stream: Stream,
    /// Bytes that go out before anything else: HTTP answers and faults.
    queued: Vec<u8>,
    /// Everything that is written is lost: the fault of a peer that does not answer.
    pub(super) muted: bool,
    /// While this is set, bytes go out by [`drip`](Self::drip) alone, this many at a time.
    pub(super) piece: Option<usize>,
}

/// What bytes go over: a connection to the port, or a stream that was handed over.
#[derive(Debug)]
pub(super) enum Raw {
    Tcp(TcpStream),
    Own(OwnStream),
}

enum Stream {
    Plain(Raw),
    Tls(Box<StreamOwned<ServerConnection, Raw>>),
    /// Only while one is being made of the other, and for good if that failed.
    Gone,
}

impl Transport {
    pub(super) fn new(stream: Raw) -> Self {
        Self { stream: Stream::Plain(stream), queued: Vec::new(), muted: false, piece: None }
    }

    /// Returns whether the first byte that waits to be read is that of a TLS handshake.
    pub(super) fn peek_is_tls(&mut self) -> io::Result<bool> {
        const HANDSHAKE: u8 = 0x16;
        let stream = match &mut self.stream {
            Stream::Plain(Raw::Tcp(stream)) => stream,
            Stream::Plain(Raw::Own(stream)) => return Ok(stream.peek()? == HANDSHAKE),
            Stream::Tls(_) => return Ok(false),
            Stream::Gone => return Err(io::ErrorKind::NotConnected.into()),
        };
        let mut first = [0];
        match stream.peek(&mut first)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(first[0] == HANDSHAKE),
        }
    }

    /// Speaks TLS from here on.
    pub(super) fn secure(&mut self, config: &Arc<ServerConfig>) -> io::Result<()> {
        let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        if let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Gone) {
            self.stream = Stream::Tls(Box::new(StreamOwned::new(connection, stream)));
        }
        Ok(())
    }

    pub(super) fn is_secure(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Sends these bytes before anything else that is written later.
    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.queued.extend_from_slice(bytes);
    }

    /// Sends the next piece. Returns whether there are more.
    pub(super) fn drip(&mut self) -> io::Result<bool> {
        let Some(piece) = self.piece else { return Ok(false) };
        let length = piece.max(1).min(self.queued.len());
        let written = self.stream.write(&self.queued[..length])?;
        self.queued.drain(..written);
        if self.queued.is_empty() {
            self.piece = None;
        }
        Ok(self.piece.is_some())
    }

    /// Ends both directions; without a close frame and without the end of TLS.
    pub(super) fn shutdown(&self) {
        // One that was handed over ends when it is dropped.
        if let Some(Raw::Tcp(socket)) = self.raw() {
            // It may be gone already, which is just as well.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Makes the close that follows a reset (RST) instead of an orderly end.
    pub(super) fn reset_on_close(&self) {
        match self.raw() {
            Some(Raw::Tcp(socket)) => {
                let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
            }
            Some(Raw::Own(stream)) => stream.reset_on_close(),
            None => {}
        }
    }

    /// Ends what wakes the loop for a stream that was handed over.
    pub(super) fn deregister(&self, registry: &Registry) {
        if let Some(Raw::Own(stream)) = self.raw() {
            stream.deregister(registry);
        }
    }

    fn raw(&self) -> Option<&Raw> {
        match &self.stream {
            Stream::Plain(stream) => Some(stream),
            Stream::Tls(stream) => Some(stream.get_ref()),
            Stream::Gone => None,
        }
    }

    fn flush_queued(&mut self) -> io::Result<()> {
        while !self.queued.is_empty() {
            match self.stream.write(&self.queued)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => drop(self.queued.drain(..written)),
            }
        }
        Ok(())
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
            Stream::Gone => Ok(0),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.muted {
            return Ok(bytes.len());
        }
        if self.piece.is_some() {
            self.queue(bytes);
            return Ok(bytes.len());
        }
        self.flush_queued()?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.muted {
            self.queued.clear();
            return Ok(());
        }
        if self.piece.is_some() {
            return Ok(());
        }
        self.flush_queued()?;
        match &mut self.stream {
            Stream::Plain(stream) => stream.flush(),
            Stream::Tls(stream) => stream.flush(),
            Stream::Gone => Ok(()),
        }
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Own(stream) => stream.read(buffer),
        }
    }
}

impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Own(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Own(stream) => stream.flush(),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Transport")
            .field("tls", &self.is_secure())
            .field("queued", &self.queued.len())
            .field("muted", &self.muted)
            .finish_non_exhaustive()
    }
}
