//! The app's own HTTP endpoint for authorizations: what is sent to it, and what its answers mean
//! (protocol, HTTP side). Sending is the driver's.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::{Authorization, AuthorizationRequest, AuthorizationSubject, Denied};

/// Where an app authorizes channels and authenticates users.
///
/// ```
/// use pushest_proto::AuthEndpoint;
///
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
    /// An endpoint at this URL, for channels and, until [`AuthEndpoint::user_url`] says otherwise,
    /// for users.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { url: url.to_string(), user_url: None, parameters: Vec::new(), headers: Vec::new() }
    }

    /// Where users are authenticated.
    #[must_use]
    pub fn user_url(mut self, url: &str) -> Self {
        self.user_url = Some(url.to_string());
        self
    }

    /// A parameter that goes into every form.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_string(), value.to_string()));
        self
    }

    /// A header that goes with every request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    /// The HTTP request for an authorization: a POST of a form with `socket_id`, for a channel
    /// `channel_name`, and the parameters.
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
        for (name, value) in &self.parameters {
            form.append_pair(name, value);
        }
        EndpointRequest {
            url: url.clone(),
            headers: self.headers.clone(),
            content_type: "application/x-www-form-urlencoded",
            body: form.finish(),
        }
    }
}

/// Headers and parameters may be tokens: only their names are shown.
impl core::fmt::Debug for AuthEndpoint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names = |pairs: &[(String, String)]| -> Vec<String> {
            pairs.iter().map(|(name, _)| name.clone()).collect()
        };
        f.debug_struct("AuthEndpoint")
            .field("url", &self.url)
            .field("user_url", &self.user_url)
            .field("parameters", &names(&self.parameters))
            .field("headers", &names(&self.headers))
            .finish()
    }
}

/// A POST to send.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointRequest {
    /// The URL.
    pub url: String,
    /// The headers, besides the content type.
    pub headers: Vec<(String, String)>,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl core::fmt::Debug for EndpointRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EndpointRequest").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What the endpoint answered.
#[derive(Clone, Copy)]
pub struct EndpointAnswer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The value of `Retry-After`, if it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// The value of `Location`.
    pub location: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl core::fmt::Debug for EndpointAnswer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EndpointAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl EndpointAnswer<'_> {
    /// What the answer means: any 2xx with a readable body grants; 408, 429 and 5xx are worth a
    /// retry; everything else is final. Redirects are shown, not followed: a POST with an app's
    /// tokens does not go where somebody points.
    ///
    /// # Errors
    /// [`Denied`] with the status and the body, at most 512 bytes of it.
    pub fn read(&self) -> Result<Authorization, Denied> {
        let text = String::from_utf8_lossy(self.body);
        let shown = shown(&text);
        match self.status {
            200..=299 => match Authorization::from_json(&text) {
                Err(Denied::Refused { message, .. }) => {
                    Err(Denied::Refused { status: Some(self.status), message })
                }
                other => other,
            },
            300..=399 => {
                // What stands behind the path may be a token.
                let location = self.location.unwrap_or("nowhere");
                let location = location.split(['?', '#']).next().unwrap_or_default();
                let message = alloc::format!("a redirect to {location}, which is not followed");
                Err(Denied::refused(Some(self.status), &message))
            }
            408 | 429 | 500.. => match Denied::unavailable(Some(self.status), shown) {
                Denied::Unavailable { status, message, .. } => {
                    let retry_after = self.retry_after;
                    Err(Denied::Unavailable { status, message, retry_after })
                }
                refused @ Denied::Refused { .. } => Err(refused),
            },
            _ => Err(Denied::refused(Some(self.status), shown)),
        }
    }
}

/// What of a refusal's body errors and recordings may show.
fn shown(body: &str) -> &str {
    if body.contains("shared_secret") { "the answer holds a key, and is not shown" } else { body }
}
