//! How long a session waits before it connects again.

use alloc::vec::Vec;
use core::time::Duration;

use super::error::ConfigError;
use super::error::check_duration;
use crate::setters::setters;

/// Maximum number of entries of a schedule.
pub(super) const MOST_PAUSES: usize = 100;

/// How long the session waits before it connects again by itself.
///
/// By default the pauses follow a curve. Its ceiling doubles from `initial` to `maximum` with each
/// failure in a row, and each pause is drawn uniformly between 100 ms and the ceiling (600 ms, where
/// the ceiling is lower), so that many clients that lost their connections at the same moment do not
/// come back at the same moment. [`BackoffConfig::schedule`] replaces the curve by a list.
///
/// Whatever is configured, no pause after a failure is shorter than 100 ms, and a longer one that a
/// server asks for is kept. Where the protocol wants a client back at once (close codes 4200–4299, a
/// missed pong, the switch to TLS) the pause is drawn below 500 ms, and after three such retries in a
/// row it follows the curve or the schedule. The first attempt, `connect` and `set_endpoint` never
/// wait. Of several endpoints ([`ConfigBuilder::endpoints`](super::ConfigBuilder::endpoints)) one pass is
/// made with pauses of 100 to 500 ms, and what is said here holds for the attempts after it.
///
/// Subscriptions and authorizations that are tried again on a connection follow the curve, too; a
/// schedule does not concern them.
///
/// ```
/// use core::time::Duration;
/// # use pushest_proto::BackoffConfig;
///
/// let backoff = BackoffConfig::default()
///     .initial(Duration::from_millis(500))
///     .maximum(Duration::from_secs(60));
/// assert_eq!(backoff.retry_after_limit, Duration::from_secs(60 * 60));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackoffConfig {
    /// The ceiling of the first pause. 1 s.
    pub initial: Duration,
    /// The ceiling of all pauses. 30 s.
    pub maximum: Duration,
    /// The pauses before each attempt, instead of the curve's; see [`BackoffConfig::schedule`].
    /// `None`.
    pub schedule: Option<Vec<Duration>>,
    /// The longest pause that a `Retry-After` can ask for; a longer one is cut to this. 1 h.
    pub retry_after_limit: Duration,
}

impl BackoffConfig {
    /// Creates a configuration with these pauses: the first after the first failure, the second
    /// after the second in a row, and the last one again and again. Up to 500 ms of jitter is added
    /// to each; an entry below 100 ms counts as 100 ms.
    ///
    /// ```
    /// use core::time::Duration;
    /// # use pushest_proto::{BackoffConfig, Config};
    ///
    /// let pauses = [1, 5, 15, 60].map(Duration::from_secs);
    /// let config = Config::builder("app-key").backoff(BackoffConfig::schedule(pauses)).build()?;
    /// # Ok::<(), pushest_proto::ConfigError>(())
    /// ```
    ///
    /// [`ConfigBuilder::build`](super::ConfigBuilder::build) refuses an empty list, one of more than
    /// 100 entries, and entries outside of 1 ms to 10 years.
    #[must_use]
    pub fn schedule(pauses: impl IntoIterator<Item = Duration>) -> Self {
        // One more than `build` accepts is enough for it to refuse, however long the list is.
        let pauses = pauses.into_iter().take(MOST_PAUSES + 1).collect();
        Self { schedule: Some(pauses), ..Self::default() }
    }

    setters! {
        /// Sets the ceiling of the first pause. It must not be above `maximum`.
        initial: Duration;
        /// Sets the ceiling of all pauses.
        maximum: Duration;
        /// Sets the longest pause that a `Retry-After` can ask for; a longer one is cut to this.
        retry_after_limit: Duration;
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        check_duration("initial backoff", self.initial)?;
        check_duration("maximum backoff", self.maximum)?;
        check_duration("limit of Retry-After", self.retry_after_limit)?;
        if self.initial > self.maximum {
            return Err(ConfigError::Backoff { initial: self.initial, maximum: self.maximum });
        }
        let Some(schedule) = &self.schedule else { return Ok(()) };
        match schedule.len() {
            0 => return Err(ConfigError::EmptySchedule),
            entries if entries > MOST_PAUSES => {
                return Err(ConfigError::LongSchedule { limit: MOST_PAUSES });
            }
            _ => {}
        }
        schedule.iter().try_for_each(|pause| check_duration("pause of a schedule", *pause))
    }
}

impl Default for BackoffConfig {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            maximum: Duration::from_secs(30),
            schedule: None,
            retry_after_limit: Duration::from_secs(60 * 60),
        }
    }
}
