//! How long to wait before the next attempt: exponential, full jitter, capped; and the guard on
//! immediate retries.

use core::fmt;
use core::time::Duration;

use crate::config::BackoffConfig;

/// No delay is shorter, whatever the jitter draws: it bounds the attempts in any window of time.
pub(crate) const FLOOR: Duration = Duration::from_millis(100);

/// After so many immediate retries in a row, a retry waits like any other.
const IMMEDIATE_RETRIES: u32 = 3;

/// Counts the attempts of one unlucky stretch, and draws their delays.
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

    /// The delay after one more failure: `at_least`, and on top of it uniform up to the exponential
    /// ceiling. (Whoever was told the same pause must not come back at the same time.)
    pub(crate) fn next_delay(&mut self, at_least: Duration) -> Duration {
        let delay = jittered(&self.config, self.failures, &mut self.random);
        self.failures = self.failures.saturating_add(1);
        at_least + delay
    }

    /// The delay of a retry that the protocol wants at once: zero, until the guard says that it
    /// has become a loop.
    pub(crate) fn next_immediate(&mut self) -> Duration {
        if self.immediate < IMMEDIATE_RETRIES {
            self.immediate += 1;
            Duration::ZERO
        } else {
            self.next_delay(Duration::ZERO)
        }
    }

    /// The connection has proved stable: the next failure is a first one.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
        self.immediate = 0;
    }

    /// The delay before try number `tries` + 1 of something that is not the connection (a
    /// subscription, an authorization), on the same curve.
    pub(crate) fn delay_of(&mut self, tries: u32) -> Duration {
        jittered(&self.config, tries.saturating_sub(1), &mut self.random)
    }
}

/// The state of the randomness is nobody's business: it foretells the jitter.
impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff")
            .field("failures", &self.failures)
            .field("immediate", &self.immediate)
            .finish_non_exhaustive()
    }
}

fn jittered(config: &BackoffConfig, failures: u32, random: &mut fastrand::Rng) -> Duration {
    let factor = 1_u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX);
    let ceiling = config.initial.saturating_mul(factor).min(config.maximum);
    let micros = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random.u64(0..=micros)).max(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(seed: u64) -> Backoff {
        let config =
            BackoffConfig { initial: Duration::from_secs(1), maximum: Duration::from_secs(30) };
        Backoff::new(config, fastrand::Rng::with_seed(seed))
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
    fn the_fourth_immediate_retry_in_a_row_waits() {
        let mut backoff = backoff(1);
        for _ in 0..3 {
            assert_eq!(backoff.next_immediate(), Duration::ZERO);
        }
        assert!(backoff.next_immediate() >= FLOOR);
        backoff.reset();
        assert_eq!(backoff.next_immediate(), Duration::ZERO);
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
