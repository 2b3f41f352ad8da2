//! What the core says of its memory is what the allocator counts (contract, C5): of each kind of
//! event, and of sessions that are flooded. In a process of its own, whose allocator counts
//! everything; so one test runs at a time.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod counted;
mod floods;
mod kinds;
mod world;

use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The bytes that are in use.
fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// No other test allocates meanwhile: each has either begun, and waits here, or is over.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut before = ALLOCATOR.stats();
    loop {
        std::thread::sleep(Duration::from_millis(20));
        let now = ALLOCATOR.stats();
        if now == before {
            return alone;
        }
        before = now;
    }
}

#[test]
fn the_allocator_counts() {
    let _alone = alone();
    let before = live();
    let text = std::hint::black_box("x".repeat(100_000));
    assert!((100_000..101_000).contains(&(live() - before)));
    drop(text);
    assert!(live() - before < 1_000);
}
