//! A future with a deadline, and deadlines of parts.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use pushest_proto::Instant;

use crate::unstable::traits::Runtime;

/// Returns how long a proxy, or a connector, may take of the time that there is. The rest is left for
/// saying that it was silent, and not the server.
pub(crate) fn share(limit: Duration) -> Duration {
    limit / 10 * 9
}

/// Returns until when the first of several attempts may last, so that one that hangs leaves as much to
/// each of the others.
pub(crate) fn part(now: Instant, deadline: Instant, attempts: usize) -> Instant {
    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX).max(1);
    now + deadline.saturating_duration_since(now) / attempts
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_has_its_part_of_what_the_others_have_left() {
        let at = |millis| Instant::ORIGIN + Duration::from_millis(millis);
        assert_eq!(part(at(0), at(900), 3), at(300));
        // The first has failed at once, or hung.
        assert_eq!(part(at(0), at(900), 2), at(450));
        assert_eq!(part(at(300), at(900), 2), at(600));
        assert_eq!(part(at(600), at(900), 1), at(900));
        assert_eq!(part(at(900), at(900), 1), at(900));
        assert_eq!(part(at(901), at(900), 0), at(901));
    }
}
