//! Points in time that the driver gives, so that the core needs no clock.

use core::ops::{Add, AddAssign};
use core::time::Duration;

/// A point in time: whole microseconds since an origin that the driver picks.
///
/// Only differences mean anything. Additions saturate, so that no duration, however large, can
/// overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The driver's origin.
    pub const ORIGIN: Self = Self(0);

    /// Creates the instant that lies `micros` microseconds after the origin.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the origin.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns how long after `earlier` this instant lies; zero if it does not.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_and_subtracting_saturate() {
        let late = Instant::from_micros(u64::MAX - 1);
        assert_eq!((late + Duration::MAX).as_micros(), u64::MAX);
        assert_eq!(Instant::ORIGIN.saturating_duration_since(late), Duration::ZERO);
        assert_eq!(
            (Instant::ORIGIN + Duration::from_millis(2)).saturating_duration_since(Instant::ORIGIN),
            Duration::from_millis(2)
        );
    }
}
