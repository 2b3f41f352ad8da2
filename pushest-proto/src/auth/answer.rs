//! What the answers of an app's HTTP endpoint for authorizations mean ([protocol, authorization
//! endpoint](crate::protocol#authorization-endpoint)).

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::request::{Authorization, AuthorizationError};
use crate::one_line::one_line;
use crate::setters::setters;

/// The HTTP response of the endpoint. Needs the feature `endpoint`.
///
/// ```
/// use core::time::Duration;
/// use pushest_proto::EndpointAnswer;
///
/// let granted = EndpointAnswer::new(200, br#"{"auth":"key:5f"}"#).read()?;
/// assert_eq!(granted.auth, "key:5f");
/// let busy = EndpointAnswer::new(503, b"later").retry_after(Some(Duration::from_secs(7)));
/// assert!(busy.read().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct EndpointAnswer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The pause that `Retry-After` asks for: its number of seconds, or the time until its date.
    pub retry_after: Option<Duration>,
    /// The value of `Location`, which is shown and never followed.
    pub location: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl core::fmt::Debug for EndpointAnswer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EndpointAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl<'a> EndpointAnswer<'a> {
    /// Creates an answer with this HTTP status and this body, without `Retry-After` and `Location`.
    #[must_use]
    pub fn new(status: u16, body: &'a [u8]) -> Self {
        Self { status, retry_after: None, location: None, body }
    }

    setters! {
        /// Sets the pause that `Retry-After` asks for.
        retry_after: Option<Duration>;
        /// Sets the value of `Location`, which a redirect is reported with.
        location: Option<&'a str>;
    }

    /// Reads the answer: any 2xx with a readable body grants; after 408, 429 and 5xx the session
    /// asks again; everything else is final. A byte order mark is skipped. Redirects are shown, not
    /// followed: a POST with an app's tokens does not go where an answer points.
    ///
    /// # Errors
    /// [`AuthorizationError`] with the status and the first 200 characters of the body, its white
    /// space reduced to single spaces and its control characters escaped.
    pub fn read(&self) -> Result<Authorization, AuthorizationError> {
        self.read_masked(|text| text.into())
    }

    /// Reads the answer as [`EndpointAnswer::read`] does, with a function that hides in a text what
    /// must not be shown: error pages repeat what was sent to them
    /// ([`EndpointRequest::sent_values`](crate::EndpointRequest::sent_values)). It is given the
    /// whole page, before that is cut, and is not called for an answer that grants.
    ///
    /// # Errors
    /// As [`EndpointAnswer::read`].
    pub fn read_masked(
        &self,
        mask: impl Fn(&str) -> String,
    ) -> Result<Authorization, AuthorizationError> {
        let text = text(self.body);
        let shown = |text: &str| shown(text, &mask);
        match self.status {
            200..=299 => match Authorization::from_json(&text) {
                Err(AuthorizationError::Refused { message, .. }) => {
                    Err(AuthorizationError::Refused { status: Some(self.status), message })
                }
                other => other,
            },
            300..=399 => {
                let to = self.target().map_or_else(|| "nowhere".into(), shown);
                let message = format!("a redirect to {to}, which is not followed");
                Err(AuthorizationError::refused(Some(self.status), &message))
            }
            408 | 429 | 500.. => {
                match AuthorizationError::unavailable(Some(self.status), &shown(&text)) {
                    AuthorizationError::Unavailable { status, message, .. } => {
                        let retry_after = self.retry_after;
                        Err(AuthorizationError::Unavailable { status, message, retry_after })
                    }
                    refused @ AuthorizationError::Refused { .. } => Err(refused),
                }
            }
            _ => Err(AuthorizationError::refused(Some(self.status), &shown(&text))),
        }
    }

    /// Returns where a redirect points to, without what may be a token.
    fn target(&self) -> Option<&str> {
        let path = self.location?.split(['?', '#']).next().unwrap_or_default();
        Some(path.rsplit_once('@').map_or(path, |(_, path)| path))
    }
}

/// Returns the text of a body, without the byte order mark that some servers put before it: that of
/// UTF-8, or of UTF-16, which is decoded then.
fn text(body: &[u8]) -> Cow<'_, str> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let read = |character: Result<char, _>| character.unwrap_or(char::REPLACEMENT_CHARACTER);
        Cow::Owned(char::decode_utf16(units).map(read).collect())
    };
    match body {
        [0xef, 0xbb, 0xbf, text @ ..] => String::from_utf8_lossy(text),
        [0xff, 0xfe, text @ ..] => utf16(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => utf16(text, u16::from_be_bytes),
        text => String::from_utf8_lossy(text),
    }
}

/// Returns what of a refusal's body errors and recordings may show.
fn shown(body: &str, mask: impl Fn(&str) -> String) -> String {
    if body.contains("shared_secret") {
        return "the answer holds a key, and is not shown".into();
    }
    let line: Vec<&str> = body.split_whitespace().collect();
    one_line(&mask(&line.join(" ")))
}
