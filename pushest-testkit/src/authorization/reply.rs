//! What the endpoint answers.

use std::time::Duration;

/// An answer to a request for an authorization.
///
/// ```
/// use std::time::Duration;
/// use pushest_testkit::Reply;
///
/// let refused = Reply::new(403, "members only");
/// let later = Reply::new(503, "").retry_after(2);
/// let moved = Reply::new(302, "").header("Location", "/login");
/// let slow = Reply::new(200, r#"{"auth":"…"}"#).after(Duration::from_millis(50));
/// # assert_ne!(format!("{refused:?}{later:?}{moved:?}{slow:?}"), "");
/// ```
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) content: Content,
    pub(super) delay: Duration,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        /// Whether more of the body follows, without end.
        is_endless: bool,
    },
    Raw(Vec<u8>),
    Silence,
}

impl Reply {
    /// An HTTP status and a body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::of(Content::Http {
            status,
            headers: Vec::new(),
            body: body.into(),
            is_endless: false,
        })
    }

    /// A body that begins like this and never ends, until the client closes the connection.
    #[must_use]
    pub fn endless(status: u16, begin: impl Into<Vec<u8>>) -> Self {
        Self::of(Content::Http {
            status,
            headers: Vec::new(),
            body: begin.into(),
            is_endless: true,
        })
    }

    /// These bytes, whether they are HTTP or not.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::of(Content::Raw(bytes.into()))
    }

    /// Nothing, until the client closes the connection.
    #[must_use]
    pub fn silence() -> Self {
        Self::of(Content::Silence)
    }

    fn of(content: Content) -> Self {
        Self { content, delay: Duration::ZERO }
    }

    /// Adds a header. Without effect on [`raw`](Self::raw) bytes and [`silence`](Self::silence).
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Content::Http { headers, .. } = &mut self.content {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds `Retry-After` with a number of seconds; a date is a [`header`](Self::header).
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header("Retry-After", &seconds.to_string())
    }

    /// Waits this long before the answer.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Returns the body; empty for raw bytes and for silence.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        match &self.content {
            Content::Http { body, .. } => body,
            Content::Raw(_) | Content::Silence => &[],
        }
    }
}
