//! Memory that a client holds. In a process of its own, since its allocator counts all of it.

mod waits;

use pushest_conformance::{Adapted, live_bytes};
use pushest_testkit::conformance::seams::a_large_message_leaves_no_large_buffer_behind;

pushest_conformance::counting_allocator!();

// One after the other: what one client holds would count for the other.
#[test]
fn a_large_message_is_gone_once_it_was_told() {
    a_large_message_leaves_no_large_buffer_behind::<Adapted<waits::Spawned>>(live_bytes);
    a_large_message_leaves_no_large_buffer_behind::<Adapted<waits::Unspawned>>(live_bytes);
}
