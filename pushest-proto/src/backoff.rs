//! How long to wait before the next attempt: a curve with full jitter, or the user's own list; the
//! jitter on what the protocol wants at once; and the guards on that, and on hints.

use core::fmt;
use core::time::Duration;

use crate::config::backoff::BackoffConfig;
use crate::time::Instant;

/// No delay after a failure is shorter, whatever the jitter draws: it bounds the attempts in any
/// window of time (contract, C10).
pub(crate) const FLOOR: Duration = Duration::from_millis(100);

/// Maximum jitter on a pause that is the same for every client: what ended all connections at one
/// moment must not bring all clients back at one moment.
pub(crate) const JITTER: Duration = Duration::from_millis(500);

/// Maximum number of immediate retries in a row; the next one waits like any other.
const IMMEDIATE_RETRIES: u32 = 3;

/// Maximum number of hints in a row that are followed.
const HINTS: u32 = 3;

/// Hints that an attempt may succeed now, or that the one under way will not. A network that flaps must not
/// turn into a loop of attempts, nor keep one from its end.
#[derive(Debug)]
pub(crate) struct Hints<const SECONDS: u64 = 30> {
    /// When there are as many in a row again as there were at first.
    full: Instant,
}

impl<const SECONDS: u64> Hints<SECONDS> {
    /// The time after which there is one more.
    const EVERY: Duration = Duration::from_secs(SECONDS);

    pub(crate) const fn new() -> Self {
        Self { full: Instant::ORIGIN }
    }

    /// Returns when there is one more, where none is left.
    pub(crate) fn next(&self) -> Instant {
        let others = Self::EVERY * (HINTS - 1);
        Instant::ORIGIN + self.full.saturating_duration_since(Instant::ORIGIN + others)
    }

    /// Returns whether a hint is to be followed.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let is_taken = self.next() <= now;
        if is_taken {
            self.full = self.full.max(now) + Self::EVERY;
        }
        is_taken
    }
}

/// Counts the failures in a row, and draws the pause after each.
pub(crate) struct Backoff {
    config: BackoffConfig,
    random: fastrand::Rng,
    failures: u32,
    immediate: u32,
}

impl Backoff {
    pub(crate) fn new(config: BackoffConfig, random: fastrand::Rng) -> Self {
        Self { config, random, failures: 0, immediate: 0 }
    }

    /// Returns the delay after one more failure, where the server asks for `at_least`. What is
    /// drawn comes on top: clients that were told the same pause must not come back at the same
    /// time.
    pub(crate) fn next_delay(&mut self, at_least: Duration) -> Duration {
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        match self.scheduled(failures) {
            Some(pause) => pause.max(at_least).max(FLOOR) + self.jitter(),
            None => at_least + self.on_the_curve(failures),
        }
    }

    /// Returns the delay of a retry that the protocol wants at once: jitter alone, and after
    /// [`IMMEDIATE_RETRIES`] in a row that of any failure.
    pub(crate) fn next_immediate(&mut self) -> Duration {
        if self.immediate < IMMEDIATE_RETRIES {
            self.immediate += 1;
            self.jitter()
        } else {
            self.next_delay(Duration::ZERO)
        }
    }

    /// Returns the delay before another endpoint is tried: jitter above the floor, so that the length
    /// of the list allows no more attempts in any window of time (contract, C10).
    pub(crate) fn next_endpoint(&mut self) -> Duration {
        self.between(FLOOR, JITTER)
    }

    /// Draws a pause up to [`JITTER`], which is never zero.
    pub(crate) fn jitter(&mut self) -> Duration {
        self.between(Duration::from_micros(1), JITTER)
    }

    /// Forgets the failures in a row, once a connection has proved stable.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
        self.immediate = 0;
    }

    /// Returns the delay before try number `tries` + 1 of something that is not the connection (a
    /// subscription, an authorization), on the same curve.
    pub(crate) fn delay_of(&mut self, tries: u32) -> Duration {
        self.on_the_curve(tries.saturating_sub(1))
    }

    /// Returns the pause of the user's list after `failures` earlier ones; its last entry repeats.
    fn scheduled(&self, failures: u32) -> Option<Duration> {
        let schedule = self.config.schedule.as_deref()?;
        let place = usize::try_from(failures).unwrap_or(usize::MAX);
        schedule.get(place).or(schedule.last()).copied()
    }

    /// Draws a pause between the floor and the ceiling. Where both are close to each other, the
    /// draw still spreads as far as jitter does: a pause that was cut to the floor would be the
    /// same for many.
    fn on_the_curve(&mut self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX);
        let ceiling = self.config.initial.saturating_mul(factor).min(self.config.maximum);
        self.between(FLOOR, ceiling.max(FLOOR + JITTER))
    }

    fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let micros = |pause: Duration| u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.random.u64(micros(shortest)..=micros(longest)))
    }
}

/// The state of the randomness stays hidden: it would foretell the jitter.
impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff")
            .field("failures", &self.failures)
            .field("immediate", &self.immediate)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(seed: u64) -> Backoff {
        Backoff::new(BackoffConfig::default(), fastrand::Rng::with_seed(seed))
    }

    fn scheduled(pauses: &[u64], seed: u64) -> Backoff {
        let pauses = pauses.iter().copied().map(Duration::from_millis);
        Backoff::new(BackoffConfig::schedule(pauses), fastrand::Rng::with_seed(seed))
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_jitter_fills_it() {
        let mut largest = [Duration::ZERO; 8];
        for seed in 0..400 {
            let mut backoff = backoff(seed);
            for (failure, largest) in largest.iter_mut().enumerate() {
                let delay = backoff.next_delay(Duration::ZERO);
                let ceiling = Duration::from_secs((1 << failure).min(30));
                assert!(delay >= FLOOR && delay <= ceiling, "{failure}: {delay:?}");
                *largest = delay.max(*largest);
            }
        }
        for (failure, largest) in largest.iter().enumerate() {
            let ceiling = Duration::from_secs((1 << failure).min(30));
            assert!(*largest > ceiling.mul_f64(0.9), "{failure}: {largest:?}");
        }
    }

    #[test]
    fn the_pause_before_another_endpoint_lies_between_the_floor_and_the_jitter_and_is_no_failure() {
        let mut backoff = backoff(1);
        let pauses: alloc::vec::Vec<_> = (0..1_000).map(|_| backoff.next_endpoint()).collect();
        assert!(pauses.iter().all(|pause| (FLOOR..=JITTER).contains(pause)));
        assert!(pauses.iter().max() > Some(&JITTER.mul_f64(0.95)));
        assert_eq!((backoff.failures, backoff.immediate), (0, 0));
    }

    #[test]
    fn the_fourth_immediate_retry_in_a_row_waits() {
        let mut backoff = backoff(1);
        for _ in 0..2 {
            for _ in 0..3 {
                assert!(backoff.next_immediate() <= JITTER);
                assert_eq!(backoff.failures, 0);
            }
            assert!(backoff.next_immediate() >= FLOOR);
            assert_eq!(backoff.failures, 1);
            backoff.reset();
        }
    }

    #[test]
    fn an_immediate_retry_is_drawn_from_the_whole_half_second_and_never_without_a_pause() {
        let pauses: alloc::vec::Vec<_> =
            (0..1_000).map(|it| backoff(it).next_immediate()).collect();
        assert!(pauses.iter().all(|pause| !pause.is_zero() && *pause <= JITTER));
        for tenth in 0..10_u32 {
            let part = JITTER / 10 * tenth..JITTER / 10 * (tenth + 1);
            let drawn = pauses.iter().filter(|pause| part.contains(*pause)).count();
            assert!((60..140).contains(&drawn), "{drawn} of 1,000 in {part:?}");
        }
    }

    #[test]
    fn three_hints_in_a_row_are_taken_and_then_one_every_thirty_seconds() {
        let mut hints = Hints::<30>::new();
        let mut taken = |at| (0..10).filter(|_| hints.take(at)).count();
        let at = |seconds| Instant::ORIGIN + Duration::from_secs(seconds);
        assert_eq!(taken(at(1_000)), 3);
        assert_eq!(taken(at(1_029)), 0);
        assert_eq!(taken(at(1_031)), 1);
        assert_eq!(taken(at(1_059)), 0);
        assert_eq!(taken(at(1_060)), 1, "what is left of the former time counts");
        assert_eq!(taken(at(1_120)), 2);
        assert_eq!(taken(at(10_000)), 3, "and no more than three are kept");
        let mut hints = Hints::<1>::new();
        assert_eq!((0..10).filter(|_| hints.take(at(5))).count(), 3);
        assert_eq!(hints.next(), at(6));
        assert!(hints.take(at(6)) && !hints.take(at(6)));
        assert_eq!(hints.next(), at(7));
        let mut hints = Hints::<30>::new();
        let mut taken = |at| (0..10).filter(|_| hints.take(at)).count();
        assert_eq!(taken(at(10_000)), 3);
        // A clock that runs backwards, and the end of time.
        assert_eq!(taken(at(1)), 0);
        let end = Instant::from_micros(u64::MAX / 2);
        assert_eq!((taken(end), taken(end)), (3, 0));
    }

    #[test]
    fn a_schedule_goes_entry_by_entry_and_repeats_the_last_with_jitter_on_top() {
        for seed in 0..50 {
            let mut backoff = scheduled(&[2_000, 500, 9_000], seed);
            for expected in [2_000, 500, 9_000, 9_000, 9_000].map(Duration::from_millis) {
                let pause = backoff.next_delay(Duration::ZERO);
                assert!(pause > expected && pause <= expected + JITTER, "{expected:?}: {pause:?}");
            }
            backoff.failures = u32::MAX;
            assert!(backoff.next_delay(Duration::ZERO) > Duration::from_secs(9));
            backoff.reset();
            assert!(backoff.next_delay(Duration::ZERO) <= Duration::from_millis(2_500));
        }
    }

    #[test]
    fn the_floor_the_servers_pause_and_the_guard_stand_above_a_schedule() {
        for seed in 0..50 {
            let mut backoff = scheduled(&[1], seed);
            let pause = backoff.next_delay(Duration::ZERO);
            assert!(pause > FLOOR && pause <= FLOOR + JITTER, "{pause:?}");
            let asked = Duration::from_secs(90);
            let pause = backoff.next_delay(asked);
            assert!(pause > asked && pause <= asked + JITTER, "{pause:?}");
            let mut backoff = scheduled(&[60_000], seed);
            for _ in 0..3 {
                assert!(backoff.next_immediate() <= JITTER);
            }
            assert!(backoff.next_immediate() > Duration::from_secs(60));
        }
    }

    #[test]
    fn pauses_that_are_short_are_not_cut_to_the_same_one() {
        // At the floor alone, or with a ceiling below it.
        for ceiling in [1, 50, 100, 200, 1_000] {
            let ceiling = Duration::from_millis(ceiling);
            let mut pauses: alloc::vec::Vec<_> = (0..200)
                .map(|seed| {
                    let config = BackoffConfig::default().initial(ceiling).maximum(ceiling);
                    let random = fastrand::Rng::with_seed(seed);
                    Backoff::new(config, random).next_delay(Duration::ZERO)
                })
                .collect();
            pauses.sort();
            pauses.dedup();
            assert!(pauses.len() > 195, "{ceiling:?}: {}", pauses.len());
        }
    }

    #[test]
    fn a_server_that_names_a_delay_is_waited_for() {
        for seed in 0..50 {
            let delay = backoff(seed).next_delay(Duration::from_secs(90));
            assert!(delay > Duration::from_secs(90) && delay <= Duration::from_secs(91));
        }
    }

    #[test]
    fn any_number_of_failures_stays_at_the_cap() {
        let mut backoff = backoff(1);
        backoff.failures = u32::MAX;
        assert!(backoff.next_delay(Duration::ZERO) <= Duration::from_secs(30));
        assert_eq!(backoff.failures, u32::MAX);
    }
}
