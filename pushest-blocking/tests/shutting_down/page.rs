//! The program of the page.

use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::Duration;

use pushest_blocking::{ChannelEvent, Client, Event, SubscribeError};

/// Handles orders until it is told to stop. Returns how many events were left.
pub(crate) fn serve(
    client: &Client,
    (stopping, stop): (Sender<()>, &Receiver<()>),
    mut handle: impl FnMut(ChannelEvent) + Send,
) -> Result<usize, SubscribeError> {
    let orders = client.subscribe("orders")?;
    let left = thread::scope(|scope| {
        scope.spawn(move || {
            for event in orders {
                match event {
                    Event::Channel(event) => handle(event),
                    Event::Gap { silent_for, .. } => eprintln!("refetch the last {silent_for:?}"),
                    Event::State(change) => eprintln!("the end: {change}"),
                    _ => {}
                }
            }
            // The other thread may wait although the server has refused.
            let _ = stopping.send(());
        });
        let _ = stop.recv();
        client.drain(Duration::from_secs(5))
    });
    Ok(left)
}
