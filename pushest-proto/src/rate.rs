//! How many client events a second a server takes, so that what it would refuse is refused here,
//! with the time of the next one.
//!
//! Servers count within any second, whichever it is. A bucket that refills while it is emptied
//! would let up to twice the limit through in its first one; this remembers when each event of the
//! last second went.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::time::Instant;

/// Servers count within this.
const SECOND: Duration = Duration::from_secs(1);

/// The client events of one connection.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Maximum number within any second; `None` for any number.
    limit: Option<u32>,
    /// When the last events went, at most as many as the limit.
    went: VecDeque<Instant>,
}

impl Rate {
    pub(crate) fn new(limit: Option<u32>) -> Self {
        Self { limit, went: VecDeque::new() }
    }

    /// Forgets the events of the former connection: servers count each connection for itself.
    pub(crate) fn reset(&mut self) {
        self.went.clear();
    }

    /// Returns what is remembered, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.went.capacity() * size_of::<Instant>()
    }

    /// Returns how long until the next event is allowed, and the limit; `None` if one is allowed
    /// now.
    pub(crate) fn wait(&self, now: Instant) -> Option<(Duration, u32)> {
        let limit = self.limit?;
        let full = self.went.len() >= limit as usize;
        let allowed_at = *self.went.front().filter(|_| full)? + SECOND;
        (allowed_at > now).then(|| (allowed_at.saturating_duration_since(now), limit))
    }

    /// Counts an event that is sent now.
    pub(crate) fn take(&mut self, now: Instant) {
        let Some(limit) = self.limit else { return };
        if self.went.len() >= limit as usize {
            self.went.pop_front();
        }
        self.went.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn within_any_second_there_are_never_more_than_the_limit() {
        let mut rate = Rate::new(Some(10));
        let mut now = Instant::from_micros(5);
        for _ in 0..10 {
            assert_eq!(rate.wait(now), None);
            rate.take(now);
        }
        assert_eq!(rate.wait(now), Some((SECOND, 10)));
        now += Duration::from_millis(999);
        assert_eq!(rate.wait(now), Some((Duration::from_millis(1), 10)));
        let mut went = Vec::new();
        for _ in 0..1_000 {
            now += Duration::from_millis(7);
            if rate.wait(now).is_none() {
                rate.take(now);
                went.push(now);
            }
        }
        assert!(went.len() >= 60, "{}", went.len());
        for window in went.windows(11) {
            assert!(window[10].saturating_duration_since(window[0]) >= SECOND);
        }
        rate.reset();
        assert_eq!(rate.wait(now), None);
    }

    #[test]
    fn without_a_limit_any_number_goes_and_nothing_is_kept() {
        let mut rate = Rate::new(None);
        for _ in 0..1_000 {
            assert_eq!(rate.wait(Instant::ORIGIN), None);
            rate.take(Instant::ORIGIN);
        }
        assert!(rate.went.is_empty());
    }
}
