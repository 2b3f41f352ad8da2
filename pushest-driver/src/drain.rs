//! The future that waits for a drain.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::draining::Left;
use crate::hub::Hub;
use crate::waiting::Shutdown;

/// Waits for a drain and the close after it; made by [`Client::drain`](crate::unstable::Client::drain).
#[must_use = "the client drains and closes in any case, but only awaiting tells when"]
pub struct Drain {
    hub: Arc<Hub>,
    left: Left,
    shutdown: Shutdown,
    place: Option<usize>,
}

impl Drain {
    pub(crate) fn new(hub: Arc<Hub>, left: Left) -> Self {
        let shutdown = Shutdown::new(hub.clone());
        Self { hub, left, shutdown, place: None }
    }
}

impl Future for Drain {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        let this = &mut *self;
        let waker = context.waker().clone();
        let mut state = this.hub.lock();
        let Some(left) = this.left.get().copied() else {
            // What the sink waits for could only come once it has returned.
            if this.hub.is_sink_here() {
                return Poll::Ready(state.receivers.unread().0);
            }
            let former = state.closing_waiters.leave(&mut this.place, waker, None);
            drop(state);
            drop(former);
            return Poll::Pending;
        };
        drop(state);
        Pin::new(&mut this.shutdown).poll(context).map(|()| left)
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.hub.lock().closing_waiters.remove(place);
            drop(waker);
        }
    }
}

crate::waiting::opaque_debug!(Drain);
