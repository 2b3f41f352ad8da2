//! The future that waits for the sign-in.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pushest_proto::SignInState;

use crate::error::NotSignedIn;
use crate::hub::{Hub, State};
use crate::waiting::connection;

/// Waits for the sign-in; made by [`Client::signed_in`](crate::unstable::Client::signed_in).
#[must_use = "it does nothing unless awaited"]
pub struct SignedIn {
    hub: Arc<Hub>,
    place: Option<usize>,
}

impl SignedIn {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, place: None }
    }
}

impl Future for SignedIn {
    type Output = Result<String, NotSignedIn>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let waker = context.waker().clone();
        let mut state = this.hub.lock();
        if let Some(result) = result(&state) {
            return Poll::Ready(result);
        }
        let former = state.sign_in_waiters.leave(&mut this.place, waker, None);
        drop(state);
        drop(former);
        Poll::Pending
    }
}

/// Returns the sign-in, if it is known how that ends.
fn result(state: &State) -> Option<Result<String, NotSignedIn>> {
    match state.session.sign_in_state() {
        SignInState::SignedIn { user_id } => Some(Ok(user_id.to_string())),
        SignInState::NotAsked => Some(Err(NotSignedIn::NotAsked)),
        SignInState::Failed { reason } => Some(Err(NotSignedIn::Failed(reason.clone()))),
        // On its way, as long as a connection is or may come.
        _ => match connection(state) {
            Some(Err(error)) => Some(Err(error.into())),
            _ => None,
        },
    }
}

impl Drop for SignedIn {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.hub.lock().sign_in_waiters.remove(place);
            drop(waker);
        }
    }
}

crate::waiting::opaque_debug!(SignedIn);
