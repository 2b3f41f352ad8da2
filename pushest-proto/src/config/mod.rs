//! The configuration of a session: the app, the endpoint, timeouts, limits.

pub(crate) mod backoff;
mod counting;
#[cfg(feature = "serde")]
mod deserialize;
pub(crate) mod endpoint;
pub(crate) mod error;
#[cfg(feature = "encrypted")]
mod master_key;
mod sources;
mod url;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use backoff::BackoffConfig;
use endpoint::Endpoint;
use error::ConfigError;

use crate::auth::Signer;
use crate::channel::name::NameRules;
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
#[derive(Clone)]
pub struct Config {
    pub(crate) key: String,
    pub(crate) app_id: Option<String>,
    pub(crate) signer: Option<Signer>,
    pub(crate) master_key: Option<MasterKey>,
    pub(crate) client_events_per_second: Option<u32>,
    pub(crate) endpoint: Endpoint,
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
        &self.key
    }

    /// Returns the app's id, which the HTTP API needs; `None` if it was not given.
    #[must_use]
    pub fn app_id(&self) -> Option<&str> {
        self.app_id.as_deref()
    }

    /// Returns whether the app's secret is known, so that the session signs by itself.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.signer.is_some()
    }

    /// Returns the signer with the app's secret, and with the master key if there is one; `None`
    /// without a secret.
    #[must_use]
    pub fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// Returns whether the app's master key is known, so that the session opens encrypted events by
    /// itself.
    #[must_use]
    pub fn has_master_key(&self) -> bool {
        self.master_key.is_some()
    }

    /// Returns where the session connects to.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the timeouts, as they were given or by default.
    #[must_use]
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Returns how long the session waits before it connects again.
    #[must_use]
    pub fn backoff(&self) -> &BackoffConfig {
        &self.backoff
    }

    /// Returns the limits, as they were given or by default.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("key", &self.key)
            .field("has_secret", &self.has_secret())
            .field("endpoint", &self.endpoint)
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
/// libraries.
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
        let key = self.key.ok_or(ConfigError::Missing { what: "key" })?;
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
        let endpoint = match (&self.host, &self.cluster) {
            (Some(host), _) => Endpoint::new(host)?,
            (None, Some(cluster)) => Endpoint::cluster(cluster)?,
            (None, None) => Endpoint::cluster("mt1")?,
        };
        let endpoint = endpoint.adjusted(self.tls, self.port, self.path.as_deref())?;
        let client_events_per_second = match self.client_events_per_second {
            Some(Some(0)) => {
                return Err(ConfigError::Limit { what: "client_events_per_second", value: 0 });
            }
            Some(rate) => rate,
            None => endpoint.is_hosted().then_some(HOSTED_CLIENT_EVENTS_PER_SECOND),
        };
        self.timeouts.check()?;
        self.backoff.check()?;
        self.limits.check()?;
        Ok(Config {
            key,
            app_id: self.app_id,
            signer,
            master_key,
            client_events_per_second,
            endpoint,
            timeouts: self.timeouts,
            backoff: self.backoff,
            limits: self.limits,
            stop_on_refusal: self.stop_on_refusal,
            channel_statistics: self.channel_statistics,
        })
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
            .field("port", &self.port)
            .field("path", &shown(&self.path))
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// The timeouts of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// A dial: name, TCP, TLS and WebSocket upgrade together. 30 s.
    pub dial: Duration,
    /// From the open WebSocket to `pusher:connection_established`. 10 s.
    pub handshake: Duration,
    /// Silence after which a ping is sent; the server's own value counts where it is shorter.
    /// 120 s.
    pub activity: Duration,
    /// How long it may take after a ping until anything arrives. 30 s.
    pub pong: Duration,
    /// How long the answer to one subscribe may take before it is sent again. 10 s.
    pub subscribe: Duration,
    /// How long one authorization may take. 10 s.
    pub authorization: Duration,
    /// How long a connection must be established before earlier failures are forgotten. 10 s.
    pub stable: Duration,
}

impl Timeouts {
    fn check(&self) -> Result<(), ConfigError> {
        let all = [
            ("dial", self.dial),
            ("handshake", self.handshake),
            ("activity", self.activity),
            ("pong", self.pong),
            ("subscribe", self.subscribe),
            ("authorization", self.authorization),
            ("stable", self.stable),
        ];
        all.into_iter().try_for_each(|(what, value)| error::check_duration(what, value))
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            dial: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            activity: Duration::from_secs(120),
            pong: Duration::from_secs(30),
            subscribe: Duration::from_secs(10),
            authorization: Duration::from_secs(10),
            stable: Duration::from_secs(10),
        }
    }
}

/// Limits for what a session keeps and sends. Sizes are in bytes.
///
/// Bytes in memory are counted as [`Event::memory`](crate::Event::memory) says: texts with their
/// allocations, lists with their capacity, members with their infos, whole messages.
/// [`Session::memory`](crate::Session::memory) tells each of them. Beside what has a limit here, a
/// session holds, in its default configuration, up to 1 MiB of free places, unescaped names of
/// events and other small things; about 1 KiB for each wanted channel, with its name, failure and
/// what must not be lost of it; and buffers that a driver hands over in part (see
/// [`Session::handle_message`](crate::Session::handle_message)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of a received message; a larger one is reported and dropped. An event counts in
    /// `stored_bytes` until it is polled: raise both together. 1 MiB.
    pub message: usize,
    /// Maximum number of wanted channels, not counting that of the signed-in user. 100,000.
    pub channels: usize,
    /// Maximum number of members of one channel. 10,000.
    pub members: usize,
    /// Maximum size of all members of one channel together: ids, infos, and about 80 bytes for each
    /// member's place. 16 MiB.
    pub member_bytes: usize,
    /// Maximum number of events that wait to be polled, or for the key of an encrypted channel; the
    /// latter take half of it at most. What a server cannot cause any number of is not dropped and
    /// does not count: changes of state, outcomes of subscriptions and sign-ins, gaps, pongs.
    /// 4,096.
    pub stored_events: usize,
    /// Maximum size of these events: each with its place in the queue, and without the name of its
    /// channel, which the table of channels keeps. 8 MiB.
    pub stored_bytes: usize,
    /// Maximum size of accepted client events and pings that wait to be polled: their frames and
    /// names, and about 100 bytes for each one's place and allocations. 256 KiB.
    pub outgoing: usize,
    /// Rules for a channel's name.
    pub channel_name: NameRules,
    /// Maximum length of a client event's name. 200.
    pub event_name: usize,
    /// Maximum size of a client event's data, encoded. 10 KiB (10,240), as on the hosted service.
    pub event_data: usize,
    /// Maximum size of a presence channel's member data (`channel_data`) or a sign-in's user data,
    /// as JSON, whether given by the user or granted by an authorizer. 16 KiB.
    pub signed_data: usize,
}

impl Limits {
    fn check(&self) -> Result<(), ConfigError> {
        // Positions within a message are kept in 32 bits.
        if self.message == 0 || u32::try_from(self.message).is_err() {
            return Err(ConfigError::Limit { what: "message", value: self.message });
        }
        let others = [
            ("channels", self.channels),
            ("members", self.members),
            ("member_bytes", self.member_bytes),
            ("stored_events", self.stored_events),
            ("stored_bytes", self.stored_bytes),
            ("outgoing", self.outgoing),
            ("event_name", self.event_name),
            ("event_data", self.event_data),
            ("signed_data", self.signed_data),
        ];
        match others.into_iter().find(|(_, value)| *value == 0) {
            Some((what, value)) => Err(ConfigError::Limit { what, value }),
            None => Ok(()),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 1024 * 1024,
            channels: 100_000,
            members: 10_000,
            member_bytes: 16 * 1024 * 1024,
            stored_events: 4_096,
            stored_bytes: 8 * 1024 * 1024,
            outgoing: 256 * 1024,
            channel_name: NameRules::default(),
            event_name: 200,
            event_data: 10 * 1024,
            signed_data: 16 * 1024,
        }
    }
}
