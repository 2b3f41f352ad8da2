//! The budgets, and whether this run keeps them.

use super::{Results, Spread};
use crate::outgoing::Task;

/// One budget.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Budget {
    /// What it is about.
    pub(super) what: String,
    /// What must hold of the median.
    pub(super) bound: Bound,
    /// What was measured.
    pub(super) measured: Spread,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Budget {
    pub(super) fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtLeast(bound) => self.measured.median >= bound,
            Bound::AtMost(bound) => self.measured.median <= bound,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
        }
    }
}

/// The most times as long as a bare loop that sending and confirming may take: what the first whole runs on a
/// quiet machine have shown, rounded up.
fn outgoing(task: Task) -> f64 {
    match task {
        Task::Trigger => 2.0,
        Task::Public => 3.0,
        Task::Private => 2.5,
    }
}

/// Our receivers that a program would use first, on each runtime.
const FIRST: [&str; 6] = [
    "tokio/subscription",
    "tokio-threads/subscription",
    "async-std/subscription",
    "smol/subscription",
    "blocking/subscription",
    "blocking/connection",
];

/// Returns the budgets that this run has measured.
pub(super) fn budgets(results: &Results) -> Vec<Budget> {
    let mut budgets = Vec::new();
    let mut add = |what: String, bound, measured: Option<Spread>| {
        budgets.extend(measured.map(|measured| Budget { what, bound, measured }));
    };
    for (size, most) in [(208, 0.6), (1_024, 0.5), (8_192, 0.5)] {
        for shape in ["laravel", "plain", "dense", "object"] {
            let of = |what| format!("{what}/{size}/{shape}/1");
            add(
                format!("core, {size} bytes, {shape}: time against skipping"),
                Bound::AtMost(most),
                results.core_ratio(&of("core"), &of("skip")),
            );
        }
    }
    add(
        "core, 1 → 100,000 channels: time".into(),
        Bound::AtMost(1.5),
        results.core_ratio("growth/core/208/laravel/100000", "growth/core/208/laravel/1"),
    );
    add(
        "core, 100 → 100,000 members: time".into(),
        Bound::AtMost(1.5),
        results.core_ratio("members/100000", "members/100"),
    );
    for name in FIRST {
        for (way, least, words) in [("skip", 1.0, "floor + skip"), ("count", 0.6, "floor (aim)")] {
            let least = if name.starts_with("tokio/") && way == "count" { 0.65 } else { least };
            let measured = results
                .cell("flood", "208", name)
                .and_then(|cell| results.floor(cell, way).map(|floor| cell.speed_against(floor)));
            add(format!("{name}: speed against its {words}"), Bound::AtLeast(least), measured);
        }
    }
    for (peer, least) in [("pusher-js", 20.0), ("pusher-rs", 5.0)] {
        let ours = results.cell("flood", "208", "tokio/subscription");
        let its = results.cell("flood", "208", peer);
        let measured = ours.zip(its).map(|(ours, its)| ours.speed_against(its));
        add(format!("tokio/subscription: speed against {peer}"), Bound::AtLeast(least), measured);
    }
    for task in Task::ALL {
        add(
            format!("outgoing, {task}: time against the bare loop's, signing apart"),
            Bound::AtMost(outgoing(task)),
            results.outgoing_ratio(task),
        );
    }
    add(
        "an idle connection, 4 KiB buffer: KiB resident".into(),
        Bound::AtMost(10.0),
        results.crowd("ours").map(|crowd| crowd.resident().divided(1024.0)),
    );
    for cell in results.cells.iter().filter(|cell| is_bad(cell) && !is_floor(&cell.name)) {
        let good = results.cell("bad", "good", &cell.name);
        add(
            format!("{}: memory for {} frames against good ones", cell.name, cell.group),
            Bound::AtMost(2.0),
            good.map(|good| Spread::one(cell.peak_kib() as f64 / good.peak_kib() as f64)),
        );
        add(
            format!("{}: time of {} frames against good ones", cell.name, cell.group),
            Bound::AtMost(2.0),
            good.map(|good| good.speed_against(cell)),
        );
    }
    for latency in results.latencies.iter().filter(|latency| !is_floor(&latency.name)) {
        for (percent, which) in [("p50", 0), ("p99", 1)] {
            add(
                format!(
                    "{}, {}: {percent} against the bare loop's (aim)",
                    latency.name, latency.group
                ),
                Bound::AtMost(1.2),
                latency_ratio(results, &latency.group, &latency.name, which),
            );
        }
    }
    budgets
}

fn is_bad(cell: &super::Cell) -> bool {
    cell.section == "bad" && cell.group != "good"
}

pub(super) fn is_floor(name: &str) -> bool {
    name.ends_with("/count") || name.ends_with("/skip")
}

/// p50 (0) or p99 (1) of a receiver against the bare loop of its runtime, round by round.
pub(super) fn latency_ratio(
    results: &Results,
    group: &str,
    name: &str,
    which: usize,
) -> Option<Spread> {
    let find = |name: &str| {
        results.latencies.iter().find(|known| known.group == group && known.name == name)
    };
    let mine = find(name)?;
    let floor = find(&format!("{}/count", name.split('/').next()?))?;
    let of = |latency: &crate::latency::Latency| [latency.p50_ns, latency.p99_ns][which] as f64;
    Some(Spread::of(mine.rounds.iter().zip(&floor.rounds).map(|(mine, its)| of(mine) / of(its))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_met_by_the_median() {
        let measured = Spread { median: 0.6, least: 0.5, most: 0.9 };
        let met = |bound| Budget { what: String::new(), bound, measured }.is_met();
        assert!(met(Bound::AtMost(0.6)) && !met(Bound::AtMost(0.59)));
        assert!(met(Bound::AtLeast(0.6)) && !met(Bound::AtLeast(0.61)));
        let nothing = Spread::of(std::iter::empty());
        let budget = Budget { what: String::new(), bound: Bound::AtMost(1.0), measured: nothing };
        assert!(!budget.is_met(), "what was not measured is not met");
    }
}
