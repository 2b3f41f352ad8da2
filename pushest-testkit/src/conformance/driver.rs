//! The traits that a driver's adapter implements.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pushest_proto::{
    AuthEndpoint, Authorization, AuthorizationError, AuthorizationRequest, ChannelState,
    CommandError, Config, Endpoint, Event, Member, SocketId, Statistics, Status, SubscribeOptions,
};

use super::own_streams::Connector;
use crate::setters::setters;

/// A driver: an implementation that carries a [`pushest_proto::Session`] over sockets.
pub trait Driver: 'static {
    /// The driver's client.
    type Client: DriverClient;

    /// The library that speaks TLS in it.
    const TLS: TlsLibrary = TlsLibrary::Rustls;

    /// Makes a client that does nothing until [`DriverClient::connect`].
    fn client(config: Config, settings: Settings) -> Self::Client;
}

/// A library that speaks TLS. What one says of a certificate, and some of what it takes, is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsLibrary {
    /// rustls: scenarios know its words.
    Rustls,
    /// That of the system, OpenSSL on Linux. It may have words of its own, and takes a client's private key in
    /// PKCS #8.
    Native,
}

/// A client, with methods that block.
///
/// All waiting is bounded by a limit, after which it is [`Unmet::TimedOut`] and may be asked for
/// again. Nothing needs to happen between two calls: a scenario calls [`sleep`](Self::sleep) where
/// a client without a thread of its own is to make progress. Dropping it ends the client, within
/// moments and without waiting for it.
pub trait DriverClient {
    /// Connects and stays connected; while waiting for the next attempt, tries at once.
    fn connect(&mut self);

    /// Closes the connection and stays disconnected; does not wait for it.
    fn disconnect(&mut self);

    /// Goes on with another server.
    fn set_endpoint(&mut self, endpoint: Endpoint);

    /// Says that the network changed.
    fn network_changed(&mut self);

    /// Subscribes to a channel, until [`unsubscribe`](Self::unsubscribe).
    ///
    /// # Errors
    /// If the channel cannot be wanted: the driver's error as text.
    fn subscribe(&mut self, channel: &str, options: &SubscribeOptions) -> Result<(), String>;

    /// Unsubscribes from a channel.
    ///
    /// # Errors
    /// If it is not subscribed to.
    fn unsubscribe(&mut self, channel: &str) -> Result<(), CommandError>;

    /// Tries a failed channel again.
    ///
    /// # Errors
    /// If it is not subscribed to.
    fn retry(&mut self, channel: &str) -> Result<(), CommandError>;

    /// Sends a client event; does not wait for it to be sent.
    ///
    /// # Errors
    /// If it cannot be sent.
    fn trigger(
        &mut self,
        channel: &str,
        event: &str,
        data: &serde_json::Value,
    ) -> Result<(), CommandError>;

    /// Signs in as a user.
    ///
    /// # Errors
    /// If the driver refuses: its error as text.
    fn sign_in(&mut self, user_data: Option<&str>) -> Result<(), String>;

    /// Returns the id of the user that is signed in on the present connection.
    fn signed_in_user(&self) -> Option<String>;

    /// Returns state, socket id, attempt, last loss and last error.
    fn status(&self) -> Status;

    /// Returns how far the subscription to a channel is; `None` if it is not wanted.
    fn channel_state(&self, channel: &str) -> Option<ChannelState>;

    /// Returns the members that are present in a presence channel.
    fn members(&self, channel: &str) -> Vec<Member>;

    /// Returns whether the server's list of members could be read
    /// ([`pushest_proto::ChannelView::members_known`]).
    fn members_known(&self, channel: &str) -> bool;

    /// Returns the member that this client is.
    fn me(&self, channel: &str) -> Option<Member>;

    /// Returns counters since the client began.
    fn statistics(&self) -> Statistics;

    /// Waits until connected.
    ///
    /// # Errors
    /// [`Unmet::Failed`] once no connection will come by itself.
    fn connected(&mut self, limit: Duration) -> Result<SocketId, Unmet>;

    /// Waits until a channel that was subscribed to by [`subscribe`](Self::subscribe) is confirmed.
    ///
    /// # Errors
    /// [`Unmet::Failed`] once it is refused, or no connection will come by itself.
    fn subscribed(&mut self, channel: &str, limit: Duration) -> Result<(), Unmet>;

    /// Waits until signed in, and returns the user's id.
    ///
    /// # Errors
    /// [`Unmet::Failed`] once it is refused, was not asked for, or no connection will come by
    /// itself.
    fn signed_in(&mut self, limit: Duration) -> Result<String, Unmet>;

    /// Waits until the server has read everything that was sent, and returns the round trip.
    ///
    /// # Errors
    /// [`Unmet::Failed`] without a connection, and when it is lost meanwhile.
    fn flush(&mut self, limit: Duration) -> Result<Duration, Unmet>;

    /// Returns the next event, of everything since the client began: one receiver, with the queue
    /// that the [`Settings`] describe. `None` if there is none in time.
    fn recv(&mut self, limit: Duration) -> Option<Event> {
        self.recv_or_end(limit).unwrap_or_default()
    }

    /// Returns the next event, or `Ok(None)` once that receiver has ended: after a shutdown or a
    /// refusal for good.
    ///
    /// # Errors
    /// Only [`Unmet::TimedOut`].
    fn recv_or_end(&mut self, limit: Duration) -> Result<Option<Event>, Unmet>;

    /// Lets time pass for the client: it reads, sends and keeps the connection alive, and events
    /// queue up.
    fn sleep(&mut self, duration: Duration);

    /// Ends receiving and all subscriptions, disconnects, and waits until the connection is closed.
    ///
    /// # Errors
    /// Only [`Unmet::TimedOut`].
    fn shutdown(&mut self, limit: Duration) -> Result<(), Unmet>;

    /// Gives the receiver nothing more; waits until it has taken what it has and the server has read
    /// what was sent, at most for `limit`, and shuts down. Returns the number of events that are left.
    fn drain(&mut self, limit: Duration) -> usize;
}

/// Why a wait was not successful.
///
/// Exhaustive on purpose: a scenario tells the two apart, and a driver's adapter must say which it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// It did not come within the limit, and may still come.
    #[error("it did not come in time")]
    TimedOut,
    /// It will not come by itself: the driver's error as text.
    #[error("{0}")]
    Failed(String),
}

/// Settings that a driver must have an option for.
///
/// ```
/// use pushest_testkit::conformance::{Overflow, Settings};
///
/// let settings = Settings::default().queue_events(10).overflow(Overflow::Wait);
/// assert_eq!((settings.queue_events, settings.queue_bytes), (10, 8 * 1024 * 1024));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Maximum number of events that wait for the receiver.
    pub queue_events: usize,
    /// Maximum number of bytes that these keep alive.
    pub queue_bytes: usize,
    /// Maximum number of bytes that wait for all receivers of the client together; `None` for any
    /// number.
    pub all_queues: Option<usize>,
    /// What happens when a queue is full.
    pub overflow: Overflow,
    /// The authorizer, if the configuration has no secret.
    pub authorizer: Option<Authorizer>,
    /// The app's HTTP endpoint to ask for authorizations, where the configuration has no secret; only
    /// in scenarios of [`conformance_of_endpoints!`](crate::conformance_of_endpoints!).
    pub endpoint: Option<AuthEndpoint>,
    /// A certificate authority to trust, beside the usual ones (PEM).
    pub authority_pem: Option<String>,
    /// The certificate and the private key to show to a server that demands them (PEM).
    pub identity_pem: Option<String>,
    /// Headers of the user's own for the WebSocket upgrade.
    pub headers: Vec<(String, String)>,
    /// Provides more of them for each dial, or a text that says why there are none.
    pub header_provider: Option<HeaderProvider>,
    /// Connect to these instead of asking for the addresses of the host's name; if there are any.
    pub addresses: Vec<SocketAddr>,
    /// The URL of the proxy to go through; `None` for none.
    pub proxy: Option<String>,
    /// Whether the environment's variables name the proxy, where no URL does.
    pub proxy_from_env: bool,
    /// What gives the streams in place of sockets; `None` for sockets.
    pub connector: Option<Connector>,
    /// The size of a message in bytes that costs the connection; `None`: the driver's default.
    pub transport_limit: Option<usize>,
    /// Where the client takes the time of the day from; `None`: the system.
    pub time_of_day: Option<TimeOfDay>,
}

/// What happens when the receiver is too slow.
///
/// Exhaustive on purpose: a driver that does not know one of these must not compile against the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// Its oldest events are dropped, and it gets their number.
    #[default]
    DropOldest,
    /// The client stops reading until the receiver has caught up.
    Wait,
}

/// Returns headers for one dial; it may block.
pub type HeaderProvider = Arc<dyn Fn() -> Result<Vec<(String, String)>, String> + Send + Sync>;

/// Returns the time of the day.
pub type TimeOfDay = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// A function that answers requests for authorizations.
pub type Authorizer = Arc<dyn Fn(AuthorizationRequest) -> Authorizing + Send + Sync>;

/// The answer to a request for an authorization, when it comes.
pub type Authorizing =
    Pin<Box<dyn Future<Output = Result<Authorization, AuthorizationError>> + Send>>;

impl Default for Settings {
    /// A queue of 1,024 events and 8 MiB that drops the oldest, and nothing else.
    fn default() -> Self {
        Self {
            queue_events: 1_024,
            queue_bytes: 8 * 1024 * 1024,
            all_queues: None,
            overflow: Overflow::default(),
            authorizer: None,
            endpoint: None,
            authority_pem: None,
            identity_pem: None,
            headers: Vec::new(),
            header_provider: None,
            addresses: Vec::new(),
            proxy: None,
            proxy_from_env: false,
            connector: None,
            transport_limit: None,
            time_of_day: None,
        }
    }
}

impl Settings {
    setters! {
        /// Sets the number of events that the receiver may leave unreceived.
        queue_events: usize;
        /// Sets the number of bytes that these may keep alive.
        queue_bytes: usize;
        /// Sets the number of bytes that all receivers of the client together may leave.
        all_queues: Option<usize>;
        /// Sets what happens when the queue is full.
        overflow: Overflow;
        /// Sets who authorizes.
        authorizer: Option<Authorizer>;
        /// Sets the app's HTTP endpoint for authorizations.
        endpoint: Option<AuthEndpoint>;
        /// Sets a certificate authority to trust (PEM).
        authority_pem: Option<String>;
        /// Sets the certificate and the private key to show (PEM).
        identity_pem: Option<String>;
        /// Sets the user's own headers for the WebSocket upgrade.
        headers: Vec<(String, String)>;
        /// Sets what provides headers for each dial.
        header_provider: Option<HeaderProvider>;
        /// Sets the addresses to connect to instead of those of the host's name.
        addresses: Vec<SocketAddr>;
        /// Sets the URL of the proxy to go through.
        proxy: Option<String>;
        /// Sets whether the environment's variables name the proxy, where no URL does.
        proxy_from_env: bool;
        /// Sets what gives the streams in place of sockets.
        connector: Option<Connector>;
        /// Sets the size of a message in bytes that costs the connection.
        transport_limit: Option<usize>;
        /// Sets where the client takes the time of the day from.
        time_of_day: Option<TimeOfDay>;
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("queue_events", &self.queue_events)
            .field("queue_bytes", &self.queue_bytes)
            .field("all_queues", &self.all_queues)
            .field("overflow", &self.overflow)
            .field("has_authorizer", &self.authorizer.is_some())
            .field("endpoint", &self.endpoint)
            .field("has_authority", &self.authority_pem.is_some())
            .field("has_identity", &self.identity_pem.is_some())
            .field("headers", &self.headers.len())
            .field("has_header_provider", &self.header_provider.is_some())
            .field("addresses", &self.addresses)
            .field("has_proxy", &self.proxy.is_some())
            .field("proxy_from_env", &self.proxy_from_env)
            .field("has_connector", &self.connector.is_some())
            .field("transport_limit", &self.transport_limit)
            .field("has_time_of_day", &self.time_of_day.is_some())
            .finish()
    }
}
