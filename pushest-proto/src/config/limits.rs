//! How much a session keeps and sends.

use super::error::ConfigError;
use crate::channel::name::NameRules;
use crate::setters::setters;

/// Limits for what a session keeps and sends. Sizes are in bytes.
///
/// Bytes in memory are counted as [`Event::memory`](crate::Event::memory) says: texts with their
/// allocations, lists with their capacity, members with their infos, whole messages.
/// [`Session::memory`](crate::Session::memory) tells each of them. Beside what has a limit here, a
/// session holds, in its default configuration, up to 1 MiB of free places, unescaped names of
/// events and other small things; about 1 KiB for each wanted channel, with its name, failure and
/// what must not be lost of it; and buffers that a driver hands over in part (see
/// [`Session::handle_message`](crate::Session::handle_message)).
///
/// ```
/// # use pushest_proto::{Config, Limits, NameRules};
///
/// let names = NameRules::default().extra_characters(":#"); // as Sockudo allows
/// let limits = Limits::default().message(2 << 20).stored_bytes(16 << 20).channel_name(names);
/// let config = Config::builder("app-key").limits(limits).build()?;
/// assert_eq!(config.limits().message, 2 * 1024 * 1024);
/// # Ok::<(), pushest_proto::ConfigError>(())
/// ```
///
/// [`ConfigBuilder::build`](super::ConfigBuilder::build) refuses a limit of 0, and a `message` of
/// 4 GiB or more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Maximum size of a received message; a larger one is reported and dropped. An event counts in
    /// `stored_bytes` until it is polled: raise both together. 1 MiB.
    pub message: usize,
    /// Maximum number of wanted channels, not counting that of the signed-in user. 100,000.
    pub channels: usize,
    /// Maximum number of members of one channel. 10,000.
    pub members: usize,
    /// Maximum size of all members of one channel together: ids, infos, and about 80 bytes for each
    /// member's place. 16 MiB.
    pub member_bytes: usize,
    /// Maximum number of events that wait to be polled, or for the key of an encrypted channel; the
    /// latter take half of it at most. What a server cannot cause any number of is not dropped and
    /// does not count: changes of state, outcomes of subscriptions and sign-ins, gaps, pongs.
    /// 4,096.
    pub stored_events: usize,
    /// Maximum size of these events: each with its place in the queue, and without the name of its
    /// channel, which the table of channels keeps. 8 MiB.
    pub stored_bytes: usize,
    /// Maximum size of accepted client events and pings that wait to be polled: their frames and
    /// names, and about 100 bytes for each one's place and allocations. 256 KiB.
    pub outgoing: usize,
    /// Rules for a channel's name.
    pub channel_name: NameRules,
    /// Maximum length of a client event's name, in characters. 200.
    pub event_name: usize,
    /// Maximum size of a client event's data, encoded. 10 KiB (10,240), as on the hosted service.
    pub event_data: usize,
    /// Maximum size of a presence channel's member data (`channel_data`) or a sign-in's user data,
    /// as JSON, whether given by the user or granted by an authorizer. 16 KiB.
    pub signed_data: usize,
}

impl Limits {
    setters! {
        /// Sets the maximum size of one received message, in bytes. `stored_bytes` should grow with it.
        message: usize;
        /// Sets the maximum number of wanted channels.
        channels: usize;
        /// Sets the maximum number of members of one channel.
        members: usize;
        /// Sets the maximum size of all members of one channel together, in bytes.
        member_bytes: usize;
        /// Sets the maximum number of events that wait to be polled.
        stored_events: usize;
        /// Sets the maximum size of the events that wait to be polled, in bytes.
        stored_bytes: usize;
        /// Sets the maximum size of client events and pings that wait to be polled, in bytes.
        outgoing: usize;
        /// Sets the rules for names of channels.
        channel_name: NameRules;
        /// Sets the maximum length of a client event's name, in characters.
        event_name: usize;
        /// Sets the maximum size of a client event's encoded data, in bytes.
        event_data: usize;
        /// Sets the maximum size of member data or user data, as JSON, in bytes.
        signed_data: usize;
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        // Positions within a message are kept in 32 bits.
        if self.message == 0 || u32::try_from(self.message).is_err() {
            return Err(ConfigError::Limit { what: "message", value: self.message });
        }
        let others = [
            ("channels", self.channels),
            ("members", self.members),
            ("member_bytes", self.member_bytes),
            ("stored_events", self.stored_events),
            ("stored_bytes", self.stored_bytes),
            ("outgoing", self.outgoing),
            ("event_name", self.event_name),
            ("event_data", self.event_data),
            ("signed_data", self.signed_data),
        ];
        match others.into_iter().find(|(_, value)| *value == 0) {
            Some((what, value)) => Err(ConfigError::Limit { what, value }),
            None => Ok(()),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 1024 * 1024,
            channels: 100_000,
            members: 10_000,
            member_bytes: 16 * 1024 * 1024,
            stored_events: 4_096,
            stored_bytes: 8 * 1024 * 1024,
            outgoing: 256 * 1024,
            channel_name: NameRules::default(),
            event_name: 200,
            event_data: 10 * 1024,
            signed_data: 16 * 1024,
        }
    }
}
