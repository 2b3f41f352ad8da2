//! Client events and pings that were accepted and wait to be polled, bounded in bytes.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use crate::channel::name::ChannelName;
use crate::id::PingId;
use crate::memory;
use crate::order::Order;

/// The place of one that waits, without what a name has in place: small ones are mostly this, and a ping
/// is nothing else.
const PLACE: usize = size_of::<(Order, Item)>() - ChannelName::IN_PLACE;

#[derive(Debug)]
pub(crate) enum Item {
    ClientEvent(ClientEvent),
    Ping(PingId),
}

/// A client event that waits to be polled.
#[derive(Debug)]
pub(crate) struct ClientEvent {
    pub(crate) channel: ChannelName,
    pub(crate) event: Box<str>,
    pub(crate) text: String,
}

impl Item {
    /// Returns what it takes while it waits: its place, and what it keeps alive, but for the
    /// channel's name.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::ClientEvent(ClientEvent { event, text, .. }) => {
                PLACE + memory::text(event) + memory::text(text)
            }
            Self::Ping(_) => PLACE,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Outgoing {
    items: VecDeque<(Order, Item)>,
    bytes: usize,
    limit: usize,
}

impl Outgoing {
    pub(crate) fn new(limit: usize) -> Self {
        Self { items: VecDeque::new(), bytes: 0, limit }
    }

    /// Returns whether one more item fits.
    pub(crate) fn has_room(&self, item: &Item) -> bool {
        self.bytes + item.bytes() <= self.limit
    }

    pub(crate) fn push(&mut self, order: Order, item: Item) {
        self.bytes += item.bytes();
        self.items.push_back((order, item));
    }

    pub(crate) fn front(&self) -> Option<Order> {
        self.items.front().map(|(order, _)| *order)
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        let (_, item) = self.items.pop_front()?;
        self.bytes -= item.bytes();
        Some(item)
    }

    /// Takes all pings out.
    pub(crate) fn take_pings(&mut self) -> Vec<PingId> {
        let mut pings = Vec::new();
        self.items.retain(|(_, item)| match item {
            Item::Ping(ping) => {
                pings.push(*ping);
                false
            }
            Item::ClientEvent(_) => true,
        });
        self.bytes -= pings.len() * PLACE;
        pings
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.bytes = 0;
    }

    /// Returns the bytes of what waits, of which there is a limit.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the bytes of everything else: free places, and what texts have allocated beyond
    /// their length.
    pub(crate) fn other_bytes(&self) -> usize {
        let beyond = self.items.iter().map(|(_, item)| match item {
            Item::ClientEvent(ClientEvent { text, .. }) => text.capacity() - text.len(),
            Item::Ping(_) => 0,
        });
        (self.items.capacity() - self.items.len()) * PLACE + beyond.sum::<usize>()
    }
}

/// Maximum number of sent client events kept for matching a later refusal.
const MOST_REMEMBERED: usize = 64;

/// Client events that were sent and may still be refused.
#[derive(Debug, Default)]
pub(crate) struct SentClientEvents {
    events: VecDeque<(u64, ChannelName, Box<str>)>,
    /// The number of pings that were sent on this connection, and below it that of the pongs that
    /// came.
    pings: u64,
    pongs: u64,
}

impl SentClientEvents {
    pub(crate) fn event(&mut self, channel: ChannelName, event: Box<str>) {
        if self.events.len() == MOST_REMEMBERED {
            self.events.pop_front();
        }
        self.events.push_back((self.pings, channel, event));
    }

    pub(crate) fn ping(&mut self) {
        self.pings += 1;
    }

    /// Forgets the client events that were sent before the ping of this pong: the server has read
    /// them and refused none.
    pub(crate) fn pong(&mut self) {
        self.pongs += 1;
        while self.events.front().is_some_and(|(pings, ..)| *pings < self.pongs) {
            self.events.pop_front();
        }
    }

    /// Takes the client event that a refusal is about: the one that its message names, else the
    /// only one that was sent since the last pong.
    pub(crate) fn refused(&mut self, message: &str) -> Option<(ChannelName, Box<str>)> {
        let named = self.events.iter().position(|(_, _, event)| message.contains(&**event));
        let only = (self.events.len() == 1).then_some(0);
        let (_, channel, event) = self.events.remove(named.or(only)?)?;
        Some((channel, event))
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns what is remembered, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let names = self.events.iter().map(|(_, _, event)| memory::text(event));
        self.events.capacity() * size_of::<(u64, ChannelName, Box<str>)>() + names.sum::<usize>()
    }
}
