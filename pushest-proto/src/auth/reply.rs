//! The HTTP answer of an authorization endpoint ([protocol, authorization
//! endpoint](crate::protocol#authorization-endpoint)).

use alloc::string::String;

use serde::Serialize;

use super::form::FormError;
use super::grant::SignError;
use super::request::Authorization;

/// The HTTP response of an authorization endpoint: status and body, the latter of the content type
/// [`AuthReply::CONTENT_TYPE`].
///
/// ```
/// use pushest_proto::{AuthReply, ChannelForm, MemberData, Signer};
///
/// /// `user` is who your session or token says.
/// fn authorize(signer: &Signer, user: &str, content_type: &str, body: &[u8]) -> AuthReply {
///     let asked = match ChannelForm::read(content_type, body) {
///         Ok(asked) => asked,
///         Err(error) => return error.into(),
///     };
///     if asked.channel == "private-admin" && user != "ada" {
///         return AuthReply::forbidden("for admins only");
///     }
///     let member = MemberData::new(user);
///     signer.authorize_channel(&asked.socket_id, &asked.channel, Some(&member)).into()
/// }
///
/// let signer = Signer::new("app-key", "app-secret");
/// let form = "application/x-www-form-urlencoded";
/// let reply = authorize(&signer, "bob", form, b"socket_id=1.2&channel_name=private-admin");
/// assert_eq!((reply.status, &*reply.body), (403, r#"{"error":"for admins only"}"#));
/// let reply = authorize(&signer, "bob", form, b"socket_id=1.2&channel_name=presence-room");
/// assert_eq!(reply.status, 200);
/// assert!(reply.body.starts_with(r#"{"auth":"app-key:"#));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthReply {
    /// The HTTP status to answer with: 200, 400, 403 or 500.
    pub status: u16,
    /// The body to answer with, JSON of the type [`AuthReply::CONTENT_TYPE`].
    pub body: String,
}

impl AuthReply {
    /// The value of `Content-Type`.
    pub const CONTENT_TYPE: &'static str = "application/json";

    /// Creates a refusal: 403, and a body that says why.
    #[must_use]
    pub fn forbidden(reason: &str) -> Self {
        Self::error(403, reason)
    }

    fn error(status: u16, error: &str) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a str,
        }
        Self { status, body: written(&Body { error }) }
    }
}

impl From<Authorization> for AuthReply {
    fn from(granted: Authorization) -> Self {
        Self { status: 200, body: granted.to_json() }
    }
}

/// 400, and what is wrong.
impl From<FormError> for AuthReply {
    fn from(error: FormError) -> Self {
        Self::error(400, &alloc::format!("{error}"))
    }
}

/// 403 for a public channel, which is the client's mistake; 500 for mistakes of the program, which
/// the body does not describe.
impl From<SignError> for AuthReply {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Public { .. } => Self::error(403, &alloc::format!("{error}")),
            _ => Self::error(500, "this could not be signed"),
        }
    }
}

impl From<Result<Authorization, SignError>> for AuthReply {
    fn from(result: Result<Authorization, SignError>) -> Self {
        match result {
            Ok(granted) => granted.into(),
            Err(error) => error.into(),
        }
    }
}

/// A body that grants holds a signature, and maybe a key.
impl core::fmt::Debug for AuthReply {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AuthReply").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Authorization {
    /// Returns the body of an authorization endpoint that grants this, as clients read it.
    #[must_use]
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            auth: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            channel_data: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            shared_secret: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            user_data: Option<&'a str>,
        }
        written(&Body {
            auth: &self.auth,
            channel_data: self.channel_data.as_deref(),
            shared_secret: self.shared_secret.as_ref().map(|secret| secret.as_str()),
            user_data: self.user_data.as_deref(),
        })
    }
}

fn written(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("strings can always be written")
}
