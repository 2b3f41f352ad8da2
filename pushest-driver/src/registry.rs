//! Who wants which channel. The core gives each subscription a place in a table and an id; what the
//! driver knows of the subscription is at the same place of a list.

use pushest_proto::{ChannelId, ChannelName, Session};

use crate::wait_list::WaitList;

/// Subscriptions, each at the slot of its id.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    slots: Vec<Option<Channel>>,
}

/// Who wants a channel.
#[derive(Debug)]
pub(crate) struct Channel {
    id: ChannelId,
    /// Keys of receivers.
    pub(crate) receivers: Vec<usize>,
    /// Stays wanted without receivers.
    pub(crate) is_detached: bool,
    pub(crate) waiters: WaitList,
}

impl Channel {
    fn new(id: ChannelId) -> Self {
        let waiters = WaitList::default();
        Self { id, receivers: Vec::new(), is_detached: false, waiters }
    }
}

impl Registry {
    /// The subscription of this very id; `None` after its end, whatever has its place.
    pub(crate) fn get_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.slots.get_mut(id.slot())?.as_mut().filter(|channel| channel.id == id)
    }

    /// Who receives an event of this channel: usually the subscription that it is about. What is told
    /// of a former one, because it waited in the session while the channel was unsubscribed from and
    /// subscribed to again, goes to the current one.
    pub(crate) fn receiving(
        &mut self,
        name: &ChannelName,
        session: &Session,
    ) -> Option<&mut Channel> {
        let mut id = name.id()?;
        if !self.has(id) {
            id = session.channel(name.as_str())?.name().id()?;
        }
        self.get_mut(id)
    }

    /// The subscription of this id, new if there is none. Its place is free then: of two
    /// subscriptions that have it, the core ends the first before it begins the second, and so does
    /// the hub.
    pub(crate) fn get_or_insert(&mut self, id: ChannelId) -> &mut Channel {
        if self.slots.len() <= id.slot() {
            self.slots.resize_with(id.slot() + 1, || None);
        }
        let slot = &mut self.slots[id.slot()];
        debug_assert!(slot.as_ref().is_none_or(|channel| channel.id == id), "{slot:?} is there");
        slot.get_or_insert_with(|| Channel::new(id))
    }

    fn has(&self, id: ChannelId) -> bool {
        let slot = self.slots.get(id.slot());
        slot.is_some_and(|slot| slot.as_ref().is_some_and(|channel| channel.id == id))
    }

    pub(crate) fn remove(&mut self, id: ChannelId) -> Option<Channel> {
        self.slots.get_mut(id.slot())?.take_if(|channel| channel.id == id)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Channel> {
        self.slots.iter_mut().flatten()
    }
}
