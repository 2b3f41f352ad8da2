//! Measures the core in rounds: each round measures everything once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Channels, Members, Shape};
use crate::clocks::Clocks;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// The number of rounds.
    pub rounds: u32,
    /// The number of events of 208 bytes in each; of larger ones fewer.
    pub events: u64,
    /// The largest number of channels and of members.
    pub most: u64,
}

/// One thing that is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// What: `core/208/laravel/1`, say: what is done, the size, the shape, the number of channels.
    pub name: String,
    /// The number of events in each round.
    pub events: u64,
    /// What each round took.
    pub rounds: Vec<Clocks>,
}

/// The numbers of channels, and of members, that a curve is drawn through.
const DECADES: [u64; 6] = [1, 10, 100, 1_000, 10_000, 100_000];

struct Subject {
    series: Series,
    run: Box<dyn FnMut(u64)>,
}

/// Measures everything.
pub fn run(order: Order) -> Vec<Series> {
    let mut subjects = subjects(order);
    for round in 0..=order.rounds {
        for subject in &mut subjects {
            let started = Clocks::now();
            (subject.run)(subject.series.events);
            let spent = started.elapsed();
            // The first only warms up.
            if round > 0 {
                subject.series.rounds.push(spent);
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    subjects.into_iter().map(|subject| subject.series).collect()
}

fn subjects(order: Order) -> Vec<Subject> {
    let mut subjects = Vec::new();
    let mut add = |name: String, events: u64, run: Box<dyn FnMut(u64)>| {
        let series = Series { name, events: events.max(1), rounds: Vec::new() };
        subjects.push(Subject { series, run });
    };
    for size in [208, 1_024, 8_192] {
        for shape in Shape::ALL {
            let events = order.events * 208 / size as u64;
            let mut floor = Channels::new(1, size, shape);
            add(name("skip", size, shape, 1), events, Box::new(move |count| floor.skip(count)));
            let mut core = Channels::new(1, size, shape);
            add(name("core", size, shape, 1), events, Box::new(move |count| core.route(count)));
        }
    }
    for channels in DECADES.into_iter().filter(|count| *count <= order.most) {
        let shape = Shape::Laravel;
        let mut floor = Channels::new(channels, 208, shape);
        add(
            name("growth/skip", 208, shape, channels),
            order.events,
            Box::new(move |count| floor.skip(count)),
        );
        let mut core = Channels::new(channels, 208, shape);
        add(
            name("growth/core", 208, shape, channels),
            order.events,
            Box::new(move |count| core.route(count)),
        );
    }
    for count in DECADES.into_iter().filter(|count| *count <= order.most) {
        let floor = Members::new(1);
        add(
            format!("members/skip/{count}"),
            order.events / 4,
            Box::new(move |count| floor.skip(count)),
        );
        let mut members = Members::new(count);
        add(
            format!("members/{count}"),
            order.events / 4,
            Box::new(move |count| members.come_and_go(count)),
        );
    }
    subjects
}

fn name(what: &str, size: usize, shape: Shape, channels: u64) -> String {
    format!("{what}/{size}/{}/{channels}", shape.name())
}
