//! Authorizers: they authorize subscriptions where the app's secret is not at hand.

use std::future::Future;

use futures_util::future::BoxFuture;
use pushest_proto::{Authorization, AuthorizationError, AuthorizationRequest};

/// Authorizes subscriptions and sign-ins, usually by asking the app's own server ([protocol,
/// authorization endpoint](pushest_proto::protocol#authorization-endpoint)). It is asked again for
/// every attempt and every connection, since an answer is good for one socket id only; at most 8
/// requests for channels run at a time, and one for a sign-in, each for at most the configuration's
/// `authorization` timeout.
///
/// An authorizer that holds a `Client` keeps it alive: a client that is to end when its user drops
/// it must not be held by its own authorizer, which holds a `WeakClient` of it instead.
///
/// The futures run beside the connection in the same task: they must not block, and a panic in one
/// ends the client.
///
/// Every closure that returns such a future is an authorizer:
///
/// ```
/// # use pushest_driver::{Authorization, AuthorizationRequest, AuthorizationError, Options};
/// let options = Options::default().authorizer(|request: AuthorizationRequest| async move {
///     if request.subject.channel().is_some_and(|name| name == "private-orders") {
///         // … ask the app's server for `request.socket_id` and `request.subject`
///         Ok(Authorization::new("app-key:5f…"))
///     } else {
///         Err(AuthorizationError::refused(Some(403), "orders only"))
///     }
/// });
/// # let _ = options;
/// ```
pub trait Authorizer: Send + Sync {
    /// Authorizes, or returns why not. [`AuthorizationError::refused`] is final until the user
    /// retries; [`AuthorizationError::unavailable`] is asked again, with backoff.
    fn authorize(
        &self,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<Authorization, AuthorizationError>>;
}

impl<F, Answer> Authorizer for F
where
    F: Fn(AuthorizationRequest) -> Answer + Send + Sync,
    Answer: Future<Output = Result<Authorization, AuthorizationError>> + Send + 'static,
{
    fn authorize(
        &self,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<Authorization, AuthorizationError>> {
        Box::pin(self(request))
    }
}
