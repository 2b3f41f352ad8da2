//! Waiting in a thread for what the loop does in another.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use pushest_driver::{CommandError, NotConnected, SubscriptionError};

use crate::carrier::is_carried_here;
use crate::reactor::LoopId;

/// Waits for the future's answer, at most for `limit`. `None`, too, if this is the thread that carries
/// the loop from which the answer would have to come, and it is not there yet.
pub(crate) fn wait_for_on<F: Future>(
    carried_by: LoopId,
    future: F,
    limit: Option<Duration>,
) -> Option<F::Output> {
    let is_vain = is_carried_here(carried_by);
    wait_for(future, if is_vain { Some(Duration::ZERO) } else { limit })
}

/// Waits for a subscription.
pub(crate) fn subscribed(
    carried_by: LoopId,
    subscribed: pushest_driver::Subscribed,
) -> Result<(), SubscriptionError> {
    let subscribed = wait_for_on(carried_by, subscribed, None);
    subscribed.unwrap_or(Err(SubscriptionError::NotConnected(NotConnected::OwnThread)))
}

/// Waits until a client event may be sent; on the thread of the loop, sends it now or says why not.
pub(crate) fn triggered(
    carried_by: LoopId,
    when_allowed: impl Future<Output = Result<(), CommandError>>,
    now: impl FnOnce() -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    wait_for_on(carried_by, when_allowed, None).unwrap_or_else(now)
}

/// Waits for the future's answer, at most for `limit`.
pub(crate) fn wait_for<F: Future>(future: F, limit: Option<Duration>) -> Option<F::Output> {
    let mut future = pin!(future);
    THIS.with(|waker| {
        let context = &mut Context::from_waker(waker);
        // What is there already needs no clock.
        if let Poll::Ready(answer) = future.as_mut().poll(context) {
            return Some(answer);
        }
        if limit == Some(Duration::ZERO) {
            return None;
        }
        // One that is too far away to be said is none.
        let until = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return None,
                Some(remaining) => thread::park_timeout(remaining),
            }
            if let Poll::Ready(answer) = future.as_mut().poll(context) {
                return Some(answer);
            }
        }
    })
}

/// Waits for as long as it takes.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    wait_for(future, None).expect("without a limit there is an answer")
}

thread_local! {
    static THIS: Waker = Waker::from(Arc::new(Unpark(thread::current())));
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
