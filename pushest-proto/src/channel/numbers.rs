//! What is counted of one channel, where the user asked for that.

use core::time::Duration;

use crate::statistics::ChannelStatistics;
use crate::time::Instant;

/// Counters of a subscription, which go with it. Each event costs additions and a copy of the time
/// that its message came with: no clock is read, and nothing is allocated.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    events: u64,
    bytes: u64,
    gaps: u64,
    gap_time: Duration,
    last_event: Option<Instant>,
}

impl Numbers {
    pub(super) fn count_event(&mut self, bytes: usize, now: Instant) {
        self.events += 1;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.last_event = Some(now);
    }

    pub(super) fn count_gap(&mut self, length: Duration) {
        self.gaps += 1;
        self.gap_time = self.gap_time.saturating_add(length);
    }

    pub(super) fn at(&self, now: Instant) -> ChannelStatistics {
        let age = |at| now.saturating_duration_since(at);
        let Self { events, bytes, gaps, gap_time, last_event } = *self;
        ChannelStatistics { events, bytes, gaps, gap_time, last_event: last_event.map(age) }
    }
}
