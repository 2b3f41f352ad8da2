//! Authorizations by the app's HTTP endpoint.

use std::sync::Arc;

use pushest_proto::{AuthEndpoint, AuthorizationError, AuthorizationRequest};

use super::{Authority, Options};

impl Options {
    /// Asks the app's own HTTP endpoint to authorize signed channels and the sign-in, for clients
    /// without the app's secret: a POST of a form, asked afresh for every attempt, beside
    /// everything else ([protocol, authorization
    /// endpoint](pushest_proto::protocol#authorization-endpoint)). Any 2xx with a readable body
    /// grants; 408, 429, 5xx, and no answer within the configuration's `authorization` timeout are
    /// tried again with backoff, and no earlier than `Retry-After` says, in seconds or as a date;
    /// everything else is final. Errors say the status and the first 200 characters of the body, in
    /// which what was sent is masked. Redirects are shown, not followed. `https://` trusts
    /// the same authorities as `wss://`, and requests go through the same [`Options::proxy`].
    ///
    /// Of several addresses of the endpoint's name the next one is tried while the last is silent, as
    /// for the WebSocket, and first the one that answered last. Requests run on at most eight
    /// threads that all clients of the process share, at most six of them for one host and port;
    /// the others wait for their turn, within the same timeout.
    ///
    /// ```
    /// # use pushest_driver::{AuthEndpoint, Options};
    /// # fn fresh_token() -> String { String::new() }
    /// let endpoint = AuthEndpoint::new("https://example.org/broadcasting/auth")
    ///     .user_url("https://example.org/broadcasting/user-auth");
    /// let options = Options::default().auth_endpoint(endpoint).auth_headers(|_| {
    ///     vec![("Authorization".to_string(), format!("Bearer {}", fresh_token()))]
    /// });
    /// # let _ = options;
    /// ```
    ///
    /// Nothing of a request or an answer is logged with `tracing`. A logger of the `log` crate on
    /// the level `trace` must leave out the target `ureq_proto`, which writes down every byte.
    ///
    /// A request that is no longer needed leaves the queue; one that runs ends by itself within that
    /// timeout, and all of them with the client.
    #[must_use]
    pub fn auth_endpoint(mut self, endpoint: AuthEndpoint) -> Self {
        self.authority = Some(Authority::Endpoint(Box::new(endpoint)));
        self
    }

    /// Headers for each request to the endpoint, beside those of the endpoint itself, of which they
    /// replace those of the same name, as they do the form's `Content-Type`: called afresh
    /// for every attempt, with its number and why the last one failed, so that a token can be
    /// renewed. It may block: it runs where the request does, not where the client does; what it
    /// logs with `tracing` goes nowhere. Their values never appear in errors or in our logs.
    ///
    /// ```
    /// # use pushest_driver::{AuthEndpoint, Options};
    /// let options = Options::default()
    ///     .auth_endpoint(AuthEndpoint::new("https://example.org/broadcasting/auth"))
    ///     .auth_headers(|_| vec![("Authorization".to_string(), "Bearer …".to_string())]);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn auth_headers(
        mut self,
        headers: impl Fn(&AuthorizationRequest) -> Vec<(String, String)> + Send + Sync + 'static,
    ) -> Self {
        self.auth_headers = Some(Arc::new(move |request| Ok(headers(request))));
        self
    }

    /// Sets a function that provides headers for each request to the endpoint, and may fail: the
    /// error is the outcome of the attempt, such as [`AuthorizationError::unavailable`], which is
    /// tried again. The last call of either counts.
    ///
    /// ```
    /// # use pushest_driver::{AuthEndpoint, AuthorizationError, Options};
    /// let options = Options::default()
    ///     .auth_endpoint(AuthEndpoint::new("https://example.org/broadcasting/auth"))
    ///     .try_auth_headers(|_| match std::env::var("TOKEN") {
    ///         Ok(token) => Ok(vec![("Authorization".to_string(), token)]),
    ///         Err(_) => Err(AuthorizationError::unavailable(None, "no token yet")),
    ///     });
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn try_auth_headers(
        mut self,
        headers: impl Fn(&AuthorizationRequest) -> Result<Vec<(String, String)>, AuthorizationError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.auth_headers = Some(Arc::new(headers));
        self
    }
}
