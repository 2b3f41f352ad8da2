//! A waker for what a task polls together: what one part of it tells the other is heard in the same
//! poll, and wakes no task.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::park::Parking;
use crate::sync::AtomicWaker;

/// Turns before other tasks run.
const TURNS: usize = 8;

/// Polls parts that wake each other.
pub(super) struct Turns {
    wakes: Arc<Wakes>,
    /// Theirs; the same always, so that none of them has to remember another one.
    waker: Waker,
}

#[derive(Default)]
struct Wakes {
    parking: Parking,
    task: AtomicWaker,
}

impl Turns {
    pub(super) fn new() -> Self {
        let wakes = Arc::<Wakes>::default();
        Self { waker: wakes.clone().into(), wakes }
    }

    /// Takes turns until there is an output, or nothing to do before a wake from elsewhere.
    pub(super) fn poll<T>(
        &self,
        context: &mut Context<'_>,
        mut turn: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let Wakes { parking, task } = &*self.wakes;
        // Before the look, never after it: a wake between the two would be lost.
        task.register(context.waker());
        parking.unpark();
        for _ in 0..TURNS {
            if let Poll::Ready(output) = turn(&mut Context::from_waker(&self.waker)) {
                // What is kept for later keeps no task alive.
                drop(task.take());
                return Poll::Ready(output);
            }
            if parking.park() {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.parking.wake() {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_wake_in_a_turn_is_one_more_turn_and_only_one_from_elsewhere_wakes_the_task() {
        let (turns, count) = (Turns::new(), Arc::<Count>::default());
        let waker = Waker::from(count.clone());
        let woken = || count.0.load(Ordering::SeqCst);
        let mut kept = None;
        let mut taken = 0;
        // Polls it once, with this many turns that wake it.
        let mut poll = |wakes: usize, output: Poll<()>| {
            let before = taken;
            let polled = turns.poll(&mut Context::from_waker(&waker), |context| {
                taken += 1;
                kept = Some(context.waker().clone());
                if taken - before <= wakes {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                output
            });
            (polled, taken - before, kept.clone().expect("it was polled"))
        };
        let (polled, number, own) = poll(2, Poll::Pending);
        assert_eq!((polled, number, woken()), (Poll::Pending, 3, 0));
        own.wake_by_ref();
        own.wake_by_ref();
        assert_eq!(woken(), 1, "it sleeps, and is woken once");
        let (polled, number, _) = poll(usize::MAX, Poll::Pending);
        assert_eq!((polled, number, woken()), (Poll::Pending, TURNS, 2), "others have their turn");
        let (polled, number, own) = poll(1, Poll::Ready(()));
        assert_eq!((polled, number), (Poll::Ready(()), 2));
        own.wake();
        assert_eq!(woken(), 2, "nobody waits any longer");
        drop(kept);
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1, "no task is kept alive");
    }
}
