//! Why a connection could not be made.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use crate::memory;
use crate::policy::Policy;
use crate::text::clip;

/// Why a connection could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialFailure {
    /// The host's name could not be resolved. Drivers put the name before the resolver's error.
    Dns(Box<str>),
    /// No address of the host accepted a connection.
    Connect(Box<str>),
    /// TLS failed.
    Tls {
        /// The server's certificate was refused: expired, of another name, or of an unknown
        /// authority. `false` where the server has refused the client's.
        certificate: bool,
        /// The error of the TLS library.
        detail: Box<str>,
    },
    /// The proxy refused, was silent, or could not be reached. Of the server nothing is known then. The text
    /// holds the proxy's address and what it answered, and never its user and password.
    Proxy(Box<str>),
    /// The user's own connector failed: it hung, returned an error, panicked, or returned a stream that cannot
    /// be used. The text is the connector's, or says which of these it was.
    Connector(Box<str>),
    /// The server answered the upgrade with an HTTP status that is not 101.
    Http {
        /// The HTTP status.
        status: u16,
        /// The pause that the answer asked for. With status 429 or 503 it is kept, up to
        /// [`BackoffConfig::retry_after_limit`](crate::BackoffConfig::retry_after_limit): a
        /// session tells no longer one.
        retry_after: Option<Duration>,
        /// Where a redirect points; shown, not followed.
        location: Option<Box<str>>,
        /// The beginning of the answer's body, at most 512 bytes; empty if there was none. Drivers
        /// escape control characters in it, and hide what they had sent: error pages repeat it.
        body: Box<str>,
    },
    /// The connection was lost after TCP and TLS were established, before the upgrade was answered.
    Upgrade(Box<str>),
    /// The peer does not speak WebSocket.
    NotWebSocket(Box<str>),
    /// The dial took longer than its timeout.
    Timeout,
    /// The function that provides headers for the upgrade failed, or provided one that cannot be
    /// sent.
    Headers(Box<str>),
    /// This build cannot make such a connection (for example `wss://` without a TLS feature).
    Unsupported(Box<str>),
}

impl DialFailure {
    pub(crate) fn clipped(self) -> Self {
        match self {
            Self::Dns(text) => Self::Dns(clip(&text)),
            Self::Connect(text) => Self::Connect(clip(&text)),
            Self::Tls { certificate, detail } => Self::Tls { certificate, detail: clip(&detail) },
            Self::Proxy(text) => Self::Proxy(clip(&text)),
            Self::Connector(text) => Self::Connector(clip(&text)),
            Self::Http { status, retry_after, location, body } => {
                let location = location.map(|location| clip(&location));
                Self::Http { status, retry_after, location, body: clip(&body) }
            }
            Self::Upgrade(text) => Self::Upgrade(clip(&text)),
            Self::NotWebSocket(text) => Self::NotWebSocket(clip(&text)),
            Self::Headers(text) => Self::Headers(clip(&text)),
            Self::Unsupported(text) => Self::Unsupported(clip(&text)),
            Self::Timeout => Self::Timeout,
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Dns(text)
            | Self::Connect(text)
            | Self::Tls { detail: text, certificate: _ }
            | Self::Proxy(text)
            | Self::Connector(text)
            | Self::Upgrade(text)
            | Self::NotWebSocket(text)
            | Self::Headers(text)
            | Self::Unsupported(text) => memory::text(text),
            Self::Http { location, body, .. } => {
                memory::optional_text(location.as_deref()) + memory::text(body)
            }
            Self::Timeout => 0,
        }
    }

    pub(crate) fn policy(&self, stop_on_refusal: bool) -> Policy {
        let refusal = match self {
            Self::Http { status: 429 | 503, retry_after, .. } => {
                return Policy::BackOff(retry_after.unwrap_or_default());
            }
            Self::Unsupported(_) => return Policy::Stop,
            Self::Http { status, .. } => (300..500).contains(status),
            Self::Dns(_) => true,
            Self::Tls { certificate, .. } => *certificate,
            Self::Connect(_)
            | Self::Proxy(_)
            | Self::Connector(_)
            | Self::Upgrade(_)
            | Self::NotWebSocket(_)
            | Self::Headers(_)
            | Self::Timeout => false,
        };
        if refusal && stop_on_refusal { Policy::Stop } else { Policy::BackOff(Duration::ZERO) }
    }
}

impl fmt::Display for DialFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) => write!(f, "the host could not be resolved: {text}"),
            Self::Connect(text) => write!(f, "the server could not be reached: {text}"),
            Self::Tls { certificate: true, detail } => {
                write!(f, "the server's certificate was refused: {detail}")
            }
            Self::Tls { certificate: false, detail } => write!(f, "TLS failed: {detail}"),
            Self::Proxy(text) => write!(f, "the proxy failed: {text}"),
            Self::Connector(text) => write!(f, "the connector failed: {text}"),
            Self::Http { status, retry_after, location, body } => {
                write!(f, "the server answered with HTTP status {status}")?;
                if let Some(location) = location {
                    write!(f, " and points to {location}")?;
                }
                if !body.is_empty() {
                    write!(f, ": {body}")?;
                }
                // Others may carry a `Retry-After`, too, but only these two are kept.
                if let (429 | 503, Some(pause)) = (status, retry_after) {
                    write!(f, "; the next attempt waits at least {} s", pause.as_secs())?;
                }
                Ok(())
            }
            Self::Upgrade(text) => {
                write!(f, "the connection was lost during the upgrade: {text}")
            }
            Self::NotWebSocket(text) => write!(f, "what answered is not WebSocket: {text}"),
            Self::Timeout => f.write_str("the connection could not be made in time"),
            Self::Headers(text) => write!(f, "the upgrade's headers could not be provided: {text}"),
            Self::Unsupported(text) => write!(f, "this build cannot connect there: {text}"),
        }
    }
}

impl core::error::Error for DialFailure {}
