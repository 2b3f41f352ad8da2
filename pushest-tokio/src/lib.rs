//! A client for Pusher Channels, and for the servers that speak its protocol, on tokio.
//!
//! ```no_run
//! use pushest_tokio::{Client, Config, Event};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
//! # }
//! ```
//!
//! - [`Client`] connects by itself and stays connected; commands take effect when they return.
//! - Events are received from a [`Subscription`] or from
//!   [`events`](pushest_driver::Client::events), both of them streams; as values, by
//!   [`Subscription::on`]; or by a [`Handler`] that [`run`] calls.
//! - What the server never promised is told honestly: [`Event::Gap`] after every reconnection, with
//!   the time `since` which events may be missing, however long the program did not run or not
//!   receive; [`Event::Lagged`] where a receiver was too slow.
//!
//! What fails is written to the log of [`tracing`](https://docs.rs/tracing) as a warning, at most once
//! a second of each kind, and what becomes of the connection as information, in a span with the client's
//! name ([`Options::name`]), the host and the socket id. Nothing is printed without a subscriber: a
//! program that is to end where it cannot connect awaits [`attempted`](pushest_driver::Client::attempted).
//!
//! Features: `http` (default) asks the app's own HTTP endpoint for authorizations; `tls-ring`
//! (default) and `tls-aws-lc` choose the cryptography for `wss://`, `tls` is
//! rustls without any, for those who bring their own; `native-roots` trusts the system's
//! certificate authorities, too.
#![forbid(unsafe_code)]

mod sockets;
mod streams;

pub use pushest_driver::*;
pub use sockets::Tokio;

/// A client of one app, on tokio. Its connection runs in one task, which ends when the last clone is
/// dropped. Before the program ends, await `shutdown`: with the runtime goes what was not written yet.
///
/// Beside what stands here it can do everything of [`pushest_driver::Client`], to which it derefs:
/// `connected`, `subscribe`, `subscribe_with`, `events`, `signed_in`, `user_events`,
/// `trigger_when_allowed`, `flush`, `shutdown`; and of [`Commands`]: `status`, `connect`,
/// `disconnect`, `unsubscribe`, `retry`, `sign_in`, `trigger`, `members` and others.
pub type Client = pushest_driver::runtime::ClientOn<Tokio>;

/// Connects, and tells the handler everything until the handler disconnects or the server refuses
/// for good.
///
/// ```no_run
/// use pushest_tokio::{Client, Event, Handler, SubscribeOptions, run};
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
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// run(pushest_tokio::config_from_env()?, Printer).await?;
/// # Ok(())
/// # }
/// ```
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

/// What the README shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The same for the README of the whole workspace; what it runs must work.
#[cfg(doctest)]
#[doc = include_str!("../docs/workspace.md")]
struct WorkspaceReadme;

/// And for the page on the end.
#[cfg(doctest)]
#[doc = include_str!("../docs/shutting-down.md")]
struct ShuttingDown;

/// And for the page on operation.
#[cfg(doctest)]
#[doc = include_str!("../docs/in-production.md")]
struct InProduction;
