//! The receiver's end of a queue.

use std::sync::Arc;
use std::task::{Context, Poll};

use pushest_proto::Event;

use super::Queue;
use super::congestion::Relief;
use super::costs::cost;
use super::ring::Ring;
use super::sleeper::Sleeper;
use super::taken::{Taken, Unread};

/// Minimum number of events that are taken at one go.
const LEAST: usize = 2;

/// The same where some of them pin buffers. What was taken is copied no more, so that a few events, in
/// each of many queues, would keep a whole buffer each for as long as a receiver works on the first.
const LEAST_VIEWS: usize = 16;

/// What is taken at one go keeps at most this part of the queue's bytes alive: one in so many.
const PART: usize = 4;

/// The receiver's end of a queue.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(super) queue: Arc<Queue>,
    taken: Taken,
}

impl Reader {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, taken: Taken::default() }
    }

    /// Returns the next event, if no lock is needed for it: in a flood nearly always.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Event> {
        self.taken.next(&self.queue.count)
    }

    /// Receives the next event, or the end.
    pub(crate) fn poll_recv(&mut self, context: &mut Context<'_>) -> (Poll<Option<Event>>, Relief) {
        match self.next() {
            Some(event) => (Poll::Ready(Some(event)), Relief::None),
            None => self.queue.poll_recv(&mut self.taken, context),
        }
    }

    /// Forgets everything, as the receiver is gone.
    pub(crate) fn close(&mut self) -> Relief {
        self.queue.close(&mut self.taken)
    }

    /// Restricts the queue to channel events of this name and what may have cost some of them, among
    /// those that wait, too.
    pub(crate) fn keep_only(&mut self, name: &str) -> Relief {
        self.queue.keep_only(&mut self.taken, name)
    }
}

impl Queue {
    fn poll_recv(
        &self,
        taken: &mut Taken,
        context: &mut Context<'_>,
    ) -> (Poll<Option<Event>>, Relief) {
        let mut ring = self.lock();
        if let Some(ready) = self.receive(&mut ring, taken) {
            return ready;
        }
        if ring.sleeper.as_mut().is_some_and(|former| former.waits_again(context.waker())) {
            return (Poll::Pending, Relief::None);
        }
        drop(ring);
        // Cloning and dropping it may run code of the user's: not under the lock.
        let sleeper = Sleeper::new(context.waker().clone());
        let mut ring = self.lock();
        // An event between the two looks has woken no task.
        if let Some(ready) = self.receive(&mut ring, taken) {
            return ready;
        }
        let former = ring.sleeper.replace(sleeper);
        drop(ring);
        drop(former);
        (Poll::Pending, Relief::None)
    }

    /// Returns what there is to receive, if there is anything, or the end.
    fn receive(&self, ring: &mut Ring, taken: &mut Taken) -> Option<(Poll<Option<Event>>, Relief)> {
        if !taken.is_empty() {
            self.forget_dropped(ring, taken);
        }
        if ring.dropped > 0 {
            let dropped = std::mem::take(&mut ring.dropped);
            return Some((Poll::Ready(Some(Event::Lagged { dropped })), drained(ring)));
        }
        if let Some(event) = self.next(ring, taken) {
            let relief = self.relieve_if_half(ring);
            let relief = relief.or(drained(ring));
            if let Some(floor) = self.floor(ring, taken.len(), ring.len()) {
                // The rest without the lock.
                taken.open(&self.count, std::mem::take(&mut ring.taken), floor);
            }
            return Some((Poll::Ready(Some(event)), relief));
        }
        ring.is_ended.then_some((Poll::Ready(None), Relief::None))
    }

    /// Removes the next event: from what was taken, or from the ring, which is taken then if that is
    /// worth it. The count is closed after it.
    fn next(&self, ring: &mut Ring, taken: &mut Taken) -> Option<Event> {
        if taken.is_empty() {
            // It stands at nothing, or is closed: the pump cannot come between.
            self.count.stop();
            ring.taken = Unread::default();
            let least = if ring.pinned_by_views() > 0 { LEAST_VIEWS } else { LEAST };
            let is_worth_it = ring.len() >= least && self.floor(ring, ring.len() - 1, 0).is_some();
            if !is_worth_it || self.is_too_much(ring) {
                return ring.pop();
            }
            ring.taken = ring.move_to(taken);
        }
        let event = taken.pop()?;
        ring.taken.events -= 1;
        ring.taken.bytes -= cost(&event);
        Some(event)
    }

    /// Drops of what was taken what the pump has counted as dropped.
    fn forget_dropped(&self, ring: &mut Ring, taken: &mut Taken) {
        self.close_count(ring);
        ring.forget_dropped(taken);
    }

    /// Returns how many of the `taken` events, the latest, must be received under the lock, if not all; a
    /// number of others are `behind` them. While reading waits for room, that is from the event on that
    /// makes half of the queue free.
    fn floor(&self, ring: &Ring, taken: usize, behind: usize) -> Option<usize> {
        if self.is_counted || ring.is_draining {
            return None;
        }
        let half = (self.most_events / 2).saturating_sub(behind);
        let floor = if ring.is_full { half + 1 } else { 0 };
        (taken > floor).then_some(floor)
    }

    /// Returns whether what is here would keep too much alive, taken.
    fn is_too_much(&self, ring: &Ring) -> bool {
        let most = (self.most_bytes / PART).min(Unread::MOST_BYTES);
        ring.bytes().saturating_add(ring.pinned_by_views()) > most
    }

    fn close(&self, taken: &mut Taken) -> Relief {
        let mut ring = self.lock();
        self.close_count(&mut ring);
        let is_waited_for = ring.is_draining && ring.has_any();
        ring.is_ended = true;
        ring.taken = Unread::default();
        let relief = self.relieve(&mut ring);
        ring.dropped = 0;
        // Dropping these may take long, or run code of the user's: not under the lock.
        let gone = (ring.take(), taken.clear(), ring.sleeper.take());
        drop(ring);
        drop(gone);
        if is_waited_for { Relief::All } else { relief }
    }

    fn keep_only(&self, taken: &mut Taken, name: &str) -> Relief {
        let mut ring = self.lock();
        ring.only = Some(name.into());
        self.forget_dropped(&mut ring, taken);
        ring.taken = taken.retain(|event| ring.wants(event));
        for event in ring.take() {
            if ring.wants(&event) {
                ring.push(event);
            }
        }
        self.relieve_if_half(&mut ring).or(drained(&ring))
    }

    /// Lets reading go on once half of the queue is free, so that it does not stop and go with
    /// every event.
    fn relieve_if_half(&self, ring: &mut Ring) -> Relief {
        let events = ring.taken.events + ring.len();
        if events <= self.most_events / 2 && self.kept(ring) <= self.most_bytes / 2 {
            self.relieve(ring)
        } else {
            self.account(ring)
        }
    }
}

/// Wakes the pump that waits until the receiver has received everything.
fn drained(ring: &Ring) -> Relief {
    if ring.is_draining && !ring.has_any() { Relief::All } else { Relief::None }
}
