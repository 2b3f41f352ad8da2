//! Work that blocks, and the future that waits for it elsewhere.

use std::future::{Future, poll_fn};
use std::sync::{Arc, PoisonError};
use std::task::Poll;

use crate::runtime::Runtime;
use crate::sync::{AtomicWaker, Mutex};

/// Runs work that may block with [`Runtime::unblock`], and waits for its answer: `None` if it was
/// not carried out, since the runtime shuts down, or it panicked. It begins at once; dropping the
/// future does not stop it.
pub fn unblocked<R, T, Work>(
    runtime: &R,
    work: Work,
) -> impl Future<Output = Option<T>> + Send + use<R, T, Work>
where
    R: Runtime,
    T: Send + 'static,
    Work: FnOnce() -> T + Send + 'static,
{
    let slot = Arc::new(Slot { answer: Mutex::new(None), waker: AtomicWaker::new() });
    let worker = Worker(slot.clone());
    runtime.unblock(Box::new(move || worker.finish(Some(work()))));
    poll_fn(move |context| {
        slot.waker.register(context.waker());
        let mut answer = slot.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.take().map_or(Poll::Pending, Poll::Ready)
    })
}

/// Where an answer is left for the task that waits for it.
struct Slot<T> {
    answer: Mutex<Option<Option<T>>>,
    waker: AtomicWaker,
}

/// The thread's end of a slot. It leaves an answer in any case.
struct Worker<T>(Arc<Slot<T>>);

impl<T> Worker<T> {
    fn finish(&self, result: Option<T>) {
        let mut answer = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.get_or_insert(result);
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        // Unless the work gave one.
        self.finish(None);
        self.0.waker.wake();
    }
}
