//! The traits that a driver's adapter implements to call the HTTP API.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use pushest_proto::Config;
use pushest_proto::api::{ApiLimits, Call, Publish, Published};

use crate::conformance::driver::{TimeOfDay, TlsLibrary};
use crate::conformance::own_streams::Connector;
use crate::setters::setters;

/// A driver that carries the HTTP API, too.
pub trait ApiDriver: 'static {
    /// The driver's `Api`.
    type Api: ApiClient;

    /// The library that speaks TLS in it.
    const TLS: TlsLibrary = TlsLibrary::Rustls;

    /// Makes one.
    ///
    /// # Errors
    /// The driver's as text: the configuration lacks something.
    fn api(config: &Config, settings: ApiSettings) -> Result<Self::Api, String>;
}

/// Calls the HTTP API; the methods block.
pub trait ApiClient {
    /// Carries out a call.
    ///
    /// # Errors
    /// What the driver says of it.
    fn call<C: Call + Send>(&self, call: C) -> Result<C::Answer, ApiFailure>;

    /// Publishes these events at once, a call each. Returns the outcomes in their order.
    fn publish_all(&self, events: Vec<Publish>) -> Vec<Result<Published, ApiFailure>>;
}

/// Calls that can be given up, because they are futures.
pub trait ApiFutures: ApiClient {
    /// Begins to publish, and gives it up as soon as this is so, unless it has ended before.
    fn give_up(
        &self,
        event: Publish,
        when: impl Fn() -> bool,
    ) -> Option<Result<Published, ApiFailure>>;
}

/// An error of the driver's, as a scenario sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiFailure {
    /// Its text.
    pub text: String,
    /// Its `Debug`.
    pub debug: String,
    /// Whether the call may have been carried out.
    pub may_have_arrived: bool,
    /// Whether the call may be repeated.
    pub may_repeat: bool,
    /// The pause that the server asks for.
    pub retry_after: Option<Duration>,
    /// The status of the server's answer.
    pub status: Option<u16>,
}

impl ApiFailure {
    /// Takes an error's text and `Debug`; what else it says is set by the methods of these names.
    pub fn new(error: &(impl fmt::Display + fmt::Debug)) -> Self {
        Self {
            text: error.to_string(),
            debug: format!("{error:?}"),
            may_have_arrived: false,
            may_repeat: false,
            retry_after: None,
            status: None,
        }
    }

    setters! {
        /// Sets whether the call may have been carried out.
        may_have_arrived: bool;
        /// Sets whether the call may be repeated.
        may_repeat: bool;
        /// Sets the pause that the server asks for.
        retry_after: Option<Duration>;
        /// Sets the status of the server's answer.
        status: Option<u16>;
    }
}

/// Settings that a driver must have an option for.
#[derive(Clone)]
#[non_exhaustive]
pub struct ApiSettings {
    /// How long a call may take.
    pub timeout: Duration,
    /// Maximum number of calls in flight.
    pub in_flight: usize,
    /// How often a call is sent at most.
    pub attempts: u32,
    /// How long a connection is kept.
    pub keep_alive: Duration,
    /// What the server takes in one call; `None` for what the configuration says.
    pub limits: Option<ApiLimits>,
    /// A certificate authority to trust, beside the usual ones (PEM).
    pub authority_pem: Option<String>,
    /// The certificate and the private key to show to a server that demands them (PEM).
    pub identity_pem: Option<String>,
    /// Whether the system's TLS library is to be used.
    pub native_tls: bool,
    /// Connect to these instead of asking for the addresses of the host's name; if there are any.
    pub addresses: Vec<SocketAddr>,
    /// The URL of the proxy to go through; `None` for none.
    pub proxy: Option<String>,
    /// Whether the environment's variables name the proxy, where no URL does.
    pub proxy_from_env: bool,
    /// What gives the streams in place of sockets; `None` for sockets.
    pub connector: Option<Connector>,
    /// Where the time of the day comes from; `None`: the system.
    pub time_of_day: Option<TimeOfDay>,
}

impl Default for ApiSettings {
    /// 20 s for a call, 16 in flight, each sent 4 times at most; connections are kept for 30 s.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            in_flight: 16,
            attempts: 4,
            keep_alive: Duration::from_secs(30),
            limits: None,
            authority_pem: None,
            identity_pem: None,
            native_tls: false,
            addresses: Vec::new(),
            proxy: None,
            proxy_from_env: false,
            connector: None,
            time_of_day: None,
        }
    }
}

impl ApiSettings {
    setters! {
        /// Sets how long a call may take.
        timeout: Duration;
        /// Sets the number of calls in flight.
        in_flight: usize;
        /// Sets how often a call is sent at most.
        attempts: u32;
        /// Sets how long a connection is kept.
        keep_alive: Duration;
        /// Sets what the server takes in one call.
        limits: Option<ApiLimits>;
        /// Sets a certificate authority to trust (PEM).
        authority_pem: Option<String>;
        /// Sets the certificate and the private key to show (PEM).
        identity_pem: Option<String>;
        /// Sets whether the system's TLS library is to be used.
        native_tls: bool;
        /// Sets the addresses to connect to instead of those of the host's name.
        addresses: Vec<SocketAddr>;
        /// Sets the URL of the proxy to go through.
        proxy: Option<String>;
        /// Sets whether the environment's variables name the proxy, where no URL does.
        proxy_from_env: bool;
        /// Sets what gives the streams in place of sockets.
        connector: Option<Connector>;
        /// Sets where the time of the day comes from.
        time_of_day: Option<TimeOfDay>;
    }
}

impl fmt::Debug for ApiSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ApiSettings")
            .field("timeout", &self.timeout)
            .field("in_flight", &self.in_flight)
            .field("attempts", &self.attempts)
            .field("keep_alive", &self.keep_alive)
            .field("limits", &self.limits)
            .field("has_authority", &self.authority_pem.is_some())
            .field("has_identity", &self.identity_pem.is_some())
            .field("native_tls", &self.native_tls)
            .field("addresses", &self.addresses)
            .field("has_proxy", &self.proxy.is_some())
            .field("proxy_from_env", &self.proxy_from_env)
            .field("has_connector", &self.connector.is_some())
            .field("has_time_of_day", &self.time_of_day.is_some())
            .finish()
    }
}
