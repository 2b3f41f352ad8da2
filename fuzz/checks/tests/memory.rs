//! The sessions of the committed inputs and of random walks, weighed by the allocator. In a process
//! of its own, with one test, since its allocator counts everything.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::alloc::System;
use std::fs;
use std::path::Path;

use pushest_fuzz::session::check_measured;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Connected, subscribed to rooms with members and an encrypted channel, and signed in: where each
/// flood finds its mark.
const FAVOURABLE: [u8; 28] = [
    0, 0, // the session asks for authorizations
    0, 3, 25, 0, // it is connected
    14, 3, 9, 26, 0xb, 0, // to presence-a,
    14, 5, 9, 26, 0xd, 0, // to presence-b,
    14, 4, 9, 26, 4, // to private-encrypted-a,
    18, 3, 9, 30, 3, // and signed in as a user with a watchlist
];

#[test]
fn what_sessions_say_they_hold_is_what_the_allocator_counts() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/session");
    for entry in fs::read_dir(corpus).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        check_measured(&input, live);
    }
    let mut random = fastrand::Rng::with_seed(7);
    for length in 0..2_000 {
        let mut input = FAVOURABLE.to_vec();
        // Every other time with small limits.
        input[0] = [0, 16][length / 24 % 2];
        // The length of the plan chooses the flood.
        input.extend((0..length % 24).map(|_| [22, 28, 27, 12][random.usize(..4)] | 0xc0));
        check_measured(&input, live);
    }
}
