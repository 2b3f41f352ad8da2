//! Events, and who is present.

use alloc::borrow::Cow;
use core::slice;

use serde::{Serialize, Serializer};

use super::{ms_down, ms_up, us};
use crate::channel::encrypted::DecryptionFailure;
use crate::channel::name::ChannelName;
use crate::event::channel_event::ChannelEvent;
use crate::event::failure::{RequestFailure, ServerError};
use crate::event::{Event, LimitReached, MalformedReason};
use crate::id::PingId;
use crate::loss::Loss;
use crate::presence::{Member, PresenceChange, PresenceUpdate};
use crate::status::StateChange;

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum EventForm<'a> {
    Channel(&'a ChannelEvent),
    Subscribed {
        channel: &'a ChannelName,
    },
    SubscriptionFailed {
        channel: &'a ChannelName,
        reason: &'a RequestFailure,
        retry_in_ms: Option<u64>,
    },
    Gap {
        channel: &'a ChannelName,
        silent_for_ms: u64,
        since_unix_ms: Option<u64>,
        cause: &'a Loss,
    },
    SubscriptionCount {
        channel: &'a ChannelName,
        count: u64,
    },
    CacheMiss {
        channel: &'a ChannelName,
    },
    Undecryptable {
        channel: &'a ChannelName,
        event: &'a str,
        reason: DecryptionFailure,
    },
    SignedIn {
        user_id: &'a str,
        user_data: &'a str,
    },
    SignInFailed {
        reason: &'a RequestFailure,
        retry_in_ms: Option<u64>,
    },
    Watchlist {
        online: bool,
        user_ids: &'a [alloc::string::String],
    },
    State(&'a StateChange),
    ServerError(&'a ServerError),
    Pong {
        ping: PingId,
        round_trip_us: u64,
    },
    PingLost {
        ping: PingId,
    },
    Unrouted {
        event: &'a str,
        message: &'a str,
    },
    Malformed {
        problem: MalformedReason,
        channel: Option<&'a ChannelName>,
        message: &'a str,
    },
    LimitReached(&'a LimitReached),
    Presence(&'a PresenceUpdate),
    Lagged {
        dropped: u64,
    },
}

impl<'a> From<&'a Event> for EventForm<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::Channel(event) => Self::Channel(event),
            Event::Subscribed { channel } => Self::Subscribed { channel },
            Event::SubscriptionFailed { channel, reason, retry_in } => {
                Self::SubscriptionFailed { channel, reason, retry_in_ms: retry_in.map(ms_up) }
            }
            Event::Gap { channel, silent_for, since, cause } => Self::Gap {
                channel,
                silent_for_ms: ms_up(*silent_for),
                since_unix_ms: since.map(ms_down),
                cause,
            },
            Event::SubscriptionCount { channel, count } => {
                Self::SubscriptionCount { channel, count: *count }
            }
            Event::CacheMiss { channel } => Self::CacheMiss { channel },
            Event::Undecryptable { channel, name, reason } => {
                Self::Undecryptable { channel, event: name, reason: *reason }
            }
            Event::SignedIn { user_id, user_data } => Self::SignedIn { user_id, user_data },
            Event::SignInFailed { reason, retry_in } => {
                Self::SignInFailed { reason, retry_in_ms: retry_in.map(ms_up) }
            }
            Event::Watchlist { online, user_ids } => Self::Watchlist { online: *online, user_ids },
            Event::State(change) => Self::State(change),
            Event::ServerError(error) => Self::ServerError(error),
            Event::Pong { ping, round_trip } => {
                Self::Pong { ping: *ping, round_trip_us: us(*round_trip) }
            }
            Event::PingLost { ping } => Self::PingLost { ping: *ping },
            Event::Unrouted { name, message } => Self::Unrouted { event: name, message },
            Event::Malformed { problem, channel, message } => {
                Self::Malformed { problem: *problem, channel: channel.as_ref(), message }
            }
            Event::LimitReached(limit) => Self::LimitReached(limit),
            Event::Presence(update) => Self::Presence(update),
            Event::Lagged { dropped } => Self::Lagged { dropped: *dropped },
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        EventForm::from(self).serialize(to)
    }
}

/// The data is text, whatever it holds: what is JSON inside is not taken apart, and so neither its
/// depth nor its numbers matter to the reader of this.
#[derive(Serialize)]
struct ChannelEventForm<'a> {
    channel: &'a ChannelName,
    event: &'a str,
    data: Cow<'a, str>,
    user_id: Option<Cow<'a, str>>,
    encrypted: bool,
}

impl Serialize for ChannelEvent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let form = ChannelEventForm {
            channel: self.channel(),
            event: self.name(),
            data: self.text(),
            user_id: self.user_id(),
            encrypted: self.was_encrypted(),
        };
        form.serialize(to)
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum MalformedForm {
    NotUtf8,
    NotAnObject,
    NoEvent,
    BadChannel,
    BadData,
    Partly { kept: u64, lost: u64 },
    TooLarge { bytes: usize, limit_bytes: usize },
    Unexpected,
}

impl Serialize for MalformedReason {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let form = match *self {
            Self::NotUtf8 => MalformedForm::NotUtf8,
            Self::NotAnObject => MalformedForm::NotAnObject,
            Self::NoEvent => MalformedForm::NoEvent,
            Self::BadChannel => MalformedForm::BadChannel,
            Self::BadData => MalformedForm::BadData,
            Self::Partly { kept, lost } => MalformedForm::Partly { kept, lost },
            Self::TooLarge { size, limit } => {
                MalformedForm::TooLarge { bytes: size, limit_bytes: limit }
            }
            Self::Unexpected => MalformedForm::Unexpected,
        };
        form.serialize(to)
    }
}

#[derive(Serialize)]
struct LimitReachedForm<'a> {
    limit: &'static str,
    channel: Option<&'a ChannelName>,
    dropped: u64,
}

impl Serialize for LimitReached {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (limit, channel, dropped) = match self {
            Self::StoredEvents { dropped } => ("stored_events", None, *dropped),
            Self::Members { channel, dropped } => ("members", Some(channel), *dropped),
            Self::Watchlist { dropped } => ("watchlist", None, *dropped),
        };
        LimitReachedForm { limit, channel, dropped }.serialize(to)
    }
}

#[derive(Serialize)]
struct MemberForm<'a> {
    id: &'a str,
    info: Option<&'a str>,
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        MemberForm { id: self.id(), info: self.info_json() }.serialize(to)
    }
}

#[derive(Serialize)]
struct PresenceForm<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a ChannelName>,
    change: &'static str,
    joined: &'a [Member],
    left: &'a [Member],
}

impl<'a> PresenceForm<'a> {
    fn new(channel: Option<&'a ChannelName>, change: &'a PresenceChange) -> Self {
        let (change, joined, left): (_, &[Member], &[Member]) = match change {
            PresenceChange::Reset { joined, left } => ("reset", joined, left),
            PresenceChange::Joined(member) => ("joined", slice::from_ref(member), &[]),
            PresenceChange::Left(member) => ("left", &[], slice::from_ref(member)),
        };
        Self { channel, change, joined, left }
    }
}

impl Serialize for PresenceUpdate {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        PresenceForm::new(Some(&self.channel), &self.change).serialize(to)
    }
}

impl Serialize for PresenceChange {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        PresenceForm::new(None, self).serialize(to)
    }
}
