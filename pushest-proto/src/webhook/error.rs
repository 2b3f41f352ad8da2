//! Why a webhook is not taken.

use alloc::string::String;
use core::time::Duration;

/// Why a webhook is not taken. No signature stands in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// A header that every webhook has is missing.
    #[error("the webhook has no header {header}")]
    Missing {
        /// The header's name: `X-Pusher-Key` or `X-Pusher-Signature`.
        header: &'static str,
    },
    /// The webhook is signed with a key that is not among those given.
    #[error("the webhook is signed with the key {key:?}, which is none of those known here")]
    UnknownKey {
        /// The key that the header names, at most its first 200 characters.
        key: String,
    },
    /// The signature is not that of the body: it was signed with another secret, or changed on its
    /// way. A body that was parsed and written again is another one.
    #[error(
        "the webhook's signature does not fit: another secret, or not the bytes that were sent"
    )]
    Signature,
    /// The signature is right, and the body is not one that the protocol describes.
    #[error("the webhook is signed, but cannot be read: {problem}")]
    Malformed {
        /// The first thing that is wrong with the body.
        problem: &'static str,
    },
    /// The webhook was made too long ago: it was kept back, or is replayed.
    #[error("the webhook is {} s old, at most {} s are allowed", age.as_secs(), limit.as_secs())]
    TooOld {
        /// The time since it was made, by the two machines' clocks.
        age: Duration,
        /// What [`Webhooks::largest_age`](super::Webhooks::largest_age) allows.
        limit: Duration,
    },
    /// The webhook was made in the future: one of the two clocks is wrong.
    #[error(
        "the webhook was made {} s in the future, at most {} s are allowed: is the clock right?",
        ahead.as_secs(),
        limit.as_secs()
    )]
    FromTheFuture {
        /// The time by which its own is ahead of this machine's clock.
        ahead: Duration,
        /// What [`Webhooks::largest_age`](super::Webhooks::largest_age) allows.
        limit: Duration,
    },
}

impl WebhookError {
    /// Returns the HTTP status to answer with: 400 for what cannot be read, 401 for the rest.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. } => 400,
            _ => 401,
        }
    }
}
