//! How many client events a second a server takes: a token bucket, so that what it would refuse is
//! refused here, with the time of the next one.

use core::time::Duration;

use crate::Instant;

/// The bucket of one connection.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Events a second, and as many at once; `None` for any number.
    per_second: Option<u32>,
    /// When the bucket will be, or was, full.
    full_at: Instant,
}

impl Rate {
    pub(crate) fn new(per_second: Option<u32>) -> Self {
        Self { per_second, full_at: Instant::ORIGIN }
    }

    /// A new connection begins with a full bucket.
    pub(crate) fn reset(&mut self) {
        self.full_at = Instant::ORIGIN;
    }

    /// How long until the next event is allowed, and the limit; `None` if one is allowed now.
    pub(crate) fn wait(&self, now: Instant) -> Option<(Duration, u32)> {
        let limit = self.per_second?;
        // One event is missing from the bucket for each interval that it will take to fill.
        let room = Duration::from_secs(1).saturating_sub(interval(limit));
        let until_full = self.full_at.saturating_duration_since(now);
        (until_full > room).then(|| (until_full - room, limit))
    }

    /// An event goes.
    pub(crate) fn take(&mut self, now: Instant) {
        if let Some(limit) = self.per_second {
            self.full_at = self.full_at.max(now) + interval(limit);
        }
    }
}

/// Between two events at the full rate; rounded up, so that never too many go.
fn interval(per_second: u32) -> Duration {
    Duration::from_micros(1_000_000_u64.div_ceil(u64::from(per_second.max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_go_at_once_and_then_one_each_tenth_of_a_second() {
        let mut rate = Rate::new(Some(10));
        let mut now = Instant::from_micros(5);
        for _ in 0..10 {
            assert_eq!(rate.wait(now), None);
            rate.take(now);
        }
        assert_eq!(rate.wait(now), Some((Duration::from_millis(100), 10)));
        for _ in 0..20 {
            now += Duration::from_millis(99);
            assert!(rate.wait(now).is_some());
            now += Duration::from_millis(1);
            assert_eq!(rate.wait(now), None);
            rate.take(now);
        }
        rate.reset();
        assert_eq!(rate.wait(now), None);
    }

    #[test]
    fn without_a_limit_any_number_goes() {
        let mut rate = Rate::new(None);
        for _ in 0..1_000 {
            assert_eq!(rate.wait(Instant::ORIGIN), None);
            rate.take(Instant::ORIGIN);
        }
    }
}
