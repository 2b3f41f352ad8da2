//! https with the very TLS configuration that `wss://` has: roots, provider, or the user's own.
//! ureq's connector would make one by itself, with another provider and other roots.

use std::fmt;
use std::sync::Arc;

use rustls::{ClientConnection, StreamOwned};
use std::io::{Read, Write};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};

use crate::dial::Dialer;
use crate::dial::tls::{server_name, told};

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
        let other = |failure| {
            Error::Other(Box::<dyn std::error::Error + Send + Sync>::from(format!("{failure}")))
        };
        let config = self.dialer.tls_config().map_err(other)?;
        let name = server_name(host).map_err(other)?;
        let mut session = ClientConnection::new(config, name).map_err(|error| failed(&error))?;
        let mut adapter = TransportAdapter::new(tcp.boxed(), details.current_time.clone());
        adapter.set_timeout(details.timeout);
        session.complete_io(&mut adapter).map_err(handshake_failed)?;
        let config = details.config;
        Ok(Some(Either::B(TlsTransport {
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            stream: StreamOwned::new(session, adapter),
        })))
    }
}

/// rustls's errors come inside of `io::Error` here.
fn handshake_failed(error: std::io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => failed(error),
        None => error.into(),
    }
}

fn failed(error: &rustls::Error) -> Error {
    Error::Other(told(error).into())
}

pub(super) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = &self.buffers.output()[..amount];
        self.stream.write_all(output)?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
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
