//! What the backend knows: each event that it published, and when.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app;

/// One published event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Published {
    /// When the call began.
    pub(crate) began: Duration,
    /// When it ended: this is the event's sending time. The server has it from then on at the latest.
    pub(crate) ended: Option<Duration>,
    /// Whether the server said that it has it. Otherwise it may have it or not.
    pub(crate) answered: bool,
}

/// All events of all channels. Those of each channel are numbered from 1.
#[derive(Debug)]
pub(crate) struct Log(Vec<Mutex<Vec<Published>>>);

impl Log {
    pub(crate) fn new(channels: usize) -> Self {
        Self((0..channels).map(|_| Mutex::default()).collect())
    }

    /// Takes down that an event is about to be published, and returns its number.
    pub(crate) fn begin(&self, channel: usize) -> u64 {
        self.enter(channel, Published { began: app::now(), ended: None, answered: false })
    }

    /// Takes down an event, and returns its number.
    pub(crate) fn enter(&self, channel: usize, event: Published) -> u64 {
        let mut events = self.lock(channel);
        events.push(event);
        events.len() as u64
    }

    /// Takes down how that ended.
    pub(crate) fn end(&self, channel: usize, number: u64, answered: bool) {
        let mut events = self.lock(channel);
        let event = &mut events[index(number)];
        event.ended = Some(app::now());
        event.answered = answered;
    }

    /// Returns an event that was published.
    pub(crate) fn get(&self, channel: usize, number: u64) -> Option<Published> {
        self.lock(channel).get(index(number)).copied()
    }

    /// Returns how many of the events after the first numbers, up to the second, the server did not
    /// say that it has.
    pub(crate) fn unanswered(&self, after: &[u64], to: &[u64]) -> u64 {
        let mut unanswered = 0;
        for (channel, (after, to)) in after.iter().zip(to).enumerate() {
            let numbers = after + 1..=*to;
            let events = numbers.filter_map(|number| self.get(channel, number));
            unanswered += events.filter(|event| !event.answered).count() as u64;
        }
        unanswered
    }

    /// Returns the number of the channel's last event, or 0.
    pub(crate) fn last(&self, channel: usize) -> u64 {
        self.lock(channel).len() as u64
    }

    fn lock(&self, channel: usize) -> MutexGuard<'_, Vec<Published>> {
        self.0[channel].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns where an event stands. There is none with number 0, and nothing stands there.
fn index(number: u64) -> usize {
    usize::try_from(number).ok().and_then(|number| number.checked_sub(1)).unwrap_or(usize::MAX)
}
