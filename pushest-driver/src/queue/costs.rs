//! What an event costs a queue.

use pushest_proto::Event;

/// Returns what an event costs a queue, in bytes: what it keeps alive, and half of a place more,
/// since the ring may have half as many places again as it has events.
#[inline]
pub(crate) fn cost(event: &Event) -> usize {
    event.memory() + size_of::<Event>() / 2
}
