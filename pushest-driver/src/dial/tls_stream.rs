//! TLS over a stream that does not block, for runtimes whose ecosystem has none.

use std::fmt;
use std::io::{self, Read, Write};

use rustls::ClientConnection;

use crate::unstable::traits::TlsParameters;

/// TLS over a stream that returns `WouldBlock` instead of waiting.
///
/// Reading does not depend on writing: what the server said before it went is read, though nothing
/// can be written any more.
pub struct TlsStream<S> {
    session: ClientConnection,
    stream: S,
}

impl<S: Read + Write> TlsStream<S> {
    /// Creates a TLS stream. Nothing is read or written yet.
    ///
    /// # Errors
    /// Those of rustls inside of the `io::Error`.
    pub fn new(tls: TlsParameters, stream: S) -> io::Result<Self> {
        let session = ClientConnection::new(tls.config, tls.server_name);
        Ok(Self { session: session.map_err(io::Error::other)?, stream })
    }

    /// Returns the stream that TLS runs over.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Goes on with the handshake.
    ///
    /// # Errors
    /// `WouldBlock` until the stream is ready for more; those of rustls inside of the `io::Error`.
    pub fn handshake(&mut self) -> io::Result<()> {
        while self.session.is_handshaking() {
            self.session.complete_io(&mut self.stream)?;
        }
        Ok(())
    }

    fn write_out(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            if self.session.write_tls(&mut self.stream)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }
}

impl<S: Read + Write> Read for TlsStream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            self.session.read_tls(&mut self.stream)?;
            let processed = self.session.process_new_packets();
            // An alert, or an answer to a change of keys. If it cannot go out, writing will say so.
            let _ = self.write_out();
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }
}

impl<S: Read + Write> Write for TlsStream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let accepted = self.session.writer().write(bytes)?;
        match self.write_out() {
            // It is in the session's buffer, and goes out with what comes next.
            Err(error) if accepted > 0 && error.kind() == io::ErrorKind::WouldBlock => {}
            result => result?,
        }
        if accepted == 0 && !bytes.is_empty() {
            return self.session.writer().write(bytes);
        }
        Ok(accepted)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_out()?;
        self.stream.flush()
    }
}

impl<S> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").finish_non_exhaustive()
    }
}
