//! The program of the page.

use std::pin::pin;
use std::time::Duration;

use pushest_tokio::{ChannelEvent, Client, Event, SubscribeError};

/// Handles orders until it is told to stop. Returns how many events were left.
pub(crate) async fn serve(
    client: &Client,
    stop: impl Future<Output = ()>,
    mut handle: impl FnMut(ChannelEvent),
) -> Result<usize, SubscribeError> {
    let mut orders = client.subscribe("orders")?;
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            event = orders.recv() => match event {
                Some(Event::Channel(event)) => handle(event),
                Some(Event::Gap { silent_for, .. }) => eprintln!("refetch the last {silent_for:?}"),
                Some(Event::State(change)) => eprintln!("the end: {change}"),
                Some(_) => {}
                None => return Ok(0),
            },
            () = &mut stop => break,
        }
    }
    let drain = client.drain(Duration::from_secs(5));
    while let Some(event) = orders.recv().await {
        if let Event::Channel(event) = event {
            handle(event);
        }
    }
    Ok(drain.await)
}
