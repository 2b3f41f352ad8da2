//! What an event costs as something grows, beside its floors.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{Results, Spread};
use crate::clocks::Clocks;
use crate::core::Series;

/// What an event costs as one thing grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curve {
    /// What grows.
    pub name: String,
    /// All points of all receivers.
    pub points: Vec<Point>,
}

/// One receiver, at one point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// How much there is of what grows.
    pub x: u64,
    /// The runtime and the way.
    pub name: String,
    /// The number of events that each round is the time of.
    pub events: u64,
    /// One for each round.
    pub rounds: Vec<Clocks>,
}

impl Point {
    /// Returns the nanoseconds of an event.
    pub fn each(&self) -> Spread {
        let rounds = self.rounds.iter().map(|round| round.wall_ns as f64);
        Spread::of(rounds).divided(self.events as f64)
    }

    fn against(&self, floor: &Self) -> Spread {
        let per = |point: &Self, round: &Clocks| round.wall_ns as f64 / point.events as f64;
        let rounds = self.rounds.iter().zip(&floor.rounds);
        Spread::of(rounds.map(|(mine, its)| per(self, mine) / per(floor, its)))
    }
}

impl Curve {
    /// Returns the receivers, the floors first.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for point in &self.points {
            if !names.contains(&point.name.as_str()) {
                names.push(&point.name);
            }
        }
        names
    }

    /// Returns the points of a receiver.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Point> {
        self.points.iter().filter(move |point| point.name == name)
    }

    /// Returns the title.
    pub fn title(&self) -> &'static str {
        match &*self.name {
            "channels" => "channels that take turns, 208 bytes",
            "bytes" => "bytes of a frame, one channel",
            "receivers" => "receivers of one channel: each event of each, 208 bytes",
            "clients" => "clients in one process, 208 bytes, 16 events each in turn",
            "core-channels" => "channels, the core alone (processor time)",
            "core-members" => "members, the core alone: a join and a leave (processor time)",
            _ => "something else",
        }
    }
}

impl Results {
    /// Returns all curves, those of the core alone, too.
    pub fn curves(&self) -> Vec<Curve> {
        let mut curves = self.growth.clone();
        let of_core = [
            ("core-channels", "growth/skip/208/laravel/", "growth/core/208/laravel/"),
            ("core-members", "members/skip/", "members/"),
        ];
        for (name, floor, core) in of_core {
            let mut points = Vec::new();
            for (prefix, name) in [(floor, "skip"), (core, "core")] {
                points.extend(self.core.iter().filter_map(|series| point(series, prefix, name)));
            }
            if !points.is_empty() {
                curves.push(Curve { name: name.to_owned(), points });
            }
        }
        curves
    }
}

/// Returns the point of a series with this prefix, behind which is a number.
fn point(series: &Series, prefix: &str, name: &str) -> Option<Point> {
    let x = series.name.strip_prefix(prefix)?.parse().ok()?;
    let processor = |round: &Clocks| Clocks { wall_ns: round.cpu_ns, ..*round };
    let rounds = series.rounds.iter().map(processor).collect();
    Some(Point { x, name: name.to_owned(), events: series.events, rounds })
}

/// Writes a table for each curve.
pub(super) fn tables(results: &Results, out: &mut String) -> std::fmt::Result {
    for curve in results.curves() {
        writeln!(out, "\n### Growth: {}\n", curve.title())?;
        let names = curve.names();
        let (Some(floor), Some(ours)) = (names.first(), names.last()) else { continue };
        writeln!(
            out,
            "| {} | {} | {ours} ÷ {floor} |",
            curve.name,
            names.iter().map(|name| format!("{name}, ns")).collect::<Vec<_>>().join(" | ")
        )?;
        writeln!(out, "|--:|{}--:|", "--:|".repeat(names.len()))?;
        for first in curve.of(floor) {
            let at = |name| curve.of(name).find(|point| point.x == first.x);
            let cells: Vec<_> = names
                .iter()
                .map(|name| at(name).map_or(String::new(), |point| format!("{:.0}", point.each())))
                .collect();
            let ratio =
                at(ours).map_or(String::new(), |ours| format!("{:.2}", ours.against(first)));
            writeln!(out, "| {} | {} | {ratio} |", first.x, cells.join(" | "))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_alone_has_curves_beside_what_is_skipped() {
        let series = |name: &str, cpu_ns| Series {
            name: name.into(),
            events: 10,
            rounds: vec![Clocks { wall_ns: 1, cpu_ns }],
        };
        let core = vec![
            series("growth/skip/208/laravel/100", 1_000),
            series("growth/core/208/laravel/100", 500),
            series("core/208/laravel/1", 500),
            series("members/skip/1", 700),
            series("members/1", 1_400),
        ];
        let results = Results { core, ..Results::default() };
        let curves = results.curves();
        assert_eq!(curves.len(), 2);
        assert_eq!(curves[0].names(), ["skip", "core"]);
        assert_eq!(curves[0].points[1].each().median, 50.0);
        assert_eq!(curves[1].points.len(), 2);
        let mut text = String::new();
        tables(&results, &mut text).expect("a String takes everything");
        assert!(text.contains("| 1 | 70 (70–70) | 140 (140–140) | 2.00 (2.00–2.00) |"), "{text}");
    }
}
