//! The callback style.

use pushest_driver::{Config, RunError};

use crate::client::Client;
use crate::options::Options;
use crate::waiting;

pushest_driver::__handler! {
    /// Handles everything that happens to a client; for [`run`].
    ///
    /// ```no_run
    /// use pushest_blocking::{Client, Event, Handler, SubscribeOptions, config_from_env, run};
    ///
    /// struct Printer;
    ///
    /// impl Handler for Printer {
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
    /// run(config_from_env()?, Printer)?;
    /// # Ok(())
    /// # }
    /// ```
}

/// Makes a client, subscribes to the handler's initial channels, and tells the handler everything, until the
/// handler disconnects or the server refuses for good. After a disconnect it waits for the connection to be
/// closed. The handler runs on the calling thread, the connection on one of its own, so that the handler
/// may wait as long as it likes. [`Handler`] has an example.
///
/// # Errors
/// [`RunError`] if the system gives no event queue or no thread, an initial channel cannot be subscribed to,
/// or on a refusal.
///
/// ```no_run
/// # use pushest_blocking::{Client, Config, Event, Handler, run};
/// # struct Printer;
/// # impl Handler for Printer { fn on_event(&mut self, _: &Client, _: Event) {} }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::builder("app-key").cluster("eu").build()?;
/// if let Err(error) = run(config, Printer) {
///     eprintln!("{error}");
/// }
/// # Ok(())
/// # }
/// ```
pub fn run<H: Handler>(config: Config, handler: H) -> Result<(), RunError> {
    run_with_options(config, Options::default(), handler)
}

/// Runs a client with options and a handler; see [`run`].
///
/// # Errors
/// [`RunError`] if the system gives no event queue or no thread, an initial channel cannot be subscribed to,
/// or on a refusal.
///
/// ```no_run
/// # use pushest_blocking::{Client, Config, Event, Handler, Options, run_with_options};
/// # struct Printer;
/// # impl Handler for Printer { fn on_event(&mut self, _: &Client, _: Event) {} }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::builder("app-key").cluster("eu").build()?;
/// run_with_options(config, Options::default().name("printer"), Printer)?;
/// # Ok(())
/// # }
/// ```
pub fn run_with_options<H: Handler>(
    config: Config,
    options: Options,
    mut handler: H,
) -> Result<(), RunError> {
    let client = Client::try_with_options(config, options.start_disconnected())?;
    let channels = handler.initial_channels();
    let on_event = |event| handler.on_event(&client, event);
    waiting::wait(pushest_driver::unstable::run(client.__driver(), channels, on_event))
}
