//! Memory that a client holds. In a process of its own, since its allocator counts all of it.

use std::alloc::System;

use pushest_async_std::{Client, Config, Options};
use pushest_conformance::{On, Start};
use pushest_testkit::conformance::seams::a_large_message_leaves_no_large_buffer_behind;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The bytes that are in use.
fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

struct AsyncStd;

impl Start for AsyncStd {
    type Client = Client;

    fn start(config: Config, options: Options) -> Client {
        Client::with_options(config, options)
    }
}

pushest_conformance::impl_features!(AsyncStd);

#[test]
fn a_large_message_is_gone_once_it_was_told() {
    a_large_message_leaves_no_large_buffer_behind::<On<AsyncStd>>(live);
}
