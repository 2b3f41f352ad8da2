//! Options of a subscription.

use alloc::string::{String, ToString};

/// Options of a subscription: the member data of presence channels. `SubscribeOptions::default()`
/// for all others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SubscribeOptions {
    /// The user id of the member, on presence channels: 1 to 128 bytes.
    pub user_id: Option<String>,
    /// What the other members may know of the user (JSON).
    pub user_info: Option<String>,
}

impl SubscribeOptions {
    /// Creates options for a presence channel, with the user id of the member: a text, or a number.
    ///
    /// ```
    /// # use pushest_proto::SubscribeOptions;
    /// assert_eq!(SubscribeOptions::member(42), SubscribeOptions::member("42"));
    /// ```
    #[must_use]
    pub fn member(user_id: impl ToString) -> Self {
        Self { user_id: Some(user_id.to_string()), user_info: None }
    }

    /// Sets what the other members may know of the user (JSON).
    #[must_use]
    pub fn info(mut self, json: &str) -> Self {
        self.user_info = Some(json.to_string());
        self
    }
}
