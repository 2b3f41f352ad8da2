//! What an event keeps alive, in bytes (contract, C5).

use alloc::sync::Arc;

use super::Event;
use super::failure::{InReplyTo, RequestFailure, ServerError};
use crate::auth::request::AuthorizationError;
use crate::channel::name::ChannelName;
use crate::loss::{Loss, loss};
use crate::memory::{allocation, optional_text, shared, text, texts};
use crate::presence::PresenceUpdate;
use crate::status::StateChange;

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
    ///   a driver that calls [`Session::handle_message`](crate::Session::handle_message) with slices
    ///   counts the rest, or copies.
    ///
    /// [`Limits::stored_bytes`](crate::Limits::stored_bytes) and the drivers' queues are bounded by
    /// this number. It takes constant time, but for lists of members or ids.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.content_bytes() + optional_name(self.channel())
    }

    /// Returns what it keeps alive beside itself and its channel's name, in bytes.
    pub(crate) fn content_bytes(&self) -> usize {
        match self {
            Self::Channel(event) => event.content_bytes(),
            Self::SubscriptionFailed { reason, .. } | Self::SignInFailed { reason, .. } => {
                reason.content_bytes()
            }
            Self::Gap { cause, .. } => loss(cause),
            Self::SignedIn { user_id, user_data } => text(user_id) + text(user_data),
            Self::Watchlist { online: _, user_ids } => texts(user_ids),
            Self::State(change) => change.content_bytes(),
            Self::ServerError(error) => error.content_bytes(),
            Self::Unrouted { name, message } => text(name) + text(message),
            Self::Undecryptable { name, .. } => text(name),
            Self::Malformed { message, .. } => text(message),
            Self::Presence(update) => update.change.content_bytes(),
            Self::Subscribed { .. }
            | Self::SubscriptionCount { .. }
            | Self::CacheMiss { .. }
            | Self::LimitReached(_)
            | Self::Pong { .. }
            | Self::PingLost { .. }
            | Self::Lagged { .. } => 0,
        }
    }

    /// Returns the loss that it shares with other events.
    pub(crate) fn loss(&self) -> Option<&Arc<Loss>> {
        match self {
            Self::Gap { cause, .. } => Some(cause),
            Self::State(change) => change.loss.as_ref(),
            _ => None,
        }
    }
}

impl PresenceUpdate {
    /// Returns how many bytes the update keeps alive, counted as by [`Event::memory`]: itself, its
    /// lists, the channel's name, and each member with its id and info.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.channel.heap_bytes() + self.change.content_bytes()
    }
}

impl StateChange {
    fn content_bytes(&self) -> usize {
        let socket_id = self.socket_id.as_ref().map_or(0, |id| shared(id.as_str().len()));
        socket_id + self.loss.as_ref().map_or(0, loss)
    }
}

impl RequestFailure {
    /// Returns what it keeps alive beside itself, in bytes; the channel's name apart.
    pub(crate) fn content_bytes(&self) -> usize {
        match self {
            Self::AuthorizationRefused(denied) | Self::AuthorizationUnavailable(denied) => {
                denied.heap_bytes()
            }
            Self::Refused(error) => allocation(size_of::<ServerError>()) + error.content_bytes(),
            Self::NoAnswer | Self::TooLarge { bytes: _ } => 0,
        }
    }
}

impl AuthorizationError {
    /// Returns what it keeps alive beside itself, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Refused { message, status: _ } | Self::Unavailable { message, .. } => {
                text(message)
            }
        }
    }
}

impl ServerError {
    /// Returns what it keeps alive beside itself, in bytes; the channel's name apart.
    pub(crate) fn content_bytes(&self) -> usize {
        let event = match &self.in_reply_to {
            Some(InReplyTo::ClientEvent { event }) => Some(&**event),
            Some(InReplyTo::Subscribe | InReplyTo::SignIn) | None => None,
        };
        text(&self.message) + optional_text(event)
    }
}

fn optional_name(name: Option<&ChannelName>) -> usize {
    name.map_or(0, ChannelName::heap_bytes)
}
