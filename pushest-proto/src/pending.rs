//! Events that wait to be polled, bounded in number and bytes; and tickets to abandon.
//!
//! Everything that only a server's messages can pile up is droppable, the oldest first, and one
//! reserved notice counts what is gone. State changes and the outcomes of subscriptions are kept:
//! their number is bounded by what the driver polled before.
//!
//! Whatever is stored counts with its place and all that it keeps alive, but for the name of its
//! channel: that is the table's, and one name serves any number of events.

use alloc::collections::VecDeque;

use crate::action::Action;
use crate::channel::name::ChannelName;
use crate::event::channel_event::ChannelEvent;
use crate::event::{Event, LimitReached};
use crate::id::Ticket;
use crate::order::Order;
use crate::queue::{Queue, fill};

/// Number of kept events that may wait before changes of state are joined.
const MOST_KEPT_APART: usize = 256;

/// Number of places that are kept for the next batch when nothing waits.
const PLACES_KEPT: usize = 64;

/// What a droppable event takes beside what it keeps alive.
const PLACE_BYTES: usize = size_of::<Option<Place>>() + size_of::<Option<Action>>();

/// The place of a droppable event, and its bytes.
#[derive(Debug)]
struct Place(Order, usize);

/// Hands out the places, and keeps what waits.
#[derive(Debug)]
pub(crate) struct Pending {
    last: Order,
    /// Requests whose answers are no longer needed.
    abandoned: VecDeque<(Order, Ticket)>,
    kept: VecDeque<(Order, Action)>,
    droppable: Queue<Action>,
    /// Of the droppable ones, apart from them: so that an action is not moved to be taken out of what
    /// is stored with it.
    places: Queue<Place>,
    /// Bytes of all that is droppable.
    bytes: usize,
    /// How many events wait for a key before they can be told, and their bytes.
    held: usize,
    held_bytes: usize,
    /// How many were dropped since the last notice, and the place of the first.
    dropped: u64,
    /// How many were dropped in all.
    ever_dropped: u64,
    /// How many events of encrypted channels no key opened, in all.
    ever_unopened: u64,
    dropped_at: Order,
    most_events: usize,
    most_bytes: usize,
}

impl Pending {
    pub(crate) fn new(most_events: usize, most_bytes: usize) -> Self {
        Self {
            last: Order::default(),
            abandoned: VecDeque::new(),
            kept: VecDeque::new(),
            droppable: Queue::new(),
            places: Queue::new(),
            bytes: 0,
            held: 0,
            held_bytes: 0,
            dropped: 0,
            ever_dropped: 0,
            ever_unopened: 0,
            dropped_at: Order::default(),
            most_events,
            most_bytes,
        }
    }

    /// Returns a place after all former ones.
    pub(crate) fn next_order(&mut self) -> Order {
        self.last.0 += 1;
        self.last
    }

    /// Stores what must not be lost. Of endless changes of state that are not polled (a user that
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

    /// Stores an event of which a server can cause any number; the oldest are dropped if there is
    /// no room.
    pub(crate) fn push(&mut self, action: Action) {
        if let Some(place) = self.place(content_bytes(&action)) {
            fill(place, action);
        }
    }

    /// Returns the place for what keeps this alive beside itself, to be filled at once; `None` if it is
    /// dropped at once, since there is no room for it at all.
    #[inline(always)]
    pub(crate) fn place(&mut self, content_bytes: usize) -> Option<&mut Option<Action>> {
        let order = self.next_order();
        let bytes = PLACE_BYTES + content_bytes;
        // First of all, so that there are never more places than events are allowed.
        if self.droppable.len() + self.held >= self.most_events {
            self.drop_oldest();
        }
        while self.bytes + bytes + self.held_bytes > self.most_bytes {
            if !self.drop_oldest() {
                self.count_dropped(order);
                return None;
            }
        }
        self.bytes += bytes;
        fill(self.places.push_place(), Place(order, bytes));
        Some(self.droppable.push_place())
    }

    /// Makes room for one event. Returns whether there was one to drop.
    fn drop_oldest(&mut self) -> bool {
        let Some(Place(order, bytes)) = self.places.pop() else {
            return false;
        };
        self.droppable.pop();
        self.bytes -= bytes;
        self.count_dropped(order);
        true
    }

    fn count_dropped(&mut self, order: Order) {
        if self.dropped == 0 {
            self.dropped_at = order;
        }
        self.dropped += 1;
        self.ever_dropped += 1;
    }

    /// Makes room for an event that waits for a key. Returns whether there is room: such events
    /// take at most half of what may be stored, for they are not dropped.
    pub(crate) fn hold(&mut self, event: &ChannelEvent) -> bool {
        let bytes = held_bytes(event);
        if self.held >= self.most_events / 2 || self.held_bytes + bytes > self.most_bytes / 2 {
            return false;
        }
        self.held += 1;
        self.held_bytes += bytes;
        while self.droppable.len() + self.held > self.most_events
            || self.bytes + self.held_bytes > self.most_bytes
        {
            if !self.drop_oldest() {
                break;
            }
        }
        true
    }

    /// Frees the room of an event that no longer waits for a key.
    pub(crate) fn release(&mut self, event: &ChannelEvent) {
        self.held -= 1;
        self.held_bytes -= held_bytes(event);
    }

    /// Abandons a ticket, whose answer is no longer needed.
    pub(crate) fn abandon(&mut self, ticket: Ticket) {
        let order = self.next_order();
        self.abandoned.push_back((order, ticket));
    }

    /// Returns the place of what is popped next, [`Order::NEVER`] if nothing waits, and where it is
    /// stored.
    #[inline]
    pub(crate) fn front(&self) -> (Order, Front) {
        let never = Order::NEVER;
        let mut front =
            (self.places.front().map_or(never, |Place(order, _)| *order), Front::Droppable);
        // Most of the time nothing else waits.
        if self.has_only_droppable() {
            return front;
        }
        for other in [
            (self.kept.front().map_or(never, |(order, _)| *order), Front::Kept),
            (if self.dropped > 0 { self.dropped_at } else { never }, Front::Notice),
            (self.abandoned.front().map_or(never, |(order, _)| *order), Front::Abandoned),
        ] {
            if other.0 < front.0 {
                front = other;
            }
        }
        front
    }

    /// Takes what is next, if anything waits.
    #[inline(always)]
    pub(crate) fn pop_front(&mut self) -> Option<Action> {
        if self.has_only_droppable() {
            return self.pop_droppable();
        }
        let (_, front) = self.front();
        self.pop(front)
    }

    #[inline(always)]
    fn has_only_droppable(&self) -> bool {
        self.kept.is_empty() && self.dropped == 0 && self.abandoned.is_empty()
    }

    /// Takes what [`Pending::front`] has found.
    pub(crate) fn pop(&mut self, front: Front) -> Option<Action> {
        match front {
            Front::Droppable => self.pop_droppable(),
            other => self.pop_other(other),
        }
    }

    #[inline(always)]
    fn pop_droppable(&mut self) -> Option<Action> {
        let Some(Place(_, bytes)) = self.places.pop() else {
            self.settle();
            return None;
        };
        self.bytes -= bytes;
        self.droppable.pop()
    }

    /// Gives most of the places that a burst needed back, if nothing waits: a driver polls until it is
    /// told so, and an action that it takes out is moved, and nothing else.
    #[inline]
    pub(crate) fn settle(&mut self) {
        self.places.shrink_if_empty(PLACES_KEPT);
        self.droppable.shrink_if_empty(PLACES_KEPT);
    }

    fn pop_other(&mut self, front: Front) -> Option<Action> {
        match front {
            Front::Abandoned => self.abandoned.pop_front().map(|(_, it)| Action::Abandon(it)),
            Front::Notice => {
                let dropped = core::mem::take(&mut self.dropped);
                let notice = Event::LimitReached(LimitReached::StoredEvents { dropped });
                Some(Action::Emit(notice))
            }
            Front::Kept => {
                let popped = self.kept.pop_front().map(|(_, action)| action);
                if self.kept.is_empty() {
                    // These are few: an idle session keeps no place for the next one.
                    self.kept = VecDeque::new();
                }
                popped
            }
            Front::Droppable => self.pop_droppable(),
        }
    }

    /// Gives the places for the next batch back, if nothing waits: none is near.
    pub(crate) fn rest(&mut self) {
        self.places.shrink_if_empty(0);
        self.droppable.shrink_if_empty(0);
    }

    /// Returns how many events were dropped in all.
    pub(crate) fn ever_dropped(&self) -> u64 {
        self.ever_dropped
    }

    /// Stores that no key opened an event.
    #[cfg(feature = "encrypted")]
    pub(crate) fn push_unopened(&mut self, event: Event) {
        self.ever_unopened += 1;
        self.push(Action::Emit(event));
    }

    /// How many events of encrypted channels no key opened, in all.
    pub(crate) fn ever_unopened(&self) -> u64 {
        self.ever_unopened
    }

    /// Returns how many events wait.
    pub(crate) fn len(&self) -> usize {
        self.kept.len() + self.droppable.len() + self.held
    }

    /// Returns the bytes of all that is bounded.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.held_bytes
    }

    /// Returns the bytes of everything else: what is not dropped, and places that are free.
    pub(crate) fn other_bytes(&self) -> usize {
        let kept = self.kept.iter().map(|(_, action)| match action {
            Action::Emit(event) => {
                event.content_bytes() - event.loss().map_or(0, crate::loss::others_share)
            }
            _ => 0,
        });
        let free = (self.droppable.capacity() - self.droppable.len()) * size_of::<Option<Action>>()
            + (self.places.capacity() - self.places.len()) * size_of::<Option<Place>>();
        self.kept.capacity() * size_of::<(Order, Action)>()
            + self.abandoned.capacity() * size_of::<(Order, Ticket)>()
            + kept.sum::<usize>()
            + free
    }

    /// Returns the names of the channels that all these events are about.
    pub(crate) fn channels(&self) -> impl Iterator<Item = &ChannelName> {
        let kept = self.kept.iter().map(|(_, action)| action);
        kept.chain(self.droppable.iter()).filter_map(|action| match action {
            Action::Emit(event) => event.channel(),
            Action::UpdatePresence(update) => Some(&update.channel),
            _ => None,
        })
    }
}

/// Where the oldest of what waits is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Front {
    Abandoned,
    /// That events were dropped.
    Notice,
    Kept,
    Droppable,
}

/// Returns what an action keeps alive beside itself and the channel's name.
fn content_bytes(action: &Action) -> usize {
    match action {
        Action::Emit(event) => event.content_bytes(),
        Action::UpdatePresence(update) => update.change.content_bytes(),
        Action::Connect { .. }
        | Action::Send(_)
        | Action::Close { .. }
        | Action::Authorize(_)
        | Action::Abandon(_) => {
            debug_assert!(false, "these are derived when polled");
            0
        }
    }
}

fn held_bytes(event: &ChannelEvent) -> usize {
    size_of::<ChannelEvent>() + event.content_bytes()
}
