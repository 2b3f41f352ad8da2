//! What a client holds while it is flooded. In a process of its own, since its allocator counts all
//! of it.

mod waits;

use std::alloc::System;

use pushest_conformance::Adapted;
use pushest_testkit::conformance::seams::a_receiver_that_sleeps_holds_no_more_than_it_may;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The bytes that are in use.
fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

// One after the other: what one client holds would count for the other.
#[test]
fn a_flood_of_any_kind_is_held_within_the_limit_of_a_receiver_that_sleeps() {
    a_receiver_that_sleeps_holds_no_more_than_it_may::<Adapted<waits::Spawned>>(live);
    a_receiver_that_sleeps_holds_no_more_than_it_may::<Adapted<waits::Unspawned>>(live);
}
