//! At most one line of a kind in a second.

use std::time::Duration;

use pushest_proto::Instant;

/// The time in which a second line of the same kind is kept silent.
const PAUSE: Duration = Duration::from_secs(1);

/// Limits the lines of one kind.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Limiter {
    last: Option<Instant>,
    silent: u64,
}

impl Limiter {
    /// Returns how many lines were kept silent since the last one, if one may be written now.
    /// Otherwise counts this one among them.
    pub(super) fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now < last + PAUSE) {
            self.silent += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.silent))
    }

    /// Returns when the lines that were kept silent can be counted in a line of their own.
    pub(super) fn due(&self) -> Option<Instant> {
        self.last.filter(|_| self.silent > 0).map(|last| last + PAUSE)
    }

    /// Returns how many lines were kept silent, if the time for saying so has come.
    pub(super) fn settle(&mut self, now: Instant) -> Option<u64> {
        self.due().filter(|due| *due <= now)?;
        self.admit(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    #[test]
    fn one_line_a_second_is_written_and_says_how_many_were_not() {
        let mut limiter = Limiter::default();
        assert_eq!(limiter.admit(at(5_000)), Some(0));
        assert_eq!(limiter.due(), None);
        for millis in 5_001..5_042 {
            assert_eq!(limiter.admit(at(millis)), None);
        }
        assert_eq!(limiter.admit(at(6_000)), Some(41));
        assert_eq!(limiter.admit(at(7_000)), Some(0));
    }

    #[test]
    fn what_was_kept_silent_is_told_a_second_later_though_nothing_follows() {
        let mut limiter = Limiter::default();
        limiter.admit(at(0));
        assert_eq!(limiter.settle(at(2_000)), None, "nothing was kept silent");
        limiter.admit(at(2_500));
        limiter.admit(at(2_600));
        assert_eq!(limiter.due(), Some(at(3_500)));
        assert_eq!(limiter.settle(at(3_499)), None);
        assert_eq!(limiter.settle(at(3_500)), Some(1));
        assert_eq!(limiter.due(), None);
        assert_eq!(limiter.admit(at(3_600)), None, "that was a line, too");
    }
}
