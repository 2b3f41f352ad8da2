//! A bounded number of places for calls, and what the next call can go on with.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::idle::{self, Keeps};
use crate::sync::{Mutex, MutexGuard};

/// A lane is left for no longer: no clock overflows within it.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Places for calls in flight, and lanes that earlier calls have left, each for a time. Calls that wait get
/// a place in the order in which they came; one that gives up waiting leaves nothing behind.
pub struct Pool<L: Send + 'static> {
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
    lanes: Vec<Left<L>>,
    /// When it is looked at whether one of them is due ([`idle`]), or earlier; `None` if it is not.
    watched: Option<Instant>,
}

/// A lane that was left.
struct Left<L> {
    lane: L,
    /// When it is due to be closed.
    due: Instant,
}

impl<L: Send + 'static> Pool<L> {
    /// Creates a pool with this many places.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        let (waiting, given, lanes) = (VecDeque::new(), Vec::new(), Vec::new());
        let state = State { taken: 0, last_number: 0, waiting, given, lanes, watched: None };
        Arc::new(Self { most, state: Mutex::new(state) })
    }

    /// Waits for a place. Cancel safe.
    pub async fn place(self: &Arc<Self>) -> Place<'_, L> {
        let mut waiting = Waiting { pool: self, number: None };
        poll_fn(|context| waiting.poll(context)).await;
        Place { pool: self, left: None }
    }

    fn lock(&self) -> MutexGuard<'_, State<L>> {
        // What is behind it is whole at all times.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the lanes looked at when one is due.
    fn watch(self: &Arc<Self>, due: Instant) {
        let this: Weak<Self> = Arc::downgrade(self);
        if let Err(error) = idle::WATCH.watch(this, due) {
            tracing::debug!(target: "pushest", %error, "no thread, so that no connection is kept");
            let mut state = self.lock();
            state.watched = None;
            let lanes = std::mem::take(&mut state.lanes);
            drop(state);
            drop(lanes);
        }
    }
}

impl<L: Send + 'static> Keeps for Pool<L> {
    fn close_due(&self, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        let closed: Vec<_> = state.lanes.extract_if(.., |left| left.due <= now).collect();
        state.watched = state.lanes.iter().map(|left| left.due).min();
        let next = state.watched;
        drop(state);
        drop(closed);
        next
    }
}

impl<L: Send + 'static> Drop for Pool<L> {
    fn drop(&mut self) {
        if self.lock().watched.is_some() {
            idle::WATCH.forget();
        }
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
struct Waiting<'a, L: Send + 'static> {
    pool: &'a Arc<Pool<L>>,
    /// Its number among those that wait; `None` before it waits and once it has a place.
    number: Option<u64>,
}

impl<L: Send + 'static> Waiting<'_, L> {
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

impl<L: Send + 'static> Drop for Waiting<'_, L> {
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
pub struct Place<'a, L: Send + 'static> {
    pool: &'a Arc<Pool<L>>,
    left: Option<Left<L>>,
}

impl<L: Send + 'static> Place<'_, L> {
    /// Takes the lane that was left last, of those that `fits` lets pass.
    pub fn lane(&mut self, fits: impl Fn(&L) -> bool) -> Option<L> {
        let mut state = self.pool.lock();
        let at = state.lanes.iter().rposition(|left| fits(&left.lane))?;
        Some(state.lanes.remove(at).lane)
    }

    /// Leaves a lane for the next call, for at most this time: then it is closed, whether a call is made or
    /// not.
    pub fn leave(&mut self, lane: L, time: Duration) {
        self.left = Some(Left { lane, due: Instant::now() + time.min(LONGEST) });
    }

    /// Closes what other calls have left.
    pub fn close_idle(&self) {
        let lanes = std::mem::take(&mut self.pool.lock().lanes);
        drop(lanes);
    }
}

impl<L: Send + 'static> Drop for Place<'_, L> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        let due = self.left.as_ref().map(|left| left.due);
        state.lanes.extend(self.left.take());
        // Of other event loops there may be some that no call takes.
        let is_over = state.lanes.len() > self.pool.most;
        let oldest = is_over.then(|| state.lanes.remove(0));
        // Mostly it is: the thread looks again at whatever was used meanwhile.
        let due = due.filter(|due| state.watched.is_none_or(|watched| *due < watched));
        state.watched = due.or(state.watched);
        let next = state.give();
        drop(state);
        drop(oldest);
        if let Some(next) = next {
            next.wake();
        }
        if let Some(due) = due {
            self.pool.watch(due);
        }
    }
}

impl<L: Send + 'static> fmt::Debug for Pool<L> {
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

impl<L: Send + 'static> fmt::Debug for Place<'_, L> {
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
            here.leave(lane, Duration::from_secs(3600));
        }
        let mut here = place();
        assert_eq!(here.lane(|_| true), Some(3));
        assert_eq!(here.lane(|lane| *lane == 2), Some(2));
        assert_eq!(here.lane(|_| true), None, "the oldest one has made room");
    }

    #[test]
    fn a_lane_is_closed_when_it_is_due_although_no_call_is_made() {
        let pool = Pool::new(4);
        let place = || match polled(pin!(pool.place()), &Arc::default()) {
            Poll::Ready(place) => place,
            Poll::Pending => panic!("it is free"),
        };
        let lanes: [Arc<()>; 3] = Default::default();
        let times = [Duration::MAX, Duration::from_millis(30), Duration::from_millis(10)];
        let places: Vec<_> = lanes.iter().map(|lane| (place(), lane.clone())).collect();
        for ((mut here, lane), time) in places.into_iter().zip(times) {
            here.leave(lane, time);
        }
        let begun = Instant::now();
        while lanes.iter().map(Arc::strong_count).sum::<usize>() > 4 {
            assert!(begun.elapsed() < Duration::from_secs(20), "they are never closed");
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(lanes.each_ref().map(Arc::strong_count), [2, 1, 1]);
        place().close_idle();
        assert_eq!(Arc::strong_count(&lanes[0]), 1);
    }
}
