//! What is known of the sign-in.

use std::task::Waker;

use pushest_proto::{ConnectionState, Event, RequestFailure};

use crate::wait_list::WaitList;

/// What is known of the sign-in beside what the session tells.
#[derive(Debug, Default)]
pub(crate) struct SignIn {
    pub(crate) is_wanted: bool,
    /// Why nothing more is tried on this connection.
    pub(crate) failure: Option<RequestFailure>,
    pub(crate) waiters: WaitList,
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
