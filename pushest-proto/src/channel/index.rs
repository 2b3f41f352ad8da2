//! The keys of channels by their names, and which of them pass events on as they are.
//!
//! Nearly all events are of channels that have nothing to do with them: no gap has to be told before
//! them, they are not encrypted, and not counted. That is noted beside the channel's name, so that an
//! event of one of 100,000 channels needs the name only, and not the channel, which lies in memory that
//! no cache has. A note holds until anything changes that it may depend on, in any channel: changes are
//! rare, and one number is enough for all notes.

use core::hash::BuildHasher as _;

use hashbrown::HashTable;

use super::name::ChannelName;
use crate::agenda::Key;
use crate::hash::Seeded;

/// A table of all channels.
#[derive(Debug)]
pub(super) struct Index {
    entries: HashTable<Entry>,
    hash: Seeded,
    /// Number of the last change that notes do not outlive.
    last_change: u64,
}

#[derive(Debug)]
struct Entry {
    /// With the id of the current subscription, where there is a note.
    name: ChannelName,
    key: Key,
    /// Number of the change after which the note was made; 0 if there is none.
    noted: u64,
}

/// A channel that was looked up.
pub(crate) struct Found<'a> {
    pub(crate) key: Key,
    /// Its name, if it passes events on as they are.
    pub(crate) passing: Option<&'a ChannelName>,
}

impl Index {
    pub(super) fn new(hash: Seeded) -> Self {
        Self { entries: HashTable::new(), hash, last_change: 1 }
    }

    pub(super) fn hash(&self) -> Seeded {
        self.hash
    }

    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<Found<'_>> {
        let entry = self.entry(name)?;
        let passing = if entry.noted == self.last_change { Some(&entry.name) } else { None };
        Some(Found { key: entry.key, passing })
    }

    /// Returns whether it has this very name, not one that is spelled alike.
    pub(super) fn shares(&self, name: &ChannelName) -> bool {
        self.entry(name.as_str()).is_some_and(|entry| entry.name.is_same(name))
    }

    /// Inserts a channel that it does not have.
    pub(super) fn insert(&mut self, name: ChannelName, key: Key) {
        let hash = self.hash;
        let hash_of = |entry: &Entry| hash.hash_one(entry.name.as_str());
        let entry = Entry { name, key, noted: 0 };
        self.entries.insert_unique(hash_of(&entry), entry, hash_of);
    }

    pub(super) fn remove(&mut self, name: &str) {
        let hash = self.hash.hash_one(name);
        if let Ok(entry) = self.entries.find_entry(hash, |entry| entry.name == *name) {
            entry.remove();
        }
    }

    pub(super) fn retain(&mut self, mut keeps: impl FnMut(Key) -> bool) {
        self.entries.retain(|entry| keeps(entry.key));
    }

    /// Notes that the channel with this name passes events on, until the next change.
    pub(super) fn note(&mut self, name: &ChannelName) {
        let hash = self.hash.hash_one(name.as_str());
        if let Some(entry) = self.entries.find_mut(hash, |entry| entry.name == *name) {
            entry.name = name.clone();
            entry.noted = self.last_change;
        }
    }

    /// Ends all notes.
    pub(super) fn changed(&mut self) {
        self.last_change += 1;
    }

    pub(super) fn allocation_size(&self) -> usize {
        self.entries.allocation_size()
    }

    #[inline]
    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.find(self.hash.hash_one(name), |entry| entry.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ChannelName {
        ChannelName::new(text).expect("a good name")
    }

    #[test]
    fn a_note_holds_until_anything_changes() {
        let mut index = Index::new(Seeded::new(1, 2));
        index.insert(name("a"), 7);
        index.insert(name("b"), 8);
        let found = |index: &Index, name| {
            index.find(name).map(|found| (found.key, found.passing.is_some()))
        };
        assert_eq!(found(&index, "a"), Some((7, false)));
        index.note(&name("a"));
        index.note(&name("c"));
        assert_eq!(found(&index, "a"), Some((7, true)));
        assert_eq!(found(&index, "b"), Some((8, false)));
        assert_eq!(found(&index, "c"), None);
        index.changed();
        assert_eq!(found(&index, "a"), Some((7, false)));
        index.remove("a");
        index.remove("c");
        assert_eq!(found(&index, "a"), None);
        index.note(&name("b"));
        index.retain(|key| key != 8);
        assert_eq!(found(&index, "b"), None);
    }
}
