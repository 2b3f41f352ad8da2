//! Threads for work that blocks and that nothing can end: a bounded number for the whole process,
//! however many clients there are and however long the work hangs.
//!
//! Work waits in lanes, one for each thing that it is about (a host, an endpoint). One lane can
//! never hold all threads, so that a thing that hangs leaves some of them to the others, and the
//! lane that holds the fewest is served first. Threads start when work needs them, and end when
//! there is none. They are detached: no process waits for them when it ends.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::unblocked::{Answer, slot};

/// How long a thread without work waits for more before it ends.
const IDLE: Duration = Duration::from_secs(1);

/// A bounded number of threads.
pub(crate) struct Threads {
    name: &'static str,
    /// Maximum number of threads.
    most: usize,
    /// Maximum number of threads that work for one lane.
    most_of_one: usize,
    state: Mutex<State>,
    has_work: Condvar,
}

/// The work, which is told that it runs, or why there is no thread for it.
type Work = Box<dyn FnOnce(io::Result<()>) + Send>;

struct State {
    lanes: BTreeMap<String, Lane>,
    last_number: u64,
    threads: usize,
    /// Threads that wait for work.
    idle: usize,
}

#[derive(Default)]
struct Lane {
    running: usize,
    /// By number, and so by age.
    waiting: BTreeMap<u64, Work>,
}

impl Threads {
    pub(crate) const fn new(name: &'static str, most: usize, most_of_one: usize) -> Self {
        let state = State { lanes: BTreeMap::new(), last_number: 0, threads: 0, idle: 0 };
        Self { name, most, most_of_one, state: Mutex::new(state), has_work: Condvar::new() }
    }

    /// Runs work that may block, as soon as a thread is free for what it is about. The future
    /// completes with what it returned, with the system's error if no thread could be started, or
    /// with `None` if it panicked. Dropping the future takes work that has not begun out of the queue.
    pub(crate) fn run<T, F>(&'static self, about: &str, work: F) -> Running<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (worker, answer) = slot();
        let work = move |started: io::Result<()>| worker.finish(started.map(|()| work()));
        let number = self.submit(about, Box::new(work));
        Running { answer, threads: self, about: about.to_string(), number }
    }

    fn submit(&'static self, about: &str, work: Work) -> u64 {
        let mut state = self.lock();
        state.last_number += 1;
        let number = state.last_number;
        state.lanes.entry(about.to_string()).or_default().waiting.insert(number, work);
        // A thread that was just woken still counts as idle, and takes one piece of work only.
        let needs_thread = state.ready(self.most_of_one) > state.idle && state.threads < self.most;
        state.threads += usize::from(needs_thread);
        drop(state);
        if !needs_thread {
            self.has_work.notify_one();
        } else if let Err(error) = self.start() {
            let mut state = self.lock();
            state.threads -= 1;
            // Those that there are will come to it.
            let is_refused = state.threads == 0;
            let refused = if is_refused { state.remove(about, number) } else { None };
            drop(state);
            if let Some(work) = refused {
                work(Err(error));
            }
        }
        number
    }

    fn start(&'static self) -> io::Result<()> {
        let thread = std::thread::Builder::new().name(self.name.to_string());
        thread.spawn(|| self.work()).map(drop)
    }

    /// Runs on a thread until there is no more work.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some((about, work)) = state.take(self.most_of_one) {
                drop(state);
                // The work's future learns of a panic, and the thread is needed for others.
                let _ = catch_unwind(AssertUnwindSafe(|| work(Ok(()))));
                state = self.lock();
                state.finish(&about);
                continue;
            }
            state.idle += 1;
            let waited = self.has_work.wait_timeout(state, IDLE);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            if timeout.timed_out() && state.ready(self.most_of_one) == 0 {
                state.threads -= 1;
                return;
            }
        }
    }

    /// Takes work that has not begun out of the queue.
    fn cancel(&self, about: &str, number: u64) {
        let mut state = self.lock();
        let cancelled = state.remove(about, number);
        drop(state);
        // It may hold what is the user's, which may call back when it is dropped.
        drop(cancelled);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns how many pieces of work could begin, were there threads for all of them.
    fn ready(&self, most_of_one: usize) -> usize {
        let ready = |lane: &Lane| lane.waiting.len().min(most_of_one - lane.running);
        self.lanes.values().map(ready).sum()
    }

    /// The oldest work of the lane that holds the fewest threads; of several such lanes, of the one
    /// that has waited the longest.
    fn take(&mut self, most_of_one: usize) -> Option<(String, Work)> {
        let lanes = self.lanes.iter_mut().filter(|(_, lane)| lane.running < most_of_one);
        let waiting = lanes.filter_map(|(about, lane)| {
            let oldest = *lane.waiting.first_key_value()?.0;
            Some(((lane.running, oldest), about, lane))
        });
        let (_, about, lane) = waiting.min_by_key(|(rank, _, _)| *rank)?;
        let (_, work) = lane.waiting.pop_first()?;
        lane.running += 1;
        Some((about.clone(), work))
    }

    fn finish(&mut self, about: &str) {
        if let Some(lane) = self.lanes.get_mut(about) {
            lane.running -= 1;
        }
        self.forget(about);
    }

    fn remove(&mut self, about: &str, number: u64) -> Option<Work> {
        let work = self.lanes.get_mut(about)?.waiting.remove(&number);
        self.forget(about);
        work
    }

    /// Drops a lane with nothing in it.
    fn forget(&mut self, about: &str) {
        if self.lanes.get(about).is_some_and(|lane| lane.running == 0 && lane.waiting.is_empty()) {
            self.lanes.remove(about);
        }
    }
}

/// Work that waits for a thread, or runs on one.
pub(crate) struct Running<T> {
    answer: Answer<io::Result<T>>,
    threads: &'static Threads,
    about: String,
    number: u64,
}

impl<T> Future for Running<T> {
    type Output = Option<io::Result<T>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context)
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.threads.cancel(&self.about, self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::task::Waker;
    use std::time::Instant;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Waits for the future; its answer comes from another thread.
    fn wait<T>(running: &mut Running<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let context = &mut Context::from_waker(Waker::noop());
            if let Poll::Ready(answer) = Pin::new(&mut *running).poll(context) {
                return answer.map(|done| done.expect("a thread"));
            }
            assert!(Instant::now() < deadline, "it never completes");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Work that says that it has begun, and then hangs until the sender is dropped.
    fn hanging(
        threads: &'static Threads,
        about: &str,
    ) -> (mpsc::Receiver<()>, mpsc::Sender<()>, Running<()>) {
        let ((began, begins), (release, released)) = (mpsc::channel(), mpsc::channel::<()>());
        let running = threads.run(about, move || {
            // The test may have stopped listening.
            let _ = began.send(());
            let _ = released.recv();
        });
        (begins, release, running)
    }

    #[test]
    fn one_thing_that_hangs_leaves_threads_to_the_others_and_the_bound_holds() {
        static THREADS: Threads = Threads::new("test-bound", 3, 2);
        let hang: Vec<_> = (0..20).map(|_| hanging(&THREADS, "hangs")).collect();
        for (begins, _, _) in &hang[..2] {
            begins.recv_timeout(PATIENCE).expect("it begins");
        }
        for number in 0..20 {
            assert_eq!(wait(&mut THREADS.run("good", move || number)), Some(number));
        }
        let state = THREADS.lock();
        assert!(state.threads <= 3, "{}", state.threads);
        assert_eq!(state.lanes["hangs"].waiting.len(), 18);
    }

    #[test]
    fn the_one_that_holds_the_fewest_threads_is_served_first() {
        static THREADS: Threads = Threads::new("test-order", 2, 2);
        let first = hanging(&THREADS, "busy");
        let second = hanging(&THREADS, "busy");
        for (begins, _, _) in [&first, &second] {
            begins.recv_timeout(PATIENCE).expect("it begins");
        }
        let (told, tells) = mpsc::channel();
        let say = |word: &'static str| {
            let told = told.clone();
            move || told.send(word).expect("the test listens")
        };
        let queue = [
            THREADS.run("busy", say("busy")),
            THREADS.run("busy", say("busy")),
            THREADS.run("other", say("other")),
        ];
        drop(first.1);
        assert_eq!(tells.recv_timeout(PATIENCE), Ok("other"));
        drop(second.1);
        drop(queue);
    }

    #[test]
    fn what_is_given_up_before_it_began_never_runs() {
        static THREADS: Threads = Threads::new("test-cancel", 1, 1);
        let (begins, release, mut running) = hanging(&THREADS, "one");
        begins.recv_timeout(PATIENCE).expect("it begins");
        drop(THREADS.run("one", || panic!("nobody waits for it")));
        let mut last = THREADS.run("one", || 7);
        drop(release);
        assert_eq!((wait(&mut running), wait(&mut last)), (Some(()), Some(7)));
    }

    #[test]
    fn a_panic_costs_one_answer_and_no_thread_stays_without_work() {
        static THREADS: Threads = Threads::new("test-panic", 1, 1);
        let mut panics = THREADS.run("one", || panic!("expected: the test panics here"));
        assert_eq!(wait::<()>(&mut panics), None);
        assert_eq!(wait(&mut THREADS.run("one", || 7)), Some(7));
        let deadline = Instant::now() + PATIENCE;
        while THREADS.lock().threads > 0 {
            assert!(Instant::now() < deadline, "a thread stays");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(THREADS.lock().lanes.is_empty());
    }
}
