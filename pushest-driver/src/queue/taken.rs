//! What a receiver has taken out of its queue at one go, and hands out without the queue's lock.
//!
//! Both sides know how much of it is unread: the receiver counts down by one atomic step for each event
//! that it hands out, and the pump reads the count. Where that does not suffice (the queue overflows, or
//! the pump waits for room or for the end of a drain) the pump closes the count, which it does under
//! the lock. From then on it changes under the lock alone: the receiver's next step fails, and it comes
//! for the lock and for what has become of its events, of which the oldest may have been dropped.

use std::collections::VecDeque;

use pushest_proto::Event;

use super::costs::cost;
use crate::sync::{AtomicU64, Ordering};

/// A closed count: nothing is handed out without the lock.
const CLOSED: u64 = u64::MAX;

/// Places that are kept while there is no event for them.
const KEPT: usize = 16;

/// How much is unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Unread {
    pub(super) events: usize,
    /// What the events keep alive, in bytes.
    pub(super) bytes: usize,
}

impl Unread {
    /// The most bytes that a [`Count`] can hold. Each event has some, so that there are no more events.
    pub(super) const MOST_BYTES: usize = u32::MAX as usize - 1;

    fn packed(self) -> u64 {
        (self.bytes as u64) << 32 | self.events as u64
    }

    fn unpacked(packed: u64) -> Self {
        let part = |bits: u64| usize::try_from(bits & u64::from(u32::MAX)).unwrap_or(usize::MAX);
        Self { events: part(packed), bytes: part(packed >> 32) }
    }
}

/// How much of what was taken is unread, for both sides.
#[derive(Debug)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Begins to count; under the lock.
    pub(super) fn open(&self, unread: Unread) {
        self.0.store(unread.packed(), Ordering::Release);
    }

    /// Closes the count; under the lock, by the receiver, where nothing is left of what it has taken.
    pub(super) fn stop(&self) {
        self.0.store(CLOSED, Ordering::Release);
    }

    /// Returns the count, unless it is closed. It may be less by now.
    pub(super) fn get(&self) -> Option<Unread> {
        let packed = self.0.load(Ordering::Acquire);
        (packed != CLOSED).then(|| Unread::unpacked(packed))
    }

    /// Closes the count; under the lock. Returns it, unless it was closed before.
    pub(super) fn close(&self) -> Option<Unread> {
        // In one step with the look: a receiver that hands out meanwhile comes before it or fails.
        let packed = self.0.swap(CLOSED, Ordering::AcqRel);
        (packed != CLOSED).then(|| Unread::unpacked(packed))
    }
}

/// The events that were taken, the receiver's side.
#[derive(Debug, Default)]
pub(super) struct Taken {
    events: VecDeque<Event>,
    /// What the count is if it is open.
    packed: u64,
    /// The number of the latest events that are not handed out without the lock.
    floor: usize,
}

impl Taken {
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Replaces what is there, which is nothing, by the events, and leaves them its places.
    pub(super) fn swap(&mut self, events: &mut VecDeque<Event>) {
        debug_assert!(self.is_empty(), "events are lost");
        std::mem::swap(&mut self.events, events);
    }

    /// Opens the count of what is there; under the lock. The `floor` latest events are left to the lock.
    pub(super) fn open(&mut self, count: &Count, unread: Unread, floor: usize) {
        self.floor = floor;
        self.packed = unread.packed();
        count.open(unread);
    }

    /// Returns the oldest event without the lock; `None` if there is none for that, or the count is
    /// closed.
    #[inline]
    pub(super) fn next(&mut self, count: &Count) -> Option<Event> {
        if self.events.len() <= self.floor {
            return None;
        }
        let one = Unread { events: 1, bytes: cost(self.events.front()?) }.packed();
        let (now, later) = (self.packed, self.packed.wrapping_sub(one));
        if count.0.compare_exchange(now, later, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return None;
        }
        self.packed = later;
        self.pop()
    }

    /// Returns the oldest event; under the lock, with the count closed, or before it is opened.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() && self.events.capacity() > KEPT {
            // A receiver that had much to take once holds no memory for it.
            self.events = VecDeque::new();
        }
        event
    }

    /// Keeps only the events that are wanted; under the lock, with the count closed. Returns what is
    /// unread then.
    pub(super) fn retain(&mut self, is_wanted: impl FnMut(&Event) -> bool) -> Unread {
        self.events.retain(is_wanted);
        let bytes = self.events.iter().map(cost).sum();
        Unread { events: self.events.len(), bytes }
    }

    /// Takes everything out.
    pub(super) fn clear(&mut self) -> VecDeque<Event> {
        std::mem::take(&mut self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event::Lagged { dropped: 7 }
    }

    fn taken(events: usize, count: &Count) -> Taken {
        let mut taken = Taken::default();
        taken.swap(&mut (0..events).map(|_| event()).collect());
        taken.open(count, Unread { events, bytes: events * cost(&event()) }, 0);
        taken
    }

    #[test]
    fn each_event_that_is_handed_out_leaves_the_count_and_a_closed_count_hands_out_none() {
        let count = Count::new();
        let mut taken = taken(3, &count);
        assert!(taken.next(&count).is_some());
        let left = Unread { events: 2, bytes: 2 * cost(&event()) };
        assert_eq!(count.get(), Some(left));
        assert_eq!((count.close(), count.close(), count.get()), (Some(left), None, None));
        assert!(taken.next(&count).is_none());
        taken.open(&count, left, 0);
        assert!(taken.next(&count).is_some() && taken.next(&count).is_some());
        assert!(taken.next(&count).is_none());
        assert_eq!(count.get(), Some(Unread::default()));
    }

    #[test]
    fn the_most_that_can_be_counted_is_not_taken_for_a_closed_count() {
        let most = Unread { events: u32::MAX as usize, bytes: Unread::MOST_BYTES };
        assert_ne!(most.packed(), CLOSED);
        assert_eq!(Unread::unpacked(most.packed()), most);
    }

    #[test]
    fn one_that_had_much_once_keeps_no_places_for_it() {
        let count = Count::new();
        let mut taken = taken(10_000, &count);
        while taken.next(&count).is_some() {}
        assert!(taken.events.capacity() <= KEPT, "{}", taken.events.capacity());
    }
}
