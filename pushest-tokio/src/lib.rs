//! A client for Pusher Channels, and for the servers that speak its protocol, on tokio.
//!
//! ```no_run
//! use pushest_tokio::{Client, Event};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client =
//!     Client::builder("app-key").secret("app-secret").host("127.0.0.1").port(6001).build()?;
//! client.attempted().await?; // why not, if the first attempt fails: a wrong key, host or port
//!
//! let mut orders = client.subscribe("private-orders")?;
//! orders.subscribed().await?; // why not, if the server refuses: a wrong secret
//! orders.trigger("client-hello", &"I am here")?;
//!
//! while let Some(event) = orders.recv().await {
//!     match event {
//!         Event::Channel(event) => println!("{}: {}", event.name(), event.text()),
//!         Event::Gap { silent_for, .. } => println!("refetch the last {silent_for:?}"),
//!         Event::Lagged { dropped } => println!("{dropped} events lost here: refetch"),
//!         _ => {}
//!     }
//! }
//! client.shutdown().await; // what was triggered last goes out before the program ends
//! # Ok(())
//! # }
//! ```
//!
//! - [`Client`] connects by itself and stays connected; commands take effect when they return.
//! - Events are received from a [`Subscription`] or from
//!   [`events`](Client::events), both of them streams; as values of
//!   your types, by [`Subscription::on`] and [`Subscription::messages`]; or by a [`Handler`] that [`run`] calls.
//! - `Api` is the backend's half: it publishes, asks who is there, ends a user's connections; a client has
//!   one by `client.api()`.
//! - What the server never promised is told honestly: [`Event::Gap`] after every reconnection, with
//!   the time `since` which events may be missing, however long the program did not run or not
//!   receive; [`Event::Lagged`] where a receiver was too slow.
//!
//! The [guides] have the rest: settings, what a gap means and how to refetch, shutting down, testing,
//! Laravel, axum, and what is called how for those who come from `pusher-js`.
//!
//! What fails is written to the log of [`tracing`](https://docs.rs/tracing) as a warning, at most once
//! a second of each kind, and what becomes of the connection as information, in a span with the client's
//! name ([`Options::name`]), the host and the socket id. Nothing is printed without a subscriber: a
//! program that is to end where it cannot connect awaits [`attempted`](Client::attempted).
//!
//! Features: `api` (default) is `Api`, which publishes; `http` (default) asks the app's own HTTP endpoint for authorizations; `tls-ring`
//! (default) and `tls-aws-lc` choose the cryptography for `wss://`, `tls` is
//! rustls without any, for those who bring their own; `encrypted` (default) opens encrypted channels, by
//! the master key, too; `recording` (default) records a client; `native-roots` trusts the system's
//! certificate authorities, too; `native-tls` is the system's TLS library ([`TlsBackend`]); `network-watch`
//! hears of changes of the network from the system (Linux); `serde` serializes events, states and numbers, and
//! reads a [`Config`], in the forms of the page [`serialized`](proto::serialized).
#![forbid(unsafe_code)]

#[cfg(any(doc, doctest))]
pub mod guides;
mod own_stream;
mod sockets;
mod streams;

pub use own_stream::connected_stream;

#[cfg(feature = "http")]
pub use pushest_driver::AuthEndpoint;
#[cfg(feature = "tls")]
pub use pushest_driver::rustls;
#[cfg(feature = "api")]
pub use pushest_driver::{ApiError, ApiOptions, ApiStage, api};
pub use pushest_driver::{
    Authorization, AuthorizationError, AuthorizationRequest, AuthorizationSubject, Authorizer,
    BackoffConfig, BoxFuture, BuildError, ChannelCounts, ChannelEvent, ChannelFailure, ChannelId,
    ChannelKind, ChannelName, ChannelSnapshot, ChannelState, ChannelStatistics, CommandError,
    Config, ConfigBuilder, ConfigError, Connected, ConnectionState, DecodeError, DecryptionFailure,
    DialFailure, Drain, Ending, Endpoint, Escaped, Event, EventDecoder, Events, FailedDials, Flush,
    FlushError, Health, HealthReason, HealthRules, HealthState, InReplyTo, LimitReached, Limits,
    Loss, MalformedReason, Member, NameError, NameRules, NotConnected, NotSignedIn, Options,
    OptionsError, Overflow, PingId, PresenceChange, PresenceUpdate, QueueDepths, Received, Refetch,
    RequestFailure, RunError, ServerError, Shutdown, SignInError, SignedIn, Snapshot, SocketId,
    StartError, StateChange, Statistics, Status, SubscribeError, SubscribeOptions, Subscribed,
    Subscription, SubscriptionError, Ticket, Timeouts, Traffic, TriggerWhenAllowed, TypedEvents,
    UnconfirmedChannel, config_from_env, proto,
};
pub use pushest_driver::{ConnectedStream, ConnectorPurpose, ConnectorTarget};
#[cfg(any(feature = "tls", feature = "native-tls"))]
pub use pushest_driver::{Roots, TlsBackend};

use pushest_driver::__async_connector_setting as __connector_setting;
use sockets::Tokio;

pushest_driver::__async_client! {
    /// A client of one app, on tokio: a handle to a connection that lasts, however often it is made anew.
    ///
    /// ```no_run
    /// use pushest_tokio::{Client, Event};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder("app-key").cluster("eu").secret("app-secret").build()?;
    /// let mut orders = client.subscribe("private-orders")?;
    /// while let Some(event) = orders.recv().await {
    ///     if let Event::Channel(event) = event {
    ///         println!("{}: {}", event.name(), event.text());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Cloning it is cheap, and all clones are the same client. Commands take effect when they return; only
    /// what the server has to say about them is waited for. The connection runs in one task of the runtime,
    /// which ends when the last clone is dropped; a [`WeakClient`] does not count.
    ///
    /// # The end
    ///
    /// [`disconnect`](Self::disconnect) pauses: receivers and channels stay, and wait for
    /// [`connect`](Self::connect). [`shutdown`](Self::shutdown), the end of a [`drain`](Self::drain), a
    /// refusal for good ([`ConnectionState::Refused`]) and the drop of the last clone end everything that was
    /// asked for: each receiver gets an [`Event::State`] that says why, and then `None`, also while clones
    /// are held, and no channel is wanted any more. Until the next `connect`, which begins without a channel,
    /// a new receiver ends in the same way, and nothing can be subscribed to. A sign-in is no channel: it is
    /// repeated.
    ///
    /// A drop cannot wait for that. If the program ends right after it, and with it the runtime, what was
    /// triggered last may not have gone out: `client.shutdown().await` waits until it has, and the connection
    /// is closed.
    runtime: Tokio,
    begin: " # use pushest_tokio::*; async fn example(client: Client) \
        -> Result<(), Box<dyn std::error::Error>> {",
    top: " # use pushest_tokio::*; use std::time::Duration; async fn example() \
        -> Result<(), Box<dyn std::error::Error>> {",
    end: " # Ok(()) }",
}

#[cfg(feature = "api")]
pushest_driver::__api! {
    /// The HTTP API of one app, as its backend calls it: publishes events, asks who is there, ends a user's
    /// connections.
    ///
    /// ```no_run
    /// use pushest_tokio::Api;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let api = Api::from_env()?; // PUSHER_URL, or PUSHER_APP_ID, PUSHER_APP_KEY, PUSHER_APP_SECRET …
    /// api.publish("orders", "shipped", &["7", "8"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Cloning it is cheap, and all clones share their connections, which are made when a call needs them
    /// and kept for the next one, for at most [`ApiOptions::keep_alive`]; with the last clone all are
    /// closed. As many calls as [`ApiOptions::in_flight`] says are in flight at once, and further ones wait
    /// for their turn. TLS, certificate authorities, proxy, connector and addresses are those of the
    /// WebSocket ([`ApiOptions::options`]).
    ///
    /// A call needs a runtime of tokio with I/O and time. The event loop of a runtime keeps its own
    /// connections: those of another one are not used in it.
    ///
    /// Futures are cancel safe: one that is dropped takes its connection along, and leaves nothing behind
    /// for other calls. What it was to publish may have arrived by then, or not.
    carrier: pushest_driver::unstable::Api<Tokio>,
    waits: [async] [.await] ".await",
    dropped: " Cancel safe: a future that is dropped takes its connection along, and sends nothing again. What it \
        was to do may have been done by then.",
        " Cancel safe: a future that is dropped takes its connection along.",
    begin: " # use pushest_tokio::*; use std::time::Duration; async fn example(api: Api, client: Client) \
        -> Result<(), Box<dyn std::error::Error>> {",
    end: " # Ok(()) }",
}

#[cfg(feature = "api")]
pushest_driver::__client_api! {
    Client,
    " # use pushest_tokio::*; async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {",
    " # Ok(()) }",
    ".await"
}

/// What the README shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The same for the README of the whole workspace; what it runs must work.
#[cfg(doctest)]
#[doc = include_str!("../docs/workspace.md")]
struct WorkspaceReadme;
