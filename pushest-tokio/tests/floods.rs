//! What a client holds while it is flooded. In a process of its own, since its allocator counts all
//! of it.

use std::alloc::System;
use std::sync::OnceLock;

use pushest_conformance::{On, Start};
use pushest_testkit::conformance::seams::a_receiver_that_sleeps_holds_no_more_than_it_may;
use pushest_tokio::{Client, Config, Options};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The bytes that are in use.
fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

struct Tokio;

impl Start for Tokio {
    type Client = Client;

    fn start(config: Config, options: Options) -> Client {
        static RUNTIME: OnceLock<Runtime> = OnceLock::new();
        let runtime = RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"));
        let _entered = runtime.enter();
        Client::with_options(config, options)
    }
}

pushest_conformance::impl_features!(Tokio);

#[test]
fn a_flood_of_any_kind_is_held_within_the_limit_of_a_receiver_that_sleeps() {
    a_receiver_that_sleeps_holds_no_more_than_it_may::<On<Tokio>>(live);
}
