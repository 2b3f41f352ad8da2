//! Events: what a session reports to the user.

pub(crate) mod channel_event;
pub(crate) mod decoder;
pub(crate) mod failure;
mod memory;
pub(crate) mod names;
mod payload;
mod variant;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use channel_event::ChannelEvent;
use failure::{RequestFailure, ServerError};

use crate::channel::encrypted::DecryptionFailure;
use crate::channel::name::ChannelName;
use crate::id::{ChannelId, PingId};
use crate::loss::Loss;
use crate::presence::PresenceUpdate;
use crate::status::StateChange;

/// An event for the user: of a channel, of the connection, of the sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An event was sent to a wanted channel.
    Channel(ChannelEvent),
    /// The server confirmed a subscription.
    Subscribed {
        /// The channel.
        channel: ChannelName,
    },
    /// A subscription failed, for good or for now. An authorization that stays unavailable is tried
    /// again and again; that is reported when its failure changes (status, or words other than
    /// numbers), not at every try.
    SubscriptionFailed {
        /// The channel.
        channel: ChannelName,
        /// The reason.
        reason: RequestFailure,
        /// When the session tries again by itself on this connection; `None` means not before the
        /// next connection, and if the failure [is final](RequestFailure::is_final) not before the
        /// user asks.
        retry_in: Option<Duration>,
    },
    /// The subscription is back, after a lost connection or with other member data: events may have
    /// been missed. It comes right after the channel's `Subscribed`, before anything else of the
    /// channel except what had been sent before. A user who then fetches what was sent after
    /// `since` misses nothing, and may see some events twice.
    ///
    /// The gap begins at the last moment at which the lost connection is known to have been read to
    /// its end, less the longest round trip that was measured on it and the time in which nothing
    /// was read or the machine was suspended, but not before the channel was subscribed to on it.
    /// What is missing was sent after that, unless the network delayed it for longer than any round
    /// trip.
    ///
    /// With other member data it begins when the former subscription was given up, and its cause is
    /// [`Loss::Resubscribed`]. If the connection is lost before the new confirmation, there is one
    /// gap, from the earlier beginning and with its cause. If the former one was not confirmed yet,
    /// either, there may be two `Subscribed`, and a gap between them.
    Gap {
        /// The channel.
        channel: ChannelName,
        /// The time from the beginning of the gap until this event was made, with the time in which
        /// the machine was suspended. An event that waited in a queue is older.
        silent_for: Duration,
        /// The beginning of the gap on the wall clock of this machine, since 1970 (UTC): with std,
        /// `SystemTime::UNIX_EPOCH + since`. Unlike `silent_for` it is right however late a
        /// receiver comes to the event. It is exact to a few milliseconds; how far this machine's
        /// clock is from that of the server is not known. `None` if the wall clock is before 1970, or
        /// an event loop of your own does not tell it.
        since: Option<Duration>,
        /// How the former connection ended, or [`Loss::Resubscribed`] where the user ended the
        /// former subscription.
        cause: Arc<Loss>,
    },
    /// The server reported how many connections subscribe to the channel.
    SubscriptionCount {
        /// The channel.
        channel: ChannelName,
        /// The number of subscriptions.
        count: u64,
    },
    /// A cache channel has no cached event.
    CacheMiss {
        /// The channel.
        channel: ChannelName,
    },
    /// An event of an encrypted channel could not be decrypted, not even with a key that was asked
    /// for again.
    Undecryptable {
        /// The channel.
        channel: ChannelName,
        /// The event's name, at most 512 bytes of it.
        name: Box<str>,
        /// The reason.
        reason: DecryptionFailure,
    },
    /// The server confirmed the sign-in. It comes again after every reconnect.
    SignedIn {
        /// The user's id.
        user_id: Box<str>,
        /// The user's data as the server confirmed it (JSON).
        user_data: Box<str>,
    },
    /// The sign-in failed, for good or for now; reported as [`Event::SubscriptionFailed`] is.
    SignInFailed {
        /// The reason.
        reason: RequestFailure,
        /// When the session tries again by itself on this connection, if it does.
        retry_in: Option<Duration>,
    },
    /// Users of the signed-in user's watchlist came online or went offline. It comes once the
    /// session has asked to sign in as a user that has a watchlist (some servers send the first of
    /// these before they confirm); otherwise what looks like it is [`Event::Malformed`].
    Watchlist {
        /// Whether they came online; otherwise they went offline.
        online: bool,
        /// Their ids, at most 100 of them ([protocol, client to
        /// server](crate::protocol#client-to-server)). [`LimitReached::Watchlist`] counts the
        /// others.
        user_ids: Vec<String>,
    },
    /// The connection's state changed.
    State(StateChange),
    /// The server reported an error. On an established connection it changes nothing by itself;
    /// instead of the handshake, one with a code ends the attempt as a close frame with that code
    /// would, and the change of state follows ([protocol, refused before
    /// established](crate::protocol#refused-before-established)).
    ServerError(ServerError),
    /// The pong to a ping of the user: the server has read everything that was sent before.
    Pong {
        /// The ping.
        ping: PingId,
        /// The time from when the ping was polled until the pong.
        round_trip: Duration,
    },
    /// A ping of the user that will not be answered: the connection was lost, or the pong timeout
    /// passed.
    PingLost {
        /// The ping.
        ping: PingId,
    },
    /// A message that belongs to no channel and that the protocol does not know.
    Unrouted {
        /// The event's name, at most 512 bytes of it.
        name: Box<str>,
        /// The whole message (JSON).
        message: Box<str>,
    },
    /// A message that could not be understood. The connection lives on.
    Malformed {
        /// What is wrong with it.
        problem: MalformedReason,
        /// The wanted channel that the message is for. Absent where it names none, or cannot be
        /// read so far; of a message over the limit, the first 512 bytes are read.
        channel: Option<ChannelName>,
        /// The beginning of the message, at most 512 bytes.
        message: Box<str>,
    },
    /// A limit was reached, and something was dropped.
    LimitReached(LimitReached),
    /// The members of a presence channel changed. The session itself reports this as
    /// [`Action::UpdatePresence`](crate::Action::UpdatePresence); drivers hand it to their users as
    /// an event among the others.
    Presence(PresenceUpdate),
    /// A receiver was too slow, and lost its oldest events, of any kind. An [`Event::Gap`] may have
    /// been among them, so refetch from the last event that you have. Only drivers report this, to
    /// each receiver for itself.
    Lagged {
        /// The number of events that this receiver lost.
        dropped: u64,
    },
}

impl Event {
    /// Returns the id of the subscription that the event is about, if it is about one: of the
    /// channel's present subscription, or of a former one that was unsubscribed from before the
    /// event was polled. It is what [`Event::channel`] has; in events that a program made by itself
    /// there may be none.
    #[must_use]
    pub fn channel_id(&self) -> Option<ChannelId> {
        self.channel()?.id()
    }

    /// Returns the channel that the event is about; `None` if it is about none.
    #[must_use]
    pub fn channel(&self) -> Option<&ChannelName> {
        match self {
            Self::Channel(event) => Some(event.channel()),
            Self::Subscribed { channel }
            | Self::SubscriptionFailed { channel, .. }
            | Self::Gap { channel, .. }
            | Self::SubscriptionCount { channel, .. }
            | Self::CacheMiss { channel }
            | Self::Undecryptable { channel, .. }
            | Self::LimitReached(LimitReached::Members { channel, .. })
            | Self::Presence(PresenceUpdate { channel, .. }) => Some(channel),
            Self::ServerError(error) => error.channel.as_ref(),
            Self::Malformed { channel, .. } => channel.as_ref(),
            Self::State(_)
            | Self::SignedIn { .. }
            | Self::SignInFailed { .. }
            | Self::Watchlist { .. }
            | Self::Pong { .. }
            | Self::PingLost { .. }
            | Self::Unrouted { .. }
            | Self::LimitReached(
                LimitReached::StoredEvents { .. } | LimitReached::Watchlist { .. },
            )
            | Self::Lagged { .. } => None,
        }
    }
}

impl core::error::Error for DecryptionFailure {}

impl core::error::Error for MalformedReason {}

impl core::error::Error for LimitReached {}

/// Why a message could not be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MalformedReason {
    /// It is not UTF-8.
    NotUtf8,
    /// It is not a JSON object.
    NotAnObject,
    /// It has no `event`, or one that is not a string.
    NoEvent,
    /// Its `channel` is not a string.
    BadChannel,
    /// The `data` does not have the shape that the event's name asks for: nothing of it could be
    /// used.
    BadData,
    /// Parts of the `data` could not be read: members of a list, ids of a watchlist, the info of a
    /// member, a timeout. The rest of the message was used.
    Partly {
        /// How many parts were read: the members of a list, the ids of a watchlist, 1 for others.
        kept: u64,
        /// How many parts could not be read.
        lost: u64,
    },
    /// It is over the limit for one message ([`Limits::message`](crate::Limits)), and was dropped.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It is not expected at this point, such as a second `pusher:connection_established`.
    Unexpected,
}

impl fmt::Display for MalformedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge { size, limit } => {
                return write!(
                    f,
                    "{size} bytes, over the limit of {limit} bytes for one message \
                     (`Limits::message`)"
                );
            }
            Self::NotUtf8 => "not UTF-8",
            Self::NotAnObject => "not a JSON object",
            Self::NoEvent => "no event name",
            Self::BadChannel => "the channel is not a string",
            Self::BadData => "the data does not have the event's shape",
            Self::Partly { kept, lost } => {
                return write!(f, "{lost} of its parts could not be read, {kept} could");
            }
            Self::Unexpected => "unexpected at this point",
        })
    }
}

/// A limit of [`Limits`](crate::Limits) that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitReached {
    /// Events were not polled fast enough, or one was larger than
    /// [`Limits::stored_bytes`](crate::Limits) by itself; the oldest were dropped.
    StoredEvents {
        /// The number of events that were dropped.
        dropped: u64,
    },
    /// A channel has more members than [`Limits`](crate::Limits) allows; some are missing from the
    /// list.
    Members {
        /// The channel.
        channel: ChannelName,
        /// The number of members of one message that were left out.
        dropped: u64,
    },
    /// The server named more users of a watchlist at once than one can have, 100 ([protocol, client
    /// to server](crate::protocol#client-to-server)).
    Watchlist {
        /// The number of ids of one message that were left out.
        dropped: u64,
    },
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StoredEvents { dropped } => {
                write!(f, "{dropped} events that were not polled in time were dropped")
            }
            Self::Members { channel, dropped } => {
                write!(f, "{dropped} members of {channel} are beyond the limit and not kept")
            }
            Self::Watchlist { dropped } => {
                write!(f, "{dropped} ids of a watchlist are beyond the limit and were dropped")
            }
        }
    }
}
