//! What one receiver has not received yet: a ring, bounded in events and in the bytes that they keep
//! alive, and what the receiver has taken out of it at one go.
//!
//! The hub stages a batch's events and puts them in with one lock; the receiver takes all that is there
//! with one lock, and hands it out one by one without ([`taken`]). A queue has one receiver, hence one
//! waker.
//!
//! # What was taken
//! It is unread, and counts as what is in the ring does. The pump can drop it, too, being the oldest. What
//! was dropped of it counts no longer, though its memory is free no sooner than the receiver comes for the
//! rest: at most a quarter of the queue's bytes. Events are received one by one with the
//! lock from the one on that makes half of a full queue free, so that reading goes on just then; while
//! the pump waits for the end of the queue; where all queues together have a bound; where what is
//! taken would keep more than a quarter of the queue's bytes alive; and where it is a few views, which
//! would pin much for little.
//!
//! # Bytes
//! An event counts what it keeps alive by itself ([`Event::memory`]). A channel's event is a view into
//! the buffer that it was read into, and keeps all of that: what may hang on the views of a client's
//! queues, whichever they are, the hub says with each push. A queue for which that would be too much
//! copies its views, and then keeps alive what it counts; so does one whose receiver has not come for
//! its events until the pump runs again ([`Queue::settle`]), unless what such queues have is most of what
//! was read. A receiver that keeps up pays for no copy.

pub(crate) mod congestion;
pub(crate) mod costs;
pub(crate) mod reader;
mod ring;
pub(crate) mod sleeper;
mod taken;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use pushest_proto::Event;

use self::congestion::{Congestion, Relief};
use self::costs::cost;
use self::ring::Ring;
use self::sleeper::Sleeper;
use self::taken::{Count, Unread};
use crate::options::{Options, Overflow};
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};

#[derive(Debug)]
pub(crate) struct Queue {
    ring: Mutex<Ring>,
    /// Of what the receiver has taken; closed where the ring has it.
    count: Count,
    most_events: usize,
    most_bytes: usize,
    overflow: Overflow,
    /// All queues together have a bound.
    is_counted: bool,
    /// The bytes that are counted in `congestion`, to be read without the lock.
    counted: AtomicUsize,
    congestion: Arc<Congestion>,
}

impl Queue {
    pub(crate) fn new(options: &Options, congestion: Arc<Congestion>) -> Self {
        Self {
            ring: Mutex::default(),
            count: Count::new(),
            most_events: options.queue_events,
            most_bytes: options.queue_bytes,
            overflow: options.overflow,
            is_counted: congestion.total().is_some(),
            counted: AtomicUsize::new(0),
            congestion,
        }
    }

    /// Pushes a batch that costs `bytes` ([`cost`]). Returns whom to wake after releasing all locks. At
    /// most `pinned` bytes are kept alive by views alone, in all queues of the client together.
    pub(crate) fn push_all(
        &self,
        events: &mut VecDeque<Event>,
        mut bytes: usize,
        pinned: usize,
    ) -> Option<Sleeper> {
        let mut ring = self.lock();
        if ring.is_ended {
            events.clear();
            return None;
        }
        if ring.only.is_some() {
            events.retain(|event| ring.wants(event));
            bytes = events.iter().map(cost).sum();
        }
        ring.append(events, bytes);
        ring.pinned = pinned;
        match self.overflow {
            Overflow::DropOldest => self.drop_what_is_over(&mut ring),
            Overflow::Wait => self.fill(&mut ring),
        }
        if ring.has_views() && self.kept(&ring).saturating_add(pinned) > self.most_bytes {
            ring.settle();
        }
        ring.shrink();
        self.account(&mut ring);
        if ring.len() == 0 { None } else { ring.sleeper.take() }
    }

    /// Drops the oldest events until the others are within the bounds; the newest one stays.
    fn drop_what_is_over(&self, ring: &mut Ring) {
        if !self.is_over(ring) {
            return;
        }
        self.close_count(ring);
        let before = ring.dropped;
        while ring.taken.events + ring.len() > 1 && self.is_over(ring) {
            ring.drop_oldest();
        }
        self.congestion.dropped.fetch_add(ring.dropped - before, Ordering::Relaxed);
    }

    /// Holds reading up if the queue is full.
    fn fill(&self, ring: &mut Ring) {
        if ring.is_full || !self.is_full(ring) {
            return;
        }
        // From here on the receiver sees when half is free; it may have received much since the look.
        self.close_count(ring);
        if self.is_full(ring) {
            ring.is_full = true;
            self.congestion.full.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Returns what the events that are still here as views count, in bytes; it counts up to `most`.
    pub(crate) fn views(&self, most: usize) -> usize {
        self.lock().views(most)
    }

    /// Copies the views among the events that are still here.
    pub(crate) fn settle(&self) {
        self.lock().settle();
    }

    /// Returns the bytes that it holds, where all queues together have a bound.
    pub(crate) fn counted(&self) -> usize {
        self.counted.load(Ordering::Relaxed)
    }

    /// Drops the oldest events until at most `bytes` are left, where all queues together have a bound.
    pub(crate) fn shed(&self, bytes: usize) {
        let mut ring = self.lock();
        let before = ring.dropped;
        while ring.bytes() > bytes {
            ring.drop_oldest();
        }
        self.congestion.dropped.fetch_add(ring.dropped - before, Ordering::Relaxed);
        self.account(&mut ring);
    }

    /// Ends the queue with `last`, for which nothing is dropped, however full it is. Returns the
    /// waker to call. What the receiver has not received yet is its own from here on: it delays
    /// nothing, and counts no longer among all queues.
    pub(crate) fn end(&self, last: Option<Event>) -> Option<Waker> {
        let mut ring = self.lock();
        if let Some(last) = last.filter(|last| !ring.is_ended && ring.wants(last)) {
            ring.reserve(1);
            ring.push(last);
        }
        ring.is_ended = true;
        self.relieve(&mut ring);
        ring.sleeper.take().map(Sleeper::into_waker)
    }

    /// Makes the receiver wake the pump once it has received everything.
    pub(crate) fn drain(&self) {
        let mut ring = self.lock();
        self.close_count(&mut ring);
        ring.is_draining = true;
    }

    /// Returns the number of events that were not received, and whether there is anything that the
    /// receiver has not been told.
    pub(crate) fn unread(&self) -> (usize, bool) {
        let ring = self.lock();
        let unread = self.taken(&ring).events + ring.len();
        (unread, unread > 0 || ring.dropped > 0)
    }

    /// Returns the number of events that were not received, and the bytes that they keep alive.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let ring = self.lock();
        let taken = self.taken(&ring);
        (taken.events + ring.len(), taken.bytes + ring.bytes())
    }

    /// Returns how much of what the receiver has taken is unread: less by now, if the count is open.
    fn taken(&self, ring: &Ring) -> Unread {
        self.count.get().unwrap_or(ring.taken)
    }

    /// Makes what the receiver has taken change under the lock alone, from now on.
    fn close_count(&self, ring: &mut Ring) {
        if let Some(unread) = self.count.close() {
            ring.taken = unread;
        }
    }

    /// Returns the bytes that events keep alive: those here, and those that the receiver has taken with
    /// what they pin.
    fn kept(&self, ring: &Ring) -> usize {
        let taken = self.taken(ring);
        let pinned = if taken.bytes > 0 { ring.pinned_by_taken } else { 0 };
        ring.bytes().saturating_add(taken.bytes).saturating_add(pinned)
    }

    fn is_over(&self, ring: &Ring) -> bool {
        let events = self.taken(ring).events + ring.len();
        events > self.most_events || self.kept(ring) > self.most_bytes
    }

    fn is_full(&self, ring: &Ring) -> bool {
        let events = self.taken(ring).events + ring.len();
        events >= self.most_events || self.kept(ring) >= self.most_bytes
    }

    fn relieve(&self, ring: &mut Ring) -> Relief {
        let of_all = self.account(ring);
        if !std::mem::take(&mut ring.is_full) {
            return of_all;
        }
        self.congestion.relieve().or(of_all)
    }

    /// Counts what it holds among all queues, if that has a bound.
    fn account(&self, ring: &mut Ring) -> Relief {
        let holds = if ring.is_ended { 0 } else { ring.bytes() };
        if !self.is_counted || holds == ring.counted {
            return Relief::None;
        }
        let before = std::mem::replace(&mut ring.counted, holds);
        self.counted.store(holds, Ordering::Relaxed);
        self.congestion.replace(before, holds)
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing in here can panic halfway through a change.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
