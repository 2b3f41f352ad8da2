//! Signing with the app's secret, and asking somebody else to.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::channel::ChannelName;
use crate::connection::{ConnectionId, SocketId};
use crate::text::clip;

/// Signs with an app's secret (protocol, signatures). Its `Debug` shows the key only.
///
/// ```
/// use pushest_proto::{Signer, SocketId};
///
/// let signer = Signer::new("278d425bdf160c739803", "7ad3773142a6692b25b8");
/// let socket_id = SocketId::new("1234.1234").expect("two runs of digits");
/// assert_eq!(
///     signer.channel(&socket_id, "private-foobar", None),
///     "278d425bdf160c739803:\
///      58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
/// );
/// ```
#[derive(Clone)]
pub struct Signer {
    key: String,
    secret: Zeroizing<String>,
}

impl Signer {
    /// A signer for the app with this key and secret.
    #[must_use]
    pub fn new(key: &str, secret: &str) -> Self {
        Self { key: key.to_string(), secret: secret.to_string().into() }
    }

    /// The authorization of a private channel, or with `channel_data` (JSON, sent byte for byte as
    /// signed) of a presence channel: `KEY:HEX`.
    #[must_use]
    pub fn channel(
        &self,
        socket_id: &SocketId,
        channel: &str,
        channel_data: Option<&str>,
    ) -> String {
        match channel_data {
            Some(data) => self.sign(&[socket_id.as_str(), ":", channel, ":", data]),
            None => self.sign(&[socket_id.as_str(), ":", channel]),
        }
    }

    /// The authentication of a user at sign-in, `user_data` being the JSON that is sent: `KEY:HEX`.
    #[must_use]
    pub fn user(&self, socket_id: &SocketId, user_data: &str) -> String {
        self.sign(&[socket_id.as_str(), "::user::", user_data])
    }

    fn sign(&self, parts: &[&str]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())
            .expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(part.as_bytes());
        }
        format!("{}:{}", self.key, hex::encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Names one request for an authorization. It belongs to one connection: what was signed for a
/// former socket id is worthless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(crate) connection: ConnectionId,
    pub(crate) number: u64,
}

/// Asks for an authorization, because the session has no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// Goes into [`Session::handle_authorization`](crate::Session::handle_authorization) with the
    /// answer.
    pub ticket: Ticket,
    /// The socket id that the answer must be signed for.
    pub socket_id: SocketId,
    /// The channel.
    pub channel: ChannelName,
    /// What the user gave as member data when subscribing (JSON), for presence channels.
    pub channel_data: Option<String>,
    /// 1 for the first request for this channel on this connection, then 2, 3 …
    pub attempt: u32,
}

/// A granted authorization (protocol, HTTP side).
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// `KEY:HEX`.
    pub auth: String,
    /// The member's data, exactly as it was signed (JSON). Required for presence channels.
    pub channel_data: Option<String>,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("channel_data", &self.channel_data)
            .finish_non_exhaustive()
    }
}

/// An authorization that was not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// The answer is no, and asking again would not change it (HTTP 401, 403).
    Refused {
        /// The HTTP status, if there was one.
        status: Option<u16>,
        /// What was said, at most 512 bytes of it.
        message: Box<str>,
    },
    /// There was no usable answer; it is asked for again, with backoff (HTTP 5xx, a timeout).
    Unavailable {
        /// The HTTP status, if there was one.
        status: Option<u16>,
        /// What was said, at most 512 bytes of it.
        message: Box<str>,
        /// Ask again no earlier than after this.
        retry_after: Option<Duration>,
    },
}

impl Denied {
    /// A final no.
    #[must_use]
    pub fn refused(status: Option<u16>, message: &str) -> Self {
        Self::Refused { status, message: clip(message) }
    }

    /// No usable answer.
    #[must_use]
    pub fn unavailable(status: Option<u16>, message: &str) -> Self {
        Self::Unavailable { status, message: clip(message), retry_after: None }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, status, message) = match self {
            Self::Refused { status, message } => ("refused", status, message),
            Self::Unavailable { status, message, .. } => ("unavailable", status, message),
        };
        write!(f, "authorization {what}")?;
        if let Some(status) = status {
            write!(f, " with HTTP status {status}")?;
        }
        if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
    }
}
