//! The configuration of a session: the app, the endpoint, timeouts, limits.

pub(crate) mod backoff;
mod counting;
#[cfg(feature = "serde")]
mod deserialize;
pub(crate) mod endpoint;
pub(crate) mod endpoints;
pub(crate) mod error;
pub(crate) mod limits;
#[cfg(feature = "encrypted")]
mod master_key;
mod sources;
pub(crate) mod timeouts;
mod url;

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use backoff::BackoffConfig;
use endpoint::Endpoint;
use endpoints::Defaults;
use error::ConfigError;
use limits::Limits;
use timeouts::Timeouts;

use crate::auth::Signer;
use crate::channel::secret::MasterKey;

/// What the hosted service allows on one connection ([protocol, limits](crate::protocol#limits)).
const HOSTED_CLIENT_EVENTS_PER_SECOND: u32 = 10;

/// A validated configuration, made by [`Config::builder`], [`Config::from_url`] or
/// [`Config::from_variables`].
///
/// ```
/// # use pushest_proto::Config;
/// let config = Config::builder("app-key").cluster("eu").secret("app-secret").build()?;
/// assert_eq!(
///     config.endpoint().url(config.key()),
///     "wss://ws-eu.pusher.com:443/app/app-key?protocol=7&client=pushest-rust&version=0.1.0"
/// );
/// # Ok::<(), pushest_proto::ConfigError>(())
/// ```
///
/// Cloning it is cheap: all clones share one allocation, so that thousands of clients may have it.
#[derive(Clone)]
pub struct Config {
    pub(crate) settings: Arc<Settings>,
}

/// What a configuration consists of.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) key: String,
    pub(crate) app_id: Option<String>,
    pub(crate) signer: Option<Signer>,
    pub(crate) master_key: Option<MasterKey>,
    pub(crate) client_events_per_second: Option<u32>,
    /// Never empty, in the order in which they were given.
    pub(crate) endpoints: Arc<[Endpoint]>,
    pub(crate) timeouts: Timeouts,
    pub(crate) backoff: BackoffConfig,
    pub(crate) limits: Limits,
    pub(crate) stop_on_refusal: bool,
    pub(crate) channel_statistics: bool,
}

impl Config {
    /// Begins a configuration for the app with this key.
    #[must_use]
    pub fn builder(key: &str) -> ConfigBuilder {
        ConfigBuilder { key: Some(key.to_string()), ..ConfigBuilder::default() }
    }

    /// Reads the configuration that a URL describes; see [`ConfigBuilder::url`] for its forms.
    ///
    /// # Errors
    /// As [`ConfigBuilder::url`] and [`ConfigBuilder::build`].
    pub fn from_url(url: &str) -> Result<Self, ConfigError> {
        ConfigBuilder::default().url(url)?.build()
    }

    /// Returns the app's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.settings.key
    }

    /// Returns the app's id, which the HTTP API needs; `None` if it was not given.
    #[must_use]
    pub fn app_id(&self) -> Option<&str> {
        self.settings.app_id.as_deref()
    }

    /// Returns whether the app's secret is known, so that the session signs by itself.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.settings.signer.is_some()
    }

    /// Returns the signer with the app's secret, and with the master key if there is one; `None`
    /// without a secret.
    #[must_use]
    pub fn signer(&self) -> Option<&Signer> {
        self.settings.signer.as_ref()
    }

    /// Returns whether the app's master key is known, so that the session opens encrypted events by
    /// itself.
    #[must_use]
    pub fn has_master_key(&self) -> bool {
        self.settings.master_key.is_some()
    }

    /// Returns where the session connects to; of several endpoints the first, as they were given, which
    /// is also where the HTTP API is called.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        self.settings.endpoint()
    }

    /// Returns all endpoints, in the order in which they were given. Each session has an order of its
    /// own, in which it tries them ([`ConfigBuilder::endpoints`]).
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.settings.endpoints
    }

    /// Returns the timeouts, as they were given or by default.
    #[must_use]
    pub fn timeouts(&self) -> &Timeouts {
        &self.settings.timeouts
    }

    /// Returns how long the session waits before it connects again.
    #[must_use]
    pub fn backoff(&self) -> &BackoffConfig {
        &self.settings.backoff
    }

    /// Returns the limits, as they were given or by default.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Returns it with other endpoints, of which there must be one at least.
    #[cfg(feature = "recording")]
    pub(crate) fn with_endpoints(self, endpoints: Arc<[Endpoint]>) -> Self {
        let settings = Arc::unwrap_or_clone(self.settings);
        Self { settings: Arc::new(Settings { endpoints, ..settings }) }
    }
}

impl Settings {
    fn endpoint(&self) -> &Endpoint {
        self.endpoints.first().expect("no configuration is built without an endpoint")
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// Without a secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("key", &self.key)
            .field("has_secret", &self.signer.is_some())
            .field("endpoint", self.endpoint())
            .field("other_endpoints", &&self.endpoints[1..])
            .field("timeouts", &self.timeouts)
            .field("backoff", &self.backoff)
            .field("limits", &self.limits)
            .field("has_master_key", &self.master_key.is_some())
            .field("client_events_per_second", &self.client_events_per_second)
            .field("stop_on_refusal", &self.stop_on_refusal)
            .field("app_id", &self.app_id)
            .field("channel_statistics", &self.channel_statistics)
            .finish()
    }
}

/// Collects a configuration; [`ConfigBuilder::build`] validates it.
///
/// Later calls win over earlier ones. A host wins over a cluster, as it does in the official
/// libraries; a list of endpoints counts as a host.
#[derive(Clone, Default)]
pub struct ConfigBuilder {
    key: Option<String>,
    app_id: Option<String>,
    secret: Option<zeroize::Zeroizing<String>>,
    /// The master key as it was given; its length is checked by `build`.
    master_key: Option<Result<zeroize::Zeroizing<Vec<u8>>, ()>>,
    /// The rate as it was given; without one the endpoint decides.
    client_events_per_second: Option<Option<u32>>,
    cluster: Option<String>,
    host: Option<String>,
    endpoints: Option<Vec<String>>,
    port: Option<u16>,
    path: Option<String>,
    tls: Option<bool>,
    timeouts: Timeouts,
    backoff: BackoffConfig,
    limits: Limits,
    stop_on_refusal: bool,
    channel_statistics: bool,
}

impl ConfigBuilder {
    /// The app's key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_string());
        self
    }

    /// Sets the app's id, for the HTTP API: 1 to 200 letters, digits and `_ - . ~`. The WebSocket
    /// side does not use it.
    #[must_use]
    pub fn app_id(mut self, id: &str) -> Self {
        self.app_id = Some(id.to_string());
        self
    }

    /// Sets the app's secret. With it the session signs private and presence channels by itself;
    /// without it, it asks with [`Action::Authorize`](crate::Action::Authorize). A secret belongs
    /// on machines that the app's owner trusts, not into programs that are handed out.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = Some(secret.to_string().into());
        self
    }

    /// Sets how many client events may be triggered within any second; `None` for any number. The
    /// hosted service allows 10 on a connection, which is the default for a cluster; for your own
    /// host there is no limit by default.
    #[must_use]
    pub fn client_events_per_second(mut self, rate: Option<u32>) -> Self {
        self.client_events_per_second = Some(rate);
        self
    }

    /// Sets the cluster of the hosted service: `mt1` (the default), `us2`, `us3`, `eu`, `ap1` … The
    /// endpoint is then `wss://ws-CLUSTER.pusher.com:443`.
    #[must_use]
    pub fn cluster(mut self, cluster: &str) -> Self {
        self.cluster = Some(cluster.to_string());
        self
    }

    /// Sets the host of your own server: a name, an IPv4 address, or an IPv6 address with or
    /// without brackets, such as `fe80::1%eth0`.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_string());
        self.endpoints = None;
        self
    }

    /// Sets several endpoints: the nodes of one cluster, which serve the same app and pass on what is
    /// published at any of them. At most 32, each as `HOST`, `HOST:PORT`, `ws://HOST:PORT/PATH` or
    /// `wss://…`; [`port`](Self::port), [`path`](Self::path) and [`tls`](Self::tls) hold for those that
    /// do not say it themselves. The list takes the place of a host, and a host that of the list.
    ///
    /// - A session tries them in an order of its own, which its seed draws: so clients spread.
    /// - After any loss, failed dial or refusal that may be better later, the next one is the first of
    ///   that order that has not failed in this pass, 100 to 500 ms later; never the one that has just
    ///   failed, while there are others. One pass over the list goes on like this; from then on each
    ///   attempt has the backoff that it would have with one endpoint, from one endpoint to the next. A
    ///   connection that has been stable ([`Timeouts::stable`]), a `connect` after a `disconnect` or a
    ///   refusal, and a changed network begin a new pass, with the first of the order that did not just
    ///   fail. So the list lets a session make one pass more than it would without.
    /// - An endpoint that asked for a pause (close codes 4100–4199, `Retry-After`) is not dialled before
    ///   it is over, and holds up no other.
    /// - A connection that works is never closed for another endpoint: the first of the order are tried
    ///   again when it has to connect anyway.
    /// - What is final stays so, whatever other endpoints there are: close codes 4000–4099 at one end
    ///   the session ([protocol, several endpoints](crate::protocol#several-endpoints)). A dial that is refused for
    ///   good ([`stop_on_refusal`](Self::stop_on_refusal), [`DialFailure::Unsupported`]) leaves its
    ///   endpoint out, and ends the session once all are left out.
    /// - [`Session::status`] says which one it is. [`Config::endpoint`], and with it the HTTP API, is
    ///   the first of the list.
    ///
    /// `PUSHER_URL`, `PUSHER_HOST` and URLs name one host: a list is said here only.
    ///
    /// ```
    /// # use pushest_proto::Config;
    /// let config = Config::builder("app-key")
    ///     .endpoints(["node-1.example", "node-2.example", "wss://node-3.example:8443"])
    ///     .port(6001)
    ///     .build()?;
    /// let urls = config.endpoints().iter().map(ToString::to_string);
    /// assert!(urls.eq([
    ///     "ws://node-1.example:6001",
    ///     "ws://node-2.example:6001",
    ///     "wss://node-3.example:8443",
    /// ]));
    /// # Ok::<(), pushest_proto::ConfigError>(())
    /// ```
    ///
    /// [`build`](Self::build) refuses an empty list, one of more than 32, one that has the same endpoint
    /// twice, however it is spelled ([`Endpoint::is_same`]), and what is no endpoint.
    ///
    /// [`DialFailure::Unsupported`]: crate::DialFailure::Unsupported
    /// [`Session::status`]: crate::Session::status
    #[must_use]
    pub fn endpoints<E: AsRef<str>>(mut self, endpoints: impl IntoIterator<Item = E>) -> Self {
        // One more than `build` accepts is enough for it to refuse, however long the list is.
        let endpoints = endpoints.into_iter().take(endpoints::MOST_ENDPOINTS + 1);
        self.endpoints = Some(endpoints.map(|endpoint| endpoint.as_ref().to_string()).collect());
        self.host = None;
        self
    }

    /// Sets the port; by default it is 443 with TLS and 80 without.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets a path before `/app/KEY`, for servers behind a proxy, such as `/realtime`.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = Some(path.to_string());
        self
    }

    /// Sets whether to use TLS. By default: yes for a cluster and for port 443, no for your own
    /// host.
    #[must_use]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Replaces all timeouts.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets how long to wait before connecting again: a curve with jitter, or a list of pauses.
    #[must_use]
    pub fn backoff(mut self, backoff: BackoffConfig) -> Self {
        self.backoff = backoff;
        self
    }

    /// Replaces all limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Makes the session stop, instead of trying again, when a dial is refused for a reason that
    /// often stays: the name does not resolve, the certificate is not accepted, the answer is a
    /// redirect or HTTP 4xx other than 429. Meant for command lines; off by default, since
    /// deployments produce all of these for a while.
    #[must_use]
    pub fn stop_on_refusal(mut self, stop: bool) -> Self {
        self.stop_on_refusal = stop;
        self
    }

    /// Validates everything.
    ///
    /// # Errors
    /// [`ConfigError`] names the first value that breaks a rule, and the rule.
    pub fn build(self) -> Result<Config, ConfigError> {
        let key = self.key.clone().ok_or(ConfigError::Missing { what: "key" })?;
        error::check_key(&key)?;
        self.app_id.as_deref().map_or(Ok(()), error::check_app_id)?;
        if self.secret.as_ref().is_some_and(|secret| secret.trim().is_empty()) {
            return Err(ConfigError::EmptySecret);
        }
        let master_key = match &self.master_key {
            None => None,
            Some(Ok(bytes)) => match MasterKey::new(bytes) {
                Some(key) => Some(key),
                None => return Err(ConfigError::MasterKey { bytes: bytes.len() }),
            },
            Some(Err(())) => return Err(ConfigError::MasterKeyBase64),
        };
        let signer = self.secret.as_ref().map(|secret| {
            let mut signer = Signer::new(&key, secret);
            signer.master_key.clone_from(&master_key);
            signer
        });
        let endpoints = self.addresses()?;
        let client_events_per_second = match self.client_events_per_second {
            Some(Some(0)) => {
                return Err(ConfigError::Limit { what: "client_events_per_second", value: 0 });
            }
            Some(rate) => rate,
            None => endpoints[0].is_hosted().then_some(HOSTED_CLIENT_EVENTS_PER_SECOND),
        };
        self.timeouts.check()?;
        self.backoff.check()?;
        self.limits.check()?;
        let settings = Settings {
            key,
            app_id: self.app_id,
            signer,
            master_key,
            client_events_per_second,
            endpoints,
            timeouts: self.timeouts,
            backoff: self.backoff,
            limits: self.limits,
            stop_on_refusal: self.stop_on_refusal,
            channel_statistics: self.channel_statistics,
        };
        Ok(Config { settings: Arc::new(settings) })
    }

    /// Returns where to connect to.
    fn addresses(&self) -> Result<Arc<[Endpoint]>, ConfigError> {
        let (tls, port, path) = (self.tls, self.port, self.path.as_deref());
        let endpoint = match (&self.host, &self.endpoints, &self.cluster) {
            // Only a file can say both: of two calls the later one counts.
            (Some(_), Some(_), _) => return Err(ConfigError::HostAndEndpoints),
            (None, Some(list), _) => return endpoints::parse(list, &Defaults { tls, port, path }),
            (Some(host), None, _) => Endpoint::new(host)?,
            (None, None, Some(cluster)) => Endpoint::cluster(cluster)?,
            (None, None, None) => Endpoint::cluster("mt1")?,
        };
        Ok(Arc::from([endpoint.adjusted(tls, port, path)?]))
    }
}

impl fmt::Debug for ConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.as_deref().map(error::shown);
        f.debug_struct("ConfigBuilder")
            .field("key", &shown(&self.key))
            .field("app_id", &shown(&self.app_id))
            .field("has_secret", &self.secret.is_some())
            .field("has_master_key", &self.master_key.is_some())
            .field("cluster", &shown(&self.cluster))
            .field("host", &shown(&self.host))
            .field(
                "endpoints",
                &self
                    .endpoints
                    .as_ref()
                    .map(|list| list.iter().map(|it| error::shown(it)).collect::<Vec<_>>()),
            )
            .field("port", &self.port)
            .field("path", &self.path.as_deref().map(error::shown_path))
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
