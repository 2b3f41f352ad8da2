//! Authorizations that are under way, beside the connection.

use std::io;
use std::sync::Arc;
use std::task::Context;

use futures_util::future::BoxFuture;
use pushest_proto::{Authorization, AuthorizationError, AuthorizationRequest, Ticket};

use crate::authorizer::Authorizer;
use crate::options::BlockingAuthorizer;
use crate::unblocked::detached;

type Granted = Result<Authorization, AuthorizationError>;

/// The authorizations that are under way. The session bounds their number and their time.
pub(crate) struct Authorizations {
    authorizer: Option<Arc<dyn Authorizer>>,
    requests: Vec<AuthorizationRequest>,
    running: Vec<(Ticket, BoxFuture<'static, Granted>)>,
    /// Futures whose answer is no longer needed. They hold values of the user's, whose drop may
    /// call back.
    abandoned: Vec<BoxFuture<'static, Granted>>,
}

impl Authorizations {
    pub(crate) fn new(authorizer: Option<Arc<dyn Authorizer>>) -> Self {
        Self { authorizer, requests: Vec::new(), running: Vec::new(), abandoned: Vec::new() }
    }

    pub(crate) fn request(&mut self, request: AuthorizationRequest) {
        self.requests.push(request);
    }

    /// Abandons an authorization. Its future lives on until [`Authorizations::let_go`].
    pub(crate) fn abandon(&mut self, ticket: Ticket) {
        self.requests.retain(|request| request.ticket != ticket);
        if let Some(at) = self.running.iter().position(|(running, _)| *running == ticket) {
            self.abandoned.push(self.running.remove(at).1);
        }
    }

    /// Drops the abandoned futures. That runs the user's code: no lock may be held.
    pub(crate) fn let_go(&mut self) {
        self.abandoned.clear();
    }

    /// Starts the user's authorizer for new requests, and returns the answers that are there. That
    /// runs the user's code: no lock may be held.
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        mut answer: impl FnMut(Ticket, Granted),
    ) {
        for request in self.requests.drain(..) {
            let ticket = request.ticket;
            match &self.authorizer {
                Some(authorizer) => self.running.push((ticket, authorizer.authorize(request))),
                None => {
                    answer(ticket, Err(AuthorizationError::refused(None, "there is no authorizer")))
                }
            }
        }
        self.running.retain_mut(|(ticket, running)| match running.as_mut().poll(context) {
            std::task::Poll::Pending => true,
            std::task::Poll::Ready(granted) => {
                answer(*ticket, granted);
                false
            }
        });
    }
}

/// Maximum number of requests that block at once: eight for channels and one for a sign-in.
/// Abandoned ones count, too, since nothing can end them.
const MOST_BLOCKED: usize = 9;

/// Runs an authorizer that blocks on threads of its own.
pub(crate) fn blocking(authorizer: Arc<BlockingAuthorizer>) -> Arc<dyn Authorizer> {
    let running = Arc::new(());
    Arc::new(move |request| {
        let (authorizer, place) = (authorizer.clone(), running.clone());
        let is_free = Arc::strong_count(&place) <= 1 + MOST_BLOCKED;
        let asking = is_free.then(|| {
            detached("pushest-authorizer", move || {
                let granted = authorizer(request);
                drop(place);
                granted
            })
        });
        async move {
            match asking {
                Some(Ok(asking)) => asking.await.unwrap_or_else(not_carried_out),
                Some(Err(error)) => no_thread(&error),
                None => Err(AuthorizationError::unavailable(None, "earlier requests still block")),
            }
        }
    })
}

/// Returns the answer where the authorizer panicked.
pub(crate) fn not_carried_out() -> Result<Authorization, AuthorizationError> {
    Err(AuthorizationError::unavailable(None, "the request was not carried out"))
}

/// Returns the answer where no thread could be started.
pub(crate) fn no_thread(error: &io::Error) -> Result<Authorization, AuthorizationError> {
    Err(AuthorizationError::unavailable(None, &format!("no thread for the request: {error}")))
}
