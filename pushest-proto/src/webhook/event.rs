//! What webhooks tell of ([protocol, webhooks](crate::protocol#webhooks)). Each event is read for
//! itself: what is odd about one does not cost the others.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};

use crate::wire::parts::Part;

/// One thing that a webhook tells of. Names and ids are as the server has checked them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookEvent {
    /// A channel that was vacant has its first subscriber.
    ChannelOccupied {
        /// The name of the channel that is occupied now.
        channel: String,
    },
    /// A channel has lost its last subscriber, and is vacant.
    ChannelVacated {
        /// The name of the channel that is vacant now.
        channel: String,
    },
    /// A user has joined a presence channel, with its first connection.
    MemberAdded {
        /// The name of the presence channel that was joined.
        channel: String,
        /// The id of the user, a number in the JSON as its digits.
        user_id: String,
    },
    /// A user has left a presence channel, with its last connection.
    MemberRemoved {
        /// The name of the presence channel that was left.
        channel: String,
        /// The id of the user, a number in the JSON as its digits.
        user_id: String,
    },
    /// A client has sent an event to the other subscribers of a channel.
    ClientEvent(ClientEvent),
    /// A client has subscribed to a cache channel that keeps no event.
    CacheMiss {
        /// The name of the cache channel, such as `private-cache-weather`.
        channel: String,
    },
    /// The number of connections that are subscribed to a channel.
    SubscriptionCount {
        /// The name of the channel whose subscribers were counted.
        channel: String,
        /// The number of connections that are subscribed to it.
        count: u64,
    },
    /// An event that is not known here, or that lacks what belongs to one of its name.
    Other {
        /// The event's name in the JSON; empty if it has none.
        name: String,
        /// The whole event, JSON as it stands in the body.
        json: String,
    },
}

/// An event that a client has sent to the others. The client chose all of it except the channel's
/// name and the user id, which servers check.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientEvent {
    /// The name of the private or presence channel that it was sent on.
    pub channel: String,
    /// The event's name, which begins with `client-`.
    pub event: String,
    /// The data: a string's content, or else the JSON as it stands; empty if there is none.
    pub data: String,
    /// The connection that sent it, where the server says so.
    pub socket_id: Option<String>,
    /// The id of the user who sent it; absent on channels other than presence channels.
    pub user_id: Option<String>,
}

impl WebhookEvent {
    pub(super) fn read(event: Part<'_>) -> Self {
        Self::known(event).unwrap_or_else(|| {
            let name = event.fields(["name"]).and_then(|fields| fields.values[0]?.string());
            let name = name.map(Cow::into_owned).unwrap_or_default();
            Self::Other { name, json: event.as_str().to_string() }
        })
    }

    /// An event with a name that is known, and all that belongs to it.
    fn known(event: Part<'_>) -> Option<Self> {
        let keys =
            ["name", "channel", "user_id", "event", "data", "socket_id", "subscription_count"];
        let [name, channel, user_id, event, data, socket_id, count] = event.fields(keys)?.values;
        let text = |part: Option<Part<'_>>| Some(part?.string()?.into_owned());
        let id = |part: Option<Part<'_>>| Some(part?.id()?.into_owned());
        let channel = text(channel)?;
        Some(match &*name?.string()? {
            "channel_occupied" => Self::ChannelOccupied { channel },
            "channel_vacated" => Self::ChannelVacated { channel },
            "member_added" => Self::MemberAdded { channel, user_id: id(user_id)? },
            "member_removed" => Self::MemberRemoved { channel, user_id: id(user_id)? },
            "client_event" => Self::ClientEvent(ClientEvent {
                channel,
                event: text(event)?,
                data: data.map(|data| data.text().into_owned()).unwrap_or_default(),
                socket_id: text(socket_id),
                user_id: id(user_id),
            }),
            "cache_miss" => Self::CacheMiss { channel },
            "subscription_count" => Self::SubscriptionCount { channel, count: count?.number()? },
            _ => return None,
        })
    }

    /// Returns the event's name, as the protocol calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ChannelOccupied { .. } => "channel_occupied",
            Self::ChannelVacated { .. } => "channel_vacated",
            Self::MemberAdded { .. } => "member_added",
            Self::MemberRemoved { .. } => "member_removed",
            Self::ClientEvent(_) => "client_event",
            Self::CacheMiss { .. } => "cache_miss",
            Self::SubscriptionCount { .. } => "subscription_count",
            Self::Other { name, .. } => name,
        }
    }

    /// Returns the channel, unless the event is none of those known here.
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        match self {
            Self::ChannelOccupied { channel }
            | Self::ChannelVacated { channel }
            | Self::MemberAdded { channel, .. }
            | Self::MemberRemoved { channel, .. }
            | Self::ClientEvent(ClientEvent { channel, .. })
            | Self::CacheMiss { channel }
            | Self::SubscriptionCount { channel, .. } => Some(channel),
            Self::Other { .. } => None,
        }
    }
}
