//! A future with a deadline.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use pushest_proto::Instant;

use crate::unstable::traits::Runtime;

/// Waits for the future, at most until the deadline; `None` after that.
pub(crate) async fn within<R: Runtime, F: Future>(
    runtime: &R,
    deadline: Instant,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut sleep = pin!(None);
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        loop {
            if sleep.is_none() {
                sleep.set(Some(runtime.sleep_until(deadline)));
            }
            let slept = sleep.as_mut().as_pin_mut().expect("it was just set").poll(context);
            if slept.is_pending() {
                return Poll::Pending;
            }
            // A sleep may end early.
            sleep.set(None);
            if runtime.now() >= deadline {
                return Poll::Ready(None);
            }
        }
    })
    .await
}
