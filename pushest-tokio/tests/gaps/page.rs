//! The program of the page.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, SystemTime};

use pushest_tokio::{Event, Refetch, Subscription, SubscriptionError};

#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    /// Grows with each change: the publisher's number, not a time.
    pub(crate) version: u64,
    pub(crate) state: String,
}

/// Applying the same order twice changes nothing; neither does an old version that comes late.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) by_id: HashMap<u64, Order>,
}

impl Orders {
    pub(crate) fn apply(&mut self, order: Order) {
        match self.by_id.entry(order.id) {
            Entry::Vacant(place) => {
                place.insert(order);
            }
            Entry::Occupied(mut known) if known.get().version < order.version => {
                known.insert(order);
            }
            Entry::Occupied(_) => {}
        }
    }
}

/// Where orders can be read: your API or your database.
pub(crate) trait Store {
    /// Returns the orders that changed since then; all of them for `None`.
    fn changed_since(
        &self,
        since: Option<SystemTime>,
    ) -> impl Future<Output = std::io::Result<Vec<Order>>> + Send;
}

/// Keeps `orders` as they are in the store, until the subscription ends.
pub(crate) async fn follow(
    mut channel: Subscription,
    store: &impl Store,
    orders: &mut Orders,
) -> Result<(), SubscriptionError> {
    channel.subscribed().await?;
    fetch(store, None, orders).await;
    while let Some(event) = channel.recv().await {
        if let Some(refetch) = Refetch::asked_by(&event) {
            // The store's clock may be ahead of ours by a minute.
            let allowance = Duration::from_secs(60);
            fetch(store, refetch.since().map(|since| since - allowance), orders).await;
        }
        match event {
            Event::Channel(event) if event.name() == "order-changed" => match event.json() {
                Ok(order) => orders.apply(order),
                Err(error) => eprintln!("not an order: {error}: {}", event.raw()),
            },
            Event::SubscriptionFailed { reason, .. } => eprintln!("not subscribed: {reason}"),
            _ => {}
        }
    }
    Ok(())
}

/// Fetches until it has worked. Events wait in the channel's queue meanwhile.
async fn fetch(store: &impl Store, since: Option<SystemTime>, orders: &mut Orders) {
    let mut pause = Duration::from_millis(100);
    loop {
        match store.changed_since(since).await {
            Ok(changed) => {
                for order in changed {
                    orders.apply(order);
                }
                return;
            }
            Err(error) => eprintln!("fetching again in {pause:?}: {error}"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(30));
    }
}
