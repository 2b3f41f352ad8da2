//! Waiting for the server to have seen something, without sleeping.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{TimedOut, View};

/// A condition on what the server has seen: it completes once that holds, and stays so.
///
/// A future for async tests (of any runtime: put your runtime's timeout around it), and
/// [`wait`](Self::wait) for blocking ones. A blocking wait on a runtime's only thread would keep
/// that runtime's own clients from making progress.
#[derive(Debug)]
#[must_use = "it does nothing unless waited for"]
pub struct Until {
    signal: Arc<Signal>,
    wanted: String,
}

#[derive(Debug, Default)]
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_done: bool,
    waker: Option<Waker>,
}

/// A condition that the loop looks at after every turn.
pub(super) struct Waiter {
    condition: Box<dyn FnMut(&View<'_>) -> bool + Send>,
    /// Dead once the waiter is dropped.
    signal: Weak<Signal>,
}

/// Returns an [`Until`] and the loop's side of it.
pub(super) fn pair(
    wanted: String,
    condition: impl FnMut(&View<'_>) -> bool + Send + 'static,
) -> (Until, Waiter) {
    let signal = Arc::new(Signal::default());
    let waiter = Waiter { condition: Box::new(condition), signal: Arc::downgrade(&signal) };
    (Until { signal, wanted }, waiter)
}

impl Until {
    /// Blocks until the condition is met.
    ///
    /// # Errors
    /// After `timeout`.
    pub fn wait(&self, timeout: Duration) -> Result<(), TimedOut> {
        let state = self.signal.lock();
        let (state, _) = self
            .signal
            .changed
            .wait_timeout_while(state, timeout, |state| !state.is_done)
            .unwrap_or_else(PoisonError::into_inner);
        if state.is_done {
            return Ok(());
        }
        Err(TimedOut {
            wanted: self.wanted.clone(),
            found: "it has not come to that".into(),
            waited: timeout,
        })
    }
}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.signal.lock();
        if state.is_done {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves nothing half-done here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Whether it can be dropped: the condition is met, or the waiter is gone.
    pub(super) fn check(&mut self, view: &View<'_>) -> bool {
        let Some(signal) = self.signal.upgrade() else {
            return true;
        };
        if !(self.condition)(view) {
            return false;
        }
        let mut state = signal.lock();
        state.is_done = true;
        let waker = state.waker.take();
        drop(state);
        signal.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Waiter").finish_non_exhaustive()
    }
}
