//! The books of a receiving process: what it got, and how long that took.

use serde::{Deserialize, Serialize};

use crate::clocks::{Clocks, wall_ns};
use crate::flood::{FRAMES, Marks};

/// What a receiver reports, as one line of JSON on its standard output. Peers in other languages
/// print the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The number of events; for a floor, of frames.
    pub events: u64,
    /// The bytes of their data as it stood in the JSON, or for a floor of the frames' texts. Absent
    /// from receivers that are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The number of events whose number was not the one that comes next. Absent from receivers that
    /// do not look at the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_order: Option<u64>,
    /// The time between the marks.
    pub wall_ns: u64,
    /// When the last one came, by the wall's clock, which all processes of a machine share. Peers do not
    /// say it.
    #[serde(default)]
    pub ended_ns: u64,
    /// The processor time of the receiving process between the marks.
    pub cpu_ns: u64,
    /// The largest memory that was resident, in KiB.
    pub peak_kib: u64,
    /// When each event was in the user's hand, in nanoseconds of the wall's clock; only when asked for.
    #[serde(skip)]
    pub arrivals: Vec<u64>,
}

impl Report {
    /// Returns the books of receivers of one process together: from when the first of them started its
    /// clocks until the last stopped. The processor time is the largest of any, since each counts that of
    /// all; what decoded data say is left out. `None` without any.
    pub fn together(reports: &[Self]) -> Option<Self> {
        let ended_ns = reports.iter().map(|report| report.ended_ns).max()?;
        let began_ns = reports.iter().map(|report| report.ended_ns - report.wall_ns).min()?;
        Some(Self {
            events: reports.iter().map(|report| report.events).sum(),
            bytes: reports.iter().map(|report| report.bytes).sum(),
            out_of_order: None,
            wall_ns: ended_ns - began_ns,
            ended_ns,
            cpu_ns: reports.iter().map(|report| report.cpu_ns).max()?,
            peak_kib: reports.iter().map(|report| report.peak_kib).max()?,
            arrivals: Vec::new(),
        })
    }
}

/// Counts what a receiver gets.
#[derive(Debug)]
pub struct Tally {
    events: u64,
    bytes: u64,
    out_of_order: Option<u64>,
    marks: Marks,
    /// The next event at which something is to be done.
    next: u64,
    started: Option<Clocks>,
    ended_ns: u64,
    spent: Clocks,
    arrivals: Option<Vec<u64>>,
}

impl Tally {
    /// A tally that starts and stops its clocks at these marks.
    pub fn new(marks: Marks) -> Self {
        Self {
            events: 0,
            bytes: 0,
            out_of_order: None,
            marks,
            next: if marks.begin == 0 { marks.end } else { marks.begin },
            started: (marks.begin == 0).then(Clocks::now),
            ended_ns: 0,
            spent: Clocks::default(),
            arrivals: None,
        }
    }

    /// Also takes down when each event comes.
    #[must_use]
    pub fn with_arrivals(mut self) -> Self {
        let room = usize::try_from(self.marks.end).expect("so many fit into memory");
        self.arrivals = Some(Vec::with_capacity(room));
        self
    }

    /// Counts an event, or a frame, of `bytes` bytes. Returns whether it was the last.
    pub fn sized(&mut self, bytes: usize) -> bool {
        self.bytes += bytes as u64;
        self.count()
    }

    /// Counts an event whose data was decoded to this number. Returns whether it was the last.
    pub fn numbered(&mut self, number: u64) -> bool {
        let wrong = u64::from(number != self.events % FRAMES);
        *self.out_of_order.get_or_insert(0) += wrong;
        self.count()
    }

    fn count(&mut self) -> bool {
        self.events += 1;
        if let Some(arrivals) = &mut self.arrivals {
            arrivals.push(wall_ns());
        }
        self.events == self.next && self.mark()
    }

    #[cold]
    fn mark(&mut self) -> bool {
        match self.started {
            None => {
                self.next = self.marks.end;
                self.started = Some(Clocks::now());
                false
            }
            Some(started) => {
                self.spent = started.elapsed();
                self.ended_ns = started.wall_ns + self.spent.wall_ns;
                true
            }
        }
    }

    /// Returns the books.
    pub fn report(self) -> Report {
        Report {
            events: self.events,
            bytes: (self.out_of_order.is_none()).then_some(self.bytes),
            out_of_order: self.out_of_order,
            wall_ns: self.spent.wall_ns,
            ended_ns: self.ended_ns,
            cpu_ns: self.spent.cpu_ns,
            peak_kib: peak_kib().unwrap_or(0),
            arrivals: self.arrivals.unwrap_or_default(),
        }
    }
}

/// Returns the largest memory that was resident; `None` where the system does not say.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_stops_the_clocks_and_all_are_counted() {
        let mut tally = Tally::new(Marks { begin: 2, end: 4 });
        assert!(!tally.sized(10) && !tally.sized(10) && !tally.sized(10));
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(tally.sized(10));
        let report = tally.report();
        assert_eq!((report.events, report.bytes), (4, Some(40)));
        assert_eq!(report.out_of_order, None);
        assert!(report.wall_ns >= 2_000_000 && report.peak_kib > 0);
    }

    #[test]
    fn clocks_that_start_before_the_connection_stop_at_the_last_event() {
        let mut tally = Tally::new(Marks { begin: 0, end: 2 });
        let before = wall_ns();
        assert!(!tally.sized(1) && tally.sized(1));
        let report = tally.report();
        assert!((before..=wall_ns()).contains(&report.ended_ns));
        assert!(report.cpu_ns > 0);
    }

    #[test]
    fn receivers_together_take_from_the_first_start_to_the_last_end() {
        let report = |wall_ns, ended_ns| Report {
            events: 2,
            bytes: Some(20),
            wall_ns,
            ended_ns,
            ..Report::default()
        };
        let all = Report::together(&[report(30, 100), report(50, 110)]).expect("there are two");
        assert_eq!((all.wall_ns, all.events, all.bytes), (50, 4, Some(40)));
        assert_eq!(Report::together(&[]), None);
    }

    #[test]
    fn an_event_that_is_missing_or_comes_twice_is_out_of_order() {
        let of = |numbers: &[u64]| {
            let mut tally = Tally::new(Marks { begin: 1, end: 3 });
            for number in numbers {
                tally.numbered(*number);
            }
            tally.report().out_of_order
        };
        assert_eq!(of(&[0, 1, 2]), Some(0));
        assert_eq!(of(&[0, 2, 2]), Some(1));
        assert_eq!(of(&[0, 0, 1]), Some(2));
    }
}
