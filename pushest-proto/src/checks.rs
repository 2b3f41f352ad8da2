//! What a command must satisfy whatever the session's state is: the configuration alone decides.
//! Every check runs before a command changes anything.

use alloc::string::String;

use serde_json::value::RawValue;

use crate::auth::member::{self, USER_ID_BYTES, Unsignable};
use crate::channel::name::{ChannelKind, ChannelName};
use crate::command::CommandError;
use crate::config::{Config, Settings};
use crate::session::options::SubscribeOptions;
use crate::user;

/// Maximum number of characters of a refused value that its error shows.
const SHOWN_CHARACTERS: usize = 200;

impl Config {
    /// Checks what [`Session::subscribe`](crate::Session::subscribe) checks before it looks at
    /// other channels, and returns the parsed name. Nothing is subscribed to.
    ///
    /// ```
    /// # use pushest_proto::{Config, SubscribeOptions};
    /// let config = Config::builder("key").cluster("eu").build()?;
    /// let options = SubscribeOptions::default();
    /// assert_eq!(config.check_subscribe("orders", &options).unwrap().as_str(), "orders");
    /// assert!(config.check_subscribe("or ders", &options).is_err());
    /// # Ok::<(), pushest_proto::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::subscribe`](crate::Session::subscribe), except for
    /// [`CommandError::TooManyChannels`].
    pub fn check_subscribe(
        &self,
        name: &str,
        options: &SubscribeOptions,
    ) -> Result<ChannelName, CommandError> {
        self.settings.subscription(name, options).map(|(name, _)| name)
    }

    /// Checks what [`Session::trigger`](crate::Session::trigger) checks before it looks at the
    /// subscription and the connection. `data` is the JSON that would be sent.
    ///
    /// # Errors
    /// [`CommandError::EventName`], [`CommandError::ChannelName`], [`CommandError::NoClientEvents`]
    /// or [`CommandError::TooLarge`].
    pub fn check_trigger(
        &self,
        channel: &str,
        event: &str,
        data: &RawValue,
    ) -> Result<(), CommandError> {
        self.settings.triggering(channel, event)?;
        self.settings.event_data(data)
    }

    /// Checks what [`Session::sign_in`](crate::Session::sign_in) checks.
    ///
    /// # Errors
    /// As [`Session::sign_in`](crate::Session::sign_in).
    pub fn check_sign_in(&self, user_data: Option<&str>) -> Result<(), CommandError> {
        self.settings.check_sign_in(user_data)
    }
}

/// The checks, as a session makes them.
impl Settings {
    /// Checks what a sign-in is given.
    pub(crate) fn check_sign_in(&self, user_data: Option<&str>) -> Result<(), CommandError> {
        match user_data {
            None if self.signer.is_some() => Err(CommandError::UserDataMissing),
            None => Ok(()),
            Some(data) => {
                self.signed(data)?;
                user::check(data)
                    .map_err(|problem| CommandError::UserData { user_data: shown(data), problem })
            }
        }
    }

    /// Returns the channel to subscribe to, and its `channel_data`.
    pub(crate) fn subscription(
        &self,
        name: &str,
        options: &SubscribeOptions,
    ) -> Result<(ChannelName, Option<String>), CommandError> {
        let name = ChannelName::with_rules(name, &self.limits.channel_name)?;
        let is_presence = name.kind() == ChannelKind::Presence;
        let channel_data = if is_presence { channel_data(options)? } else { None };
        if let Some(data) = &channel_data {
            self.signed(data)?;
        }
        if is_presence && channel_data.is_none() && self.signer.is_some() {
            return Err(CommandError::MemberDataMissing { channel: name });
        }
        if name.kind() == ChannelKind::Encrypted && !cfg!(feature = "encrypted") {
            return Err(CommandError::EncryptionUnsupported { channel: name });
        }
        let lacks_key = self.signer.is_some() && self.master_key.is_none();
        if name.kind() == ChannelKind::Encrypted && lacks_key {
            return Err(CommandError::MasterKeyMissing { channel: name });
        }
        Ok((name, channel_data))
    }

    /// Returns the channel of a client event ([protocol, client
    /// events](crate::protocol#client-events)).
    pub(crate) fn triggering(
        &self,
        channel: &str,
        event: &str,
    ) -> Result<ChannelName, CommandError> {
        let limits = &self.limits;
        let is_named = event.strip_prefix("client-").is_some_and(|rest| !rest.is_empty());
        let limit = limits.event_name;
        if !is_named || event.chars().count() > limit {
            return Err(CommandError::EventName { event: shown(event), limit });
        }
        let name = ChannelName::with_rules(channel, &limits.channel_name)?;
        if !name.kind().allows_client_events() {
            return Err(CommandError::NoClientEvents { channel: name });
        }
        Ok(name)
    }

    /// Returns whether the data of a client event is small enough.
    pub(crate) fn event_data(&self, data: &RawValue) -> Result<(), CommandError> {
        at_most(self.limits.event_data, data.get())
    }

    fn signed(&self, data: &str) -> Result<(), CommandError> {
        at_most(self.limits.signed_data, data)
    }
}

/// `channel_data` of the protocol: `{"user_id": …, "user_info": …}`.
fn channel_data(options: &SubscribeOptions) -> Result<Option<String>, CommandError> {
    let Some(user_id) = options.user_id.as_deref() else {
        return Ok(None);
    };
    let written = member::channel_data(user_id, options.user_info.as_deref(), USER_ID_BYTES);
    written.map(Some).map_err(|problem| match problem {
        Unsignable::UserId => CommandError::UserId { user_id: shown(user_id) },
        Unsignable::UserInfo(problem) => {
            let info = options.user_info.clone().unwrap_or_default();
            CommandError::UserInfo { info, problem }
        }
    })
}

fn at_most(limit: usize, data: &str) -> Result<(), CommandError> {
    let size = data.len();
    if size > limit { Err(CommandError::TooLarge { size, limit }) } else { Ok(()) }
}

fn shown<T: FromIterator<char>>(text: &str) -> T {
    text.chars().take(SHOWN_CHARACTERS).collect()
}
