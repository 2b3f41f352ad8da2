//! The key of an encrypted channel, and the events that wait for a new one.

use alloc::collections::VecDeque;

use super::secret::SharedSecret;
use crate::event::channel_event::ChannelEvent;
use crate::id::Ticket;
use crate::memory;

/// The key of one channel.
#[derive(Debug)]
pub(super) struct Encryption {
    pub(super) secret: SharedSecret,
    /// The key is being asked for again.
    pub(super) rekey: Option<Rekey>,
    /// The last key that was asked for did not help: another one is asked for only after some
    /// event has opened, so that junk cannot cause endless requests.
    pub(super) was_in_vain: bool,
}

impl Encryption {
    pub(super) fn new(secret: SharedSecret) -> Self {
        Self { secret, rekey: None, was_in_vain: false }
    }

    /// What it takes, in bytes, and free places for what waits for a key. What waits counts among
    /// the stored events.
    pub(super) fn other_bytes(&self) -> usize {
        let held = self.rekey.as_ref().map(|rekey| &rekey.held);
        let free = held.map_or(0, |held| held.capacity() - held.len());
        memory::allocation(size_of::<Self>()) + free * size_of::<ChannelEvent>()
    }
}

#[derive(Debug)]
pub(super) struct Rekey {
    /// The request, once it was polled.
    pub(super) ticket: Option<Ticket>,
    pub(super) held: VecDeque<ChannelEvent>,
    pub(super) bytes: usize,
}
