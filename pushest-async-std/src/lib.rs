//! A client for Pusher Channels, and for the servers that speak its protocol, on async-std; and,
//! with [`Client::with_pump`](pushest_driver::runtime::ClientOn::with_pump), on smol and every
//! other executor.
//!
//! async-std itself is [discontinued](https://rustsec.org/advisories/RUSTSEC-2025-0052.html): this
//! crate is for programs that have it already. New ones are better off with smol, see below, or
//! with `pushest-tokio`.
//!
//! ```no_run
//! use pushest_async_std::{Client, Config, Event};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # async_std::task::block_on(async {
//! let config = Config::builder("app-key").secret("app-secret").host("127.0.0.1").port(6001);
//! let client = Client::new(config.build()?);
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
//! # })
//! # }
//! ```
//!
//! On smol:
//!
//! ```no_run
//! use pushest_async_std::{Client, Options, config_from_env};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, pump) = Client::with_pump(config_from_env()?, Options::default());
//! smol::spawn(pump).detach();
//! println!("connected as {}", smol::block_on(client.connected())?);
//! # Ok(())
//! # }
//! ```
//!
//! What fails is written to the log of [`tracing`](https://docs.rs/tracing) as a warning, at most once
//! a second of each kind, and what becomes of the connection as information, in a span with the client's
//! name ([`Options::name`]), the host and the socket id. Nothing is printed without a subscriber: a
//! program that is to end where it cannot connect awaits [`attempted`](pushest_driver::Client::attempted).
//!
//! The features are those of `pushest-tokio`: `http` and `tls-ring` (default), `tls-aws-lc`, `tls`
//! and `native-roots`.
#![forbid(unsafe_code)]

mod sockets;
mod starting;
mod streams;

pub use pushest_driver::*;
pub use sockets::AsyncStd;

/// A client of one app, on async-std. Its connection runs in one task, which ends when the last clone is
/// dropped. Before the program ends, await `shutdown`: with the runtime goes what was not written yet.
///
/// Beside what stands here it can do everything of [`pushest_driver::Client`], to which it derefs:
/// `connected`, `subscribe`, `subscribe_with`, `events`, `signed_in`, `user_events`,
/// `trigger_when_allowed`, `flush`, `shutdown`; and of [`Commands`]: `status`, `connect`,
/// `disconnect`, `unsubscribe`, `retry`, `sign_in`, `trigger`, `members` and others.
pub type Client = pushest_driver::runtime::ClientOn<AsyncStd>;

/// Connects, and tells the handler everything until the handler disconnects or the server refuses
/// for good. [`Handler`] has an example.
///
/// # Errors
/// [`RunError`] if the client cannot be made, an initial channel cannot be subscribed to, or on a
/// refusal.
pub async fn run<H: Handler<Client>>(config: Config, handler: H) -> Result<(), RunError> {
    pushest_driver::runtime::run_on(config, Options::default(), handler).await
}

/// As [`run`], with options.
///
/// # Errors
/// As [`run`].
pub async fn run_with_options<H: Handler<Client>>(
    config: Config,
    options: Options,
    handler: H,
) -> Result<(), RunError> {
    pushest_driver::runtime::run_on(config, options, handler).await
}

/// What its README shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
