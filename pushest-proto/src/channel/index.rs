//! The keys of channels by their names, and which of them pass events on as they are.
//!
//! Nearly all events are of channels that have nothing to do with them: no gap has to be told before
//! them, they are not encrypted, and not counted. That is noted beside the channel's name, so that an
//! event of one of 100,000 channels needs one entry of this table only, which is one line of a cache, and
//! not the channel, which lies in memory that no cache has. A note holds until anything changes that it may depend on, in any channel: changes are
//! rare, and one number is enough for all notes.

use core::hash::{BuildHasher as _, Hasher as _};

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

/// What is known by a name. It takes 56 bytes, and is put at the beginning of a line of the cache: an
/// event among 100,000 channels waits for this line, and would wait for two.
#[derive(Debug)]
#[repr(align(64))]
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
    pub(super) fn find(&self, name: &[u8]) -> Option<Found<'_>> {
        let entry = self.entry(name)?;
        let passing = if entry.noted == self.last_change { Some(&entry.name) } else { None };
        Some(Found { key: entry.key, passing })
    }

    /// Returns whether it keeps the allocation of this very name alive, not of one that is spelled alike.
    pub(super) fn shares(&self, name: &ChannelName) -> bool {
        self.entry(name.as_bytes()).is_some_and(|entry| entry.name.shares_with(name))
    }

    /// Inserts a channel that it does not have.
    pub(super) fn insert(&mut self, name: ChannelName, key: Key) {
        let seed = self.hash;
        let hash_of = |entry: &Entry| hash(seed, entry.name.as_bytes());
        let entry = Entry { name, key, noted: 0 };
        self.entries.insert_unique(hash_of(&entry), entry, hash_of);
    }

    pub(super) fn remove(&mut self, name: &ChannelName) {
        let name = name.as_bytes();
        let hash = hash(self.hash, name);
        if let Ok(entry) = self.entries.find_entry(hash, |entry| entry.name.as_bytes() == name) {
            entry.remove();
        }
    }

    pub(super) fn retain(&mut self, mut keeps: impl FnMut(Key) -> bool) {
        self.entries.retain(|entry| keeps(entry.key));
    }

    /// Notes that the channel with this name passes events on, until the next change.
    pub(super) fn note(&mut self, name: &ChannelName) {
        let hash = hash(self.hash, name.as_bytes());
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

    #[inline(always)]
    fn entry(&self, name: &[u8]) -> Option<&Entry> {
        self.entries.find(hash(self.hash, name), |entry| entry.name.as_bytes() == name)
    }
}

/// Hashes a name as the text that it is.
#[inline]
fn hash(seed: Seeded, name: &[u8]) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write(name);
    hasher.write_u8(0xff);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ChannelName {
        ChannelName::new(text).expect("a good name")
    }

    #[test]
    fn an_entry_is_one_line_of_the_cache() {
        assert_eq!((size_of::<Entry>(), align_of::<Entry>()), (64, 64));
    }

    #[test]
    fn a_note_holds_until_anything_changes() {
        let mut index = Index::new(Seeded::new(1, 2));
        index.insert(name("a"), 7);
        index.insert(name("b"), 8);
        let found = |index: &Index, name: &str| {
            index.find(name.as_bytes()).map(|found| (found.key, found.passing.is_some()))
        };
        assert_eq!(found(&index, "a"), Some((7, false)));
        index.note(&name("a"));
        index.note(&name("c"));
        assert_eq!(found(&index, "a"), Some((7, true)));
        assert_eq!(found(&index, "b"), Some((8, false)));
        assert_eq!(found(&index, "c"), None);
        index.changed();
        assert_eq!(found(&index, "a"), Some((7, false)));
        index.remove(&name("a"));
        index.remove(&name("c"));
        assert_eq!(found(&index, "a"), None);
        index.note(&name("b"));
        index.retain(|key| key != 8);
        assert_eq!(found(&index, "b"), None);
    }
}
