//! Counting the memory of a whole process.

use stats_alloc::INSTRUMENTED_SYSTEM;

/// Makes the allocator of the test's process one that counts. See
/// [`live_bytes`](fn@crate::live_bytes).
#[macro_export]
macro_rules! counting_allocator {
    () => {
        #[global_allocator]
        static ALLOCATOR: &$crate::stats_alloc::StatsAlloc<::std::alloc::System> =
            &$crate::stats_alloc::INSTRUMENTED_SYSTEM;
    };
}

/// Returns how many bytes of the process are allocated; it must have
/// [`counting_allocator!`](crate::counting_allocator!).
#[must_use]
pub fn live_bytes() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    // A process without that allocator would hold nothing, whatever it does.
    assert!(stats.allocations > 0, "nothing is counted");
    stats.bytes_allocated - stats.bytes_deallocated
}
