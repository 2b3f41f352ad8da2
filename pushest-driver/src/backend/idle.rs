//! Closing connections that were kept for a next call that does not come.
//!
//! The calls themselves close what has become too old, so that this is for the time after the last
//! one. It is one thread for the whole process, which sleeps until the first connection is due: it needs
//! no event loop, which may stand still, or belong to threads that have none. There is no thread, and no
//! timer, where nothing is kept; where the thread cannot be started, nothing is kept.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Instant;

/// What keeps connections.
pub(super) trait Keeps: Send + Sync {
    /// Closes those that are due. Returns when the next one is; `None` if none is kept.
    fn close_due(&self, now: Instant) -> Option<Instant>;
}

/// The thread of the process.
pub(super) static WATCH: Watch = Watch::new("pushest-idle");

/// Looks at what keeps connections, when the first of them is due.
pub(super) struct Watch {
    name: &'static str,
    state: Mutex<State>,
    has_news: Condvar,
}

struct State {
    /// Each once, and when it is to be looked at.
    watched: Vec<(Weak<dyn Keeps>, Instant)>,
    has_thread: bool,
}

impl Watch {
    pub(super) const fn new(name: &'static str) -> Self {
        let state = State { watched: Vec::new(), has_thread: false };
        Self { name, state: Mutex::new(state), has_news: Condvar::new() }
    }

    /// Looks at it at this time, or earlier, and then for as long as it keeps something.
    ///
    /// # Errors
    /// The system's, if there is no thread.
    pub(super) fn watch(&'static self, keeps: Weak<dyn Keeps>, due: Instant) -> io::Result<()> {
        let mut state = self.lock();
        if !state.has_thread {
            // It waits for the lock.
            let thread = thread::Builder::new().name(self.name.to_string());
            thread.spawn(|| self.run())?;
            state.has_thread = true;
        }
        state.add(keeps, due);
        drop(state);
        self.has_news.notify_one();
        Ok(())
    }

    /// Forgets what is gone.
    pub(super) fn forget(&self) {
        // Under the lock: the thread is not between its look and its sleep.
        let state = self.lock();
        self.has_news.notify_one();
        drop(state);
    }

    /// Runs on the thread until there is nothing to be looked at.
    fn run(&self) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let due = state.take_due(now);
            if !due.is_empty() {
                drop(state);
                let again: Vec<_> = due.into_iter().filter_map(|keeps| look(keeps, now)).collect();
                state = self.lock();
                again.into_iter().for_each(|(keeps, due)| state.add(keeps, due));
                continue;
            }
            let Some(next) = state.watched.iter().map(|(_, due)| *due).min() else {
                state.has_thread = false;
                return;
            };
            let waited = self.has_news.wait_timeout(state, next.saturating_duration_since(now));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at what is due. Without the lock: connections are closed here, and the last handle to them may
/// be this one.
fn look(keeps: Weak<dyn Keeps>, now: Instant) -> Option<(Weak<dyn Keeps>, Instant)> {
    let kept = keeps.upgrade()?;
    // What panics in it, such as a configuration of TLS of the user's, ends no other one.
    let next = catch_unwind(AssertUnwindSafe(|| {
        let next = kept.close_due(now);
        drop(kept);
        next
    }));
    Some((keeps, next.ok()??))
}

impl State {
    fn add(&mut self, keeps: Weak<dyn Keeps>, due: Instant) {
        match self.watched.iter_mut().find(|(other, _)| other.ptr_eq(&keeps)) {
            Some((_, other)) => *other = due.min(*other),
            None => self.watched.push((keeps, due)),
        }
    }

    /// Takes out what is due, and drops what is gone.
    fn take_due(&mut self, now: Instant) -> Vec<Weak<dyn Keeps>> {
        self.watched.retain(|(keeps, _)| keeps.strong_count() > 0);
        let due = self.watched.extract_if(.., |(_, due)| *due <= now);
        due.map(|(keeps, _)| keeps).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);
    const HOUR: Duration = Duration::from_secs(3600);

    /// Keeps as many connections as it has times.
    struct Kept(Mutex<Vec<Instant>>);

    impl Kept {
        fn new(times: impl IntoIterator<Item = Duration>) -> Arc<Self> {
            let now = Instant::now();
            Arc::new(Self(Mutex::new(times.into_iter().map(|time| now + time).collect())))
        }

        fn count(&self) -> usize {
            self.0.lock().unwrap().len()
        }
    }

    impl Keeps for Kept {
        fn close_due(&self, now: Instant) -> Option<Instant> {
            let mut times = self.0.lock().unwrap();
            times.retain(|due| *due > now);
            times.iter().copied().min()
        }
    }

    fn watch(watch: &'static Watch, kept: &Arc<Kept>) {
        let due = kept.0.lock().unwrap().iter().copied().min().unwrap();
        let kept: Weak<Kept> = Arc::downgrade(kept);
        watch.watch(kept, due).unwrap();
    }

    fn eventually(what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "{what}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn what_is_due_is_closed_one_after_the_other_and_then_the_thread_ends() {
        static WATCH: Watch = Watch::new("test-due");
        let kept = Kept::new([20, 40, 60].map(Duration::from_millis));
        let begun = Instant::now();
        watch(&WATCH, &kept);
        eventually("all are due", || kept.count() == 0);
        assert!(begun.elapsed() >= Duration::from_millis(60));
        eventually("there is nothing to wait for", || !WATCH.lock().has_thread);
        assert!(WATCH.lock().watched.is_empty());
    }

    #[test]
    fn what_is_due_earlier_than_all_others_is_not_kept_waiting() {
        static WATCH: Watch = Watch::new("test-earlier");
        let (late, early) = (Kept::new([HOUR]), Kept::new([Duration::from_millis(20)]));
        watch(&WATCH, &late);
        watch(&WATCH, &early);
        eventually("it is due", || early.count() == 0);
        assert_eq!(late.count(), 1);
        // One that comes again is watched once.
        watch(&WATCH, &late);
        assert_eq!(WATCH.lock().watched.len(), 1);
        drop(late);
        WATCH.forget();
        eventually("nothing is left", || !WATCH.lock().has_thread);
    }

    #[test]
    fn the_thread_ends_with_the_last_one_that_keeps_something() {
        static WATCH: Watch = Watch::new("test-end");
        let (first, second) = (Kept::new([HOUR]), Kept::new([HOUR]));
        watch(&WATCH, &first);
        watch(&WATCH, &second);
        drop(first);
        WATCH.forget();
        eventually("what is gone is forgotten", || WATCH.lock().watched.len() == 1);
        assert!(WATCH.lock().has_thread);
        drop(second);
        WATCH.forget();
        eventually("nothing is left", || !WATCH.lock().has_thread);
    }

    #[test]
    fn one_that_panics_ends_no_other_one() {
        struct Panics;
        impl Keeps for Panics {
            fn close_due(&self, _: Instant) -> Option<Instant> {
                panic!("expected: the test panics here");
            }
        }
        static WATCH: Watch = Watch::new("test-panic");
        let panics: Arc<dyn Keeps> = Arc::new(Panics);
        WATCH.watch(Arc::downgrade(&panics), Instant::now()).unwrap();
        let kept = Kept::new([Duration::from_millis(20)]);
        watch(&WATCH, &kept);
        eventually("it is due", || kept.count() == 0);
    }
}
