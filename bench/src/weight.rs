//! What clients and channels keep allocated, as the allocator counts it.

use std::net::SocketAddr;

use pushest_tokio::{Client, Config, Event, Options, Overflow};
use serde::{Deserialize, Serialize};

use crate::Problem;
use crate::crowd;

/// What one of many takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Each {
    /// The number of them.
    pub count: u64,
    /// Bytes that are allocated for each.
    pub bytes: u64,
}

/// Returns what an idle client, or a bare loop, takes. `live` returns the bytes that are allocated.
pub fn of_clients(order: crowd::Order, live: fn() -> usize) -> Result<Each, Problem> {
    let before = live();
    let mut after = before;
    crowd::measure(order, |_| {
        after = live();
        Ok(())
    })?;
    Ok(each(order.connections, before, after))
}

/// Returns what a confirmed channel takes in a session alone.
pub fn of_channels_in_core(count: u64, live: fn() -> usize) -> Each {
    let (before, after) = crate::core::many_channels(count, live);
    each(count, before, after)
}

/// Returns what a confirmed channel takes in a client: detached, or with a subscription that is held.
pub fn of_channels(
    address: SocketAddr,
    count: u64,
    is_held: bool,
    live: fn() -> usize,
) -> Result<Each, Problem> {
    let config =
        Config::builder("app-key").host(&address.ip().to_string()).port(address.port()).build()?;
    let options = Options::default().overflow(Overflow::Wait);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::with_options(config, options);
        client.connected().await?;
        let mut held = Vec::with_capacity(if is_held { count as usize } else { 0 });
        let before = live();
        if is_held {
            for number in 0..count {
                held.push(client.subscribe(&format!("channel-{number}"))?);
            }
            for subscription in &mut held {
                // What it holds afterwards is itself.
                let event = subscription.recv().await;
                if !matches!(event, Some(Event::Subscribed { .. })) {
                    return Err(format!("not subscribed: {event:?}").into());
                }
            }
        } else {
            let mut events = client.events();
            for number in 0..count {
                client.subscribe(&format!("channel-{number}"))?.detach();
            }
            let mut confirmed = 0;
            while confirmed < count {
                let event = events.recv().await.ok_or("it ended early")?;
                confirmed += u64::from(matches!(event, Event::Subscribed { .. }));
            }
        }
        let after = live();
        client.shutdown().await;
        Ok(each(count, before, after))
    })
}

fn each(count: u64, before: usize, after: usize) -> Each {
    Each { count, bytes: after.saturating_sub(before) as u64 / count }
}
