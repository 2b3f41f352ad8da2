//! What idle connections and channels take.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{Results, Spread};
use crate::clocks::Clocks;
use crate::crowd::Connected;
use crate::weight::Each;

/// Thousands of idle connections in one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crowd {
    /// `bare` or `ours`.
    pub name: String,
    /// The number of connections.
    pub connections: u64,
    /// Making all connections, in each round.
    pub connected: Vec<Connected>,
    /// What doing nothing took, measured once.
    pub idle: Option<Clocks>,
}

/// What one of many clients or channels allocates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weight {
    /// What it is.
    pub name: String,
    /// How much.
    pub each: Each,
}

impl Crowd {
    /// Returns what is resident for each connection, in bytes.
    pub fn resident(&self) -> Spread {
        Spread::of(self.connected.iter().map(|connected| connected.resident as f64))
    }
}

impl Results {
    /// Finds a crowd.
    pub fn crowd(&self, name: &str) -> Option<&Crowd> {
        self.crowds.iter().find(|crowd| crowd.name == name)
    }
}

/// Writes the tables.
pub(super) fn tables(results: &Results, out: &mut String) -> std::fmt::Result {
    if !results.crowds.is_empty() {
        crowds(results, out)?;
    }
    if !results.weights.is_empty() {
        writeln!(out, "\n### Allocated\n")?;
        writeln!(out, "| what | number of them | bytes each |")?;
        writeln!(out, "|---|--:|--:|")?;
        for Weight { name, each } in &results.weights {
            writeln!(out, "| {name} | {} | {} |", each.count, each.bytes)?;
        }
    }
    Ok(())
}

fn crowds(results: &Results, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\n### Idle connections in one process, with buffers of 4 KiB\n")?;
    writeln!(
        out,
        "| whose | connections | KiB resident for each | seconds to connect all | processor µs to connect each | of an idle second, µs of a processor for all |"
    )?;
    writeln!(out, "|---|--:|--:|--:|--:|--:|")?;
    for crowd in &results.crowds {
        let spread = |of: fn(&Clocks) -> u64| {
            Spread::of(crowd.connected.iter().map(|connected| of(&connected.spent) as f64))
        };
        let idle = crowd.idle.map_or(String::new(), |idle| {
            format!("{:.0}", idle.cpu_ns as f64 / idle.wall_ns as f64 * 1e6)
        });
        writeln!(
            out,
            "| {} | {} | {:.1} | {:.2} | {:.0} | {idle} |",
            crowd.name,
            crowd.connections,
            crowd.resident().divided(1024.0),
            spread(|spent| spent.wall_ns).divided(1e9),
            spread(|spent| spent.cpu_ns).divided(1e3 * crowd.connections as f64),
        )?;
    }
    Ok(())
}
