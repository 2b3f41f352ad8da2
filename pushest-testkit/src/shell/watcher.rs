//! Telling another thread what happens, without ever waiting for it.

use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use crate::protocol::{Broker, Happening};

/// How long after it was left untold what was missed is tried to be told again: the channel does not
/// say when there is room.
pub(super) const RETRY: Duration = Duration::from_millis(50);

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

    /// Hands over what the broker has noted, behind what was missed before.
    pub(super) fn tell(&mut self, broker: &mut Broker) {
        self.tell_missed();
        while let Some(happening) = broker.poll_happening() {
            self.tell_missed();
            if self.missed > 0 || !self.send(happening) {
                self.missed += 1;
            }
        }
    }

    /// Returns whether something was missed that is not told, though nothing else may happen.
    pub(super) fn owes(&self) -> bool {
        self.sender.is_some() && self.missed > 0
    }

    /// Tells what was missed, and closes the channel: where it is full, on a thread of its own, which
    /// ends when the receiver has taken it or is gone.
    pub(super) fn finish(&mut self) {
        self.tell_missed();
        if self.owes()
            && let Some(sender) = self.sender.take()
        {
            let missed = Happening::Missed { count: self.missed };
            // A receiver that is gone wants to know nothing; and without a thread there is no way.
            let _ = thread::Builder::new()
                .name("pushest-missed".to_owned())
                .spawn(move || sender.send(missed));
        }
        self.sender = None;
    }

    fn tell_missed(&mut self) {
        if self.owes() && self.send(Happening::Missed { count: self.missed }) {
            self.missed = 0;
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
