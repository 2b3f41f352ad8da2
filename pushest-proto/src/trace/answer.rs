//! What an authorizer answered, as it stands in a recording.

use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::texts::base64;
use crate::auth::request::{Authorization, AuthorizationError};
use crate::channel::secret::SharedSecret;

pub(super) fn serialize<S: Serializer>(
    answer: &Result<Authorization, AuthorizationError>,
    to: S,
) -> Result<S::Ok, S::Error> {
    Answer::of(answer).serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Result<Authorization, AuthorizationError>, D::Error> {
    Answer::deserialize(from).map(Answer::into_answer)
}

/// What an authorizer answered. The key of an encrypted channel stays out of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Answer {
    Granted {
        auth: String,
        channel_data: Option<String>,
        user_data: Option<String>,
        shared_secret: Option<SharedSecretText>,
    },
    Refused {
        status: Option<u16>,
        message: Box<str>,
    },
    Unavailable {
        status: Option<u16>,
        message: Box<str>,
        retry_after: Option<Duration>,
    },
}

/// What is said about a key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SharedSecretText {
    /// It was one.
    Key,
    /// It was something else.
    NoKey,
}

impl Answer {
    fn of(answer: &Result<Authorization, AuthorizationError>) -> Self {
        match answer.clone() {
            Ok(granted) => Self::Granted {
                shared_secret: granted.shared_secret.as_deref().map(|text| {
                    let key = SharedSecret::from_base64(text);
                    key.map_or(SharedSecretText::NoKey, |_| SharedSecretText::Key)
                }),
                auth: granted.auth,
                channel_data: granted.channel_data,
                user_data: granted.user_data,
            },
            Err(AuthorizationError::Refused { status, message }) => {
                Self::Refused { status, message }
            }
            Err(AuthorizationError::Unavailable { status, message, retry_after }) => {
                Self::Unavailable { status, message, retry_after }
            }
        }
    }

    /// Returns the answer, with something in the place of the key.
    fn into_answer(self) -> Result<Authorization, AuthorizationError> {
        match self {
            Self::Granted { auth, channel_data, user_data, shared_secret } => Ok(Authorization {
                auth,
                channel_data,
                user_data,
                shared_secret: shared_secret.map(|text| match text {
                    SharedSecretText::Key => base64::text(&[0; 32]).into(),
                    SharedSecretText::NoKey => String::new().into(),
                }),
            }),
            Self::Refused { status, message } => {
                Err(AuthorizationError::Refused { status, message })
            }
            Self::Unavailable { status, message, retry_after } => {
                Err(AuthorizationError::Unavailable { status, message, retry_after })
            }
        }
    }
}
