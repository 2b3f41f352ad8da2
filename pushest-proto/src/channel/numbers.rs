//! What is counted of one channel, where the user asked for that.

use core::time::Duration;

use crate::statistics::ChannelStatistics;
use crate::time::Instant;

/// Counters of a subscription, which go with it. Each event costs additions and a copy of the time
/// that its message came with: no clock is read, and nothing is allocated.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// All but the age of the last event, which depends on when it is asked for.
    counted: ChannelStatistics,
    last_event: Option<Instant>,
}

impl Numbers {
    pub(super) fn count_event(&mut self, bytes: usize, now: Instant) {
        self.counted.events += 1;
        self.counted.bytes = self.counted.bytes.saturating_add(bytes as u64);
        self.last_event = Some(now);
    }

    pub(super) fn count_gap(&mut self, length: Duration) {
        self.counted.gaps += 1;
        self.counted.gap_time = self.counted.gap_time.saturating_add(length);
    }

    pub(super) fn at(&self, now: Instant) -> ChannelStatistics {
        let last_event = self.last_event.map(|at| now.saturating_duration_since(at));
        ChannelStatistics { last_event, ..self.counted }
    }
}
