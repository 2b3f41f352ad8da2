//! The callback style: a handler that is told everything.

use std::sync::Arc;

use pushest_driver::{
    Config, ConnectionState, Event, Loss, Options, SubscribeError, SubscribeOptions,
};

use crate::Client;

/// Is told everything that happens to a client. The client's commands may be used from within.
///
/// ```no_run
/// use pushest_tokio::{Client, Config, Event, Handler, SubscribeOptions, run};
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
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// run(pushest_tokio::config_from_env()?, Printer).await?;
/// # Ok(())
/// # }
/// ```
pub trait Handler {
    /// What to subscribe to from the beginning.
    fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
        Vec::new()
    }

    /// Something happened.
    fn on_event(&mut self, client: &Client, event: Event);
}

impl<H: Handler + ?Sized> Handler for &mut H {
    fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
        (**self).initial_channels()
    }

    fn on_event(&mut self, client: &Client, event: Event) {
        (**self).on_event(client, event);
    }
}

/// Why [`run`] ended, other than by the handler's own `disconnect`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// One of the handler's initial channels cannot be subscribed to.
    Subscribe(SubscribeError),
    /// The server, or what stands before it, refused for good.
    Refused(Option<Arc<Loss>>),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Subscribe(error) => error.fmt(f),
            Self::Refused(Some(loss)) => write!(f, "refused: {loss}"),
            Self::Refused(None) => f.write_str("refused"),
        }
    }
}

impl std::error::Error for RunError {}

/// Connects, and tells the handler everything until the handler disconnects or the server refuses
/// for good.
///
/// # Errors
/// [`RunError`] if an initial channel cannot be subscribed to, or on a refusal.
pub async fn run<H: Handler>(config: Config, handler: H) -> Result<(), RunError> {
    run_with_options(config, Options::default(), handler).await
}

/// As [`run`], with options.
///
/// # Errors
/// As [`run`].
pub async fn run_with_options<H: Handler>(
    config: Config,
    options: Options,
    mut handler: H,
) -> Result<(), RunError> {
    let client = Client::with_options(config, options.start_disconnected());
    let mut events = client.events();
    for (channel, options) in handler.initial_channels() {
        client.subscribe_with(&channel, &options).map_err(RunError::Subscribe)?.detach();
    }
    client.connect();
    while let Some(event) = events.recv().await {
        let (state, loss) = match &event {
            Event::State(change) => (change.to, change.loss.clone()),
            // What came too late may have been the last change.
            Event::Lagged(_) => (client.status().state, client.status().last_loss),
            _ => (ConnectionState::Connected, None),
        };
        handler.on_event(&client, event);
        match state {
            ConnectionState::Refused => return Err(RunError::Refused(loss)),
            ConnectionState::Disconnected => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}
