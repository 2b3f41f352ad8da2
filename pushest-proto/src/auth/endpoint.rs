//! The app's own HTTP endpoint for authorizations: what is sent to it ([protocol, authorization
//! endpoint](crate::protocol#authorization-endpoint)). Answers are read in `answer.rs`; the driver
//! sends.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::endpoint_url::{self, Credentials};
use super::request::{AuthorizationRequest, AuthorizationSubject};

const CONTENT_TYPE: &str = "content-type";

/// Where an app authorizes channels and authenticates users. Needs the feature `endpoint` of
/// pushest-proto, or `http` of a client's crate, which includes it.
///
/// ```
/// # use pushest_proto::AuthEndpoint;
/// let endpoint = AuthEndpoint::new("https://example.org/pusher/auth")
///     .user_url("https://example.org/pusher/user-auth")
///     .parameter("tenant", "7")
///     .header("X-CSRF-Token", "0123");
/// ```
#[derive(Clone)]
pub struct AuthEndpoint {
    url: String,
    user_url: Option<String>,
    parameters: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

impl AuthEndpoint {
    /// Creates an endpoint at this URL, for channels and, until [`AuthEndpoint::user_url`] says
    /// otherwise, for users.
    ///
    /// A user and password in it (`https://USER:PASSWORD@HOST/PATH`, percent-encoded) are sent as
    /// `Authorization: Basic …`, unless there is an `Authorization` header of your own.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { url: url.to_string(), user_url: None, parameters: Vec::new(), headers: Vec::new() }
    }

    /// Sets another URL for authenticating users.
    #[must_use]
    pub fn user_url(mut self, url: &str) -> Self {
        self.user_url = Some(url.to_string());
        self
    }

    /// Adds a parameter to every form.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_string(), value.to_string()));
        self
    }

    /// Adds a header to every request. A `Content-Type` takes the place of the form's own.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    /// Builds the HTTP request for an authorization: a POST of a form with `socket_id`, for a
    /// channel `channel_name`, and the parameters.
    #[must_use]
    pub fn request(&self, request: &AuthorizationRequest) -> EndpointRequest {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("socket_id", request.socket_id.as_str());
        let url = match &request.subject {
            AuthorizationSubject::Channel { name, .. } => {
                form.append_pair("channel_name", name.as_str());
                &self.url
            }
            AuthorizationSubject::User { .. } => self.user_url.as_ref().unwrap_or(&self.url),
        };
        let mut sent = alloc::vec![request.socket_id.as_str().to_string()];
        for (name, value) in &self.parameters {
            form.append_pair(name, value);
            sent.push(value.clone());
        }
        let (url, credentials) = endpoint_url::without_credentials(url);
        sent.extend(endpoint_url::query(&url).map(ToString::to_string));
        let mut headers = Vec::new();
        if let Some(credentials) = credentials {
            headers.push(("Authorization".to_string(), credentials.basic()));
            let Credentials { user, password } = credentials;
            sent.extend([user, password]);
        }
        let content_type = "application/x-www-form-urlencoded".to_string();
        EndpointRequest { url, headers, content_type, body: form.finish(), sent }
            .with_headers(self.headers.clone())
    }
}

/// Headers and parameters may be tokens, and so may a URL's user, password and query: only names
/// are shown.
impl core::fmt::Debug for AuthEndpoint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names = |pairs: &[(String, String)]| -> Vec<String> {
            pairs.iter().map(|(name, _)| name.clone()).collect()
        };
        f.debug_struct("AuthEndpoint")
            .field("url", &endpoint_url::masked(&self.url))
            .field("user_url", &self.user_url.as_deref().map(endpoint_url::masked))
            .field("parameters", &names(&self.parameters))
            .field("headers", &names(&self.headers))
            .finish()
    }
}

/// The POST that the driver sends. Needs the feature `endpoint`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointRequest {
    /// The URL, without a user and a password.
    pub url: String,
    /// The headers, besides the content type.
    pub headers: Vec<(String, String)>,
    /// The value of `Content-Type`.
    pub content_type: String,
    /// The body.
    pub body: String,
    /// What stands in URL and body that an answer's text must not show again.
    sent: Vec<String>,
}

impl EndpointRequest {
    /// Adds headers, which take the place of those of the same name: of an `Authorization` that
    /// came from the URL, and of the form's `Content-Type`.
    #[must_use]
    pub fn with_headers(mut self, headers: Vec<(String, String)>) -> Self {
        self.headers.retain(|(name, _)| {
            let is_same = |(other, _): &(String, String)| other.eq_ignore_ascii_case(name);
            !headers.iter().any(is_same)
        });
        for (name, value) in headers {
            if name.eq_ignore_ascii_case(CONTENT_TYPE) {
                self.content_type = value;
            } else {
                self.headers.push((name, value));
            }
        }
        self
    }

    /// Returns the values that are sent with the request: the socket id, the parameters, the
    /// headers, and what stands in the URL's query, user and password. Error pages repeat them: a
    /// driver that shows a part of one masks them before.
    pub fn sent_values(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().map(|(_, value)| value);
        self.sent.iter().chain(headers).map(String::as_str)
    }
}

impl core::fmt::Debug for EndpointRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let url = endpoint_url::masked(&self.url);
        f.debug_struct("EndpointRequest").field("url", &url).finish_non_exhaustive()
    }
}
