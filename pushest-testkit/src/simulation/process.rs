//! The client's process: whether it runs at all, and how long it is busy with each message.

use std::time::Duration;

use pushest_proto::Instant;

/// When the process can do something, in the world's time.
#[derive(Debug)]
pub(super) struct Process {
    /// Since when it is stopped, and whether its machine is suspended.
    stopped: Option<(Instant, bool)>,
    /// How long it is busy with each message.
    handling: Duration,
    busy_until: Instant,
}

impl Process {
    pub(super) fn new() -> Self {
        Self { stopped: None, handling: Duration::ZERO, busy_until: Instant::ORIGIN }
    }

    pub(super) fn set_handling(&mut self, time: Duration) {
        self.handling = time;
    }

    /// Stops the process; with a `suspended` machine its clock stands still, too.
    pub(super) fn stop(&mut self, suspended: bool, now: Instant) {
        self.stopped.get_or_insert((now, suspended));
    }

    /// The process goes on. Returns for how long its clock stood still.
    pub(super) fn resume(&mut self, now: Instant) -> Option<Duration> {
        let (since, suspended) = self.stopped.take()?;
        suspended.then(|| now.saturating_duration_since(since))
    }

    /// A message was handed to the session.
    pub(super) fn handled_message(&mut self, now: Instant) {
        self.busy_until = now + self.handling;
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    pub(super) fn runs(&self, now: Instant) -> bool {
        self.stopped.is_none() && self.busy_until <= now
    }

    /// From when on it can do something; `None` while it is stopped.
    pub(super) fn free_from(&self) -> Option<Instant> {
        self.stopped.is_none().then_some(self.busy_until)
    }
}
