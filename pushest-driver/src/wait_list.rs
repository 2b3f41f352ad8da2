//! Lists of futures that wait for something, and of pings that wait for their answer.

use std::task::Waker;
use std::time::Duration;

use pushest_proto::Instant;
use slab::Slab;

use crate::error::FlushError;

/// Wakers of futures that wait for the same thing. Each client and each channel has such lists, and mostly
/// no task waits: an empty list is `None`.
#[derive(Debug, Default)]
pub(crate) struct WaitList(Option<Box<Slab<Waiter>>>);

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
        let waiters = self.0.get_or_insert_default();
        match place.and_then(|key| waiters.get_mut(key)) {
            Some(waiter) => {
                waiter.deadline = deadline;
                waiter.waker.replace(waker)
            }
            None => {
                *place = Some(waiters.insert(Waiter { waker: Some(waker), deadline }));
                None
            }
        }
    }

    /// Gives the place up. Returns the waker, for the same reason.
    pub(crate) fn remove(&mut self, place: usize) -> Option<Waker> {
        let waiter = self.0.as_mut()?.try_remove(place)?;
        self.0.take_if(|waiters| waiters.is_empty());
        waiter.waker
    }

    /// Takes all wakers.
    pub(crate) fn wake_all(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.iter_mut().filter_map(|waiter| waiter.waker.take()));
    }

    /// Takes the wakers whose deadline has come.
    pub(crate) fn wake_overdue(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        for waiter in self.iter_mut() {
            if waiter.deadline.is_some_and(|deadline| deadline <= now) {
                // It will see by itself that its time is over.
                waiter.deadline = None;
                wakers.extend(waiter.waker.take());
            }
        }
    }

    /// Returns the earliest deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let waiters = self.0.iter().flat_map(|waiters| waiters.iter());
        waiters.filter_map(|(_, waiter)| waiter.deadline).min()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Waiter> {
        let waiters = self.0.iter_mut().flat_map(|waiters| waiters.iter_mut());
        waiters.map(|(_, waiter)| waiter)
    }
}

/// The answer to a ping, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) round_trip: Option<Result<Duration, FlushError>>,
    pub(crate) waker: Option<Waker>,
}
