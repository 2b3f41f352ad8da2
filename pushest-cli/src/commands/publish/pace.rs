//! How fast events go out.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Maximum number of events a second, counted from the first one on.
pub(super) struct Pace {
    /// Between two events; zero without a limit.
    pause: Duration,
    due: Instant,
}

impl Pace {
    pub(super) fn new(rate: Option<f64>) -> Self {
        let pause = rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
        Self { pause, due: Instant::now() }
    }

    /// Waits until the next events may go out. Time that was lost is not made up for: a server that was
    /// slow for a while gets no flood.
    pub(super) async fn next(&mut self, events: u32) {
        if self.pause.is_zero() {
            return;
        }
        sleep_until(self.due).await;
        self.due = self.due.max(Instant::now()) + self.pause.saturating_mul(events);
    }
}
