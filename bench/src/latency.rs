//! How long a lone event takes from the server's write to the user's hand, and one of a burst. The
//! server runs in a thread of the same process: both read the same clock.

use serde::{Deserialize, Serialize};

use crate::Problem;
use crate::clocks::wall_ns;
use crate::flood::Flood;
use crate::receive::{Receiver, Target};
use crate::server::Server;
use crate::tally::Tally;

/// Latencies in nanoseconds, the first tenth left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// The number of events that it tells of.
    pub events: u64,
    /// Half of them were faster.
    pub p50_ns: u64,
    /// 99 of 100 were faster.
    pub p99_ns: u64,
    /// The slowest.
    pub max_ns: u64,
}

/// Receives the flood, and compares the books of both sides.
pub fn measure(receiver: Receiver, flood: Flood) -> Result<Latency, Problem> {
    let server = Server::bind(None)?;
    let address = server.address()?;
    let server = std::thread::spawn(move || {
        let mut times = Vec::new();
        let result = server.serve_one(|events| {
            let now = wall_ns();
            times.extend((0..events).map(|_| now));
        });
        // A Problem cannot leave its thread, its text can.
        result.map(|_| times).map_err(|problem| problem.to_string())
    });
    let marks = receiver.marks(flood);
    let target = Target { address, authority: None, flood };
    let report = receiver.receive(&target, Tally::new(marks).with_arrivals())?;
    let written = server.join().map_err(|_| "the server panicked")??;
    if written.len() != report.arrivals.len() || report.arrivals.len() as u64 != marks.end {
        let (written, read) = (written.len(), report.arrivals.len());
        return Err(format!("{written} events were written and {read} came").into());
    }
    let begin = usize::try_from(marks.begin).expect("as many as there are events");
    let times = written.iter().zip(&report.arrivals).skip(begin);
    Ok(of(times.map(|(written, read)| read.saturating_sub(*written)).collect()))
}

fn of(mut latencies: Vec<u64>) -> Latency {
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    Latency { events: latencies.len() as u64, p50_ns: at(50), p99_ns: at(99), max_ns: at(100) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_latencies() {
        let latency = of((0..=100).rev().collect());
        assert_eq!((latency.p50_ns, latency.p99_ns, latency.max_ns), (50, 99, 100));
        assert_eq!(of(vec![7]).p99_ns, 7);
    }
}
