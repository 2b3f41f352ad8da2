//! Work that blocks, and the future that waits for it elsewhere.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use crate::sync::{AtomicWaker, Mutex};

/// Runs work that may block on a thread of its own, which no process waits for when it ends. The
/// future completes with what the work returned, or with `None` if it panicked. The work begins at
/// once; dropping the future does not stop it.
///
/// # Errors
/// The system's, if there is no thread.
pub(crate) fn detached<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Answer<T>> {
    let (worker, answer) = slot();
    let thread = std::thread::Builder::new().name(name.to_string());
    thread.spawn(move || worker.finish(work()))?;
    Ok(answer)
}

/// Creates a slot in which a thread leaves an answer, and the future that completes with it: `None`
/// if the worker was dropped before.
pub(crate) fn slot<T>() -> (Worker<T>, Answer<T>) {
    let slot = Arc::new(Slot { answer: Mutex::new(None), waker: AtomicWaker::new() });
    (Worker(slot.clone()), Answer(slot))
}

struct Slot<T> {
    answer: Mutex<Option<Option<T>>>,
    waker: AtomicWaker,
}

/// The thread's end of a slot. It leaves an answer in any case.
pub(crate) struct Worker<T>(Arc<Slot<T>>);

impl<T> Worker<T> {
    pub(crate) fn finish(self, answer: T) {
        self.leave(Some(answer));
    }

    fn leave(&self, result: Option<T>) {
        let mut answer = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.get_or_insert(result);
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        // Unless the work gave one.
        self.leave(None);
        self.0.waker.wake();
    }
}

/// The waiting end of a slot.
pub(crate) struct Answer<T>(Arc<Slot<T>>);

impl<T> Future for Answer<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.waker.register(context.waker());
        let mut answer = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.take().map_or(Poll::Pending, Poll::Ready)
    }
}
