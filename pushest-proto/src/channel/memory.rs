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

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::sync::Arc;

    use super::super::gaps::Gaps;
    use super::super::name::ChannelName;
    use super::*;
    use crate::auth::request::AuthorizationError;
    use crate::backoff::Backoff;
    use crate::config::backoff::BackoffConfig;
    use crate::hash::Seeded;
    use crate::loss::Loss;
    use crate::order::Order;
    use crate::request::{Rules, Said};
    use crate::time::Instant;
    use crate::wall_clock::WallClock;

    fn channel(name: &str) -> Channel {
        Channel::new(ChannelName::new(name).expect("a good name"))
    }

    /// A name that has an allocation.
    const LONG: &str = "presence-room-of-a-building-1234567";

    /// A channel with all that one can have, but for a key.
    fn laden() -> Channel {
        let mut channel = channel(LONG);
        channel.channel_data = Some(r#"{"user_id":"me"}"#.into());
        channel.members = Some(Box::new(Members::new(Seeded::new(1, 2))));
        channel.me = Some(Arc::from("me"));
        let mut backoff = Backoff::new(BackoffConfig::default(), fastrand::Rng::with_seed(1));
        let refused = AuthorizationError::refused(None, "not for you");
        for said in [Said::Turn { order: Order(1), has_room: true }, Said::Denied(refused)] {
            channel.request.on(said, Rules { asks: true, tries: 3 }, &mut backoff);
        }
        let began = WallClock::default().moment(Instant::ORIGIN);
        channel.gaps = Gaps::since(began, Arc::new(Loss::reset("gone")));
        channel
    }

    #[test]
    fn everything_that_a_channel_keeps_is_counted_once() {
        assert_eq!(channel("x").other_bytes(), 0);
        assert_eq!(channel(LONG).other_bytes(), memory::shared_text(LONG));
        let channel = laden();
        let parts = [
            memory::shared_text(LONG),
            memory::text(r#"{"user_id":"me"}"#),
            size_of::<Members>(),
            memory::shared_text("me"),
            channel.request.memory(),
            channel.gaps.memory(),
        ];
        assert!(parts.iter().all(|bytes| *bytes > 0), "{parts:?}");
        assert_eq!(channel.other_bytes(), parts.iter().sum::<usize>());
    }

    #[cfg(feature = "encrypted")]
    #[test]
    fn a_channels_key_is_counted_beside_the_rest() {
        use super::super::key::Encryption;
        use super::super::secret::MasterKey;

        let mut channel = laden();
        let before = channel.other_bytes();
        let secret = MasterKey::new(&[7; 32]).expect("32 bytes").shared_secret("x");
        channel.encryption = Some(Box::new(Encryption::new(secret)));
        let key = memory::allocation(size_of::<Encryption>());
        assert_eq!(channel.other_bytes(), before + key);
    }

    #[test]
    fn the_tables_are_counted_with_their_free_places_and_with_what_the_channels_keep() {
        let mut channels = Channels::new(Seeded::new(1, 2));
        assert_eq!(channels.other_bytes(), 0);
        channels.slab.reserve(10);
        for (number, channel) in [laden(), channel("x"), channel("y")].into_iter().enumerate() {
            let name = channel.name.clone();
            let key = channels.slab.insert(channel);
            channels.by_name.insert(name, key);
            channels.agenda.queue(key, Order(number as u64));
        }
        channels.unanswered.insert(0);
        let parts = [
            channels.slab.capacity() * size_of::<Channel>(),
            channels.slab.capacity() * size_of::<usize>(),
            channels.by_name.allocation_size(),
            channels.agenda.memory(),
            // A tree leaves half of its places free.
            2 * size_of::<Key>(),
            laden().other_bytes(),
        ];
        assert!(parts.iter().all(|bytes| *bytes > 0), "{parts:?}");
        assert_eq!(channels.other_bytes(), parts.iter().sum::<usize>());
    }
}
