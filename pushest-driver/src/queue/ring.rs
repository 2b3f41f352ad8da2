//! The events of one queue, and what they keep alive.

use std::collections::VecDeque;

use pushest_proto::{Event, LimitReached};

use super::costs::cost;
use super::sleeper::Sleeper;
use super::taken::{Taken, Unread};

/// Places that a ring may have free, whatever its size.
const SPARE: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Ring {
    events: VecDeque<Event>,
    /// What the events keep alive, in bytes, without the rest of the buffers that some are views
    /// into.
    bytes: usize,
    /// The oldest events up to here are no views: they have a memory of their own.
    settled: usize,
    /// The most that views pinned when events were pushed last, in bytes.
    pub(super) pinned: usize,
    /// What is unread of what the receiver has taken, while its count is closed.
    pub(super) taken: Unread,
    /// What was subtracted from its bytes for the events that were dropped of it since, in bytes.
    written_off: usize,
    /// The most that views among what the receiver has taken pin, in bytes.
    pub(super) pinned_by_taken: usize,
    /// Events dropped since the receiver was told.
    pub(super) dropped: u64,
    /// Of channel events only those of this name are taken in, and what may have cost some of them.
    pub(super) only: Option<Box<str>>,
    /// The receiver, while it waits for an event.
    pub(super) sleeper: Option<Sleeper>,
    /// Counted in `congestion`.
    pub(super) is_full: bool,
    /// The bytes that are counted in `congestion`.
    pub(super) counted: usize,
    /// Nothing more comes.
    pub(super) is_ended: bool,
    /// The pump waits until the receiver has taken everything.
    pub(super) is_draining: bool,
}

impl Ring {
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns whether the receiver has something to receive, events or how many were dropped; while
    /// the count of what it has taken is closed.
    pub(super) fn has_any(&self) -> bool {
        self.dropped > 0 || self.taken.events > 0 || !self.events.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn wants(&self, event: &Event) -> bool {
        match (&self.only, event) {
            (None, _) => true,
            (Some(name), Event::Channel(event)) => event.name() == &**name,
            // Of a long name it has the beginning only.
            (Some(only), Event::Undecryptable { name, .. }) => only.starts_with(&**name),
            // Who wants events of one name does not want to lose them to floods of these.
            (
                Some(_),
                Event::Presence(_)
                | Event::SubscriptionCount { .. }
                | Event::LimitReached(LimitReached::Members { .. }),
            ) => false,
            (Some(_), _) => true,
        }
    }

    /// Pushes a batch, of which nothing is left and which costs `bytes`. Into an empty ring no event is
    /// moved.
    pub(super) fn append(&mut self, events: &mut VecDeque<Event>, bytes: usize) {
        self.bytes += bytes;
        if self.events.is_empty() {
            std::mem::swap(&mut self.events, events);
        } else {
            self.reserve(events.len());
            self.events.append(events);
        }
    }

    /// Moves everything to what the receiver has taken. Returns how much that is.
    pub(super) fn move_to(&mut self, taken: &mut Taken) -> Unread {
        let unread = Unread { events: self.events.len(), bytes: self.bytes };
        self.pinned_by_taken = self.pinned_by_views();
        taken.swap(&mut self.events);
        (self.bytes, self.settled) = (0, 0);
        unread
    }

    /// Reserves places for `events` more, without doubling what is there.
    pub(super) fn reserve(&mut self, events: usize) {
        if self.events.capacity() - self.events.len() < events {
            self.events.reserve_exact(events.max(self.events.len() / 2));
        }
    }

    #[inline]
    pub(super) fn push(&mut self, event: Event) {
        self.bytes += cost(&event);
        self.events.push_back(event);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= cost(&event);
        self.settled = self.settled.saturating_sub(1);
        if self.events.is_empty() {
            // A receiver that was slow once holds no memory for it.
            self.shrink();
        }
        Some(event)
    }

    /// Drops the oldest event, which may be one that the receiver has taken; then the count of those is
    /// closed.
    pub(super) fn drop_oldest(&mut self) {
        // Only the receiver can look at what it has taken. That must count less at once, or all of it
        // would be dropped for the room of one event.
        if let Some(bytes) = self.taken.bytes.checked_div(self.taken.events) {
            self.taken.bytes -= bytes;
            self.written_off += bytes;
            self.taken.events -= 1;
            self.dropped += 1;
        } else {
            self.dropped += u64::from(self.pop().is_some());
        }
    }

    /// Drops of what the receiver has taken what is counted as dropped, and counts the rest as it is;
    /// while the count is closed.
    pub(super) fn forget_dropped(&mut self, taken: &mut Taken) {
        self.taken.bytes += std::mem::take(&mut self.written_off);
        while taken.len() > self.taken.events {
            let Some(event) = taken.pop() else { break };
            self.taken.bytes -= cost(&event);
        }
    }

    /// Takes everything out.
    pub(super) fn take(&mut self) -> VecDeque<Event> {
        self.bytes = 0;
        self.settled = 0;
        std::mem::take(&mut self.events)
    }

    /// Gives memory back that no event needs. What is taken out between two pushes leaves its place,
    /// which was counted before and did fit.
    pub(super) fn shrink(&mut self) {
        if self.events.capacity() > self.events.len() / 2 * 3 + SPARE {
            self.events.shrink_to(self.events.len() + SPARE / 4);
        }
    }

    /// Returns what the events count that may be views, in bytes, if that is less than `most`.
    pub(super) fn views(&self, most: usize) -> usize {
        let mut bytes = 0;
        // The latest are those that are views.
        for event in self.events.range(self.settled..).rev() {
            bytes += cost(event);
            if bytes >= most {
                break;
            }
        }
        bytes
    }

    /// Returns whether some events may be views into the buffers that were read into.
    pub(super) fn has_views(&self) -> bool {
        self.settled < self.events.len()
    }

    /// Returns the most that views among the events pin, in bytes.
    pub(super) fn pinned_by_views(&self) -> usize {
        if self.has_views() { self.pinned } else { 0 }
    }

    /// Copies what is a view, so that no event keeps more alive than it counts.
    pub(super) fn settle(&mut self) {
        for event in self.events.range_mut(self.settled..) {
            if let Event::Channel(view) = event {
                *view = view.clone().into_owned();
            }
        }
        self.settled = self.events.len();
    }
}
