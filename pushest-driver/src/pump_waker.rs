//! How the pump sleeps without missing anything.
//!
//! It registers its waker, then looks at everything, and sleeps only if there was nothing to do.
//! The caller that gives it something to do does so first and then wakes it. Whichever of the two
//! is later finds what the other has left: the look finds the work, or the wake finds the waker.

use std::task::{Context, Poll};

use crate::sync::AtomicWaker;

/// The most turns before others run, however short they are.
const TURNS: usize = 32;

/// Wakes the pump.
#[derive(Debug, Default)]
pub(crate) struct PumpWaker(AtomicWaker);

/// The result of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There may be more to do.
    Again,
    /// There may be more to do, but others run first.
    Yield,
    /// There was nothing to do, and there will not be before a wake.
    Idle,
    /// Nothing is left to do, ever.
    Ended,
}

impl PumpWaker {
    /// Wakes the pump, which then sees everything that was done before this call.
    pub(crate) fn wake(&self) {
        self.0.wake();
    }

    /// Forgets the waker: the pump is gone, and handles of the client must not keep its task alive.
    pub(crate) fn forget(&self) {
        drop(self.0.take());
    }

    /// Takes turns until there is nothing to do. After [`TURNS`] of them, or where a turn says so, others
    /// run first: `yield_now` sees to it that the task is polled after them.
    pub(crate) fn poll_turns(
        &self,
        context: &mut Context<'_>,
        yield_now: impl FnOnce(&mut Context<'_>),
        mut turn: impl FnMut(&mut Context<'_>) -> Turn,
    ) -> Poll<()> {
        // Before the look, never after it: a wake between the two would be lost.
        self.0.register(context.waker());
        for _ in 0..TURNS {
            match turn(context) {
                Turn::Again => {}
                Turn::Yield => break,
                Turn::Idle => return Poll::Pending,
                Turn::Ended => return Poll::Ready(()),
            }
        }
        yield_now(context);
        Poll::Pending
    }
}
