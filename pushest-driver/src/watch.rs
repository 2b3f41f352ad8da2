//! When what last happened that the pump alone sees.

use pushest_proto::Instant;

use crate::traffic::Traffic;

/// What the pump notes for snapshots and health: with the time that it has read anyway,
/// once a turn.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Events that receivers were too slow for, as far as they were noted.
    dropped: u64,
    /// When their number was last seen to have grown.
    pub(crate) dropped_at: Option<Instant>,
    /// What went over all sockets by the end of the last turn.
    pub(crate) traffic: Traffic,
    /// Since when nothing is read.
    pub(crate) paused_since: Option<Instant>,
}

impl Watch {
    /// Takes note of the number of events that receivers were too slow for.
    pub(crate) fn note(&mut self, dropped: u64, now: Instant) {
        if dropped != self.dropped {
            self.dropped = dropped;
            self.dropped_at = Some(now);
        }
    }

    /// Reading stops until receivers have caught up, or goes on.
    pub(crate) fn note_reading(&mut self, is_reading: bool, now: Instant) {
        self.paused_since = (!is_reading).then_some(now);
    }
}
