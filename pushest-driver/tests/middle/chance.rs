//! Numbers that look random and are the same for the same seed.

use super::stream::Cut;

pub(super) struct Chance {
    state: u64,
    /// The most bytes of most cuts.
    most: usize,
    /// Number of calls of a hundred that are `Pending`.
    pending: usize,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Self { state: seed, most: 0, pending: 0 };
        chance.most = [100, 1_500, 5_000, 20_000][chance.below(4)];
        chance.pending = [0, 5, 30, 60][chance.below(4)];
        chance
    }

    /// Another one that is as it is.
    pub(super) fn split(&mut self) -> Self {
        Self { state: self.next(), ..*self }
    }

    pub(super) fn cut(&mut self) -> Cut {
        if self.below(100) < self.pending {
            Cut::Pending
        } else {
            // Many are so short that they end within a header.
            let most = if self.is_one_of(4) { 8 } else { self.most };
            Cut::AtMost(1 + self.below(most))
        }
    }

    /// A number below this one.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(super) fn is_one_of(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    /// Steele, Lea and Flood's SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
