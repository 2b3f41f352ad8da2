//! A non-blocking byte stream, plain or TLS, that faults can mute.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

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

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    /// Only while one is being made of the other, and for good if that failed.
    Gone,
}

impl Transport {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: Stream::Plain(stream), queued: Vec::new(), muted: false, piece: None }
    }

    /// Returns whether the first byte that waits to be read is that of a TLS handshake.
    pub(super) fn peek_is_tls(&self) -> io::Result<bool> {
        const HANDSHAKE: u8 = 0x16;
        let mut first = [0];
        match self.socket()?.peek(&mut first)? {
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
        if let Ok(socket) = self.socket() {
            // It may be gone already, which is just as well.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Makes the close that follows a reset (RST) instead of an orderly end.
    pub(super) fn reset_on_close(&self) {
        if let Ok(socket) = self.socket() {
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
    }

    fn socket(&self) -> io::Result<&TcpStream> {
        match &self.stream {
            Stream::Plain(stream) => Ok(stream),
            Stream::Tls(stream) => Ok(stream.get_ref()),
            Stream::Gone => Err(io::ErrorKind::NotConnected.into()),
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
