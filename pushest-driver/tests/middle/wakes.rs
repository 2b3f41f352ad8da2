//! Wakers that count, and futures that are polled by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Counts how often it was woken.
#[derive(Clone, Default)]
pub(super) struct Wakes(Arc<Counter>);

#[derive(Default)]
struct Counter {
    count: AtomicUsize,
    /// What each wake runs, as an executor that polls at once does.
    at_wake: Mutex<Option<Box<dyn FnMut() + Send>>>,
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.count.fetch_add(1, Ordering::SeqCst);
        let at_wake = self.at_wake.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut run) = at_wake {
            run();
            *self.at_wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
        }
    }
}

impl Wakes {
    /// Runs this in each wake, too.
    pub(super) fn running(run: impl FnMut() + Send + 'static) -> Self {
        let at_wake = Mutex::new(Some(Box::new(run) as _));
        Self(Arc::new(Counter { count: AtomicUsize::new(0), at_wake }))
    }

    pub(super) fn waker(&self) -> Waker {
        Waker::from(self.0.clone())
    }

    /// How often it was woken since the last time.
    pub(super) fn take(&self) -> usize {
        self.0.count.swap(0, Ordering::SeqCst)
    }

    /// How many wakers of it exist.
    pub(super) fn held(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    pub(super) fn poll<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(&self.waker()))
    }
}

/// A future in the test's hand, with a waker of its own.
pub(super) struct Hand<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    pub(super) wakes: Wakes,
}

impl<T> Hand<T> {
    pub(super) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { future: Box::pin(future), wakes: Wakes::default() }
    }

    pub(super) fn poll(&mut self) -> Poll<T> {
        self.wakes.poll(&mut self.future)
    }

    /// The result of one that is done.
    #[track_caller]
    pub(super) fn done(&mut self) -> T {
        match self.poll() {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("it waits"),
        }
    }
}
