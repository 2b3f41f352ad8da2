//! Commands that are refused, and why.

use alloc::string::String;
use core::time::Duration;

use crate::channel::name::{ChannelName, NameError};
use crate::status::ConnectionState;

/// A command that was refused. The session is as it was before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The name breaks a rule of channel names.
    #[error(transparent)]
    ChannelName(#[from] NameError),
    /// The limit of wanted channels is reached.
    #[error("there are {limit} channels already, the limit")]
    TooManyChannels {
        /// The limit, [`Limits::channels`](crate::Limits::channels).
        limit: usize,
    },
    /// A presence channel needs to be told who subscribes.
    #[error("{channel} is a presence channel: subscribing with the secret needs a user id")]
    MemberDataMissing {
        /// The channel.
        channel: ChannelName,
    },
    /// The user id is empty, or over the limit of the protocol.
    #[error("{user_id:?} is not a user id: 1 to 128 bytes")]
    UserId {
        /// The refused value.
        user_id: String,
    },
    /// The user info is not JSON.
    #[error("the user info {info:?} is not JSON: {problem}")]
    UserInfo {
        /// The refused value.
        info: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The channel is not among the wanted ones.
    #[error("{channel:?} is not subscribed to")]
    NotSubscribed {
        /// The channel.
        channel: String,
    },
    /// The subscription is not confirmed at the moment.
    #[error("{channel} is not subscribed at the moment: wait for it, then trigger")]
    NotSubscribedYet {
        /// The channel.
        channel: ChannelName,
    },
    /// The channel's kind has no client events.
    #[error(
        "{channel} cannot carry client events: only `private-` and `presence-` channels can, \
         encrypted ones excepted"
    )]
    NoClientEvents {
        /// The channel.
        channel: ChannelName,
    },
    /// The name is not that of a client event.
    #[error(
        "{event:?} is not a client event's name: it begins with `client-` and has at most {limit} \
         characters"
    )]
    EventName {
        /// The value, at most its first 200 characters.
        event: String,
        /// The limit in characters.
        limit: usize,
    },
    /// The data is too large.
    #[error("the data has {size} bytes as JSON, the limit is {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The data cannot be written as JSON.
    #[error("the data cannot be written as JSON: {problem}")]
    Data {
        /// What is wrong with it.
        problem: String,
    },
    /// An encrypted channel needs a key.
    #[error("{channel} is an encrypted channel: subscribing with the secret needs the master key")]
    MasterKeyMissing {
        /// The channel.
        channel: ChannelName,
    },
    /// This build has no encrypted channels: it needs the feature `encrypted`.
    #[error(
        "{channel} is an encrypted channel: this build has none, since the feature `encrypted` of \
         `pushest-proto` is off"
    )]
    EncryptionUnsupported {
        /// The channel.
        channel: ChannelName,
    },
    /// The limit of client events a second is reached; the server would refuse more.
    #[error(
        "{limit} client events a second are allowed, and that is reached: the next in {} ms",
        retry_in.as_millis()
    )]
    RateLimited {
        /// The limit, in client events a second.
        limit: u32,
        /// The time until the next one is allowed.
        retry_in: Duration,
    },
    /// The user data breaks a rule.
    #[error("{user_data:?} is not user data: {problem}")]
    UserData {
        /// The value, at most its first 200 characters.
        user_data: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Signing in with the secret needs the user's data.
    #[error("signing in with the secret needs user data with an `id`")]
    UserDataMissing,
    /// There is no connection at the moment. Nothing is kept to be sent later.
    #[error("not connected at the moment ({state})")]
    NotConnected {
        /// The state of the connection.
        state: ConnectionState,
    },
    /// Too much waits to be sent.
    #[error(
        "{limit} bytes wait to be sent already, the limit: wait until the server has read them"
    )]
    OutgoingFull {
        /// The limit in bytes.
        limit: usize,
    },
}
