//! How long a session waits for what.

use core::time::Duration;

use super::error::{ConfigError, check_duration};
use crate::setters::setters;

/// The timeouts of a session.
///
/// Each must be between 1 ms and 10 years, or [`ConfigBuilder::build`](super::ConfigBuilder::build)
/// refuses it.
///
/// ```
/// use core::time::Duration;
/// # use pushest_proto::{Config, Timeouts};
///
/// let timeouts = Timeouts::default().activity(Duration::from_secs(30)).pong(Duration::from_secs(5));
/// let config = Config::builder("app-key").timeouts(timeouts).build()?;
/// assert_eq!(config.timeouts().pong, Duration::from_secs(5));
/// # Ok::<(), pushest_proto::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// A dial: name, TCP, TLS and WebSocket upgrade together. 30 s.
    pub dial: Duration,
    /// From the open WebSocket to `pusher:connection_established`. 10 s.
    pub handshake: Duration,
    /// Silence after which a ping is sent; the server's own value counts where it is shorter.
    /// 120 s.
    pub activity: Duration,
    /// How long it may take after a ping until anything arrives. 30 s.
    pub pong: Duration,
    /// The same after the network changed, from the moment at which the session was told; `pong` counts
    /// where it is shorter. A dial and a handshake that are under way then get as much time, unless
    /// less is left of their own. 5 s.
    pub pong_after_change: Duration,
    /// How long the answer to one subscribe may take before it is sent again. 10 s.
    pub subscribe: Duration,
    /// How long one authorization may take. 10 s.
    pub authorization: Duration,
    /// How long a connection must be established before earlier failures are forgotten. 10 s.
    pub stable: Duration,
}

impl Timeouts {
    setters! {
        /// Sets the time that a dial may take: name, TCP, TLS and WebSocket upgrade together.
        dial: Duration;
        /// Sets the time from the open WebSocket to `pusher:connection_established`.
        handshake: Duration;
        /// Sets the silence after which a ping is sent, unless the server's own value is shorter.
        activity: Duration;
        /// Sets the time in which anything at all must arrive after a ping.
        pong: Duration;
        /// Sets the same time after the network changed; `pong` counts where it is shorter.
        pong_after_change: Duration;
        /// Sets the time that the answer to one subscribe may take before it is sent again.
        subscribe: Duration;
        /// Sets the time that one authorization may take.
        authorization: Duration;
        /// Sets the time for which a connection must be established before earlier failures are
        /// forgotten.
        stable: Duration;
    }

    /// Returns how long a sign of life is waited for once the network has changed.
    pub(crate) fn after_change(&self) -> Duration {
        self.pong.min(self.pong_after_change)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let all = [
            ("dial", self.dial),
            ("handshake", self.handshake),
            ("activity", self.activity),
            ("pong", self.pong),
            ("pong after a change of the network", self.pong_after_change),
            ("subscribe", self.subscribe),
            ("authorization", self.authorization),
            ("stable", self.stable),
        ];
        all.into_iter().try_for_each(|(what, value)| check_duration(what, value))
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            dial: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            activity: Duration::from_secs(120),
            pong: Duration::from_secs(30),
            pong_after_change: Duration::from_secs(5),
            subscribe: Duration::from_secs(10),
            authorization: Duration::from_secs(10),
            stable: Duration::from_secs(10),
        }
    }
}
