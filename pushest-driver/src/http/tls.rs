//! https with the TLS configuration that `wss://` has: library, roots, provider, or the user's own. ureq's
//! connector would make one by itself, with another provider and other roots. The client's identity is
//! shown to the server's host alone (`Dialer::tls_of_endpoint`).

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use pushest_proto::DialFailure;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};

use crate::dial::Dialer;
use crate::dial::alerts::refusal_of_client;
#[cfg(feature = "native-tls")]
use crate::dial::native_stream::cause;
use crate::dial::tls::{TlsConfig, failure_of_tls, server_name};

#[derive(Debug)]
pub(super) struct TlsConnector {
    dialer: Arc<Dialer>,
}

impl TlsConnector {
    pub(super) fn new(dialer: Arc<Dialer>) -> Self {
        Self { dialer }
    }
}

impl<Tcp: Transport> Connector<Tcp> for TlsConnector {
    type Out = Either<Tcp, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        tcp: Option<Tcp>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(tcp) = tcp else { return Ok(None) };
        if !details.needs_tls() || tcp.is_tls() {
            return Ok(Some(Either::A(tcp)));
        }
        let host = details.uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let config = self.dialer.tls_of_endpoint(host).map_err(|why| other(why.to_string()))?;
        let name = server_name(host).map_err(|why| other(why.to_string()))?;
        let mut adapter = TransportAdapter::new(tcp.boxed(), details.current_time.clone());
        adapter.set_timeout(details.timeout);
        let stream = match config {
            #[cfg(feature = "tls")]
            TlsConfig::Rustls(config) => {
                let session = rustls::ClientConnection::new(config, name).map_err(io::Error::other);
                let mut stream =
                    rustls::StreamOwned::new(session.map_err(handshake_failed)?, adapter);
                let shaken = stream.conn.complete_io(&mut stream.sock);
                let mut stream = TlsStream::Rustls(Box::new(stream));
                shaken.map_err(|error| {
                    stream.verdict(&error).unwrap_or_else(|| handshake_failed(error))
                })?;
                stream
            }
            #[cfg(feature = "native-tls")]
            TlsConfig::Native(connector) => {
                let stream = connector.connect(&name.to_str(), adapter);
                TlsStream::Native(Box::new(stream.map_err(|error| {
                    handshake_failed(match error {
                        native_tls::HandshakeError::Failure(error) => cause(error),
                        // The stream below waits, and has an error where that takes too long.
                        native_tls::HandshakeError::WouldBlock(_) => io::ErrorKind::TimedOut.into(),
                    })
                })?))
            }
        };
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Either::B(TlsTransport { buffers, stream })))
    }
}

/// Errors of the stream below are ureq's own inside of `io::Error`, and so are those of TLS libraries.
fn handshake_failed(error: io::Error) -> Error {
    match failure_of_tls(&error) {
        Some(DialFailure::Tls { detail, .. }) => other(detail.into()),
        _ => error.into(),
    }
}

fn other(text: String) -> Error {
    Error::Other(text.into())
}

/// What the server says of the client's certificate comes with the first read.
fn read_failed(error: io::Error) -> Error {
    match refusal_of_client(&error) {
        Some(DialFailure::Tls { detail, .. }) => other(detail.into()),
        _ => error.into(),
    }
}

enum TlsStream {
    #[cfg(feature = "tls")]
    Rustls(Box<rustls::StreamOwned<rustls::ClientConnection, TransportAdapter>>),
    #[cfg(feature = "native-tls")]
    Native(Box<native_tls::TlsStream<TransportAdapter>>),
}

impl TlsStream {
    fn below(&mut self) -> &mut TransportAdapter {
        match self {
            #[cfg(feature = "tls")]
            Self::Rustls(stream) => &mut stream.sock,
            #[cfg(feature = "native-tls")]
            Self::Native(stream) => stream.get_mut(),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            #[cfg(feature = "tls")]
            Self::Rustls(stream) => stream.write_all(bytes),
            #[cfg(feature = "native-tls")]
            Self::Native(stream) => stream.write_all(bytes),
        }
    }

    /// Returns what the server said of this client's certificate before it went, which a failed write tells.
    fn verdict(&mut self, failed: &io::Error) -> Option<Error> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        // Where the server is still there, a read might wait for it.
        if !matches!(failed.kind(), BrokenPipe | ConnectionAborted | ConnectionReset) {
            return None;
        }
        let error = match self {
            #[cfg(feature = "tls")]
            Self::Rustls(stream) => {
                let stream = &mut **stream;
                loop {
                    // Not by way of a read, which would write before.
                    match stream.conn.read_tls(&mut stream.sock) {
                        Ok(0) | Err(_) => return None,
                        Ok(_) => {}
                    }
                    if let Err(error) = stream.conn.process_new_packets() {
                        break io::Error::other(error);
                    }
                }
            }
            #[cfg(feature = "native-tls")]
            Self::Native(stream) => stream.read(&mut [0]).err()?,
        };
        refusal_of_client(&error).map(|_| read_failed(error))
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            #[cfg(feature = "tls")]
            Self::Rustls(stream) => stream.read(buffer),
            #[cfg(feature = "native-tls")]
            Self::Native(stream) => stream.read(buffer),
        }
    }
}

pub(super) struct TlsTransport {
    buffers: LazyBuffers,
    stream: TlsStream,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.below().set_timeout(timeout);
        let output = &self.buffers.output()[..amount];
        let written = self.stream.write_all(output);
        // What the server said before it went is still there to be read.
        written.map_err(|error| self.stream.verdict(&error).unwrap_or_else(|| error.into()))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.below().set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf());
        // rustls's stream keeps an error of a write for the next read, which then looks at nothing.
        let amount = read
            .map_err(|error| self.stream.verdict(&error).unwrap_or_else(|| read_failed(error)))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.below().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsTransport").finish_non_exhaustive()
    }
}
