//! What clients POST to an authorization endpoint ([protocol, authorization
//! endpoint](crate::protocol#authorization-endpoint)). Nothing in it proves who the client is.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::channel::name::{ChannelName, NameError, NameRules};
use crate::id::SocketId;
use crate::one_line;
use crate::wire::parts::Part;

const SOCKET_ID: &str = "socket_id";
const CHANNEL_NAME: &str = "channel_name";

/// A client's request to be authorized for a channel. Socket id and name have been checked: neither
/// can make the signature one of something else.
///
/// ```
/// use pushest_proto::ChannelForm;
///
/// let form = "application/x-www-form-urlencoded";
/// let asked = ChannelForm::read(form, b"socket_id=1.2&channel_name=private-orders&tenant=7")?;
/// assert_eq!(asked.channel.as_str(), "private-orders");
/// assert_eq!(asked.parameter("tenant"), Some("7"));
///
/// let asked = ChannelForm::read(
///     "application/json",
///     br#"{"socket_id":"1.2","channel_name":"private-orders"}"#,
/// )?;
/// assert_eq!(asked.socket_id.as_str(), "1.2");
/// # Ok::<(), pushest_proto::FormError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelForm {
    /// The connection that the authorization is for.
    pub socket_id: SocketId,
    /// The channel that the client wants to subscribe to.
    pub channel: ChannelName,
    parameters: Parameters,
}

impl ChannelForm {
    /// Reads the body of a POST: a form, or JSON if `content_type`, the value of `Content-Type`, says
    /// so.
    ///
    /// # Errors
    /// [`FormError`] says what is missing or wrong; [`AuthReply`](crate::AuthReply) turns it into an
    /// answer.
    pub fn read(content_type: &str, body: &[u8]) -> Result<Self, FormError> {
        Self::read_with_rules(content_type, body, &NameRules::default())
    }

    /// Reads the body of a POST, a form or JSON, by your own rules for the channel's name: for servers that
    /// allow other names.
    ///
    /// # Errors
    /// [`FormError`] says what is missing or wrong; [`AuthReply`](crate::AuthReply) turns it into an
    /// answer.
    pub fn read_with_rules(
        content_type: &str,
        body: &[u8],
        rules: &NameRules,
    ) -> Result<Self, FormError> {
        let mut parameters = Parameters::read(content_type, body)?;
        let socket_id = parameters.take_socket_id()?;
        let channel = ChannelName::with_rules(&parameters.take(CHANNEL_NAME)?, rules)?;
        Ok(Self { socket_id, channel, parameters })
    }

    /// Returns a further parameter that the client sent, the last of its name. Of a JSON body this is
    /// the content of a string, nothing for `null`, and any other value as it stands, such as `7`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)
    }
}

/// A client's request to be authenticated as a user, at its sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserForm {
    /// The connection that the authentication is for.
    pub socket_id: SocketId,
    parameters: Parameters,
}

impl UserForm {
    /// Reads the body of a POST: a form, or JSON if `content_type`, the value of `Content-Type`, says
    /// so.
    ///
    /// # Errors
    /// [`FormError`] says what is missing or wrong; [`AuthReply`](crate::AuthReply) turns it into an
    /// answer.
    pub fn read(content_type: &str, body: &[u8]) -> Result<Self, FormError> {
        let mut parameters = Parameters::read(content_type, body)?;
        Ok(Self { socket_id: parameters.take_socket_id()?, parameters })
    }

    /// Returns a further parameter that the client sent, the last of its name. Of a JSON body this is
    /// the content of a string, nothing for `null`, and any other value as it stands, such as `7`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)
    }
}

/// What is wrong with what a client sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// A body in a form that is not read.
    #[error("the body is neither a form (application/x-www-form-urlencoded) nor JSON")]
    ContentType,
    /// The body is no JSON object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// A parameter is missing, or `null`.
    #[error("`{name}` is missing")]
    Missing {
        /// The parameter's name: `socket_id` or `channel_name`.
        name: &'static str,
    },
    /// A parameter of a JSON body is another value than a string.
    #[error("`{name}` is not a string")]
    NotAString {
        /// The parameter's name: `socket_id` or `channel_name`.
        name: &'static str,
    },
    /// A parameter is there twice, whatever its values are, so that the client could choose which one counts.
    #[error("`{name}` stands there twice")]
    Twice {
        /// The parameter's name: `socket_id` or `channel_name`.
        name: &'static str,
    },
    /// Not a socket id.
    #[error("{socket_id:?} is not a socket id")]
    SocketId {
        /// What was sent as the socket id, at most its first 200 characters.
        socket_id: String,
    },
    /// Not a channel's name.
    #[error(transparent)]
    ChannelName(#[from] NameError),
}

/// The parameters, in the order in which they came.
#[derive(Clone, PartialEq, Eq)]
struct Parameters(Vec<(String, Value)>);

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    /// Any other value of JSON, as it stands.
    Json(String),
    Null,
}

/// Parameters may be tokens: only names are shown.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Parameters {
    fn read(content_type: &str, body: &[u8]) -> Result<Self, FormError> {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind == "application/json" || kind.ends_with("+json") {
            return Self::from_json(body).ok_or(FormError::NotAnObject);
        }
        if kind == "application/x-www-form-urlencoded" {
            let pairs = form_urlencoded::parse(body);
            let owned = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
                (name.into_owned(), Value::Text(value.into_owned()))
            };
            return Ok(Self(pairs.map(owned).collect()));
        }
        Err(FormError::ContentType)
    }

    fn from_json(body: &[u8]) -> Option<Self> {
        let body = core::str::from_utf8(body).ok()?.trim_start_matches('\u{feff}');
        let body = Some(Part::new(body)).filter(|body| body.is_json())?;
        let owned = |(name, value): (Cow<'_, str>, Part<'_>)| {
            let value = match value.string() {
                Some(text) => Value::Text(text.into_owned()),
                None if value.is_null() => Value::Null,
                None => Value::Json(value.as_str().into()),
            };
            (name.into_owned(), value)
        };
        Some(Self(body.entries()?.flatten().map(owned).collect()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().rev().filter(|(other, _)| other == name);
        match &found.next()?.1 {
            Value::Text(text) | Value::Json(text) => Some(text),
            Value::Null => None,
        }
    }

    fn take(&mut self, name: &'static str) -> Result<String, FormError> {
        let is_named = |(other, _): &(String, Value)| other == name;
        let place = self.0.iter().position(is_named).ok_or(FormError::Missing { name })?;
        let (_, value) = self.0.remove(place);
        // Before what it is: what reads the body behind this may take the other one.
        if self.0.iter().any(is_named) {
            return Err(FormError::Twice { name });
        }
        match value {
            Value::Text(text) => Ok(text),
            Value::Json(_) => Err(FormError::NotAString { name }),
            Value::Null => Err(FormError::Missing { name }),
        }
    }

    fn take_socket_id(&mut self) -> Result<SocketId, FormError> {
        let text = self.take(SOCKET_ID)?;
        SocketId::new(&text)
            .ok_or_else(|| FormError::SocketId { socket_id: one_line::quotable(&text) })
    }
}
