//! Signing in, as the drivers see it: what is known of it, and the future that waits for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pushest_proto::{ConnectionState, Event, RequestFailure};

use crate::error::NotSignedIn;
use crate::hub::{Hub, State};
use crate::waiting::{WaitList, connection};

/// What is known of the sign-in beside what the session tells.
#[derive(Debug, Default)]
pub(crate) struct SignIn {
    is_wanted: bool,
    /// Why nothing more is tried on this connection.
    failure: Option<RequestFailure>,
    waiters: WaitList,
}

impl SignIn {
    /// The user asked for it, perhaps anew.
    pub(crate) fn begin(&mut self) {
        self.is_wanted = true;
        self.failure = None;
    }

    /// Learns from an event, and takes the wakers of those who wait for what it says.
    pub(crate) fn learn(&mut self, event: &Event, wakers: &mut Vec<Waker>) {
        match event {
            Event::SignedIn { .. } => self.failure = None,
            Event::SignInFailed { reason, retry_in: None } => self.failure = Some(reason.clone()),
            Event::State(change) => match change.to {
                // A new connection tries again, unless whoever authorizes has said no.
                ConnectionState::Connected => {
                    self.failure.take_if(|reason| !reason.is_final());
                }
                ConnectionState::Refused | ConnectionState::Disconnected => {}
                ConnectionState::Connecting | ConnectionState::Waiting => return,
            },
            _ => return,
        }
        self.waiters.wake_all(wakers);
    }

    /// Nothing more happens.
    pub(crate) fn end(&mut self, wakers: &mut Vec<Waker>) {
        self.waiters.wake_all(wakers);
    }
}

/// Waits for the sign-in; made by [`Client::signed_in`](crate::Client::signed_in).
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
        let former = state.sign_in.waiters.leave(&mut this.place, waker, None);
        drop(state);
        drop(former);
        Poll::Pending
    }
}

/// The sign-in, if it is known how that ends.
fn result(state: &State) -> Option<Result<String, NotSignedIn>> {
    if let Some(user) = state.session.signed_in_user() {
        return Some(Ok(user.to_string()));
    }
    if !state.sign_in.is_wanted {
        return Some(Err(NotSignedIn::NotAsked));
    }
    if let Some(reason) = &state.sign_in.failure {
        return Some(Err(NotSignedIn::Failed(reason.clone())));
    }
    match connection(state) {
        Some(Err(error)) => Some(Err(error.into())),
        _ => None,
    }
}

impl Drop for SignedIn {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.hub.lock().sign_in.waiters.remove(place);
            drop(waker);
        }
    }
}

crate::waiting::opaque_debug!(SignedIn);
