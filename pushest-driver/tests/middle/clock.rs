//! A clock that only the test moves, and the timers on it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pushest_driver::proto::Instant;

use super::world::{Call, World};

/// All clones are the same clock.
#[derive(Clone, Default)]
pub(super) struct Clock(Arc<Mutex<Time>>);

#[derive(Default)]
struct Time {
    now: Instant,
    timers: BTreeMap<u64, Timer>,
    last_key: u64,
    ends_early: bool,
}

struct Timer {
    until: Instant,
    waker: Option<Waker>,
}

impl Clock {
    pub(super) fn now(&self) -> Instant {
        self.lock().now
    }

    /// Moves the clock, and wakes the timers that are then over.
    pub(super) fn advance(&self, by: Duration) {
        let mut time = self.lock();
        time.now += by;
        let now = time.now;
        let due = time.timers.values_mut().filter(|timer| timer.until <= now);
        let wakers: Vec<_> = due.filter_map(|timer| timer.waker.take()).collect();
        drop(time);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How long until the first timer that is waited for.
    pub(super) fn next(&self) -> Option<Duration> {
        let time = self.lock();
        let waited = time.timers.values().filter(|timer| timer.waker.is_some());
        let next = waited.map(|timer| timer.until).min()?;
        Some(next.saturating_duration_since(time.now))
    }

    /// How many timers there are.
    pub(super) fn timers(&self) -> usize {
        self.lock().timers.len()
    }

    /// Lets timers that are made from here on end early, as a runtime's may.
    pub(super) fn end_early(&self) {
        self.lock().ends_early = true;
    }

    pub(super) fn sleep_until(&self, world: World, deadline: Instant) -> Sleep {
        let mut time = self.lock();
        let early = deadline.saturating_duration_since(time.now) / 2;
        let until = if time.ends_early && early > Duration::from_millis(50) {
            time.now + early
        } else {
            deadline
        };
        time.last_key += 1;
        let key = time.last_key;
        time.timers.insert(key, Timer { until, waker: None });
        drop(time);
        Sleep { clock: self.clone(), world, key }
    }

    fn lock(&self) -> MutexGuard<'_, Time> {
        self.0.lock().expect("nothing in here panics")
    }
}

/// One timer. It is gone from the clock when it is dropped.
pub(super) struct Sleep {
    clock: Clock,
    world: World,
    key: u64,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.world.called(Call::Sleep);
        let mut time = self.clock.lock();
        let now = time.now;
        let timer = time.timers.get_mut(&self.key).expect("it is there until this is dropped");
        if timer.until <= now {
            return Poll::Ready(());
        }
        let former = timer.waker.replace(context.waker().clone());
        drop(time);
        drop(former);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let timer = self.clock.lock().timers.remove(&self.key);
        drop(timer);
        self.world.called(Call::Dropped("sleep"));
    }
}
