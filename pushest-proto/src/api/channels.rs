//! The channels that an event goes to.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::error::RequestError;
use super::limits::ApiLimits;
use crate::channel::name::{ChannelName, RESERVED_PREFIX};
use crate::one_line;

/// The channels that an event goes to: made of one name, or of an array, slice or `Vec` of them.
///
/// ```
/// # use pushest_proto::api::Publish;
/// let to_one = Publish::new("orders", "shipped", "{}");
/// let to_both = Publish::new(["orders", "private-audit"], "shipped", "{}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelList(pub(super) Vec<String>);

impl From<&str> for ChannelList {
    fn from(name: &str) -> Self {
        Self(alloc::vec![name.to_string()])
    }
}

impl From<String> for ChannelList {
    fn from(name: String) -> Self {
        Self(alloc::vec![name])
    }
}

impl From<&String> for ChannelList {
    fn from(name: &String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<&ChannelName> for ChannelList {
    fn from(name: &ChannelName) -> Self {
        Self::from(name.as_str())
    }
}

impl From<ChannelName> for ChannelList {
    fn from(name: ChannelName) -> Self {
        Self::from(name.as_str())
    }
}

impl<S: AsRef<str>> From<&[S]> for ChannelList {
    fn from(names: &[S]) -> Self {
        Self(names.iter().map(|name| name.as_ref().to_string()).collect())
    }
}

impl<S: AsRef<str>, const N: usize> From<[S; N]> for ChannelList {
    fn from(names: [S; N]) -> Self {
        Self::from(&names[..])
    }
}

impl<S: AsRef<str>, const N: usize> From<&[S; N]> for ChannelList {
    fn from(names: &[S; N]) -> Self {
        Self::from(&names[..])
    }
}

impl<S: AsRef<str>> From<Vec<S>> for ChannelList {
    fn from(names: Vec<S>) -> Self {
        Self::from(&names[..])
    }
}

impl<S: AsRef<str>> From<&Vec<S>> for ChannelList {
    fn from(names: &Vec<S>) -> Self {
        Self::from(&names[..])
    }
}

/// Returns the channel that a signed-in user's connections are subscribed to ([protocol,
/// sign-in](crate::protocol#sign-in)).
pub(super) fn of_user(user_id: &str) -> String {
    alloc::format!("{RESERVED_PREFIX}{user_id}")
}

/// Checks the name of a channel that is published on, or asked about.
pub(super) fn check(name: &str, limits: &ApiLimits) -> Result<(), RequestError> {
    match name.strip_prefix(RESERVED_PREFIX) {
        Some(user_id) => check_user_id(user_id, limits),
        None => Ok(ChannelName::with_rules(name, &limits.channel_name).map(|_| ())?),
    }
}

/// Checks the id of a user.
pub(super) fn check_user_id(user_id: &str, limits: &ApiLimits) -> Result<(), RequestError> {
    let (length, limit) = (user_id.len(), limits.user_id);
    if (1..=limit).contains(&length) {
        return Ok(());
    }
    Err(RequestError::UserId { user_id: one_line::quotable(user_id), length, limit })
}
