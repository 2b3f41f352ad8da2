//! The inputs of a session, as values.

use alloc::borrow::Cow;
use core::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::auth::request::{Authorization, AuthorizationError};
use crate::channel::name::ChannelName;
use crate::config::endpoint::Endpoint;
use crate::id::{ConnectionId, PingId, Ticket};
use crate::loss::Loss;
use crate::session::options::SubscribeOptions;

/// An input of a session: what the user wants, or what happened. Each of the session's methods that
/// change it, [`Session::poll_action`](crate::Session::poll_action) apart, has one variant here,
/// whose documentation is that of the method.
///
/// [`Session::apply`](crate::Session::apply) takes it. The names that a method borrows may be owned
/// here, so that an `Input<'static>` can wait in a queue or be sent to another thread.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input<'a> {
    /// [`Session::connect`](crate::Session::connect).
    Connect,
    /// [`Session::disconnect`](crate::Session::disconnect).
    Disconnect,
    /// [`Session::set_endpoint`](crate::Session::set_endpoint).
    SetEndpoint {
        /// The server to go on with.
        endpoint: Endpoint,
    },
    /// [`Session::subscribe`](crate::Session::subscribe). [`Applied::Channel`] comes of it.
    Subscribe {
        /// The channel's name.
        channel: Cow<'a, str>,
        /// The member data, for presence channels.
        options: Cow<'a, SubscribeOptions>,
    },
    /// [`Session::unsubscribe`](crate::Session::unsubscribe).
    Unsubscribe {
        /// The channel's name.
        channel: Cow<'a, str>,
    },
    /// [`Session::retry`](crate::Session::retry).
    Retry {
        /// The channel's name.
        channel: Cow<'a, str>,
    },
    /// [`Session::trigger`](crate::Session::trigger).
    Trigger {
        /// The channel's name.
        channel: Cow<'a, str>,
        /// The event's name, which begins with `client-`.
        event: Cow<'a, str>,
        /// The data, which is sent as it stands.
        data: Cow<'a, RawValue>,
    },
    /// [`Session::sign_in`](crate::Session::sign_in).
    SignIn {
        /// The user's data (JSON).
        user_data: Option<Cow<'a, str>>,
    },
    /// [`Session::ping`](crate::Session::ping). [`Applied::Ping`] comes of it.
    Ping,

    /// [`Session::handle_open`](crate::Session::handle_open).
    Open {
        /// The connection that is open.
        connection: ConnectionId,
    },
    /// [`Session::handle_message`](crate::Session::handle_message).
    Message {
        /// The connection that it came on.
        connection: ConnectionId,
        /// The text message.
        message: Bytes,
    },
    /// A message that is too large to be kept: over [`Limits::message`](crate::Limits::message), or
    /// more than the driver has room for. It is told as
    /// [`MalformedReason::TooLarge`](crate::MalformedReason::TooLarge). What
    /// [`Session::handle_message`](crate::Session::handle_message) and
    /// [`Session::handle_slice`](crate::Session::handle_slice) do with a message over the limit is
    /// this.
    Oversized {
        /// The connection that it came on.
        connection: ConnectionId,
        /// The size of the whole message in bytes.
        size: usize,
        /// The beginning of the message, in which its channel is looked for. The first 512 bytes
        /// are read.
        beginning: Cow<'a, [u8]>,
    },
    /// [`Session::handle_activity`](crate::Session::handle_activity).
    Activity {
        /// The connection that the sign of life came on.
        connection: ConnectionId,
    },
    /// [`Session::handle_caught_up`](crate::Session::handle_caught_up). The time that is given with
    /// it is that of just before the read, and may lie in the past: it moves no clock.
    CaughtUp {
        /// The connection that was read.
        connection: ConnectionId,
    },
    /// [`Session::handle_close`](crate::Session::handle_close).
    Close {
        /// The connection that ended.
        connection: ConnectionId,
        /// How it ended.
        loss: Loss,
    },
    /// [`Session::handle_authorization`](crate::Session::handle_authorization).
    Authorization {
        /// The request that this answers.
        ticket: Ticket,
        /// The answer.
        answer: Result<Authorization, AuthorizationError>,
    },
    /// [`Session::handle_reading`](crate::Session::handle_reading).
    Reading {
        /// Whether the driver reads.
        reading: bool,
    },
    /// [`Session::handle_writable`](crate::Session::handle_writable).
    Writable {
        /// The connection that is written to.
        connection: ConnectionId,
        /// Whether it takes frames.
        writable: bool,
    },
    /// [`Session::handle_network_change`](crate::Session::handle_network_change).
    NetworkChange,
    /// [`Session::handle_wall_clock`](crate::Session::handle_wall_clock).
    WallClock {
        /// The time since 1970 (UTC).
        unix: Duration,
    },
    /// [`Session::handle_timeout`](crate::Session::handle_timeout).
    Timeout,
}

/// What a command returned that [`Session::apply`](crate::Session::apply) carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Applied {
    /// Nothing: this input has no result other than the actions that follow.
    Done,
    /// The name of the channel that is wanted, of [`Input::Subscribe`].
    Channel(ChannelName),
    /// The ping that is sent, of [`Input::Ping`].
    Ping(PingId),
}
