//! Telling another thread what happens, without ever waiting for it.

use std::sync::mpsc::{SyncSender, TrySendError};

use crate::protocol::{Broker, Happening};

/// Who watches, and how much of it was missed.
#[derive(Debug)]
pub(super) struct Watcher {
    /// `None` once the receiver is gone.
    sender: Option<SyncSender<Happening>>,
    missed: u64,
}

impl Watcher {
    pub(super) fn new(sender: Option<SyncSender<Happening>>) -> Self {
        Self { sender, missed: 0 }
    }

    /// Hands over what the broker has noted.
    pub(super) fn tell(&mut self, broker: &mut Broker) {
        while let Some(happening) = broker.poll_happening() {
            if self.missed > 0 && self.send(Happening::Missed { count: self.missed }) {
                self.missed = 0;
            }
            if self.missed > 0 || !self.send(happening) {
                self.missed += 1;
            }
        }
    }

    /// Returns whether there was room for it.
    fn send(&mut self, happening: Happening) -> bool {
        match self.sender.as_ref().map(|sender| sender.try_send(happening)) {
            Some(Ok(())) => true,
            Some(Err(TrySendError::Full(_))) => false,
            Some(Err(TrySendError::Disconnected(_))) | None => {
                self.sender = None;
                false
            }
        }
    }
}
