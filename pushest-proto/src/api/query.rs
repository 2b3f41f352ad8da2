//! Asking: which channels have subscribers, about one channel, who is on a presence channel
//! ([protocol, HTTP API](crate::protocol#http-api)).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::answer::{Occupancy, OccupiedChannels};
use super::app::App;
use super::call::{Build, Call};
use super::channels;
use super::error::RequestError;
use super::event::Info;
use super::signature::segment;
use super::unsigned::Unsigned;
use crate::channel::name::ChannelKind;
use crate::one_line;

/// A query for the channels that have subscribers, with their counts.
///
/// ```
/// # use pushest_proto::api::ListChannels;
/// let rooms = ListChannels::new().prefix("presence-").with_user_count();
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListChannels {
    prefix: Option<String>,
    info: Info,
}

impl ListChannels {
    /// Creates a query for all channels.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks only for channels whose names begin with this prefix.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = Some(prefix.to_string());
        self
    }

    /// Asks how many users each channel has: needs a prefix that begins with `presence-`.
    #[must_use]
    pub fn with_user_count(mut self) -> Self {
        self.info.user_count = true;
        self
    }

    /// Asks how many connections are subscribed to each channel, if the app has that enabled.
    #[must_use]
    pub fn with_subscription_count(mut self) -> Self {
        self.info.subscription_count = true;
        self
    }
}

impl Build for ListChannels {
    fn unsigned(&self, app: &App) -> Result<Unsigned, RequestError> {
        let prefix = self.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        if let Some(prefix) = prefix {
            let rules = &app.limits().channel_name;
            // `#server-to-user-` begins names, too.
            let is_wrong = |character: &char| !rules.allows(*character) && *character != '#';
            if let Some(character) = prefix.chars().find(is_wrong) {
                return Err(RequestError::Prefix { prefix: one_line::quotable(prefix), character });
            }
        }
        if self.info.user_count && !prefix.is_some_and(|prefix| prefix.starts_with("presence-")) {
            return Err(RequestError::UserCountOfOthers);
        }
        let mut unsigned = Unsigned::get("/channels");
        if let Some(prefix) = prefix {
            unsigned = unsigned.parameter("filter_by_prefix", prefix);
        }
        Ok(with_info(unsigned, self.info))
    }
}

impl Call for ListChannels {
    type Answer = OccupiedChannels;
}

/// A query about one channel: whether it has subscribers, how many, and what it keeps. The channel of a
/// signed-in user, `#server-to-user-ID`, can be asked about, too: it is occupied while one of the user's
/// connections is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetChannel {
    name: String,
    info: Info,
}

impl GetChannel {
    /// Creates a query for whether this channel has subscribers.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        Self { name: name.as_ref().to_string(), info: Info::default() }
    }

    /// Asks how many users the channel has. Presence channels only.
    #[must_use]
    pub fn with_user_count(mut self) -> Self {
        self.info.user_count = true;
        self
    }

    /// Asks how many connections are subscribed, if the app has that enabled.
    #[must_use]
    pub fn with_subscription_count(mut self) -> Self {
        self.info.subscription_count = true;
        self
    }

    /// Asks for the event that a cache channel keeps.
    #[must_use]
    pub fn with_cache(mut self) -> Self {
        self.info.cache = true;
        self
    }
}

impl Build for GetChannel {
    fn unsigned(&self, app: &App) -> Result<Unsigned, RequestError> {
        let path = path(&self.name, app)?;
        if self.info.user_count && ChannelKind::of(&self.name) != ChannelKind::Presence {
            return Err(RequestError::NotPresence { channel: self.name.clone() });
        }
        Ok(with_info(Unsigned::get(path), self.info))
    }
}

impl Call for GetChannel {
    type Answer = Occupancy;
}

/// Asks for the ids of the users on a presence channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUsers {
    channel: String,
}

impl ListUsers {
    /// Creates a query for the users on this presence channel.
    #[must_use]
    pub fn new(channel: impl AsRef<str>) -> Self {
        Self { channel: channel.as_ref().to_string() }
    }
}

impl Build for ListUsers {
    fn unsigned(&self, app: &App) -> Result<Unsigned, RequestError> {
        let path = path(&self.channel, app)?;
        if ChannelKind::of(&self.channel) != ChannelKind::Presence {
            return Err(RequestError::NotPresence { channel: self.channel.clone() });
        }
        Ok(Unsigned::get(format!("{path}/users")))
    }
}

impl Call for ListUsers {
    /// The ids, in the order in which the server names them.
    type Answer = Vec<String>;
}

/// Returns the path of a channel.
fn path(name: &str, app: &App) -> Result<String, RequestError> {
    channels::check(name, app.limits())?;
    let segment = segment(name).ok_or(RequestError::Dots)?;
    Ok(format!("/channels/{segment}"))
}

fn with_info(unsigned: Unsigned, info: Info) -> Unsigned {
    match info.value() {
        Some(value) => unsigned.parameter("info", value),
        None => unsigned,
    }
}
