//! Whoever authorizes subscriptions where the app's secret is not at hand.

use std::future::Future;
use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use pushest_proto::{Authorization, AuthorizationRequest, Denied};

use crate::options::BlockingAuthorizer;
use crate::unblocked::detached;

/// Answers requests for authorizations, usually by asking the app's own server ([protocol,
/// authorization endpoint](pushest_proto::protocol#authorization-endpoint)). It is asked afresh for
/// every attempt and every connection, since an answer is good for one socket id only; at most 8
/// requests for channels run at a time, and one for a sign-in, each for at most the configuration's
/// `authorization` timeout.
///
/// An authorizer that holds a `Client` keeps it alive: a client that is to end when its user drops
/// it must not be held by its own authorizer, which holds its [`Commands`](crate::Commands) instead.
///
/// The futures run beside the connection in the same task: they must not block, and a panic in one
/// ends the client.
///
/// Every closure that returns such a future is an authorizer:
///
/// ```
/// use pushest_driver::{Authorization, AuthorizationRequest, Denied, Options};
///
/// let options = Options::default().authorizer(|request: AuthorizationRequest| async move {
///     if request.subject.channel().is_some_and(|name| name == "private-orders") {
///         // … ask the app's server for `request.socket_id` and `request.subject`
///         Ok(Authorization::new("app-key:5f…"))
///     } else {
///         Err(Denied::refused(Some(403), "orders only"))
///     }
/// });
/// # let _ = options;
/// ```
pub trait Authorizer: Send + Sync {
    /// Grants or denies. [`Denied::refused`] is final until the user retries;
    /// [`Denied::unavailable`] is asked again, with backoff.
    fn authorize(
        &self,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<Authorization, Denied>>;
}

impl<F, Answer> Authorizer for F
where
    F: Fn(AuthorizationRequest) -> Answer + Send + Sync,
    Answer: Future<Output = Result<Authorization, Denied>> + Send + 'static,
{
    fn authorize(
        &self,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<Authorization, Denied>> {
        Box::pin(self(request))
    }
}

/// As many as run at a time: eight for channels and one for a sign-in. Those that nobody waits for
/// any more count, too, since nothing can end them.
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
                None => Err(Denied::unavailable(None, "earlier requests still block")),
            }
        }
    })
}

/// There was no thread for the request.
pub(crate) fn no_thread(error: &io::Error) -> Result<Authorization, Denied> {
    Err(Denied::unavailable(None, &format!("no thread for the request: {error}")))
}

/// What was to authorize panicked.
pub(crate) fn not_carried_out() -> Result<Authorization, Denied> {
    Err(Denied::unavailable(None, "the request was not carried out"))
}
