#![no_main]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// C5 is held to what this counts. libFuzzer's own memory does not go through it.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushest_fuzz::session::check_measured(data, live));
