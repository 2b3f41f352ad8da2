//! The callback style: a handler that is told everything.

use std::sync::Arc;

use pushest_proto::{ConnectionState, Event, Loss, SubscribeOptions};

use crate::client::Client;
use crate::error::{StartError, SubscribeError};

/// Is told everything that happens to a client. The client's commands may be used from within.
///
/// `C` is the `Client` of the runtime's crate; a handler that is generic over it works with all of
/// them.
///
/// ```
/// use pushest_driver::{Client, Event, Handler, SubscribeOptions};
///
/// struct Printer;
///
/// impl<C: AsRef<Client>> Handler<C> for Printer {
///     fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
///         vec![("news".to_string(), SubscribeOptions::default())]
///     }
///
///     fn on_event(&mut self, client: &C, event: Event) {
///         if let Event::Channel(event) = event {
///             println!("{}: {}", event.name(), event.text());
///             if event.name() == "last-news" {
///                 client.as_ref().disconnect();
///             }
///         }
///     }
/// }
/// ```
pub trait Handler<C> {
    /// What to subscribe to from the beginning.
    fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
        Vec::new()
    }

    /// Something happened.
    fn on_event(&mut self, client: &C, event: Event);
}

impl<C, H: Handler<C> + ?Sized> Handler<C> for &mut H {
    fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
        (**self).initial_channels()
    }

    fn on_event(&mut self, client: &C, event: Event) {
        (**self).on_event(client, event);
    }
}

/// Why `run` ended, other than by the handler's own `disconnect`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// One of the handler's initial channels cannot be subscribed to.
    Subscribe(SubscribeError),
    /// The server, or what stands before it, refused for good.
    Refused(Option<Arc<Loss>>),
    /// The system, or the runtime, gave nothing to run the client on.
    Start(StartError),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Subscribe(error) => error.fmt(f),
            Self::Refused(Some(loss)) => write!(f, "refused: {loss}"),
            Self::Refused(None) => f.write_str("refused"),
            Self::Start(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RunError {}

/// Connects a client that was made with
/// [`Options::start_disconnected`](crate::Options::start_disconnected), and tells the handler
/// everything until it disconnects or the server refuses for good. After a disconnect it waits for the
/// connection to be closed, as [`Client::shutdown`] does.
///
/// # Errors
/// [`RunError`] if an initial channel cannot be subscribed to, or on a refusal.
pub async fn run<C: AsRef<Client>, H: Handler<C>>(
    client: C,
    mut handler: H,
) -> Result<(), RunError> {
    let shared = client.as_ref();
    let mut events = shared.events();
    for (channel, options) in handler.initial_channels() {
        shared.subscribe_with(&channel, &options).map_err(RunError::Subscribe)?.detach();
    }
    shared.connect();
    while let Some(event) = events.recv().await {
        let (state, loss) = match &event {
            Event::State(change) => (change.to, change.loss.clone()),
            // What came too late may have been the last change.
            Event::Lagged { .. } => (shared.status().state, shared.status().last_loss),
            _ => (ConnectionState::Connected, None),
        };
        handler.on_event(&client, event);
        match state {
            ConnectionState::Refused => return Err(RunError::Refused(loss)),
            ConnectionState::Disconnected => {
                // What the handler has triggered goes out first.
                shared.shutdown().await;
                return Ok(());
            }
            _ => {}
        }
    }
    Ok(())
}
