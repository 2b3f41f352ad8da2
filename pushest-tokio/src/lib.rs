//! A client for Pusher Channels, and for the servers that speak its protocol, on tokio.
//!
//! ```no_run
//! use pushest_tokio::{Client, Config, Event};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::builder("app-key").secret("app-secret").host("127.0.0.1").port(6001);
//! let client = Client::new(config.build()?);
//!
//! let mut orders = client.subscribe("private-orders")?;
//! orders.subscribed().await?;
//! orders.trigger("client-hello", &"I am here")?;
//!
//! while let Some(event) = orders.recv().await {
//!     match event {
//!         Event::Channel(event) => println!("{}: {}", event.name(), event.text()),
//!         Event::Gap { .. } => println!("the connection was lost: refetch what may be missing"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - [`Client`] connects by itself and stays connected; commands take effect when they return.
//! - Events are received from a [`Subscription`] or from
//!   [`events`](pushest_driver::Client::events), both of them streams; as values, by
//!   [`Subscription::on`]; or by a [`Handler`] that [`run`] calls.
//! - What the server never promised is told honestly: [`Event::Gap`] after every reconnection,
//!   [`Event::Lagged`] where a receiver was too slow.
//!
//! Features: `http` (default) asks the app's own HTTP endpoint for authorizations; `tls-ring`
//! (default) and `tls-aws-lc` choose the cryptography for `wss://`, `tls` is
//! rustls without any, for those who bring their own; `native-roots` trusts the system's
//! certificate authorities, too.
#![forbid(unsafe_code)]

mod handler;
mod runtime;
mod stream;

use std::ops::Deref;

pub use handler::{Handler, RunError, run, run_with_options};
pub use pushest_driver::{
    Answers, AuthEndpoint, Authorization, AuthorizationRequest, AuthorizationSubject, Authorizer,
    BackoffConfig, BoxFuture, ChannelEvent, ChannelKind, ChannelName, ChannelState, CommandError,
    Config, ConfigBuilder, ConfigError, Connected, ConnectionState, DecryptionFailure, Denied,
    DialFailure, Endpoint, Event, Events, Flush, FlushError, LimitReached, Limits, Loss,
    Malformation, Member, NotConnected, NotSignedIn, Options, OptionsError, Overflow,
    PresenceChange, PresenceUpdate, RequestFailure, ServerError, Shutdown, SignInError, SignedIn,
    SocketId, StateChange, Statistics, Status, SubscribeError, SubscribeOptions, Subscribed,
    Subscription, SubscriptionError, Timeouts, TriggerWhenAllowed, TypedEvents, config_from_env,
};
pub use pushest_proto as proto;
use runtime::Tokio;

/// A client of one app, on tokio. Everything that it can do stands at
/// [`pushest_driver::Client`], which it derefs to.
///
/// Its connection runs in one task, which ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Client(pushest_driver::Client);

impl Client {
    /// A client that connects in the background and stays connected. This cannot fail:
    /// [`connected`](pushest_driver::Client::connected) and
    /// [`status`](pushest_driver::Client::status) tell how it goes.
    ///
    /// # Panics
    /// Outside of a tokio runtime, or in one without I/O and time.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_options(config, Options::default())
    }

    /// The same with options: certificate authorities, headers, queues, an authorizer.
    ///
    /// # Panics
    /// As [`Client::new`].
    #[must_use]
    pub fn with_options(config: Config, options: Options) -> Self {
        let (client, pump) = pushest_driver::runtime::client(config, options, Tokio::new());
        tokio::spawn(pump);
        Self(client)
    }
}

impl Deref for Client {
    type Target = pushest_driver::Client;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// What the README shows must compile, and what it runs must work.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
