//! A bounded number of places for calls, and what the next call can go on with.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, MutexGuard};

/// Places for calls in flight, and lanes that earlier calls have left. Calls that wait get a place
/// in the order in which they came; one that gives up waiting leaves nothing behind.
pub struct Pool<L> {
    most: usize,
    state: Mutex<State<L>>,
}

struct State<L> {
    /// The places that are taken, and those that were given to a call that has not looked yet.
    taken: usize,
    last_number: u64,
    /// By number, and so by age.
    waiting: VecDeque<(u64, Waker)>,
    /// The numbers of those that have a place and have not looked yet.
    given: Vec<u64>,
    /// The one that was left last is the last one.
    lanes: Vec<L>,
}

impl<L> Pool<L> {
    /// Creates a pool with this many places.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let (waiting, given, lanes) = (VecDeque::new(), Vec::new(), Vec::new());
        Self { most, state: Mutex::new(State { taken: 0, last_number: 0, waiting, given, lanes }) }
    }

    /// Waits for a place. Cancel safe.
    pub async fn place(&self) -> Place<'_, L> {
        let mut waiting = Waiting { pool: self, number: None };
        poll_fn(|context| waiting.poll(context)).await;
        Place { pool: self, left: None }
    }

    fn lock(&self) -> MutexGuard<'_, State<L>> {
        // What is behind it is whole at all times.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L> State<L> {
    /// Gives a place that became free to the one that has waited longest, whether it looks soon or not:
    /// the others do not wait for it. Returns its waker.
    fn give(&mut self) -> Option<Waker> {
        let Some((number, waker)) = self.waiting.pop_front() else {
            self.taken -= 1;
            return None;
        };
        self.given.push(number);
        Some(waker)
    }

    /// Takes the place that was given to this number, if one was.
    fn take(&mut self, number: u64) -> bool {
        let at = self.given.iter().position(|other| *other == number);
        at.map(|at| self.given.swap_remove(at)).is_some()
    }
}

/// One that waits for a place.
struct Waiting<'a, L> {
    pool: &'a Pool<L>,
    /// Its number among those that wait; `None` before it waits and once it has a place.
    number: Option<u64>,
}

impl<L> Waiting<'_, L> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // Cloned outside of the lock, and dropped there: it may run code of the user's.
        let mut waker = Some(context.waker().clone());
        let mut state = self.pool.lock();
        let has_place = match self.number {
            Some(number) => state.take(number),
            // While a call waits, all places are taken.
            None if state.taken < self.pool.most => {
                state.taken += 1;
                true
            }
            None => false,
        };
        if has_place {
            self.number = None;
            return Poll::Ready(());
        }
        match self.number {
            None => {
                state.last_number += 1;
                let number = state.last_number;
                state.waiting.extend(waker.take().map(|waker| (number, waker)));
                self.number = Some(number);
            }
            Some(number) => {
                let place = state.waiting.iter_mut().find(|(other, _)| *other == number);
                if let (Some(place), Some(waker)) = (place, &mut waker) {
                    std::mem::swap(&mut place.1, waker);
                }
            }
        }
        drop(state);
        Poll::Pending
    }
}

impl<L> Drop for Waiting<'_, L> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut state = self.pool.lock();
        // A place that it was given is the next one's.
        let next = if state.take(number) { state.give() } else { None };
        let at = state.waiting.iter().position(|(other, _)| *other == number);
        let given_up = at.and_then(|at| state.waiting.remove(at));
        drop(state);
        drop(given_up);
        if let Some(next) = next {
            next.wake();
        }
    }
}

/// A place, which is given back when it is dropped.
pub struct Place<'a, L> {
    pool: &'a Pool<L>,
    left: Option<L>,
}

impl<L> Place<'_, L> {
    /// Takes the lane that was left last, of those that `fits` lets pass.
    pub fn lane(&mut self, fits: impl Fn(&L) -> bool) -> Option<L> {
        let mut state = self.pool.lock();
        let at = state.lanes.iter().rposition(fits)?;
        Some(state.lanes.remove(at))
    }

    /// Leaves a lane for the next call.
    pub fn leave(&mut self, lane: L) {
        self.left = Some(lane);
    }
}

impl<L> Drop for Place<'_, L> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.lanes.extend(self.left.take());
        // Of other event loops there may be some that no call takes.
        let is_over = state.lanes.len() > self.pool.most;
        let oldest = is_over.then(|| state.lanes.remove(0));
        let next = state.give();
        drop(state);
        drop(oldest);
        if let Some(next) = next {
            next.wake();
        }
    }
}

impl<L> fmt::Debug for Pool<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Pool")
            .field("most", &self.most)
            .field("taken", &state.taken)
            .field("waiting", &state.waiting.len())
            .field("lanes", &state.lanes.len())
            .finish()
    }
}

impl<L> fmt::Debug for Place<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Polls a future once; whatever wakes it is counted.
    fn polled<F: Future>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Poll<F::Output> {
        let waker = Waker::from(wakes.clone());
        future.poll(&mut Context::from_waker(&waker))
    }

    fn count(wakes: &Wakes) -> usize {
        wakes.0.load(Ordering::SeqCst)
    }

    #[test]
    fn places_are_given_in_the_order_in_which_they_were_asked_for() {
        let pool = Pool::<u8>::new(1);
        let wakes: [Arc<Wakes>; 3] = Default::default();
        let mut first = pin!(pool.place());
        let Poll::Ready(place) = polled(first.as_mut(), &wakes[0]) else { panic!("it is free") };
        let (mut second, mut third) = (pin!(pool.place()), pin!(pool.place()));
        assert!(polled(second.as_mut(), &wakes[1]).is_pending());
        assert!(polled(third.as_mut(), &wakes[2]).is_pending());
        drop(place);
        assert_eq!((count(&wakes[1]), count(&wakes[2])), (1, 0));
        // Not even one that asks now is served before.
        assert!(polled(third.as_mut(), &wakes[2]).is_pending());
        assert!(polled(pin!(pool.place()), &wakes[0]).is_pending());
        let Poll::Ready(place) = polled(second.as_mut(), &wakes[1]) else { panic!("its turn") };
        drop(place);
        assert_eq!(count(&wakes[2]), 1);
        assert!(polled(third.as_mut(), &wakes[2]).is_ready());
    }

    #[test]
    fn one_that_gives_up_its_turn_leaves_it_to_the_next() {
        let pool = Pool::<u8>::new(1);
        let wakes: [Arc<Wakes>; 3] = Default::default();
        let mut first = pin!(pool.place());
        let Poll::Ready(place) = polled(first.as_mut(), &wakes[0]) else { panic!("it is free") };
        let mut second = Box::pin(pool.place());
        let mut third = pin!(pool.place());
        assert!(polled(second.as_mut(), &wakes[1]).is_pending());
        assert!(polled(third.as_mut(), &wakes[2]).is_pending());
        drop(place);
        drop(second);
        assert_eq!(count(&wakes[2]), 1);
        assert!(polled(third.as_mut(), &wakes[2]).is_ready());
        assert_eq!(pool.lock().taken, 0, "a place that is dropped is given back");
    }

    #[test]
    fn one_that_has_its_turn_and_does_not_look_holds_nobody_else_up() {
        let pool = Pool::<u8>::new(2);
        let wakes: [Arc<Wakes>; 3] = Default::default();
        let mut places = Vec::new();
        for _ in 0..2 {
            let Poll::Ready(place) = polled(pin!(pool.place()), &wakes[0]) else { panic!("free") };
            places.push(place);
        }
        let mut held = pin!(pool.place());
        assert!(polled(held.as_mut(), &wakes[1]).is_pending());
        places.clear();
        assert_eq!(count(&wakes[1]), 1);
        // It has one of the two places. The other is for the next one that asks.
        for _ in 0..3 {
            assert!(polled(pin!(pool.place()), &wakes[2]).is_ready());
        }
        assert!(polled(held.as_mut(), &wakes[1]).is_ready());
    }

    #[test]
    fn several_places_that_become_free_are_given_to_as_many() {
        let pool = Pool::<u8>::new(2);
        let wakes: [Arc<Wakes>; 2] = Default::default();
        let ready = |place: Poll<_>| match place {
            Poll::Ready(place) => place,
            Poll::Pending => panic!("it is free"),
        };
        let places = [
            ready(polled(pin!(pool.place()), &wakes[0])),
            ready(polled(pin!(pool.place()), &wakes[0])),
        ];
        let (mut third, mut fourth) = (pin!(pool.place()), pin!(pool.place()));
        assert!(polled(third.as_mut(), &wakes[0]).is_pending());
        assert!(polled(fourth.as_mut(), &wakes[1]).is_pending());
        drop(places);
        let _third = ready(polled(third.as_mut(), &wakes[0]));
        assert_eq!(count(&wakes[1]), 1, "there is another one");
        assert!(polled(fourth.as_mut(), &wakes[1]).is_ready());
    }

    #[test]
    fn the_lane_that_was_left_last_is_taken_first_and_they_are_bounded() {
        let pool = Pool::new(2);
        let place = || match polled(pin!(pool.place()), &Arc::default()) {
            Poll::Ready(place) => place,
            Poll::Pending => panic!("it is free"),
        };
        for lane in [1, 2, 3] {
            let mut here = place();
            assert_eq!(here.lane(|_| false), None);
            here.leave(lane);
        }
        let mut here = place();
        assert_eq!(here.lane(|_| true), Some(3));
        assert_eq!(here.lane(|lane| *lane == 2), Some(2));
        assert_eq!(here.lane(|_| true), None, "the oldest one has made room");
    }
}
