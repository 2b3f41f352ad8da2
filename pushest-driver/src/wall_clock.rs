//! The time of the day: where it comes from, and when the session is told.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pushest_proto::Instant;

use crate::unstable::traits::Runtime;

/// How far the two clocks may drift apart before the session is told.
const DRIFT: Duration = Duration::from_secs(1);

/// Where the time of the day comes from: by default, the runtime.
#[derive(Clone, Default)]
pub(crate) struct TimeOfDay(Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>);

impl TimeOfDay {
    pub(crate) fn of(clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(clock)))
    }

    pub(crate) fn get(&self, runtime: &impl Runtime) -> SystemTime {
        self.0.as_ref().map_or_else(|| runtime.system_time(), |clock| clock())
    }

    /// Returns it where no runtime is at hand.
    #[cfg(feature = "api")]
    pub(crate) fn of_system(&self) -> SystemTime {
        self.0.as_ref().map_or_else(SystemTime::now, |clock| clock())
    }

    /// Returns the time since 1970; `None` before that.
    pub(crate) fn since_1970(&self, runtime: &impl Runtime) -> Option<Duration> {
        self.get(runtime).duration_since(UNIX_EPOCH).ok()
    }
}

impl fmt::Debug for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "own" } else { "the runtime's" })
    }
}

/// What the session knows of the time of the day.
#[derive(Debug, Default)]
pub(crate) struct WallClock {
    told: Option<(Duration, Instant)>,
}

impl WallClock {
    /// Whether the session must be told that it is `time` at `now`: if the caller `asks`, or if this
    /// clock has moved otherwise than the monotonic one since it was told last, because it was set
    /// or because the machine was suspended.
    pub(crate) fn is_due(&mut self, time: Duration, now: Instant, asks: bool) -> bool {
        let has_moved = |(told, at): (Duration, Instant)| {
            let passed = now.saturating_duration_since(at);
            time.abs_diff(told.saturating_add(passed)) >= DRIFT
        };
        let is_due = asks || self.told.is_none_or(has_moved);
        if is_due {
            self.told = Some((time, now));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_when_asked_for_and_when_it_has_left_the_other_clock() {
        let mut clock = WallClock::default();
        let seconds = Duration::from_secs;
        let at = |number| Instant::ORIGIN + seconds(number);
        assert!(clock.is_due(seconds(1_000), at(10), false), "never told");
        assert!(!clock.is_due(seconds(1_090), at(100), false));
        assert!(!clock.is_due(seconds(1_090) + Duration::from_millis(999), at(100), false));
        assert!(clock.is_due(seconds(1_091), at(100), false), "a second further");
        assert!(!clock.is_due(seconds(1_092), at(101), false));
        assert!(clock.is_due(seconds(500), at(102), false), "set back");
        assert!(!clock.is_due(seconds(501), at(103), false));
        assert!(clock.is_due(seconds(501), at(103), true));
        assert!(clock.is_due(seconds(4_101), at(103), false), "an hour in no time");
        assert!(!clock.is_due(seconds(4_101), at(103), false));
        assert!(clock.is_due(Duration::MAX, Instant::from_micros(u64::MAX), false));
    }
}
