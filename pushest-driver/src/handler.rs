//! The callback style: a function that gets every event.

use pushest_proto::{ConnectionState, Event, SubscribeOptions};

use crate::client::Client;
use crate::error::RunError;

/// Subscribes to channels, connects a client that was made with
/// [`Options::start_disconnected`](crate::Options::start_disconnected), and calls `on_event` with
/// everything that happens, until it disconnects or the server refuses for good. After a disconnect it
/// waits for the connection to be closed, as [`Client::shutdown`] does.
///
/// # Errors
/// [`RunError`] if a channel cannot be subscribed to, or on a refusal.
pub async fn run(
    client: &Client,
    channels: Vec<(String, SubscribeOptions)>,
    mut on_event: impl FnMut(Event),
) -> Result<(), RunError> {
    let mut events = client.events();
    for (channel, options) in channels {
        client.subscribe_with(&channel, &options)?.detach();
    }
    client.connect();
    while let Some(event) = events.recv().await {
        let (state, loss) = match &event {
            Event::State(change) => (change.to, change.loss.clone()),
            // What came too late may have been the last change.
            Event::Lagged { .. } => (client.status().state, client.status().last_loss),
            _ => (ConnectionState::Connected, None),
        };
        on_event(event);
        match state {
            ConnectionState::Refused => return Err(RunError::Refused(loss)),
            ConnectionState::Disconnected => {
                // What the handler has triggered goes out first.
                client.shutdown().await;
                return Ok(());
            }
            _ => {}
        }
    }
    Ok(())
}
