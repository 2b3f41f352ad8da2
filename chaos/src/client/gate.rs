//! What receivers wait at before each event.

use std::future::poll_fn;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Whether receivers may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    Open,
    /// Receivers wait, and nothing else does.
    Closed,
    /// Receivers block the thread that they run on, and with it whatever else runs there.
    Blocking,
}

/// Opens and closes for all receivers of a client at once, whether they are threads or tasks.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<(Position, Vec<Waker>)>,
    changed: Condvar,
}

impl Gate {
    pub(crate) fn new(position: Position) -> Self {
        Self { state: Mutex::new((position, Vec::new())), changed: Condvar::new() }
    }

    pub(crate) fn set(&self, position: Position) {
        let mut state = self.lock();
        state.0 = position;
        let wakers = std::mem::take(&mut state.1);
        drop(state);
        self.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.lock().0 == Position::Open
    }

    /// Waits until it is open, as a task does.
    pub(crate) async fn opened(&self) {
        poll_fn(|context| {
            let mut state = self.lock();
            match state.0 {
                Position::Open => Poll::Ready(()),
                Position::Closed => {
                    state.1.push(context.waker().clone());
                    Poll::Pending
                }
                Position::Blocking => {
                    drop(state);
                    self.wait();
                    Poll::Ready(())
                }
            }
        })
        .await
    }

    /// Blocks until it is open.
    pub(crate) fn wait(&self) {
        let mut state = self.lock();
        while state.0 != Position::Open {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Position, Vec<Waker>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
