//! What a client is doing at one moment, as data: for a log line, a page of metrics, a dashboard.

#[cfg(feature = "serde")]
mod form;

use std::sync::Arc;
use std::time::Duration;

use pushest_proto::{
    ChannelName, ChannelState, ChannelStatistics, ConnectionState, Endpoint, Loss, RequestFailure,
    SocketId, Statistics,
};

use crate::traffic::Traffic;

/// What a client is doing at one moment, all of it at the same: what `client.snapshot()` returns.
///
/// With the feature `serde` it serializes; spans are whole milliseconds, and end in `_ms`.
/// [`Snapshot::health`] says what to make of it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// What the client is called in the log ([`Options::name`](struct.Options.html#method.name), or a number).
    pub client: String,
    /// The connection's state.
    pub state: ConnectionState,
    /// How long it has been in that state.
    #[cfg_attr(feature = "serde", serde(rename = "state_for_ms", serialize_with = "form::ms"))]
    pub state_for: Duration,
    /// How long there has been no connection although one is wanted, over all attempts that failed
    /// meanwhile; `None` while connected, while paused and after the end.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "away_for_ms", serialize_with = "form::optional_ms")
    )]
    pub away_for: Option<Duration>,
    /// The endpoint that is connected or dialled, or that the next attempt goes to.
    pub endpoint: Endpoint,
    /// The socket id, when connected.
    pub socket_id: Option<SocketId>,
    /// The attempt that is running or was the last: 1 for the first; 0 before any.
    pub attempt: u32,
    /// How the last connection or attempt ended, also while connected again.
    #[cfg_attr(feature = "serde", serde(serialize_with = "form::loss"))]
    pub last_loss: Option<Arc<Loss>>,
    /// How long until the next attempt, while waiting for it.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "next_retry_ms", serialize_with = "form::optional_ms")
    )]
    pub next_retry: Option<Duration>,
    /// Whether the client is ending, or has ended.
    pub ending: Option<Ending>,
    /// How long something has been due that the client has not done, from one second on: its task, or
    /// the thread that carries it, is blocked or not run. `None` while it keeps up.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "overdue_for_ms", serialize_with = "form::optional_ms")
    )]
    pub overdue_for: Option<Duration>,
    /// Why the sign-in failed, where one was asked for and has.
    pub sign_in_failure: Option<RequestFailure>,
    /// The wanted channels, by how far they are.
    pub channels: ChannelCounts,
    /// Counters since the client began.
    pub statistics: Statistics,
    /// What went over its sockets since then.
    pub traffic: Traffic,
    /// What receivers have not received yet.
    pub queues: QueueDepths,
    /// Each wanted channel, in the order in which they were subscribed to, where
    /// [`ConfigBuilder::channel_statistics`](crate::ConfigBuilder::channel_statistics) asked for that;
    /// otherwise empty.
    pub by_channel: Vec<ChannelSnapshot>,
}

/// How a client ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Ending {
    /// It drains: receivers take what they have, and then it shuts down.
    Draining,
    /// It was shut down, and can be connected again.
    ShutDown,
    /// Its last handle is gone, or what ran it.
    Ended,
}

/// The wanted channels of a client, by how far they are.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ChannelCounts {
    /// Number of wanted channels.
    pub wanted: usize,
    /// Those that wait for a connection, for their turn, or for another try.
    pub waiting: usize,
    /// Those whose authorization was asked for.
    pub authorizing: usize,
    /// Those that the server was asked for.
    pub subscribing: usize,
    /// Those that the server has confirmed.
    pub subscribed: usize,
    /// Those that failed.
    pub failed: usize,
    /// One of those that failed, and why.
    pub failure: Option<ChannelFailure>,
    /// Those among the waiting and authorizing ones whose last authorization could not be had.
    pub unauthorized: usize,
    /// One of those, and why.
    pub unauthorized_failure: Option<ChannelFailure>,
    /// While connected, those that are neither confirmed nor failed, nor without authorization.
    pub unconfirmed: usize,
    /// The one of those that has waited longest.
    pub longest_unconfirmed: Option<UnconfirmedChannel>,
}

/// A channel that is not subscribed, and why.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ChannelFailure {
    /// The channel.
    pub channel: ChannelName,
    /// Why.
    pub reason: RequestFailure,
}

/// A channel that the server has not confirmed.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct UnconfirmedChannel {
    /// The channel.
    pub channel: ChannelName,
    /// How long it has been wanted without being confirmed, on this connection.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "unconfirmed_for_ms", serialize_with = "form::ms")
    )]
    pub unconfirmed_for: Duration,
}

/// What the receivers of a client have not received yet. Receivers that have ended do not count.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct QueueDepths {
    /// Number of receivers.
    pub receivers: usize,
    /// Events that wait, of all receivers together. An event that two receivers want waits twice.
    pub events: usize,
    /// What they keep alive, in bytes, counted as [`Event::memory`](crate::Event::memory) does:
    /// without what they pin of the buffers that they were read into
    /// ([`Options::queue`](crate::Options::queue)).
    pub bytes: usize,
    /// The most events that wait for one receiver.
    pub largest_events: usize,
    /// The most bytes that wait for one receiver.
    pub largest_bytes: usize,
    /// Events that receivers were too slow for, since the client began. They are among
    /// [`Statistics::dropped`], too.
    pub dropped: u64,
    /// How long ago a receiver was last too slow; `None` if none ever was.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "last_dropped_ms", serialize_with = "form::optional_ms")
    )]
    pub last_dropped: Option<Duration>,
    /// The channel whose receiver was too slow last, if that is one channel's and still there.
    pub last_lagging: Option<ChannelName>,
    /// How long nothing has been read, because a receiver is full
    /// ([`Overflow::Wait`](crate::Overflow::Wait)); `None` while there is reading.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "paused_for_ms", serialize_with = "form::optional_ms")
    )]
    pub paused_for: Option<Duration>,
}

/// One channel of a client.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ChannelSnapshot {
    /// The channel.
    pub channel: ChannelName,
    /// How far the subscription is.
    pub state: ChannelState,
    /// How long it has been subscribed, or not subscribed.
    #[cfg_attr(feature = "serde", serde(rename = "state_for_ms", serialize_with = "form::ms"))]
    pub state_for: Duration,
    /// What was counted since it was subscribed to.
    pub statistics: ChannelStatistics,
}

impl ChannelCounts {
    /// Returns the number of channels in each state, with a name of it for labels of metrics.
    #[must_use]
    pub fn by_state(&self) -> [(&'static str, usize); 5] {
        [
            ("waiting", self.waiting),
            ("authorizing", self.authorizing),
            ("subscribing", self.subscribing),
            ("subscribed", self.subscribed),
            ("failed", self.failed),
        ]
    }
}
