//! All receivers of a client: what is staged for each, and what they keep alive together.
//!
//! # Views
//! A small event that waits pins the buffer that it was read into, and buffers are shared by the
//! events of all channels. So nothing stays a view in a queue for long: when the pump runs again after
//! others could, [`Receivers::settle`] lets each queue copy what its receiver has left, once a
//! [`SPAN`] was read. If all that was read is still there, it is left as it is until twice as much was
//! read: a look walks what waits, and must not do so for each message. Until then
//! [`Receivers::pinned`] bounds what hangs on views.
//!
//! What a receiver has taken out of its queue stays as it is until it is handed out. The queue bounds
//! that: few events are not taken, and many only if they pin little of what the queue may keep.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use pushest_proto::Event;
use slab::Slab;

use crate::queue::Queue;
use crate::queue::congestion::{Congestion, Total};
use crate::queue::costs::cost;
use crate::queue::sleeper::Thread;
use crate::snapshot::QueueDepths;

/// Bytes that are read before what is left as views is copied: few enough to be no burden, and so
/// many that queues are not looked at for every single message.
const SPAN: usize = 16 * 1024;

/// Events that may be staged without their place being given back.
const KEPT_STAGED: usize = 64;

/// All receivers.
#[derive(Debug)]
pub(crate) struct Receivers {
    slab: Slab<Receiver>,
    /// Receivers with staged events.
    staged: Vec<usize>,
    /// What all staged events cost, in bytes.
    staged_bytes: usize,
    /// Receivers that were given events since all views were copied, each once.
    fresh: Vec<usize>,
    /// Receivers whose queue was not empty when it was last looked at; only where all queues
    /// together have a bound.
    holding: Vec<usize>,
    /// Bytes that were read since all views were copied.
    read: usize,
    /// How much must be read before the next look at what was left as views, in bytes.
    look_at: usize,
    /// Number of queues that were looked at for that.
    #[cfg(test)]
    looks: std::cell::Cell<usize>,
    /// The most that one buffer may come to, in bytes.
    buffer: usize,
    /// The receiver that dropped events last.
    lagging: Option<usize>,
    /// The thread on which the receiver had waited that was woken last.
    woken_on: Option<Thread>,
    congestion: Arc<Congestion>,
}

#[derive(Debug)]
struct Receiver {
    queue: Arc<Queue>,
    /// Events of the running batch.
    staged: VecDeque<Event>,
    /// What they cost, in bytes.
    staged_bytes: usize,
    /// Where it is among the fresh ones.
    fresh_at: Option<usize>,
    /// Where it is among the holding ones.
    holding_at: Option<usize>,
    /// It ends with the next change of state that says why.
    is_ending: bool,
    /// It goes on after a `connect`: the one of a client that is its own receiver.
    is_lasting: bool,
    has_ended: bool,
    /// It was told that there is no connection and none will come by itself.
    was_told: bool,
}

impl Receivers {
    /// `buffer` is the most that one of the buffers that are read into may come to, in bytes.
    pub(crate) fn new(congestion: Arc<Congestion>, buffer: usize) -> Self {
        Self {
            slab: Slab::new(),
            staged: Vec::new(),
            staged_bytes: 0,
            fresh: Vec::new(),
            holding: Vec::new(),
            read: 0,
            look_at: SPAN,
            #[cfg(test)]
            looks: std::cell::Cell::default(),
            buffer,
            lagging: None,
            woken_on: None,
            congestion,
        }
    }

    /// Adds a receiver; returns its key.
    pub(crate) fn insert(&mut self, queue: Arc<Queue>) -> usize {
        self.slab.insert(Receiver {
            queue,
            staged: VecDeque::new(),
            staged_bytes: 0,
            fresh_at: None,
            holding_at: None,
            is_ending: false,
            is_lasting: false,
            has_ended: false,
            was_told: false,
        })
    }

    pub(crate) fn remove(&mut self, key: usize) {
        let Some(gone) = self.slab.try_remove(key) else { return };
        self.staged_bytes -= gone.staged_bytes;
        self.lagging.take_if(|lagging| *lagging == key);
        // The next receiver may have the same key.
        if let Some(place) = gone.holding_at {
            self.holding.swap_remove(place);
            if let Some(moved) = self.holding.get(place) {
                self.slab[*moved].holding_at = Some(place);
            }
        }
        if let Some(place) = gone.fresh_at {
            self.fresh.swap_remove(place);
            if let Some(moved) = self.fresh.get(place) {
                self.slab[*moved].fresh_at = Some(place);
            }
        }
    }

    /// The receiver that dropped events last, unless it is gone.
    pub(crate) fn lagging(&self) -> Option<usize> {
        self.lagging
    }

    /// Returns on which thread the receiver had waited that was woken last, if one was since the last call.
    pub(crate) fn take_woken_on(&mut self) -> Option<Thread> {
        self.woken_on.take()
    }

    pub(crate) fn keys(&self) -> Vec<usize> {
        self.slab.iter().map(|(key, _)| key).collect()
    }

    /// Stages an event for one receiver.
    #[inline]
    pub(crate) fn stage(&mut self, key: usize, event: Event) {
        if let Some(receiver) = self.slab.get_mut(key) {
            if receiver.staged.is_empty() {
                self.staged.push(key);
            }
            let bytes = cost(&event);
            receiver.staged_bytes += bytes;
            self.staged_bytes += bytes;
            let staged = receiver.staged.len();
            if staged == receiver.staged.capacity() && staged <= KEPT_STAGED / 4 {
                // Four times as many: what grows once for each batch grows in few steps.
                receiver.staged.reserve(3 * staged);
            }
            receiver.staged.push_back(event);
        }
    }

    /// Returns what is staged for all receivers, in bytes.
    pub(crate) fn staged_bytes(&self) -> usize {
        self.staged_bytes
    }

    /// Pushes what is staged for all receivers.
    pub(crate) fn deliver(&mut self, wakers: &mut Vec<Waker>) {
        if self.staged.is_empty() {
            return;
        }
        let mut staged = std::mem::take(&mut self.staged);
        for key in staged.drain(..) {
            self.deliver_to(key, wakers);
        }
        self.staged = staged;
        self.bound();
    }

    /// Pushes what is staged for one receiver, which ends then, with `last` as its last event.
    pub(crate) fn end(&mut self, key: usize, last: Option<Event>, wakers: &mut Vec<Waker>) {
        self.deliver_to(key, wakers);
        if let Some(receiver) = self.slab.get_mut(key) {
            (receiver.is_ending, receiver.has_ended) = (false, true);
            wakers.extend(receiver.queue.end(last));
        }
    }

    /// Stages the change of state that says that no connection will come by itself.
    pub(crate) fn tell_off(&mut self, key: usize, event: Event) {
        self.stage(key, event);
        if let Some(receiver) = self.slab.get_mut(key) {
            receiver.was_told = true;
        }
    }

    /// Whether the receiver was ever told of such a change; then it was told of the last one, too.
    pub(crate) fn was_told(&self, key: usize) -> bool {
        self.slab.get(key).is_some_and(|receiver| receiver.was_told)
    }

    /// Marks a receiver to end with the next change of state that says why.
    pub(crate) fn mark(&mut self, key: usize) {
        if let Some(receiver) = self.slab.get_mut(key) {
            receiver.is_ending = !receiver.is_lasting && !receiver.has_ended;
        }
    }

    /// Marks all receivers so.
    pub(crate) fn mark_all(&mut self) {
        for (_, receiver) in &mut self.slab {
            receiver.is_ending = !receiver.is_lasting && !receiver.has_ended;
        }
    }

    pub(crate) fn is_marked(&self, key: usize) -> bool {
        self.slab.get(key).is_some_and(|receiver| receiver.is_ending)
    }

    /// The receivers that are marked, in the order of their keys.
    pub(crate) fn marked(&self) -> Vec<usize> {
        self.slab.iter().filter(|(_, it)| it.is_ending).map(|(key, _)| key).collect()
    }

    pub(crate) fn set_lasting(&mut self, key: usize, is_lasting: bool) {
        if let Some(receiver) = self.slab.get_mut(key) {
            receiver.is_lasting = is_lasting;
        }
    }

    /// From here on, each receiver wakes the pump when it has taken what it has.
    pub(crate) fn drain(&self) {
        self.slab.iter().for_each(|(_, receiver)| receiver.queue.drain());
    }

    /// The number of events that receivers have not taken, and whether one of them still has something
    /// to take. A lasting one cannot while it waits for the others.
    pub(crate) fn unread(&self) -> (usize, bool) {
        let receivers = self.slab.iter().filter(|(_, receiver)| !receiver.has_ended);
        receivers.fold((0, false), |(events, has_any), (_, receiver)| {
            let unread = receiver.queue.unread();
            (events + unread.0, has_any || (unread.1 && !receiver.is_lasting))
        })
    }

    /// Returns what the receivers that have not ended have not received; the rest is not known here.
    pub(crate) fn depths(&self) -> QueueDepths {
        let mut all = QueueDepths::default();
        for (_, receiver) in self.slab.iter().filter(|(_, receiver)| !receiver.has_ended) {
            let (events, bytes) = receiver.queue.depth();
            all.receivers += 1;
            all.events += events;
            all.bytes += bytes;
            all.largest_events = all.largest_events.max(events);
            all.largest_bytes = all.largest_bytes.max(bytes);
        }
        all
    }

    /// Ends all receivers.
    pub(crate) fn end_all(&mut self, wakers: &mut Vec<Waker>) {
        self.deliver(wakers);
        wakers.extend(self.slab.iter_mut().filter_map(|(_, receiver)| {
            (receiver.is_ending, receiver.has_ended) = (false, true);
            receiver.queue.end(None)
        }));
    }

    /// Takes note that `bytes` were read into buffers.
    pub(crate) fn note_read(&mut self, bytes: usize) {
        self.read = self.read.saturating_add(bytes);
    }

    /// Receivers had their turn: what they have left there is copied, if it is worth a look. If what
    /// they have left counts as much as all that was read, the copies would keep as much alive as the
    /// views do.
    pub(crate) fn settle_left(&mut self) {
        if self.read < self.look_at {
            return;
        }
        if self.views() < self.read {
            self.settle();
        } else {
            // What waits is walked by each look: as far as was read since the last one, all in all.
            self.look_at = self.read.saturating_mul(2);
        }
    }

    /// Returns what the events that were left as views count, in bytes; it counts up to what was read.
    fn views(&self) -> usize {
        let mut views: usize = 0;
        for receiver in self.fresh.iter().filter_map(|key| self.slab.get(*key)) {
            if views >= self.read {
                break;
            }
            #[cfg(test)]
            self.looks.set(self.looks.get() + 1);
            views = views.saturating_add(receiver.queue.views(self.read - views));
        }
        views
    }

    fn settle(&mut self) {
        for key in self.fresh.drain(..) {
            if let Some(receiver) = self.slab.get_mut(key) {
                receiver.fresh_at = None;
                receiver.queue.settle();
            }
        }
        (self.read, self.look_at) = (0, SPAN);
    }

    /// The most that all views together pin, in bytes. A buffer is left for a new one when the next
    /// frame does not fit in, so that what is free in it is less than that frame. One more buffer
    /// was begun before, and one is not full yet.
    fn pinned(&self) -> usize {
        let full = self.read.saturating_mul(2);
        full.saturating_add(self.buffer.saturating_mul(2))
    }

    fn deliver_to(&mut self, key: usize, wakers: &mut Vec<Waker>) {
        let pinned = self.pinned();
        let Some(receiver) = self.slab.get_mut(key) else { return };
        let dropped = self.congestion.dropped();
        let bytes = std::mem::take(&mut receiver.staged_bytes);
        self.staged_bytes -= bytes;
        if let Some(sleeper) = receiver.queue.push_all(&mut receiver.staged, bytes, pinned) {
            self.woken_on = Some(sleeper.thread());
            wakers.push(sleeper.into_waker());
        }
        if self.congestion.dropped() != dropped {
            self.lagging = Some(key);
        }
        if receiver.staged.capacity() > 2 * KEPT_STAGED {
            receiver.staged.shrink_to(KEPT_STAGED);
        }
        if receiver.fresh_at.is_none() {
            receiver.fresh_at = Some(self.fresh.len());
            self.fresh.push(key);
        }
        if self.congestion.total().is_some() && receiver.holding_at.is_none() {
            receiver.holding_at = Some(self.holding.len());
            self.holding.push(key);
        }
    }

    /// Holds what all queues have together to its bound.
    fn bound(&mut self) {
        let congestion = self.congestion.clone();
        let Some(total) = congestion.total() else { return };
        if total.held().saturating_add(self.pinned()) > total.most() {
            self.settle();
        }
        if total.drops() {
            self.shed(total);
        } else {
            congestion.wait_if_full();
        }
    }

    /// If all queues together hold too much, those that hold most lose their oldest events, down to a
    /// common level. A little more goes than must, so that not every batch has to look at all queues.
    fn shed(&mut self, total: &Total) {
        if total.held() <= total.most() {
            return;
        }
        let slab = &mut self.slab;
        let mut holders = Vec::new();
        for key in self.holding.drain(..) {
            let receiver = &mut slab[key];
            let bytes = receiver.queue.counted();
            receiver.holding_at = (bytes > 0).then_some(holders.len());
            if bytes > 0 {
                holders.push((bytes, key));
            }
        }
        self.holding.extend(holders.iter().map(|(_, key)| *key));
        holders.sort_unstable_by(|one, other| other.cmp(one));
        let level = level(&holders, total.most() - total.most() / 16);
        for (_, key) in holders.iter().take_while(|(bytes, _)| *bytes > level) {
            slab[*key].queue.shed(level);
            self.lagging = Some(*key);
        }
    }
}

/// The level that holders, the largest first, must come down to so that they hold no more than this
/// together.
fn level(holders: &[(usize, usize)], most: usize) -> usize {
    let mut held: usize = holders.iter().map(|(bytes, _)| bytes).sum();
    for (index, (bytes, _)) in holders.iter().enumerate() {
        let (count, excess) = (index + 1, held.saturating_sub(most));
        let next = holders.get(count).map_or(0, |(bytes, _)| *bytes);
        if excess <= (bytes - next) * count {
            return bytes - excess.div_ceil(count);
        }
        held -= (bytes - next) * count;
    }
    0
}

#[cfg(test)]
mod tests;
