//! The session's own deadlines: a fixed table with one slot a timer.
//!
//! Deadlines of single channels live with the channels; this table has those of the connection.

use crate::time::Instant;

/// What can fall due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The dial has taken too long.
    Dial,
    /// The server has not sent `pusher:connection_established`.
    Handshake,
    /// The server has been silent for the activity timeout.
    Activity,
    /// Nothing came within the pong timeout.
    Pong,
    /// The oldest ping of the user has waited for the pong timeout.
    Flush,
    /// It is time for the next attempt.
    Retry,
    /// The connection has been established long enough to be called stable.
    Stable,
}

impl Timer {
    const ALL: [Self; 7] = [
        Self::Dial,
        Self::Handshake,
        Self::Activity,
        Self::Pong,
        Self::Flush,
        Self::Retry,
        Self::Stable,
    ];
}

/// A timer without a deadline. It is behind any time, and takes less room than an `Option`.
const NEVER: Instant = Instant::from_micros(u64::MAX);

/// The latest deadline.
const LATEST: Instant = Instant::from_micros(u64::MAX - 1);

/// The table. Setting a timer replaces its former deadline.
#[derive(Debug)]
pub(crate) struct Timers([Instant; Timer::ALL.len()]);

impl Default for Timers {
    fn default() -> Self {
        Self([NEVER; Timer::ALL.len()])
    }
}

impl Timers {
    pub(crate) fn arm(&mut self, timer: Timer, deadline: Instant) {
        self.0[timer as usize] = deadline.min(LATEST);
    }

    pub(crate) fn disarm(&mut self, timer: Timer) {
        self.0[timer as usize] = NEVER;
    }

    pub(crate) fn disarm_all(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn is_armed(&self, timer: Timer) -> bool {
        self.0[timer as usize] != NEVER
    }

    /// Returns the deadline of one timer.
    pub(crate) fn deadline(&self, timer: Timer) -> Option<Instant> {
        Some(self.0[timer as usize]).filter(|deadline| *deadline != NEVER)
    }

    /// Returns the earliest deadline of all.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.iter().min().copied().filter(|deadline| *deadline != NEVER)
    }

    /// Takes one timer that is due at `now`, the earliest first.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        let due = Timer::ALL
            .into_iter()
            .filter(|timer| self.deadline(*timer).is_some_and(|deadline| deadline <= now))
            .min_by_key(|timer| self.deadline(*timer))?;
        self.disarm(due);
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_timers_come_earliest_first_and_once() {
        let mut timers = Timers::default();
        timers.arm(Timer::Pong, Instant::from_micros(5));
        timers.arm(Timer::Activity, Instant::from_micros(9));
        timers.arm(Timer::Dial, Instant::from_micros(7));
        assert_eq!(timers.next(), Some(Instant::from_micros(5)));
        let now = Instant::from_micros(8);
        assert_eq!(timers.take_due(now), Some(Timer::Pong));
        assert_eq!(timers.take_due(now), Some(Timer::Dial));
        assert_eq!(timers.take_due(now), None);
        assert_eq!(timers.next(), Some(Instant::from_micros(9)));
    }

    #[test]
    fn the_end_of_time_is_a_deadline_too() {
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.arm(Timer::Pong, NEVER);
        assert!(timers.is_armed(Timer::Pong) && !timers.is_armed(Timer::Dial));
        assert_eq!(timers.next(), Some(LATEST));
        timers.disarm(Timer::Pong);
        assert_eq!((timers.next(), timers.deadline(Timer::Pong)), (None, None));
    }
}
