//! A waker for what a task polls together: what one part of it tells the other is heard in the same
//! poll, and wakes nobody.

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
