//! What the wanted set keeps alive, in bytes, beside members and events.

use super::{Channel, Channels, Phase};
use crate::auth::request::Authorization;
use crate::event::failure::RequestFailure;
use crate::memory;
use crate::memory::{allocation, shared};
use crate::order::Order;
use crate::time::Instant;

impl Channels {
    /// Walks over all channels.
    pub(crate) fn other_bytes(&self) -> usize {
        let tables = self.slab.capacity() * (size_of::<Channel>() + size_of::<usize>())
            + self.by_name.allocation_size()
            + self.in_flight.capacity() * size_of::<(crate::id::Ticket, super::Key)>()
            + self.abandoned.capacity() * size_of::<(Order, crate::id::Ticket)>();
        let due = in_a_tree::<(Order, super::Key)>(self.due.len() + self.turns.len())
            + in_a_tree::<(Instant, super::Key)>(self.deadlines.len())
            + in_a_tree::<super::Key>(self.unanswered.len());
        let channels = self.slab.iter().map(|(_, channel)| channel.other_bytes());
        tables + due + channels.sum::<usize>()
    }
}

impl Channel {
    /// Bytes behind its own place, but for the members that are bounded.
    fn other_bytes(&self) -> usize {
        let authorized = match &self.phase {
            Phase::Authorized(granted) => {
                memory::allocation(size_of::<Authorization>()) + granted.heap_bytes()
            }
            _ => 0,
        };
        let failure = self
            .failure
            .as_deref()
            .map_or(0, |failure| allocation(size_of::<RequestFailure>()) + failure.content_bytes());
        self.name.heap_bytes()
            + memory::optional_text(self.channel_data.as_deref())
            + self.members.as_deref().map_or(0, |members| members.other_bytes())
            + self.me.as_deref().map_or(0, |me| shared(me.len()))
            + self.encryption.as_deref().map_or(0, |encryption| encryption.other_bytes())
            + authorized
            + failure
            + self.gaps.memory()
    }
}

/// Bytes that `count` elements take in a tree whose nodes have eleven places. Elements that come in
/// order leave nodes half full.
const fn in_a_tree<T>(count: usize) -> usize {
    2 * count * size_of::<T>()
}
