//! The request to an endpoint that has the secret, and its answer ([protocol, authorization
//! endpoint](crate::protocol#authorization-endpoint)).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::channel::name::ChannelName;
use crate::id::{SocketId, Ticket};
use crate::memory;
use crate::text::clip;
use crate::wire::parts::Part;

/// Maximum number of bytes of `auth`: a key has at most 200, and a signature 64.
const AUTH_BYTES: usize = 1024;

/// Maximum number of bytes of `shared_secret`: 32 bytes are 44 in base64.
const SHARED_SECRET_BYTES: usize = 64;

/// A request for an authorization, made because the session has no secret to sign with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// The ticket that [`Session::handle_authorization`](crate::Session::handle_authorization)
    /// takes together with the answer.
    pub ticket: Ticket,
    /// The socket id of the connection; the answer must be signed for it.
    pub socket_id: SocketId,
    /// The channel, or the sign-in, to authorize.
    pub subject: AuthorizationSubject,
    /// 1 for the first request for this subject on this connection, then 2, 3 …
    pub attempt: u32,
    /// Why the last attempt on this connection failed, where there was one.
    pub last_failure: Option<Box<AuthorizationError>>,
}

/// The channel, or the sign-in, to authorize.
///
/// Exhaustive on purpose: an authorizer must decide about everything that it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationSubject {
    /// The subscription to a channel. The answer needs `channel_data` for a presence channel, and
    /// `shared_secret` for an encrypted one.
    Channel {
        /// The channel.
        name: ChannelName,
        /// The member data that the user subscribed with (JSON), for presence channels; `None` if
        /// there was none.
        channel_data: Option<String>,
    },
    /// Signing in as a user. The answer needs `user_data`.
    User {
        /// The user data that the user signed in with (JSON); `None` if there was none.
        user_data: Option<String>,
    },
}

impl AuthorizationSubject {
    /// Returns the channel's name, if it is about a channel.
    #[must_use]
    pub fn channel(&self) -> Option<&ChannelName> {
        match self {
            Self::Channel { name, .. } => Some(name),
            Self::User { .. } => None,
        }
    }

    /// Returns the member data or user data that the user gave (JSON).
    #[must_use]
    pub fn data(&self) -> Option<&str> {
        match self {
            Self::Channel { channel_data: data, .. } | Self::User { user_data: data } => {
                data.as_deref()
            }
        }
    }
}

impl fmt::Display for AuthorizationSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel { name, .. } => name.fmt(f),
            Self::User { .. } => f.write_str("the sign-in"),
        }
    }
}

/// A granted authorization ([protocol, authorization
/// endpoint](crate::protocol#authorization-endpoint)). One whose `auth` has more than 1 KiB, whose
/// `shared_secret` has more than 64 bytes, or whose `channel_data` or `user_data` has more than
/// [`Limits::signed_data`](crate::Limits::signed_data) is taken as [`AuthorizationError::Refused`].
///
/// ```
/// # use pushest_proto::Authorization;
/// let granted = Authorization::from_json(r#"{"auth":"app-key:5f00"}"#).expect("it has `auth`");
/// assert_eq!(granted, Authorization::new("app-key:5f00"));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authorization {
    /// The signature, `KEY:HEX`.
    pub auth: String,
    /// The member's data, exactly as it was signed (JSON). Required for presence channels.
    pub channel_data: Option<String>,
    /// The key of an encrypted channel: base64 of 32 bytes. Required for encrypted channels.
    pub shared_secret: Option<zeroize::Zeroizing<String>>,
    /// The user's data, exactly as it was signed (JSON). Required for signing in.
    pub user_data: Option<String>,
}

impl Authorization {
    /// Creates an authorization from a signature, `KEY:HEX`.
    #[must_use]
    pub fn new(auth: impl Into<String>) -> Self {
        Self { auth: auth.into(), channel_data: None, shared_secret: None, user_data: None }
    }

    /// Adds the member data that was signed (JSON).
    #[must_use]
    pub fn channel_data(mut self, json: impl Into<String>) -> Self {
        self.channel_data = Some(json.into());
        self
    }

    /// Adds an encrypted channel's key (base64 of 32 bytes).
    #[must_use]
    pub fn shared_secret(mut self, base64: impl Into<String>) -> Self {
        self.shared_secret = Some(base64.into().into());
        self
    }

    /// Adds the user data that was signed (JSON).
    #[must_use]
    pub fn user_data(mut self, json: impl Into<String>) -> Self {
        self.user_data = Some(json.into());
        self
    }

    /// Prepares an authorizer's answer for the session: [bounds](Self::bounded) it and cuts its
    /// texts.
    pub(crate) fn bounded_answer(
        answer: Result<Self, AuthorizationError>,
        signed_data: usize,
    ) -> Result<Self, AuthorizationError> {
        answer.map_err(AuthorizationError::clipped).and_then(|granted| granted.bounded(signed_data))
    }

    /// Refuses an authorization that is too large to be sent: a server that closes a connection for
    /// one frame takes all channels with it. `signed_data` is
    /// [`Limits::signed_data`](crate::Limits).
    fn bounded(self, signed_data: usize) -> Result<Self, AuthorizationError> {
        let length = |text: &Option<String>| text.as_deref().map_or(0, str::len);
        let shared_secret = self.shared_secret.as_ref().map_or(0, |text| text.len());
        for (name, size, limit) in [
            ("auth", self.auth.len(), AUTH_BYTES),
            ("channel_data", length(&self.channel_data), signed_data),
            ("user_data", length(&self.user_data), signed_data),
            ("shared_secret", shared_secret, SHARED_SECRET_BYTES),
        ] {
            if size > limit {
                let problem =
                    format!("the answer's `{name}` has {size} bytes, the limit is {limit}");
                return Err(AuthorizationError::refused(None, &problem));
            }
        }
        Ok(self)
    }

    /// Returns what it keeps alive beside itself, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        let text = |text: &Option<String>| {
            text.as_ref().map_or(0, |text| memory::allocation(text.capacity()))
        };
        let secret = self.shared_secret.as_ref().map_or(0, |text| text.capacity());
        memory::allocation(self.auth.capacity())
            + text(&self.channel_data)
            + text(&self.user_data)
            + memory::allocation(secret)
    }

    /// Reads the answer of an authorization endpoint:
    /// `{"auth", "channel_data"?, "shared_secret"?, "user_data"?}`. A byte order mark before it is
    /// skipped.
    ///
    /// Each of them must be a string, and is taken as absent otherwise: that matters only where it
    /// is needed. An object as `channel_data` or `user_data` is not written out as a string: what
    /// was signed are the bytes of one spelling, and an object does not tell which. Of duplicate
    /// keys the last counts.
    ///
    /// # Errors
    /// [`AuthorizationError::Refused`] if it is not a JSON object with `auth`. The answer is not
    /// quoted: it may hold a key.
    pub fn from_json(answer: &str) -> Result<Self, AuthorizationError> {
        let answer = Part::new(answer.trim_start_matches('\u{feff}'));
        let fields = answer.fields(["auth", "channel_data", "shared_secret", "user_data"]);
        let Some(fields) = fields else {
            return Err(AuthorizationError::refused(
                None,
                "the answer is not an object with `auth`",
            ));
        };
        let [auth, channel_data, shared_secret, user_data] =
            fields.values.map(|value| value?.string().map(Cow::into_owned));
        let Some(auth) = auth.filter(|auth| !auth.is_empty()) else {
            return Err(AuthorizationError::refused(None, "the answer has no `auth`"));
        };
        Ok(Self { auth, channel_data, shared_secret: shared_secret.map(Into::into), user_data })
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("channel_data", &self.channel_data)
            .field("user_data", &self.user_data)
            .finish_non_exhaustive()
    }
}

/// Why there is no authorization: the endpoint refused, or could not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorizationError {
    /// The endpoint refused; asking again would not change that (HTTP 401, 403).
    Refused {
        /// The HTTP status; `None` if there was no response.
        status: Option<u16>,
        /// The words of the endpoint or of the driver, at most 512 bytes.
        message: Box<str>,
    },
    /// There was no usable answer; the session asks again, with backoff (HTTP 5xx, a timeout).
    Unavailable {
        /// The HTTP status; `None` if there was no response.
        status: Option<u16>,
        /// The words of the endpoint or of the driver, at most 512 bytes.
        message: Box<str>,
        /// The time that the endpoint asks to wait before it is asked again.
        retry_after: Option<Duration>,
    },
}

impl AuthorizationError {
    /// Cuts the text to what is kept.
    pub(crate) fn clipped(self) -> Self {
        match self {
            Self::Refused { status, message } => Self::Refused { status, message: clip(&message) },
            Self::Unavailable { status, message, retry_after } => {
                Self::Unavailable { status, message: clip(&message), retry_after }
            }
        }
    }

    /// Creates a final refusal. The message is cut to 512 bytes.
    #[must_use]
    pub fn refused(status: Option<u16>, message: &str) -> Self {
        Self::Refused { status, message: clip(message) }
    }

    /// Creates a failure that is asked again, without a pause of the endpoint's. The message is cut
    /// to 512 bytes.
    #[must_use]
    pub fn unavailable(status: Option<u16>, message: &str) -> Self {
        Self::Unavailable { status, message: clip(message), retry_after: None }
    }
}

impl fmt::Display for AuthorizationError {
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

impl core::error::Error for AuthorizationError {}
