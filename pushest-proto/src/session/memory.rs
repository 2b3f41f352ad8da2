//! What a session holds (contract, C5).

use super::Session;

/// The memory of a session, in bytes and counts. [`Limits`](crate::Limits) bounds the first six;
/// [`Memory::total`] is all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Memory {
    /// Number of wanted channels.
    pub channels: usize,
    /// Bytes of all members, each with its id, info and place in the table.
    pub member_bytes: usize,
    /// Number of events that wait to be polled, or for the key of an encrypted channel.
    pub stored_events: usize,
    /// Bytes of the events of which a server can cause any number: their places and what they keep
    /// alive ([`Event::memory`](crate::Event::memory)), without the name of their channel.
    pub stored_bytes: usize,
    /// Bytes of client events and pings that wait to be polled, each with its place.
    pub outgoing_bytes: usize,
    /// Bytes of unescaped event names, and their table.
    pub name_bytes: usize,
    /// Bytes of the wanted channels: names, tables, member data, keys, failures, also the names of
    /// channels that are no longer wanted and that stored events still keep.
    pub channel_bytes: usize,
    /// Bytes of everything else: what must not be lost and waits to be polled (changes of state,
    /// outcomes of subscriptions), the last error and loss, the sign-in, client events that may still
    /// be refused, free places.
    pub other_bytes: usize,
}

impl Memory {
    /// Returns the number of bytes in all, but for the configuration, the session's own size and a
    /// recording's sink. It is at most twice what the allocator was asked for, and at least half of
    /// it, once it is more than a few kilobytes.
    #[must_use]
    pub fn total(&self) -> usize {
        self.member_bytes
            + self.stored_bytes
            + self.outgoing_bytes
            + self.name_bytes
            + self.channel_bytes
            + self.other_bytes
    }
}

impl Session {
    /// Returns what the session holds at the moment. It walks over the channels and the stored
    /// events: cheap for a measurement now and then, not for each message.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            channels: self.channels.wanted(),
            member_bytes: self.channels.member_bytes(),
            stored_events: self.pending.len(),
            stored_bytes: self.pending.bytes(),
            outgoing_bytes: self.outgoing.bytes(),
            name_bytes: self.names.memory(),
            channel_bytes: self.channels.other_bytes() + self.former_names(),
            other_bytes: self.pending.other_bytes()
                + self.outgoing.other_bytes()
                + self.sent.memory()
                + self.connection.memory()
                + self.user.memory()
                + self.heartbeat.memory()
                + self.rate.memory(),
        }
    }

    /// Returns the bytes of the names that only events keep: each event that shares one counts a
    /// part of it.
    fn former_names(&self) -> usize {
        let former = self.pending.channels().filter(|name| !self.channels.shares(name));
        former.map(|name| name.heap_bytes().div_ceil(name.holders())).sum()
    }
}
