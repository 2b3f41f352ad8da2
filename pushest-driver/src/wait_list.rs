//! Lists of futures that wait for something, and of pings that wait for their answer.

use std::task::Waker;
use std::time::Duration;

use pushest_proto::Instant;
use slab::Slab;

use crate::error::FlushError;

/// Wakers of futures that wait for the same thing.
#[derive(Debug, Default)]
pub(crate) struct WaitList(Slab<Waiter>);

#[derive(Debug)]
struct Waiter {
    waker: Option<Waker>,
    deadline: Option<Instant>,
}

impl WaitList {
    /// Leaves a waker, in the place that the future had before if it had one. Returns the waker
    /// that was there: dropping a waker may run code of the user's, and so may cloning one, and
    /// neither may happen under the lock.
    pub(crate) fn leave(
        &mut self,
        place: &mut Option<usize>,
        waker: Waker,
        deadline: Option<Instant>,
    ) -> Option<Waker> {
        match place.and_then(|key| self.0.get_mut(key)) {
            Some(waiter) => {
                waiter.deadline = deadline;
                waiter.waker.replace(waker)
            }
            None => {
                *place = Some(self.0.insert(Waiter { waker: Some(waker), deadline }));
                None
            }
        }
    }

    /// Gives the place up. Returns the waker, for the same reason.
    pub(crate) fn remove(&mut self, place: usize) -> Option<Waker> {
        self.0.try_remove(place)?.waker
    }

    /// Takes all wakers.
    pub(crate) fn wake_all(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.0.iter_mut().filter_map(|(_, waiter)| waiter.waker.take()));
    }

    /// Takes the wakers whose deadline has come.
    pub(crate) fn wake_overdue(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        for (_, waiter) in &mut self.0 {
            if waiter.deadline.is_some_and(|deadline| deadline <= now) {
                // It will see by itself that its time is over.
                waiter.deadline = None;
                wakers.extend(waiter.waker.take());
            }
        }
    }

    /// Returns the earliest deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.0.iter().filter_map(|(_, waiter)| waiter.deadline).min()
    }
}

/// The answer to a ping, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) round_trip: Option<Result<Duration, FlushError>>,
    pub(crate) waker: Option<Waker>,
}
