//! Memory that a client holds. In a process of its own, since its allocator counts all of it.

mod waits;

use std::alloc::System;

use pushest_conformance::Adapted;
use pushest_testkit::conformance::seams::a_large_message_leaves_no_large_buffer_behind;
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
fn a_large_message_is_gone_once_it_was_told() {
    a_large_message_leaves_no_large_buffer_behind::<Adapted<waits::Spawned>>(live);
    a_large_message_leaves_no_large_buffer_behind::<Adapted<waits::Unspawned>>(live);
}
