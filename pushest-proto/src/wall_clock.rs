//! What the session was told of the wall clock, which it never reads; and moments that count the
//! time in which the machine was suspended.

use core::time::Duration;

use crate::time::Instant;

/// A wall clock that advanced by so much more than the session's clock tells of a suspended
/// machine. Less is what time services correct.
const SUSPENDED: Duration = Duration::from_secs(5);

/// A reading that differs from what the last one lets expect by less than this says the same:
/// readings are whole milliseconds.
const SAME: Duration = Duration::from_millis(2);

/// Maximum age of a kept reading, so that slow corrections cannot add up to [`SUSPENDED`].
const KEPT: Duration = Duration::from_secs(60);

/// The end of time, in microseconds: more than 100,000 years.
const MOST: u64 = u64::MAX / 4;

/// A point in time that stays comparable when the session's clock stood still in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// On the session's clock, with all suspensions that were known then.
    elapsed: Instant,
    /// Microseconds since 1970 on the wall clock, if it was known then.
    unix: Option<u64>,
}

impl Moment {
    /// The moment that lies `by` before this one.
    pub(crate) fn before(self, by: Duration) -> Self {
        let by = micros(by);
        Self {
            elapsed: Instant::from_micros(self.elapsed.as_micros().saturating_sub(by)),
            unix: self.unix.map(|unix| unix.saturating_sub(by)),
        }
    }

    /// The later of two moments.
    pub(crate) fn max(self, other: Self) -> Self {
        if other.is_after(self) { other } else { self }
    }

    /// The earlier of two moments.
    pub(crate) fn min(self, other: Self) -> Self {
        if self.is_after(other) { other } else { self }
    }

    /// The earlier of two moments on each of the clocks. They do not agree on which that is where the
    /// machine was suspended in between for too short a time to be noticed.
    pub(crate) fn min_of_each(self, other: Self) -> Self {
        let unix = self.unix.into_iter().chain(other.unix).min();
        Self { elapsed: self.elapsed.min(other.elapsed), unix }
    }

    pub(crate) fn is_after(self, other: Self) -> bool {
        self.elapsed > other.elapsed
    }

    /// Returns the time from `earlier` to this moment; zero if it does not lie before.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.elapsed.saturating_duration_since(earlier.elapsed)
    }
}

/// The wall clock at a time of the session's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// Microseconds since 1970, whole milliseconds of them.
    unix: u64,
    at: Instant,
}

impl Reading {
    pub(crate) fn new(unix: Duration, at: Instant) -> Self {
        let unix = micros(unix).min(MOST);
        Self { unix: unix - unix % 1000, at }
    }

    /// Returns what the wall clock shows at a time before or after this reading.
    fn unix_at(self, time: Instant) -> u64 {
        let after = micros(time.saturating_duration_since(self.at));
        let before = micros(self.at.saturating_duration_since(time));
        self.unix.saturating_add(after).saturating_sub(before)
    }
}

/// The last reading, and the suspensions that readings told of.
#[derive(Debug, Default)]
pub(crate) struct WallClock {
    last: Option<Reading>,
    /// The reading by which the wall clock was the furthest behind.
    lowest: Option<Reading>,
    /// The sum of all suspensions.
    suspended: Duration,
    /// When the last suspension was noticed, on the session's clock.
    noticed: Option<Instant>,
}

impl WallClock {
    /// Returns whether a reading changes anything. One that is older than the last does not.
    pub(crate) fn is_news(&self, reading: Reading) -> bool {
        self.last.is_none_or(|last| {
            let kept = reading.at.saturating_duration_since(last.at);
            let off = last.unix_at(reading.at).abs_diff(reading.unix);
            reading.at >= last.at && (kept >= KEPT || off >= micros(SAME))
        })
    }

    /// Takes a reading that [is news](Self::is_news). Returns how long the machine was suspended, if
    /// it tells of that.
    pub(crate) fn read(&mut self, reading: Reading) -> Option<Duration> {
        let expected = self.last.map_or(reading.unix, |last| last.unix_at(reading.at));
        self.last = Some(reading);
        if self.lowest.is_none_or(|lowest| reading.unix < lowest.unix_at(reading.at)) {
            self.lowest = Some(reading);
        }
        let suspended = Duration::from_micros(reading.unix.saturating_sub(expected));
        if suspended < SUSPENDED {
            return None;
        }
        self.suspended = self.suspended.saturating_add(suspended).min(Duration::from_micros(MOST));
        self.noticed = Some(reading.at);
        Some(suspended)
    }

    /// Returns the present moment.
    pub(crate) fn moment(&self, now: Instant) -> Moment {
        Moment { elapsed: now + self.suspended, unix: self.last.map(|last| last.unix_at(now)) }
    }

    /// Returns a moment that may lie in the past. `None` if it lies before a suspension that was
    /// noticed since: how much of that belongs before it is not known. On a clock that stood still,
    /// the moment before has the same time as that of the notice.
    pub(crate) fn past_moment(&self, at: Instant) -> Option<Moment> {
        if self.noticed.is_some_and(|noticed| at <= noticed) {
            return None;
        }
        let mut moment = self.moment(at);
        if self.last.is_some_and(|last| at <= last.at) {
            // Suspensions that were too short to be noticed may have come since.
            let lowest = self.lowest.map(|lowest| lowest.unix_at(at));
            moment.unix = moment.unix.min(lowest);
        }
        Some(moment)
    }

    /// Returns the wall-clock time of a moment in the past, since 1970; `None` if there was no
    /// reading.
    ///
    /// The wall clock of today is the better one where it was corrected since, and that of the
    /// moment where suspensions were too short to be noticed: the earlier one counts.
    pub(crate) fn unix_of(&self, past: Moment, now: Instant) -> Option<Duration> {
        let now = self.moment(now);
        let by_now = now.unix?.saturating_sub(micros(now.since(past)));
        Some(Duration::from_micros(past.unix.map_or(by_now, |unix| unix.min(by_now))))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
