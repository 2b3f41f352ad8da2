//! Client events and pings that were accepted and wait to be polled, bounded in bytes.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use crate::channel::ChannelName;
use crate::heartbeat::PingId;
use crate::pending::Order;

/// What a waiting ping counts as, so that endless pings are bounded, too.
const PING_BYTES: usize = 64;

#[derive(Debug)]
pub(crate) enum Item {
    ClientEvent(ClientEvent),
    Ping(PingId),
}

/// A client event on its way.
#[derive(Debug)]
pub(crate) struct ClientEvent {
    pub(crate) channel: ChannelName,
    pub(crate) event: Box<str>,
    pub(crate) text: String,
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::ClientEvent(event) => event.text.len(),
            Self::Ping(_) => PING_BYTES,
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

    /// Whether one more item fits.
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
        self.bytes -= pings.len() * PING_BYTES;
        pings
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.bytes = 0;
    }

    /// Bytes of all that waits.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// So many client events are remembered until a pong says that they were read.
const MOST_REMEMBERED: usize = 64;

#[derive(Debug)]
struct SentEvent {
    /// How many pings had been sent before it.
    pings: u64,
    channel: ChannelName,
    name: Box<str>,
    /// The size of its frame.
    bytes: usize,
}

/// Client events that were sent and may still be refused.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    events: VecDeque<SentEvent>,
    /// Pings that were sent on this connection, and pongs that came.
    pings: u64,
    pongs: u64,
}

impl Sent {
    pub(crate) fn event(&mut self, channel: ChannelName, name: Box<str>, bytes: usize) {
        if self.events.len() == MOST_REMEMBERED {
            self.events.pop_front();
        }
        self.events.push_back(SentEvent { pings: self.pings, channel, name, bytes });
    }

    /// The size of the largest frame of those that may still be refused; 0 if there is none.
    pub(crate) fn largest(&self) -> usize {
        self.events.iter().map(|event| event.bytes).max().unwrap_or(0)
    }

    pub(crate) fn ping(&mut self) {
        self.pings += 1;
    }

    /// A pong came: what was sent before its ping has been read, and not refused.
    pub(crate) fn pong(&mut self) {
        self.pongs += 1;
        while self.events.front().is_some_and(|event| event.pings < self.pongs) {
            self.events.pop_front();
        }
    }

    /// The client event that a refusal is about: the one that its message names, else the only
    /// one that was sent since the last pong.
    pub(crate) fn refused(&mut self, message: &str) -> Option<(ChannelName, Box<str>)> {
        let named = self.events.iter().position(|event| message.contains(&*event.name));
        let only = (self.events.len() == 1).then_some(0);
        let SentEvent { channel, name, .. } = self.events.remove(named.or(only)?)?;
        Some((channel, name))
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
