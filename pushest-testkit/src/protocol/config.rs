//! The configuration of a server: the app, the timeouts, the limits.

use core::fmt;
use std::time::Duration;

use super::encrypted::MasterKey;
use super::profile::Profile;
use crate::setters::setters;

/// The app that the server serves: clients name it by its key and sign with its secret.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct App {
    /// The id, which names the app in the HTTP API: `/apps/ID/events`.
    pub id: String,
    /// The key, which names the app in a client's URL (`/app/KEY`) and in every signature.
    pub key: String,
    pub(super) secret: String,
    master_key: MasterKey,
}

impl App {
    /// Creates an app of id, key and secret.
    pub fn new(id: impl Into<String>, key: impl Into<String>, secret: impl Into<String>) -> Self {
        let (id, key, secret) = (id.into(), key.into(), secret.into());
        Self { id, key, secret, master_key: MasterKey::default() }
    }

    /// Sets another key for the app's encrypted channels than [`MasterKey::default`].
    #[must_use]
    pub fn with_master_key(mut self, key: MasterKey) -> Self {
        self.master_key = key;
        self
    }

    /// Returns the secret that everything is signed with.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns the key of its encrypted channels.
    #[must_use]
    pub fn master_key(&self) -> &MasterKey {
        &self.master_key
    }
}

impl Default for App {
    /// `1`, `app-key`, `app-secret`.
    fn default() -> Self {
        Self::new("1", "app-key", "app-secret")
    }
}

impl fmt::Debug for App {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("App")
            .field("id", &self.id)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The configuration of a [`Broker`](super::Broker). [`ServerConfig::new`] fills it in for a
/// profile; every field may be changed afterwards, by assigning it or by its setter.
///
/// ```
/// use pushest_testkit::Profile;
/// use pushest_testkit::protocol::{Broker, Limits, ServerConfig};
///
/// let limits = Limits::default().presence_members(3).connections(Some(10));
/// let broker = Broker::new(ServerConfig::new(Profile::Soketi).limits(limits).seed(7));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The one app that is served.
    pub app: App,
    /// The server whose behaviour is taken on.
    pub profile: Profile,
    /// The activity timeout, which the client learns in the handshake, in whole seconds (rounded
    /// up, at least one); a client that is silent for this long is pinged.
    pub activity_timeout: Duration,
    /// How long a pinged client may stay silent before it is closed with 4201.
    pub pong_timeout: Duration,
    /// The limits of sizes and numbers.
    pub limits: Limits,
    /// Whether subscribers of a channel are told how many they are
    /// (`pusher_internal:subscription_count`; never on presence channels).
    pub subscription_counts: bool,
    /// Whether `ids` of a presence channel is an object from socket id to user id, as a release of
    /// Reverb sent it, instead of an array.
    pub presence_ids_by_socket: bool,
    /// Whether clients may send client events at all.
    pub client_events: bool,
    /// The hosts of the origins that clients may come from, as Reverb's `allowed_origins`: without
    /// scheme and port, `*` stands for any text. If there are any, a client that names no such
    /// `Origin` at the upgrade is refused with 4009. By default none, and every client may connect.
    ///
    /// ```
    /// use pushest_testkit::{Profile, Server};
    ///
    /// let server = Server::builder()
    ///     .profile(Profile::Reverb)
    ///     .config(|config| config.allowed_origins = vec!["shop.example".into()])
    ///     .start()?;
    /// // Refused, unless it connects with the header `Origin: https://shop.example`.
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub allowed_origins: Vec<String>,
    /// The seed of the socket ids: the same one gives the same ids, also after a restart. Use
    /// another one there, or an authorization for a former socket id may fit again.
    pub seed: u64,
}

impl ServerConfig {
    /// Creates the configuration that fits `profile`, for the default [`App`].
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let mut limits = Limits::default();
        let mut activity_timeout = Duration::from_secs(120);
        match profile {
            Profile::Hosted => limits.client_events_per_second = Some(10),
            Profile::Soketi => {
                activity_timeout = Duration::from_secs(30);
                limits.data = 100 * 1024;
            }
            Profile::Reverb => {
                activity_timeout = Duration::from_secs(30);
                limits.data = 10_000;
                limits.message = 10_000;
            }
            Profile::Sockudo => limits.data = usize::MAX,
            Profile::Standard | Profile::Poxa | Profile::PusherFake => {}
        }
        Self {
            app: App::default(),
            profile,
            activity_timeout,
            pong_timeout: Duration::from_secs(30),
            limits,
            subscription_counts: false,
            presence_ids_by_socket: false,
            client_events: true,
            allowed_origins: Vec::new(),
            seed: 1,
        }
    }
}

impl ServerConfig {
    setters! {
        /// Sets the app that is served.
        app: App;
        /// Sets the silence after which a client is pinged; clients are told it in whole seconds.
        activity_timeout: Duration;
        /// Sets how long a pinged client may stay silent.
        pong_timeout: Duration;
        /// Sets how large things may be.
        limits: Limits;
        /// Sets whether subscribers are told how many they are.
        subscription_counts: bool;
        /// Sets whether `ids` of a presence channel is an object from socket id to user id.
        presence_ids_by_socket: bool;
        /// Sets whether clients may send client events.
        client_events: bool;
        /// Sets the hosts of the origins that clients may come from.
        allowed_origins: Vec<String>;
        /// Sets where the socket ids come from.
        seed: u64;
    }
}

impl Default for ServerConfig {
    /// [`Profile::Standard`].
    fn default() -> Self {
        Self::new(Profile::Standard)
    }
}

/// Limits of sizes, in bytes, and numbers.
///
/// The defaults are those of the hosted service, except that client events are not rate limited.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Maximum length of a channel's name. 200.
    pub channel_name: usize,
    /// Maximum length of an event's name, in characters. 200.
    pub event_name: usize,
    /// Maximum size of an event's data, from a client or over HTTP. 10 KiB. In-process publishing
    /// has no limit.
    pub data: usize,
    /// Maximum size of one message from a client. 256 KiB.
    pub message: usize,
    /// Maximum number of users on one presence channel. 100.
    pub presence_members: usize,
    /// Maximum size of one member's `user_info`. 1 KiB.
    pub user_info: usize,
    /// Maximum length of a user's id. 128.
    pub user_id: usize,
    /// Maximum number of users on one watchlist. 100.
    pub watchlist: usize,
    /// Maximum number of channels in one HTTP event. 100.
    pub channels_per_event: usize,
    /// Maximum number of events in one HTTP batch. 10.
    pub events_per_batch: usize,
    /// Maximum number of client events in any second of one connection; `None` for any number.
    pub client_events_per_second: Option<u32>,
    /// Maximum number of connections (more are closed with 4100); `None` for any number.
    pub connections: Option<usize>,
}

impl Limits {
    setters! {
        /// Sets the maximum length of a channel's name, in bytes.
        channel_name: usize;
        /// Sets the maximum length of an event's name, in characters.
        event_name: usize;
        /// Sets the maximum size of an event's data, in bytes.
        data: usize;
        /// Sets the maximum size of one message from a client, in bytes.
        message: usize;
        /// Sets the maximum number of users on one presence channel.
        presence_members: usize;
        /// Sets the maximum size of one member's `user_info`, in bytes.
        user_info: usize;
        /// Sets the maximum length of a user's id, in bytes.
        user_id: usize;
        /// Sets the maximum number of users on one watchlist.
        watchlist: usize;
        /// Sets the maximum number of channels in one HTTP event.
        channels_per_event: usize;
        /// Sets the maximum number of events in one HTTP batch.
        events_per_batch: usize;
        /// Sets the maximum number of client events in any second of one connection.
        client_events_per_second: Option<u32>;
        /// Sets the maximum number of connections at one time.
        connections: Option<usize>;
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            channel_name: 200,
            event_name: 200,
            data: 10 * 1024,
            message: 256 * 1024,
            presence_members: 100,
            user_info: 1024,
            user_id: 128,
            watchlist: 100,
            channels_per_event: 100,
            events_per_batch: 10,
            client_events_per_second: None,
            connections: None,
        }
    }
}
