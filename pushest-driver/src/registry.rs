//! The receivers of each channel. The core gives each subscription a place in a table and an id;
//! what the driver knows of the subscription is at the same place of a list.

use pushest_proto::{ChannelId, ChannelName, Session};

use crate::wait_list::WaitList;

/// Subscriptions, each at the slot of its id.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    slots: Vec<Option<ChannelEntry>>,
}

/// The receivers and waiters of one subscription.
#[derive(Debug)]
pub(crate) struct ChannelEntry {
    id: ChannelId,
    /// Keys of receivers.
    pub(crate) receivers: Vec<usize>,
    /// Whether it stays wanted without receivers.
    pub(crate) is_detached: bool,
    pub(crate) waiters: WaitList,
}

impl ChannelEntry {
    fn new(id: ChannelId) -> Self {
        let waiters = WaitList::default();
        Self { id, receivers: Vec::new(), is_detached: false, waiters }
    }
}

impl Registry {
    /// Returns the entry of the subscription with this id; `None` after its end, even if another
    /// subscription has its slot.
    pub(crate) fn get_mut(&mut self, id: ChannelId) -> Option<&mut ChannelEntry> {
        self.slots.get_mut(id.slot())?.as_mut().filter(|channel| channel.id == id)
    }

    /// Returns the entry that receives an event of this channel: usually that of the subscription
    /// that it is about. What is told of a former one, because it waited in the session while the
    /// channel was unsubscribed from and subscribed to again, goes to the current one.
    pub(crate) fn receiving(
        &mut self,
        name: &ChannelName,
        session: &Session,
    ) -> Option<&mut ChannelEntry> {
        let mut id = name.id()?;
        if !self.has(id) {
            id = session.channel(name.as_str())?.name().id()?;
        }
        self.get_mut(id)
    }

    /// Returns the entry of the subscription with this id, a new one if there is none. Its slot is
    /// free then: of two subscriptions that have it, the core ends the first before it begins the
    /// second, and so does the hub.
    pub(crate) fn get_or_insert(&mut self, id: ChannelId) -> &mut ChannelEntry {
        if self.slots.len() <= id.slot() {
            self.slots.resize_with(id.slot() + 1, || None);
        }
        let slot = &mut self.slots[id.slot()];
        debug_assert!(slot.as_ref().is_none_or(|channel| channel.id == id), "{slot:?} is there");
        slot.get_or_insert_with(|| ChannelEntry::new(id))
    }

    fn has(&self, id: ChannelId) -> bool {
        let slot = self.slots.get(id.slot());
        slot.is_some_and(|slot| slot.as_ref().is_some_and(|channel| channel.id == id))
    }

    pub(crate) fn remove(&mut self, id: ChannelId) -> Option<ChannelEntry> {
        self.slots.get_mut(id.slot())?.take_if(|channel| channel.id == id)
    }

    /// Returns the subscription that a receiver is of, if it is one's. It looks at all of them.
    pub(crate) fn of_receiver(&self, key: usize) -> Option<ChannelId> {
        let mut channels = self.slots.iter().flatten();
        channels.find(|channel| channel.receivers.contains(&key)).map(|channel| channel.id)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut ChannelEntry> {
        self.slots.iter_mut().flatten()
    }
}

#[cfg(test)]
mod tests {
    use pushest_proto::{Config, Instant, SubscribeOptions};

    use super::*;

    fn session() -> Session {
        let config = Config::builder("key").host("localhost").build().expect("valid");
        Session::new(config, 1, Instant::ORIGIN)
    }

    fn subscribe(session: &mut Session, channel: &str) -> ChannelName {
        session.subscribe(channel, &SubscribeOptions::default(), Instant::ORIGIN).expect("valid")
    }

    fn id(name: &ChannelName) -> ChannelId {
        name.id().expect("it is a session's")
    }

    fn leave(session: &mut Session, registry: &mut Registry, name: &ChannelName) -> ChannelEntry {
        session.unsubscribe(name.as_str(), Instant::ORIGIN).expect("it is wanted");
        registry.remove(id(name)).expect("it was there")
    }

    /// Returns the receivers of an event of this channel.
    fn keys(registry: &mut Registry, name: &ChannelName, session: &Session) -> Option<Vec<usize>> {
        registry.receiving(name, session).map(|channel| channel.receivers.clone())
    }

    #[test]
    fn a_place_that_another_channel_has_now_is_nothing_of_the_former_ones() {
        let (mut session, mut registry) = (session(), Registry::default());
        let former = subscribe(&mut session, "former");
        registry.get_or_insert(id(&former)).receivers.push(1);
        assert_eq!(leave(&mut session, &mut registry, &former).receivers, [1]);
        let present = subscribe(&mut session, "present");
        registry.get_or_insert(id(&present)).receivers.push(2);
        assert_eq!(id(&former).slot(), id(&present).slot());
        assert!(registry.get_mut(id(&former)).is_none());
        assert!(registry.remove(id(&former)).is_none());
        assert_eq!(keys(&mut registry, &former, &session), None);
        assert_eq!(keys(&mut registry, &present, &session), Some(vec![2]));
    }

    #[test]
    fn what_is_told_late_of_a_former_subscription_goes_to_the_current_one_of_the_channel() {
        let (mut session, mut registry) = (session(), Registry::default());
        let former = subscribe(&mut session, "news");
        registry.get_or_insert(id(&former)).receivers.push(1);
        leave(&mut session, &mut registry, &former);
        assert_eq!(keys(&mut registry, &former, &session), None);
        // Another channel has its place, and so it comes back at another one.
        let other = subscribe(&mut session, "other");
        registry.get_or_insert(id(&other)).receivers.push(2);
        let current = subscribe(&mut session, "news");
        registry.get_or_insert(id(&current)).receivers.push(3);
        assert_eq!(id(&other).slot(), id(&former).slot());
        assert_eq!(keys(&mut registry, &former, &session), Some(vec![3]));
        // But it is not the same subscription: the id of the former one leads to nothing.
        assert!(registry.get_mut(id(&former)).is_none());
    }

    #[test]
    fn every_receiver_of_a_channel_is_found_until_the_channel_is_left() {
        let (mut session, mut registry) = (session(), Registry::default());
        let names: Vec<_> =
            (0..100).map(|number| subscribe(&mut session, &format!("channel-{number}"))).collect();
        for (key, name) in names.iter().chain(&names).enumerate() {
            registry.get_or_insert(id(name)).receivers.push(key);
        }
        assert_eq!(registry.iter_mut().count(), 100);
        for (key, name) in names.iter().enumerate() {
            assert_eq!(keys(&mut registry, name, &session), Some(vec![key, key + 100]));
            leave(&mut session, &mut registry, name);
            assert_eq!(keys(&mut registry, name, &session), None);
        }
        assert_eq!(registry.iter_mut().count(), 0);
    }

    #[test]
    fn a_name_without_an_id_has_no_receivers() {
        let (mut session, mut registry) = (session(), Registry::default());
        let name = subscribe(&mut session, "news");
        registry.get_or_insert(id(&name)).receivers.push(1);
        let by_hand = ChannelName::new("news").expect("valid");
        assert_eq!(keys(&mut registry, &by_hand, &session), None);
    }
}
