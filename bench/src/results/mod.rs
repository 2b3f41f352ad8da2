//! What a run has measured, and what it says.

mod budgets;
mod crowds;
mod curves;
mod draw;
mod growth;
mod outgoing;
mod statistics;
mod table;

use serde::{Deserialize, Serialize};

pub use self::crowds::{Crowd, Weight};
pub use self::curves::growth_svg;
pub use self::draw::svg;
pub use self::growth::{Curve, Point};
pub use self::outgoing::Outgoing;
pub use self::statistics::Spread;
pub use self::table::markdown;
use crate::core::Series;
use crate::latency::Latency;

/// A whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Where it ran.
    pub machine: Machine,
    /// The number of rounds.
    pub rounds: u32,
    /// The number of events of 208 bytes that a flood consists of; of larger ones fewer.
    pub events: u64,
    /// The floods.
    pub cells: Vec<Cell>,
    /// The latencies.
    pub latencies: Vec<Latencies>,
    /// What an event costs as something grows.
    #[serde(default)]
    pub growth: Vec<Curve>,
    /// What is sent.
    #[serde(default)]
    pub outgoing: Vec<Outgoing>,
    /// Thousands of idle connections.
    #[serde(default)]
    pub crowds: Vec<Crowd>,
    /// What clients and channels allocate.
    #[serde(default)]
    pub weights: Vec<Weight>,
    /// The core alone.
    pub core: Vec<Series>,
}

/// Where a run took place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name, and how many of it there are.
    pub processor: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The versions of rustc and of what peers run on.
    pub versions: Vec<String>,
    /// The load of the last minute, before the run. More than 0.1 means that something else ran.
    pub load_before: f64,
    /// The day.
    pub date: String,
}

/// One receiver of one flood, over all rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// `flood`, `tls` or `bad`.
    pub section: String,
    /// The size of a frame, or the kind of a bad flood.
    pub group: String,
    /// The runtime and the way, or the peer.
    pub name: String,
    /// The number of frames that each sample is the time of.
    pub frames: u64,
    /// One for each round.
    pub samples: Vec<Sample>,
}

/// What one round took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The time.
    pub wall_ns: u64,
    /// The processor time of the receiving process.
    pub cpu_ns: u64,
    /// The largest memory that was resident there.
    pub peak_kib: u64,
    /// The processor time of the server, for the whole flood.
    pub server_cpu_ns: u64,
    /// The number of frames of the whole flood.
    pub server_frames: u64,
}

/// One receiver's latencies, over all rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latencies {
    /// `lone` or `burst`.
    pub group: String,
    /// The runtime and the way.
    pub name: String,
    /// One for each round.
    pub rounds: Vec<Latency>,
}

impl Cell {
    /// Returns the nanoseconds that a frame takes.
    pub fn wall(&self) -> Spread {
        Spread::of(self.samples.iter().map(|sample| sample.wall_ns as f64 / self.frames as f64))
    }

    /// Returns the nanoseconds of a processor that a frame takes in the receiving process.
    pub fn cpu(&self) -> Spread {
        Spread::of(self.samples.iter().map(|sample| sample.cpu_ns as f64 / self.frames as f64))
    }

    /// Returns how many times as fast this is as `other`, round by round.
    pub fn speed_against(&self, other: &Self) -> Spread {
        let per = |cell: &Self, sample: &Sample| sample.wall_ns as f64 / cell.frames as f64;
        let rounds = self.samples.iter().zip(&other.samples);
        Spread::of(rounds.map(|(mine, its)| per(other, its) / per(self, mine)))
    }

    /// Returns the largest memory of any round, in KiB.
    pub fn peak_kib(&self) -> u64 {
        self.samples.iter().map(|sample| sample.peak_kib).max().unwrap_or(0)
    }

    /// Returns the runtime; of a peer its name.
    pub fn runtime(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Returns whether it is another library.
    pub fn is_peer(&self) -> bool {
        !self.name.contains('/')
    }
}

impl Results {
    /// Finds a cell.
    pub fn cell(&self, section: &str, group: &str, name: &str) -> Option<&Cell> {
        self.cells
            .iter()
            .find(|cell| cell.section == section && cell.group == group && cell.name == name)
    }

    /// Finds the floor of a cell's own runtime.
    pub fn floor(&self, cell: &Cell, way: &str) -> Option<&Cell> {
        self.cell(&cell.section, &cell.group, &format!("{}/{way}", cell.runtime()))
    }

    /// Returns the sections' groups, in the order in which they were measured.
    pub fn groups(&self) -> Vec<(&str, &str)> {
        let mut groups = Vec::new();
        for cell in &self.cells {
            let group = (cell.section.as_str(), cell.group.as_str());
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }

    /// Finds what was measured of the core alone: the time an event, and of which rounds.
    pub fn core(&self, name: &str) -> Option<&Series> {
        self.core.iter().find(|series| series.name == name)
    }

    /// Returns how many times as long `one` takes as `other` of the core alone, round by round.
    pub fn core_ratio(&self, one: &str, other: &str) -> Option<Spread> {
        let (one, other) = (self.core(one)?, self.core(other)?);
        let rounds = one.rounds.iter().zip(&other.rounds);
        let per = |series: &Series, cpu_ns: u64| cpu_ns as f64 / series.events as f64;
        Some(Spread::of(rounds.map(|(mine, its)| per(one, mine.cpu_ns) / per(other, its.cpu_ns))))
    }
}
