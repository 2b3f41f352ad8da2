//! What a channel is subscribed to with.

use alloc::string::{String, ToString};

/// What to subscribe with; `SubscribeOptions::default()` for all but presence channels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SubscribeOptions {
    /// Who subscribes, on presence channels.
    pub user_id: Option<String>,
    /// What the other members may know of the user (JSON).
    pub user_info: Option<String>,
}

impl SubscribeOptions {
    /// A subscription to a presence channel as this user.
    #[must_use]
    pub fn member(user_id: &str) -> Self {
        Self { user_id: Some(user_id.to_string()), user_info: None }
    }

    /// The same with what the other members may know of the user (JSON).
    #[must_use]
    pub fn info(mut self, json: &str) -> Self {
        self.user_info = Some(json.to_string());
        self
    }
}
