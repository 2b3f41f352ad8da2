//! Making a connection: addresses, TLS, the WebSocket upgrade.

mod address;
pub(crate) mod handshake;
#[cfg(feature = "tls")]
pub(crate) mod tls;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use pushest_proto::{Config, DialFailure, Endpoint};
use tungstenite::handshake::client::Request;
use tungstenite::protocol::WebSocketConfig;

use crate::options::Options;
use crate::runtime::Runtime;

/// What a runtime needs to know to turn a TCP connection into a WebSocket.
pub struct Upgrade {
    /// The HTTP request that asks for it.
    pub request: Request,
    /// Sizes of buffers and messages.
    pub config: WebSocketConfig,
    /// How to speak TLS first; `None` for `ws://`.
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
}

/// How to speak TLS.
#[cfg(feature = "tls")]
#[derive(Debug, Clone)]
pub struct Tls {
    /// The configuration.
    pub config: Arc<rustls::ClientConfig>,
    /// The name that the server's certificate must be for.
    pub server_name: rustls::pki_types::ServerName<'static>,
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").field("uri", self.request.uri()).finish_non_exhaustive()
    }
}

/// Makes the connections of one client.
#[derive(Debug)]
pub(crate) struct Dialer {
    config: Config,
    options: Options,
    #[cfg(feature = "tls")]
    tls: tls::Tls,
}

impl Dialer {
    pub(crate) fn new(config: Config, options: Options) -> Self {
        Self {
            config,
            options,
            #[cfg(feature = "tls")]
            tls: tls::Tls::default(),
        }
    }

    pub(crate) fn dial<R: Runtime>(
        self: &Arc<Self>,
        runtime: &Arc<R>,
        endpoint: Endpoint,
    ) -> BoxFuture<'static, Result<R::Socket, DialFailure>> {
        let (dialer, runtime) = (self.clone(), runtime.clone());
        Box::pin(async move {
            // What this build cannot do, or the server's name is no name, shows before any packet.
            let upgrade = dialer.upgrade(&endpoint)?;
            let (host, port) = (endpoint.host_name(), endpoint.port_number());
            let chosen = &dialer.options.addresses;
            let tcp = address::connect(&*runtime, host, port, chosen).await?;
            runtime.upgrade(tcp, upgrade).await
        })
    }

    #[cfg(feature = "http")]
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls_config(&self) -> Result<Arc<rustls::ClientConfig>, DialFailure> {
        self.tls.config(&self.options.trust)
    }

    fn upgrade(&self, endpoint: &Endpoint) -> Result<Upgrade, DialFailure> {
        let limits = self.config.limits();
        let read_buffer = self.options.read_buffer;
        #[cfg(not(feature = "tls"))]
        if endpoint.is_tls() {
            let reason = "wss:// needs one of the features tls-ring and tls-aws-lc";
            return Err(DialFailure::Unsupported(reason.into()));
        }
        Ok(Upgrade {
            request: handshake::request(&endpoint.url(self.config.key()), &self.options.headers)?,
            config: handshake::config(limits.message, limits.outgoing, read_buffer),
            #[cfg(feature = "tls")]
            tls: if endpoint.is_tls() {
                Some(Tls {
                    config: self.tls_config()?,
                    server_name: tls::server_name(endpoint.host_name())?,
                })
            } else {
                None
            },
        })
    }
}
