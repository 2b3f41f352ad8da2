//! Who a member or a user is, as the text that is signed ([protocol,
//! signing](crate::protocol#signing)).

use alloc::string::{String, ToString};

use serde::Serialize;
use serde_json::value::RawValue;

/// Maximum length of a user id in bytes, unless a signer has another one ([protocol, limits](crate::protocol#limits)).
pub(crate) const USER_ID_BYTES: usize = 128;

/// What cannot be signed.
#[derive(Debug)]
pub(crate) enum Unsignable {
    /// The user's id is empty or too long.
    UserId,
    /// The info is not JSON, for this reason.
    UserInfo(String),
}

/// `channel_data` of the protocol: `{"user_id": …, "user_info": …}`.
pub(crate) fn channel_data(
    user_id: &str,
    user_info: Option<&str>,
    most_id_bytes: usize,
) -> Result<String, Unsignable> {
    #[derive(Serialize)]
    struct ChannelData<'a> {
        user_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        user_info: Option<&'a RawValue>,
    }
    check_id(user_id, most_id_bytes)?;
    Ok(written(&ChannelData { user_id, user_info: user_info.map(json).transpose()? }))
}

/// `user_data` of the protocol: `{"id": …, "user_info": …, "watchlist": […]}`.
#[cfg(feature = "api")]
pub(crate) fn user_data(
    id: &str,
    user_info: Option<&str>,
    watchlist: &[String],
    most_id_bytes: usize,
) -> Result<String, Unsignable> {
    #[derive(Serialize)]
    struct UserData<'a> {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        user_info: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        watchlist: &'a [String],
    }
    check_id(id, most_id_bytes)?;
    Ok(written(&UserData { id, user_info: user_info.map(json).transpose()?, watchlist }))
}

fn check_id(id: &str, most_bytes: usize) -> Result<(), Unsignable> {
    if (1..=most_bytes).contains(&id.len()) { Ok(()) } else { Err(Unsignable::UserId) }
}

fn json(info: &str) -> Result<&RawValue, Unsignable> {
    serde_json::from_str(info).map_err(|error| Unsignable::UserInfo(error.to_string()))
}

fn written(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("strings and checked JSON can always be written")
}
