//! Making a connection: addresses, TLS, the WebSocket upgrade.

pub(crate) mod address;
pub(crate) mod alerts;
#[cfg(any(feature = "tls", feature = "native-tls"))]
pub(crate) mod choices;
mod connector;
pub(crate) mod host_name;
#[cfg(any(feature = "tls", feature = "native-tls"))]
pub(crate) mod identity;
#[cfg(feature = "native-tls")]
mod native_config;
#[cfg(feature = "native-tls")]
pub(crate) mod native_stream;
#[cfg(any(feature = "tls", feature = "native-tls"))]
mod pem;
pub(crate) mod proxy;
pub(crate) mod race;
#[cfg(feature = "tls")]
mod rustls_config;
#[cfg(any(feature = "tls", feature = "native-tls"))]
mod system_roots;
#[cfg(any(feature = "tls", feature = "native-tls"))]
pub(crate) mod tls;
#[cfg(feature = "tls")]
pub(crate) mod tls_stream;
pub(crate) mod upgrade;
#[cfg(feature = "tls")]
mod verifier;
pub(crate) mod within;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Either};
use pushest_proto::{Config, DialFailure, Endpoint, Instant};
use tungstenite::protocol::WebSocketConfig;

use self::connector::{Reached, Way};
use self::proxy::pauses::Pauses;
#[cfg(feature = "http")]
use self::proxy::proxies::Proxies;
use self::upgrade::Upgrade;
use crate::connector::ConnectorPurpose;
use crate::options::{Options, check_header};
use crate::threads::Threads;
#[cfg(feature = "tls")]
use crate::unstable::traits::TlsParameters;
use crate::unstable::traits::{Dialled, Runtime};
use crate::websocket::{self, WebSocket};

/// At most eight threads a process call what provides headers, two of them for one client: nothing
/// can end one that hangs, and each further dial calls it again.
static THREADS: Threads = Threads::new("pushest-headers", 8, 2);

/// What one handshake needs. Without TLS there is none.
enum Tls {
    #[cfg(feature = "tls")]
    Rustls(TlsParameters),
    #[cfg(feature = "native-tls")]
    Native { connector: native_tls::TlsConnector, host: Box<str> },
}

/// TLS over the stream, none, or why it cannot be spoken.
type PlannedTls = Result<Option<Tls>, DialFailure>;

/// Makes the connections of one client.
#[derive(Debug)]
pub(crate) struct Dialer {
    config: Config,
    options: Arc<Options>,
    pauses: Pauses,
    #[cfg(any(feature = "tls", feature = "native-tls"))]
    trust: tls::CachedTlsConfig,
}

impl Dialer {
    pub(crate) fn new(config: Config, options: Arc<Options>) -> Self {
        Self {
            config,
            pauses: Pauses::of(&options.proxies),
            options,
            #[cfg(any(feature = "tls", feature = "native-tls"))]
            trust: tls::CachedTlsConfig::default(),
        }
    }

    pub(crate) fn dial<R: Runtime>(
        self: &Arc<Self>,
        runtime: &Arc<R>,
        endpoint: Endpoint,
    ) -> BoxFuture<'static, Result<WebSocket<R>, DialFailure>> {
        let (dialer, runtime) = (self.clone(), runtime.clone());
        let deadline = deadline(&*runtime, dialer.config.timeouts().dial);
        Box::pin(async move {
            // What this build cannot do, or the server's name is no name, shows before any packet.
            let endpoint = host_name::ascii(endpoint)?;
            let tls = dialer.planned_tls(&endpoint)?;
            let headers = dialer.headers().await?;
            let upgrade = dialer.upgrade(&runtime, &endpoint, &headers)?;
            let purpose = ConnectorPurpose::WebSocket;
            let opening = dialer.open(&*runtime, &endpoint, tls, purpose, deadline);
            let mut stream = opening.await?;
            let beginning = upgrade.negotiate(&mut stream).await?;
            Ok(WebSocket::new(stream, beginning, dialer.websocket()))
        })
    }

    /// Connects to an endpoint, with TLS where it has that, and no further. The caller waits no longer than
    /// `limit`: a proxy or a connector that is silent is told before.
    #[cfg(any(feature = "api", feature = "http"))]
    pub(crate) async fn connect<R: Runtime>(
        &self,
        runtime: &R,
        endpoint: Endpoint,
        purpose: ConnectorPurpose,
        limit: Duration,
    ) -> Result<Dialled<R>, DialFailure> {
        let endpoint = host_name::ascii(endpoint)?;
        let tls = self.planned_tls(&endpoint)?;
        self.open(runtime, &endpoint, tls, purpose, deadline(runtime, limit)).await
    }

    async fn open<R: Runtime>(
        &self,
        runtime: &R,
        endpoint: &Endpoint,
        tls: PlannedTls,
        purpose: ConnectorPurpose,
        deadline: Instant,
    ) -> Result<Dialled<R>, DialFailure> {
        let reaching = self.reach(runtime, endpoint, purpose, deadline);
        let Reached { stream: tcp, is_encrypted } = reaching.await?;
        if is_encrypted {
            return Ok(Either::Left(tcp));
        }
        match tls? {
            None => Ok(Either::Left(tcp)),
            #[cfg(feature = "tls")]
            Some(Tls::Rustls(parameters)) => {
                let stream = runtime.secure(tcp, parameters).await;
                let stream = stream.map_err(|error| tls::failure(&error))?;
                #[cfg(feature = "native-tls")]
                let stream = Either::Left(stream);
                Ok(Either::Right(stream))
            }
            #[cfg(feature = "native-tls")]
            Some(Tls::Native { connector, host }) => {
                let stream = native_stream::connect(&connector, &host, tcp).await;
                let stream = stream.map_err(|error| tls::failure(&error))?;
                Ok(Either::Right(Either::Right(stream)))
            }
        }
    }

    /// Returns a stream to the endpoint: through a proxy where there is one for it, or straight.
    async fn reach<R: Runtime>(
        &self,
        runtime: &R,
        endpoint: &Endpoint,
        purpose: ConnectorPurpose,
        deadline: Instant,
    ) -> Result<Reached<R::Tcp>, DialFailure> {
        let Options { addresses: chosen, proxies, time_of_day, connector, .. } = &*self.options;
        let (host, port) = (endpoint.host(), endpoint.port());
        let way = Way { connector: connector.as_ref(), purpose, deadline };
        // These are the server's.
        let is_endpoint = purpose == ConnectorPurpose::AuthorizationEndpoint;
        let chosen: &[SocketAddr] = if is_endpoint { &[] } else { chosen };
        let Some(proxy) = proxies.of(endpoint.is_tls(), host, port) else {
            return way.to_server(runtime, endpoint, chosen).await;
        };
        let longest_pause = self.config.backoff().retry_after_limit;
        let asked = (&self.pauses, longest_pause);
        let through = proxy::reach(runtime, proxy, way, endpoint, chosen, time_of_day, asked);
        // Of what a connector says of a stream to the proxy nothing is so of the way to the server.
        through.await.map(Reached::plain)
    }

    /// Returns whether the user's own function gives the streams.
    #[cfg(feature = "http")]
    pub(crate) fn has_connector(&self) -> bool {
        self.options.connector.is_some()
    }

    #[cfg(feature = "http")]
    pub(crate) fn proxies(&self) -> &Proxies {
        &self.options.proxies
    }

    #[cfg(feature = "http")]
    pub(crate) fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    #[cfg(feature = "http")]
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Returns what a request to the app's own HTTP endpoint is secured with.
    ///
    /// The client's identity is shown to the host of the server alone, where the user knows that it is
    /// asked for. The endpoint is another program, often of another host: it would learn who the client is,
    /// and could have it sign the handshake, without the user having said so.
    #[cfg(all(feature = "http", any(feature = "tls", feature = "native-tls")))]
    pub(crate) fn tls_of_endpoint(&self, host: &str) -> Result<tls::TlsConfig, DialFailure> {
        let is_server = self.is_server(host);
        self.trust.config(&self.options.trust, is_server)
    }

    /// Returns whether this is the host of a server that the client was configured for.
    #[cfg(all(feature = "http", any(feature = "tls", feature = "native-tls")))]
    fn is_server(&self, host: &str) -> bool {
        self.config.endpoints().iter().any(|endpoint| {
            let endpoint = host_name::ascii(endpoint.clone());
            endpoint.is_ok_and(|endpoint| endpoint.host().eq_ignore_ascii_case(host))
        })
    }

    /// Returns the headers for one upgrade.
    async fn headers(&self) -> Result<Vec<(String, String)>, DialFailure> {
        let mut headers = self.options.headers.clone();
        let Some(provide) = self.options.fresh_headers.clone() else { return Ok(headers) };
        let failed = |text: &str| DialFailure::Headers(text.into());
        // Each client's provider has a lane of its own, wherever it is called from.
        let about = format!("{:p}", Arc::as_ptr(&provide));
        let provided = THREADS.run(&about, move || provide()).await;
        let provided = provided.ok_or_else(|| failed("what provides them panicked"))?;
        let no_thread = |error| failed(&format!("no thread to provide them on: {error}"));
        let provided = provided.map_err(no_thread)?;
        let provided = provided.map_err(|text| failed(&text))?;
        for (name, value) in &provided {
            check_header(name, value).map_err(|error| failed(&error.to_string()))?;
        }
        // As the fresh headers of an endpoint: a server that took the first would see the stale one.
        headers.retain(|(name, _)| {
            !provided.iter().any(|(fresh, _)| fresh.eq_ignore_ascii_case(name))
        });
        headers.extend(provided);
        Ok(headers)
    }

    fn upgrade<R: Runtime>(
        &self,
        runtime: &Arc<R>,
        endpoint: &Endpoint,
        headers: &[(String, String)],
    ) -> Result<Upgrade, DialFailure> {
        let time_of_day = self.options.time_of_day.clone();
        Upgrade::new(endpoint, self.config.key(), headers, runtime, time_of_day)
    }

    fn websocket(&self) -> WebSocketConfig {
        let Options { transport_limit, read_buffer, .. } = *self.options;
        websocket::config(self.config.limits(), transport_limit, read_buffer)
    }

    /// Returns the TLS of an endpoint. What is wrong with it shows before any packet, unless a connector may
    /// give a stream that is encrypted already.
    fn planned_tls(&self, endpoint: &Endpoint) -> Result<PlannedTls, DialFailure> {
        let tls = self.tls(endpoint);
        if self.options.connector.is_some() { Ok(tls) } else { tls.map(Ok) }
    }

    #[cfg(any(feature = "tls", feature = "native-tls"))]
    fn tls(&self, endpoint: &Endpoint) -> Result<Option<Tls>, DialFailure> {
        if !endpoint.is_tls() {
            return Ok(None);
        }
        let server_name = tls::server_name(endpoint.host())?;
        Ok(Some(match self.trust.config(&self.options.trust, true)? {
            #[cfg(feature = "tls")]
            tls::TlsConfig::Rustls(config) => Tls::Rustls(TlsParameters { config, server_name }),
            #[cfg(feature = "native-tls")]
            tls::TlsConfig::Native(connector) => {
                Tls::Native { connector, host: server_name.to_str().into() }
            }
        }))
    }

    #[cfg(not(any(feature = "tls", feature = "native-tls")))]
    fn tls(&self, endpoint: &Endpoint) -> Result<Option<Tls>, DialFailure> {
        if endpoint.is_tls() {
            let reason = "wss:// needs one of the features tls-ring, tls-aws-lc and native-tls";
            return Err(DialFailure::Unsupported(reason.into()));
        }
        Ok(None)
    }
}

/// Returns until when what stands before the server may be silent.
fn deadline<R: Runtime>(runtime: &R, limit: Duration) -> Instant {
    runtime.now() + within::share(limit)
}
