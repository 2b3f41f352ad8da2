//! Hashing with keys from the session's seed: names and ids come from servers and other members,
//! which must not be able to choose them so that they collide.

use core::fmt;
use core::hash::{BuildHasher, Hasher};

use siphasher::sip::SipHasher13;

/// Builds hashers with the session's keys.
#[derive(Clone, Copy)]
pub(crate) struct Seeded {
    keys: (u64, u64),
}

impl Seeded {
    pub(crate) fn new(first: u64, second: u64) -> Self {
        Self { keys: (first, second) }
    }
}

/// The keys stay hidden: with them one can choose names that collide.
impl fmt::Debug for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seeded")
    }
}

impl BuildHasher for Seeded {
    type Hasher = OneText;

    #[inline]
    fn build_hasher(&self) -> OneText {
        OneText { keys: self.keys }
    }
}

/// A hasher for what is one text: each text that is written is hashed as a whole, which takes half the
/// time of gathering its bytes.
pub(crate) struct OneText {
    keys: (u64, u64),
}

impl Hasher for OneText {
    #[inline]
    fn write(&mut self, text: &[u8]) {
        // What was written before changes the key, so that several texts have one hash, too.
        self.keys.1 = SipHasher13::new_with_keys(self.keys.0, self.keys.1).hash(text);
    }

    /// `str` ends itself by a byte. The hash of a text covers its length, so that it needs no end.
    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.keys.1 = self.keys.1.wrapping_add(u64::from(byte));
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.keys.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_and_each_key_has_another_hash() {
        let hash = |first, second, text: &str| Seeded::new(first, second).hash_one(text);
        let hashes = [
            hash(1, 2, "orders"),
            hash(1, 2, "orders-1"),
            hash(1, 2, ""),
            hash(1, 3, "orders"),
            hash(2, 2, "orders"),
            Seeded::new(1, 2).hash_one(("orders", "-1")),
            Seeded::new(1, 2).hash_one(("orders-", "1")),
        ];
        for (index, one) in hashes.iter().enumerate() {
            assert!(!hashes[index + 1..].contains(one), "{index}");
        }
        assert_eq!(hashes[0], hash(1, 2, "orders"));
    }
}
