//! Which subscribe a server may have closed its connection for, with 1009 (too big).

use super::{Channel, Channels, Phase};
use crate::agenda::Key;

impl Channels {
    /// The largest subscribe that is unanswered, and its channel. Of several as large, one that was
    /// so at the last close with 1009 goes first, and then the one that was wanted first.
    pub(crate) fn largest_unanswered(&self) -> Option<(usize, Key)> {
        let unanswered = self.slab.iter().filter(|(_, channel)| channel.is_asked_for());
        let largest = unanswered.max_by_key(|(_, channel)| {
            (channel.frame_bytes, channel.is_suspect, core::cmp::Reverse(channel.since))
        });
        largest.map(|(key, channel)| (channel.frame_bytes, key))
    }

    /// Whether the subscribe was unanswered at the last close with 1009, too.
    pub(crate) fn is_suspect(&self, key: Key) -> bool {
        self.slab[key].is_suspect
    }

    /// What is unanswered now is suspect at the next such close.
    pub(crate) fn suspect_unanswered(&mut self) {
        for (_, channel) in &mut self.slab {
            channel.is_suspect |= channel.is_asked_for();
        }
    }

    pub(crate) fn forget_suspects(&mut self) {
        for (_, channel) in &mut self.slab {
            channel.is_suspect = false;
        }
    }
}

impl Channel {
    /// Its subscribe was polled, and the server has not answered.
    fn is_asked_for(&self) -> bool {
        self.wanted && matches!(self.phase, Phase::Subscribing)
    }
}
