//! Why something failed: what the server said, and what became of a subscription or a sign-in.

use alloc::boxed::Box;
use core::fmt;

use crate::auth::request::AuthorizationError;
use crate::channel::name::ChannelName;

/// Why a subscription or a sign-in failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestFailure {
    /// The authorization was refused, or was not usable. It stays so until the user calls `retry`
    /// or `subscribe`.
    AuthorizationRefused(AuthorizationError),
    /// There was no usable authorization; the session asks again.
    AuthorizationUnavailable(AuthorizationError),
    /// The server refused.
    Refused(Box<ServerError>),
    /// The server did not answer three subscribes, or the sign-in.
    NoAnswer,
    /// The server closed two connections in a row with 1009 (RFC 6455: a message too big), and of
    /// all that was unanswered both times this is the largest frame. It stays so until the user
    /// calls `retry` or `subscribe`, or `sign_in`: sent again, it would cost every channel its
    /// connection.
    TooLarge {
        /// The size of the frame in bytes, without its WebSocket header.
        bytes: usize,
    },
}

impl RequestFailure {
    /// Returns whether the failure outlasts the connection: the session tries again only when the
    /// user asks.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::AuthorizationRefused(_) | Self::TooLarge { .. })
    }
}

impl fmt::Display for RequestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthorizationRefused(error) | Self::AuthorizationUnavailable(error) => {
                error.fmt(f)
            }
            Self::Refused(error) => write!(f, "the server refused: {error}"),
            Self::NoAnswer => f.write_str("the server did not answer"),
            Self::TooLarge { bytes } => write!(
                f,
                "the server closes the connection with 1009 (too big) when it is sent: its frame \
                 has {bytes} bytes"
            ),
        }
    }
}

impl core::error::Error for RequestFailure {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::AuthorizationRefused(error) | Self::AuthorizationUnavailable(error) => {
                Some(error)
            }
            Self::Refused(error) => Some(&**error),
            Self::NoAnswer | Self::TooLarge { .. } => None,
        }
    }
}

/// An error that the server reported.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerError {
    /// The code; `None` if the server sent none ([protocol, close
    /// codes](crate::protocol#close-codes)).
    pub code: Option<u16>,
    /// The server's message, at most 512 bytes; empty if it sent none.
    pub message: Box<str>,
    /// The channel that the error is about; `None` if it is about none, or that is not known.
    pub channel: Option<ChannelName>,
    /// The command that the error is a reply to; `None` if that is not known.
    pub in_reply_to: Option<InReplyTo>,
    /// The server did not say what the error is about; it was inferred from what is unanswered.
    pub inferred: bool,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.message, self.code) {
            ("", Some(code)) => write!(f, "error {code}"),
            ("", None) => f.write_str("an error without code and message"),
            (message, Some(code)) => write!(f, "{message} (code {code})"),
            (message, None) => f.write_str(message),
        }
    }
}

impl core::error::Error for ServerError {}

/// The command that an error is a reply to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InReplyTo {
    /// The subscription to the error's channel.
    Subscribe,
    /// The sign-in.
    SignIn,
    /// A client event on the error's channel.
    ClientEvent {
        /// The event's name.
        event: Box<str>,
    },
}
