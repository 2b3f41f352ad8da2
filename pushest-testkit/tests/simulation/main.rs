//! Sessions and a server on links that delay, lose and break: whatever happens, when it is over
//! every wanted channel is subscribed or says why not, both sides know the same members, and nobody
//! missed an event without being told.
//!
//! A run that fails prints its seed; `PUSHEST_SEED=17 cargo test -p pushest-testkit --test
//! simulation` runs it again, alone. `PUSHEST_SEEDS=1000000` runs more of them.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod checks;
mod crowd;
mod gaps;
mod nodes;
mod panics;
mod recording;
mod run;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use pushest_testkit::simulation::Troubles;

use run::Run;

/// Number of runs by default.
const SEEDS: u64 = 10_000;

#[test]
fn whatever_breaks_every_wanted_channel_comes_back_and_nothing_is_missed_untold() {
    let seeds = seeds_of(SEEDS);
    let is_one = seeds.clone().count() == 1;
    let troubles = all(seeds);
    println!("{troubles:#?}");
    // One run has not seen everything.
    if !is_one {
        assert!(troubles.missing().is_empty(), "these did not happen: {:?}", troubles.missing());
    }
}

#[test]
fn a_run_that_fails_runs_again_the_same_way() {
    for seed in 0..20 {
        let (one, other) = (Run::new(seed).finish(), Run::new(seed).finish());
        assert_eq!(one, other, "the run with PUSHEST_SEED={seed} is not always the same");
    }
}

/// The number that is asked for, or the default.
fn seeds_of(count: u64) -> Range<u64> {
    let variable = |name: &str| {
        let value = std::env::var(name).ok()?;
        Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is not a number")))
    };
    match (variable("PUSHEST_SEED"), variable("PUSHEST_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, asked) => 0..asked.unwrap_or(count),
    }
}

/// Runs all seeds, on as many threads as there are processors, and adds up what went wrong.
fn all(seeds: Range<u64>) -> Troubles {
    let threads = thread::available_parallelism().map_or(1, |count| count.get());
    let mut troubles = Troubles::default();
    thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let seeds = seeds.clone().skip(part).step_by(threads);
                scope.spawn(move || one_after_the_other(seeds))
            })
            .collect();
        for part in parts {
            troubles += part.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    troubles
}

fn one_after_the_other(seeds: impl Iterator<Item = u64>) -> Troubles {
    let mut troubles = Troubles::default();
    for seed in seeds {
        match catch_unwind(AssertUnwindSafe(|| Run::new(seed).finish())) {
            Ok(happened) => troubles += happened,
            Err(panic) => {
                eprintln!(
                    "the run with this seed failed; it alone:\n  PUSHEST_SEED={seed} cargo test -p \
                     pushest-testkit --test simulation"
                );
                resume_unwind(panic);
            }
        }
    }
    troubles
}
