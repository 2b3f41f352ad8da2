//! A client's clock: that of the world, until it is set.

use std::time::Duration;

use pushest_proto::Instant;

/// How far the client's clock is off.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    /// Microseconds ahead of the world's clock; negative when behind.
    ahead: i64,
}

impl Clock {
    /// Returns what the client takes for the present.
    pub(super) fn of(self, world: Instant) -> Instant {
        Instant::from_micros(world.as_micros().saturating_add_signed(self.ahead))
    }

    /// Returns when the client's clock will show this.
    pub(super) fn world_time(self, client: Instant) -> Instant {
        Instant::from_micros(client.as_micros().saturating_add_signed(-self.ahead))
    }

    pub(super) fn set_forward(&mut self, by: Duration) {
        self.ahead = self.ahead.saturating_add(micros(by));
    }

    pub(super) fn set_back(&mut self, by: Duration) {
        self.ahead = self.ahead.saturating_sub(micros(by));
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
