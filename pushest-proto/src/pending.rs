//! What waits to be told to the user, bounded in count and bytes.
//!
//! Everything that only a server's messages can pile up is droppable, the oldest first, and one
//! reserved notice counts what is gone. State changes and the outcomes of subscriptions are kept:
//! their number is bounded by what the driver polled before.

use alloc::collections::VecDeque;

use crate::action::Action;
use crate::event::{Event, LimitReached};

/// The place of a cause among all causes; actions leave in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Order(u64);

impl Order {
    /// After everything that will ever happen.
    pub(crate) const NEVER: Self = Self(u64::MAX);
}

/// So many kept events wait before changes of state are joined.
const MOST_KEPT_APART: usize = 256;

/// Hands out the places, and keeps what waits.
#[derive(Debug)]
pub(crate) struct Pending {
    last: Order,
    kept: VecDeque<(Order, Action)>,
    droppable: VecDeque<(Order, usize, Action)>,
    /// Bytes of all that is droppable.
    bytes: usize,
    /// How many were dropped since the last notice, and the place of the first.
    dropped: u64,
    /// How many were dropped in all.
    ever_dropped: u64,
    dropped_at: Order,
    most_events: usize,
    most_bytes: usize,
}

impl Pending {
    pub(crate) fn new(most_events: usize, most_bytes: usize) -> Self {
        Self {
            last: Order::default(),
            kept: VecDeque::new(),
            droppable: VecDeque::new(),
            bytes: 0,
            dropped: 0,
            ever_dropped: 0,
            dropped_at: Order::default(),
            most_events,
            most_bytes,
        }
    }

    /// A place after all former ones.
    pub(crate) fn next_order(&mut self) -> Order {
        self.last.0 += 1;
        self.last
    }

    /// Stores what must not be lost. Of endless changes of state that nobody polls (a user that
    /// connects and disconnects) the last ones become one.
    pub(crate) fn keep(&mut self, event: Event) {
        let order = self.next_order();
        if let Event::State(change) = &event
            && self.kept.len() >= MOST_KEPT_APART
            && let Some((last_order, Action::Emit(Event::State(last)))) = self.kept.back_mut()
        {
            let from = last.from;
            *last = change.clone();
            last.from = from;
            *last_order = order;
            return;
        }
        self.kept.push_back((order, Action::Emit(event)));
    }

    /// Stores what came from a message of `bytes` bytes; the oldest go if there is no room.
    pub(crate) fn push(&mut self, action: Action, bytes: usize) {
        let order = self.next_order();
        self.bytes += bytes;
        self.droppable.push_back((order, bytes, action));
        while self.droppable.len() > self.most_events || self.bytes > self.most_bytes {
            let Some((order, bytes, _)) = self.droppable.pop_front() else {
                break;
            };
            self.bytes -= bytes;
            if self.dropped == 0 {
                self.dropped_at = order;
            }
            self.dropped += 1;
            self.ever_dropped += 1;
        }
    }

    /// The place of what would be popped next.
    pub(crate) fn front(&self) -> Option<Order> {
        let (notice, kept, droppable) = self.fronts();
        let front = notice.min(kept).min(droppable);
        (front != Order::NEVER).then_some(front)
    }

    pub(crate) fn pop(&mut self) -> Option<Action> {
        let (notice, kept, droppable) = self.fronts();
        if kept < notice.min(droppable) {
            return self.kept.pop_front().map(|(_, action)| action);
        }
        if notice < droppable {
            let dropped = core::mem::take(&mut self.dropped);
            return Some(Action::Emit(Event::LimitReached(LimitReached::StoredEvents { dropped })));
        }
        let (_, bytes, action) = self.droppable.pop_front()?;
        self.bytes -= bytes;
        Some(action)
    }

    /// The places of the notice, of what is kept, and of what is droppable.
    fn fronts(&self) -> (Order, Order, Order) {
        (
            if self.dropped > 0 { self.dropped_at } else { Order::NEVER },
            self.kept.front().map_or(Order::NEVER, |(order, _)| *order),
            self.droppable.front().map_or(Order::NEVER, |(order, ..)| *order),
        )
    }

    /// How many events were dropped in all.
    pub(crate) fn ever_dropped(&self) -> u64 {
        self.ever_dropped
    }

    /// How many events wait.
    pub(crate) fn len(&self) -> usize {
        self.kept.len() + self.droppable.len()
    }

    /// Bytes of the messages that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}
