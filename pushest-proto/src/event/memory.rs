//! What an event keeps alive, in bytes (contract, C5).

use alloc::sync::Arc;

use super::{Answers, Event, LimitReached, RequestFailure, ServerError, StateChange};
use crate::auth::Denied;
use crate::channel::{ChannelName, PresenceUpdate};
use crate::loss::Loss;
use crate::memory::{optional_text, shared, text, texts};

impl Event {
    /// Returns how many bytes the event keeps alive: its own size and everything that it owns or
    /// shares, with 16 bytes for each allocation that the allocator needs for itself.
    ///
    /// - Texts count with their allocation, shared ones also with their counters; lists with their
    ///   capacity; members with their ids and infos.
    /// - What is shared counts in full for each event that shares it: a member that is still in the
    ///   table of its channel, the channel's name, the loss that caused several gaps. The event may
    ///   be the last to keep it alive. A sum over events is therefore never too low, and too high
    ///   where they share.
    /// - A channel event counts its whole message, and the text that was opened. If the message is
    ///   a slice of a larger buffer, it pins that buffer as a whole, and a session cannot know:
    ///   whoever calls [`Session::handle_message`](crate::Session::handle_message) with slices counts
    ///   the rest, or copies.
    ///
    /// [`Limits::stored_bytes`](crate::Limits::stored_bytes) and the drivers' queues are bounded by
    /// this number. It takes constant time, but for lists of members or ids.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.heap_bytes()
    }

    /// The same without the event's own size.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Channel(event) => event.heap_bytes(),
            Self::Subscribed { channel }
            | Self::SubscriptionCount { channel, count: _ }
            | Self::CacheMiss { channel } => channel.heap_bytes(),
            Self::SubscriptionFailed { channel, reason, retry_in: _ } => {
                channel.heap_bytes() + reason.heap_bytes()
            }
            Self::Gap { channel, cause, .. } => channel.heap_bytes() + loss(cause),
            Self::Undecryptable { channel, name, reason: _ } => channel.heap_bytes() + text(name),
            Self::SignedIn { user_id, user_data } => text(user_id) + text(user_data),
            Self::SignInFailed { reason, retry_in: _ } => reason.heap_bytes(),
            Self::Watchlist { online: _, user_ids } => texts(user_ids),
            Self::State(change) => change.heap_bytes(),
            Self::ServerError(error) => error.heap_bytes(),
            Self::Unrouted { name, message } => text(name) + text(message),
            Self::Malformed { problem: _, channel, message } => {
                optional_name(channel.as_ref()) + text(message)
            }
            Self::LimitReached(limit) => limit.heap_bytes(),
            Self::Presence(update) => update.heap_bytes(),
            Self::Pong { .. } | Self::PingLost { .. } | Self::Lagged(_) => 0,
        }
    }
}

impl PresenceUpdate {
    /// Returns how many bytes the update keeps alive, counted as by [`Event::memory`]: itself, its
    /// lists, the channel's name, and each member with its id and info.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.heap_bytes()
    }

    /// The same without the update's own size.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.channel.heap_bytes() + self.change.heap_bytes()
    }
}

impl StateChange {
    fn heap_bytes(&self) -> usize {
        let socket_id = self.socket_id.as_ref().map_or(0, |id| shared(id.as_str().len()));
        socket_id + self.loss.as_ref().map_or(0, loss)
    }
}

impl RequestFailure {
    /// What it keeps alive beside itself, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Denied(denied) | Self::AuthorizationUnavailable(denied) => denied.heap_bytes(),
            Self::Refused(error) => error.heap_bytes(),
            Self::NoAnswer | Self::TooLarge { bytes: _ } => 0,
        }
    }
}

impl Denied {
    /// What it keeps alive beside itself, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Refused { message, status: _ } | Self::Unavailable { message, .. } => {
                text(message)
            }
        }
    }
}

impl ServerError {
    /// What it keeps alive beside itself, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        let event = match &self.answers {
            Some(Answers::ClientEvent { event }) => Some(event),
            Some(Answers::Subscribe | Answers::SignIn) | None => None,
        };
        text(&self.message) + optional_name(self.channel.as_ref()) + optional_text(event)
    }
}

impl LimitReached {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::StoredEvents { dropped: _ } => 0,
            Self::Members { channel, dropped: _ } => channel.heap_bytes(),
        }
    }
}

/// A loss, and the texts in it.
pub(crate) fn loss(loss: &Arc<Loss>) -> usize {
    shared(size_of::<Loss>()) + loss.heap_bytes()
}

fn optional_name(name: Option<&ChannelName>) -> usize {
    name.map_or(0, ChannelName::heap_bytes)
}
