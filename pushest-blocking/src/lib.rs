//! A client for Pusher Channels, and for the servers that speak its protocol, without an async
//! runtime.
//!
//! ```no_run
//! use pushest_blocking::{Client, Config, Event};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::builder("app-key").secret("app-secret").host("127.0.0.1").port(6001);
//! let client = Client::new(config.build()?);
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
//! - [`Connection`] has no thread: whoever waits carries it.
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
//! What fails is written to the log of [`tracing`](https://docs.rs/tracing) as a warning, at most once
//! a second of each kind, and what becomes of the connection as information, in a span with the client's
//! name ([`Options::name`]), the host and the socket id. Nothing is printed without a subscriber: a
//! program that is to end where it cannot connect calls [`attempted`](Client::attempted).
//!
//! Features: `http` (default) asks the app's own HTTP endpoint for authorizations; `tls-ring`
//! (default) and `tls-aws-lc` choose the cryptography for `wss://`, `tls` is
//! rustls without any, for those who bring their own; `native-roots` trusts the system's
//! certificate authorities, too.
#![forbid(unsafe_code)]

mod carrier;
mod client;
mod connection;
mod event_loop;
mod reactor;
mod receiving;
mod sockets;
mod waiting;

pub use client::Client;
pub use connection::{Connection, SpawnError};
// Names of our own take precedence: those of the driver that wait.
pub use pushest_driver::*;
pub use receiving::{Events, RecvError, Subscription, TypedEvents};

/// Connects, and tells the handler everything until the handler disconnects or the server refuses
/// for good. The handler runs on the calling thread, the connection on one of its own, so that the
/// handler may wait as long as it likes.
///
/// ```no_run
/// use pushest_blocking::{Client, Event, Handler, SubscribeOptions, run};
///
/// struct Printer;
///
/// impl Handler<Client> for Printer {
///     fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
///         vec![("news".to_string(), SubscribeOptions::default())]
///     }
///
///     fn on_event(&mut self, client: &Client, event: Event) {
///         if let Event::Channel(event) = event {
///             println!("{}: {}", event.name(), event.text());
///             if event.name() == "last-news" {
///                 client.disconnect();
///             }
///         }
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// run(pushest_blocking::config_from_env()?, Printer)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`RunError`] if the system gives no event queue or no thread, an initial channel cannot be
/// subscribed to, or on a refusal.
pub fn run<H: Handler<Client>>(config: Config, handler: H) -> Result<(), RunError> {
    run_with_options(config, Options::default(), handler)
}

/// As [`run`], with options.
///
/// # Errors
/// As [`run`].
pub fn run_with_options<H: Handler<Client>>(
    config: Config,
    options: Options,
    handler: H,
) -> Result<(), RunError> {
    let client = Client::try_with_options(config, options.start_disconnected());
    let client = client.map_err(RunError::Start)?;
    waiting::wait(pushest_driver::runtime::run(client, handler))
}

/// What its README shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
