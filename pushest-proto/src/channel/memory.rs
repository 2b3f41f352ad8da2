//! What the wanted set keeps alive, in bytes, beside members and events.

use super::Channel;
use super::members::Members;
use super::numbers::Numbers;
use super::table::Channels;
use crate::agenda::Key;
use crate::memory::{self, shared};

impl Channels {
    /// Returns the bytes of all members of all channels.
    pub(crate) fn member_bytes(&self) -> usize {
        let members = self.slab.iter().filter_map(|(_, channel)| channel.members.as_deref());
        members.map(Members::bytes).sum()
    }

    /// Walks over all channels.
    pub(crate) fn other_bytes(&self) -> usize {
        let tables = self.slab.capacity() * (size_of::<Channel>() + size_of::<usize>())
            + self.by_name.allocation_size()
            + self.agenda.memory()
            + memory::tree::<Key>(self.unanswered.len());
        let channels = self.slab.iter().map(|(_, channel)| channel.other_bytes());
        tables + channels.sum::<usize>()
    }
}

impl Channel {
    /// Returns the bytes behind its own place, but for the members that are bounded.
    fn other_bytes(&self) -> usize {
        self.name.heap_bytes()
            + memory::optional_text(self.channel_data.as_deref())
            + self.members.as_deref().map_or(0, |members| members.other_bytes())
            + self.me.as_deref().map_or(0, |me| shared(me.len()))
            + self.encryption.as_deref().map_or(0, |encryption| encryption.other_bytes())
            + self.request.memory()
            + self.numbers.as_deref().map_or(0, |_| memory::allocation(size_of::<Numbers>()))
            + self.gaps.memory()
    }
}
