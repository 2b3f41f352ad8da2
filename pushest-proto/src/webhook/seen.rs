//! Which webhooks have come before: servers send one again that was not answered with 2xx in time
//! ([protocol, webhooks](crate::protocol#webhooks)).

use alloc::collections::{BTreeSet, VecDeque};

use super::id::WebhookId;
use super::verify::Webhook;

/// The last webhooks that were carried out. One takes about 100 bytes.
///
/// It tells a delivery that comes again, and a replay. Two things it cannot tell: a server that puts
/// an event into another webhook the second time (the time in it is another one then), and two equal
/// events of one millisecond from one event that came twice. Several processes that share the work
/// need a common store: keep [`Webhook::id`] in it.
#[derive(Debug, Clone)]
pub struct Seen {
    capacity: usize,
    ids: BTreeSet<WebhookId>,
    /// The same ids, the oldest first.
    order: VecDeque<WebhookId>,
}

impl Seen {
    /// Creates a memory for this number of webhooks, at least 1: as many as can come within [the largest
    /// age](super::Webhooks::largest_age).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), ids: BTreeSet::new(), order: VecDeque::new() }
    }

    /// Returns whether this webhook has been carried out before.
    #[must_use]
    pub fn contains(&self, webhook: &Webhook) -> bool {
        self.ids.contains(&webhook.id())
    }

    /// Remembers a webhook that has been carried out, and forgets the oldest if there are too many.
    /// Call it after the work: what failed should count as new when it comes again. Returns whether
    /// it was new.
    pub fn insert(&mut self, webhook: &Webhook) -> bool {
        let is_new = self.ids.insert(webhook.id());
        if is_new {
            self.order.push_back(webhook.id());
            if self.order.len() > self.capacity
                && let Some(oldest) = self.order.pop_front()
            {
                self.ids.remove(&oldest);
            }
        }
        is_new
    }
}
