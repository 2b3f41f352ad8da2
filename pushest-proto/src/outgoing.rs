//! Client events and pings that were accepted and wait to be polled, bounded in bytes.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use crate::heartbeat::PingId;
use crate::pending::Order;

/// What a waiting ping counts as, so that endless pings are bounded, too.
const PING_BYTES: usize = 64;

#[derive(Debug)]
pub(crate) enum Item {
    ClientEvent(String),
    Ping(PingId),
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::ClientEvent(text) => text.len(),
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
