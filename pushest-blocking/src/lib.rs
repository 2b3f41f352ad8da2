//! A client for Pusher Channels, and for the servers that speak its protocol, without an async
//! runtime.
//!
//! ```no_run
//! use pushest_blocking::{Client, Event};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client =
//!     Client::builder("app-key").secret("app-secret").host("127.0.0.1").port(6001).build()?;
//! client.attempted()?; // why not, if the first attempt fails: a wrong key, host or port
//!
//! let mut orders = client.subscribe("private-orders")?;
//! orders.subscribed()?; // why not, if the server refuses: a wrong secret
//! orders.trigger("client-hello", &"I am here")?;
//!
//! while let Some(event) = orders.recv() {
//!     match event {
//!         Event::Channel(event) => println!("{}: {}", event.name(), event.text()),
//!         Event::Gap { silent_for, .. } => println!("refetch the last {silent_for:?}"),
//!         Event::Lagged { dropped } => println!("{dropped} events lost here: refetch"),
//!         _ => {}
//!     }
//! }
//! client.shutdown(); // as dropping the last clone does
//! # Ok(())
//! # }
//! ```
//!
//! - [`Client`] is carried by a thread in the background; its clones may be used from everywhere.
//! - [`Connection`] has no thread: the thread that waits carries it.
//!
//! Both are the same loop over sockets that never block. Names and behaviour are those of
//! `pushest-tokio`, without `async` and `await`; instead, receiving, connecting, subscribing,
//! signing in and flushing have forms that wait for a limited time.
//!
//! Where the operating system gives no file descriptor or no thread, [`Client::new`] and
//! [`Connection::new`] panic; `try_new` returns a [`StartError`].
//!
//! Names are resolved and endpoints asked on threads, since the system has no other way: at most eight
//! for names and eight for endpoints, which all clients of the process share. A
//! [`blocking_authorizer`](Options::blocking_authorizer) runs on threads of its own.
//!
//! The [guides](https://docs.rs/pushest-tokio/latest/pushest_tokio/guides/) of `pushest-tokio`, in the
//! repository under `docs/`, hold for this crate, too. What to refetch after an [`Event::Gap`] is in
//! [`gaps`](https://docs.rs/pushest-tokio/latest/pushest_tokio/guides/gaps/), a loop for threads that
//! leaves nothing behind in
//! [`shutting_down`](https://docs.rs/pushest-tokio/latest/pushest_tokio/guides/shutting_down/).
//!
//! What fails is written to the log of [`tracing`](https://docs.rs/tracing) as a warning, at most once
//! a second of each kind, and what becomes of the connection as information, in a span with the client's
//! name ([`Options::name`]), the host and the socket id. Nothing is printed without a subscriber: a
//! program that is to end where it cannot connect calls [`attempted`](Client::attempted).
//!
//! Features: `api` (default) is `Api`, which publishes; `http` (default) asks the app's own HTTP endpoint for authorizations; `tls-ring`
//! (default) and `tls-aws-lc` choose the cryptography for `wss://`, `tls` is
//! rustls without any, for those who bring their own; `encrypted` (default) opens encrypted channels, by
//! the master key, too; `recording` (default) records a client; `native-roots` trusts the system's
//! certificate authorities, too; `native-tls` is the system's TLS library ([`TlsBackend`]); `network-watch`
//! hears of changes of the network from the system (Linux); `serde` serializes events, states and numbers, and
//! reads a [`Config`], in the forms of the page [`serialized`](proto::serialized).
#![forbid(unsafe_code)]

mod building;
mod carrier;
mod client;
mod connection;
mod event_loop;
mod options;
mod own_stream;
#[cfg(feature = "api")]
mod publishing;
mod reactor;
mod receiving;
mod running;
mod sockets;
mod typed;
mod waiting;
mod waiting_methods;

pub use building::{ClientBuilder, ConnectionBuilder};
pub use client::{Client, WeakClient};
pub use connection::{Connection, ConnectionHandle, SpawnError};
pub use options::Options;
#[cfg(unix)]
pub use own_stream::connected_stream;
#[cfg(feature = "http")]
pub use pushest_driver::AuthEndpoint;
#[cfg(feature = "tls")]
pub use pushest_driver::rustls;
#[cfg(feature = "api")]
pub use pushest_driver::{ApiError, ApiOptions, ApiStage, api};
pub use pushest_driver::{
    Authorization, AuthorizationError, AuthorizationRequest, AuthorizationSubject, BackoffConfig,
    BuildError, ChannelCounts, ChannelEvent, ChannelFailure, ChannelId, ChannelKind, ChannelName,
    ChannelSnapshot, ChannelState, ChannelStatistics, CommandError, Config, ConfigBuilder,
    ConfigError, ConnectionState, DecodeError, DecryptionFailure, DialFailure, Ending, Endpoint,
    Escaped, Event, EventDecoder, FailedDials, FlushError, Health, HealthReason, HealthRules,
    HealthState, InReplyTo, LimitReached, Limits, Loss, MalformedReason, Member, NameError,
    NameRules, NotConnected, NotSignedIn, OptionsError, Overflow, PingId, PresenceChange,
    PresenceUpdate, QueueDepths, Received, Refetch, RequestFailure, RunError, ServerError,
    SignInError, Snapshot, SocketId, StartError, StateChange, Statistics, Status, SubscribeError,
    SubscribeOptions, SubscriptionError, Ticket, Timeouts, Traffic, UnconfirmedChannel,
    config_from_env, proto,
};
pub use pushest_driver::{ConnectedStream, ConnectorPurpose, ConnectorTarget};
#[cfg(any(feature = "tls", feature = "native-tls"))]
pub use pushest_driver::{Roots, TlsBackend};
pub use receiving::{Events, RecvError, Subscription};
pub use running::{Handler, run, run_with_options};
pub use typed::TypedEvents;

use pushest_driver::__blocking_connector_setting as __connector_setting;

#[cfg(feature = "api")]
pushest_driver::__api! {
    /// The HTTP API of one app, as its backend calls it: publishes events, asks who is there, ends a user's
    /// connections.
    ///
    /// ```no_run
    /// use pushest_blocking::Api;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let api = Api::from_env()?; // PUSHER_URL, or PUSHER_APP_ID, PUSHER_APP_KEY, PUSHER_APP_SECRET …
    /// api.publish("orders", "shipped", &["7", "8"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Cloning it is cheap, and all clones share their connections, which are made when a call needs them
    /// and kept for the next one, for at most [`ApiOptions::keep_alive`]; with the last clone all are
    /// closed. A call blocks the calling thread, which carries it: threads that call at the same time have a
    /// connection each, up to [`ApiOptions::in_flight`], and further ones wait for their turn. TLS,
    /// certificate authorities, proxy, connector and addresses are those of the WebSocket
    /// ([`ApiOptions::options`]).
    carrier: publishing::Carrier,
    waits: [] [] "",
    dropped: "", "",
    begin: " # use pushest_blocking::*; use std::time::Duration; fn example(api: Api, client: Client) \
        -> Result<(), Box<dyn std::error::Error>> {",
    end: " # Ok(()) }",
}

#[cfg(feature = "api")]
pushest_driver::__client_api! {
    Client,
    " # use pushest_blocking::*; fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {",
    " # Ok(()) }",
    ""
}

#[cfg(feature = "api")]
pushest_driver::__client_api! {
    Connection,
    " # use pushest_blocking::*; fn example(client: Connection) -> Result<(), Box<dyn std::error::Error>> {",
    " # Ok(()) }",
    ""
}

/// What its README shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
