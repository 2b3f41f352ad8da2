//! Wall time and processor time.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::{Deserialize, Serialize};

/// Both clocks, in nanoseconds: a moment, or the time between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Clocks {
    /// Wall time, from any origin.
    pub wall_ns: u64,
    /// The time that all threads of this process have had a processor, those that ended included.
    pub cpu_ns: u64,
}

impl Clocks {
    /// Reads both clocks.
    pub fn now() -> Self {
        Self {
            wall_ns: nanoseconds(clock_gettime(ClockId::Monotonic)),
            cpu_ns: nanoseconds(clock_gettime(ClockId::ProcessCPUTime)),
        }
    }

    /// Returns what has passed since.
    pub fn elapsed(self) -> Self {
        let now = Self::now();
        Self { wall_ns: now.wall_ns - self.wall_ns, cpu_ns: now.cpu_ns - self.cpu_ns }
    }
}

/// Reads the wall time in nanoseconds.
pub fn wall_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

fn nanoseconds(time: Timespec) -> u64 {
    let time = Duration::try_from(time).expect("neither clock goes below zero");
    u64::try_from(time.as_nanos()).expect("no machine runs for 500 years")
}
