//! What a client has used, from the first tenth of its events on.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::Problem;

/// The figures of one client.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// All events, those of the warming up included.
    pub(crate) events: u64,
    /// Of the events that count, processor time and wall time of one, in nanoseconds.
    pub(crate) cpu_ns: f64,
    pub(crate) wall_ns: f64,
    /// The largest memory of the process, in KiB.
    pub(crate) memory_kib: u64,
}

/// Counts a client's events.
pub(crate) struct Book {
    events: u64,
    begun: AtomicU64,
    /// Both clocks when the first tenth was begun.
    marked: OnceLock<(u64, u64)>,
}

impl Book {
    pub(crate) fn new(events: u64) -> Self {
        Self { events, begun: AtomicU64::new(0), marked: OnceLock::new() }
    }

    /// Returns the number of the next event; `None` after the last.
    pub(crate) fn next(&self) -> Option<u64> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        if number == self.events / 10 {
            self.marked.get_or_init(clocks);
        }
        (number < self.events).then_some(number)
    }

    pub(crate) fn close(self) -> Result<Measured, Problem> {
        let (cpu, wall) = clocks();
        let (cpu_before, wall_before) = *self.marked.get().ok_or("too few events")?;
        let counted = (self.events - self.events / 10) as f64;
        let status = std::fs::read_to_string("/proc/self/status")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let memory = peak.and_then(|peak| peak.split_whitespace().next());
        Ok(Measured {
            events: self.events,
            cpu_ns: (cpu - cpu_before) as f64 / counted,
            wall_ns: (wall - wall_before) as f64 / counted,
            memory_kib: memory.ok_or("no VmHWM")?.parse()?,
        })
    }
}

/// Reads the processor time of all threads and the wall time, in nanoseconds.
fn clocks() -> (u64, u64) {
    (
        nanoseconds(clock_gettime(ClockId::ProcessCPUTime)),
        nanoseconds(clock_gettime(ClockId::Monotonic)),
    )
}

fn nanoseconds(time: Timespec) -> u64 {
    let time = Duration::try_from(time).expect("neither clock goes below zero");
    u64::try_from(time.as_nanos()).expect("no machine runs for 500 years")
}
