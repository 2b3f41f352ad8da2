//! Hashing with keys from the session's seed: names and ids come from servers and other members,
//! which must not be able to choose them so that they collide.

use core::fmt;
use core::hash::BuildHasher;

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
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.keys.0, self.keys.1)
    }
}
