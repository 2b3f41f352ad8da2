//! What a client holds while it is flooded. In a process of its own, since its allocator counts all
//! of it.

mod waits;

use pushest_conformance::{Adapted, live_bytes};
use pushest_testkit::conformance::seams::a_receiver_that_sleeps_holds_no_more_than_it_may;

pushest_conformance::counting_allocator!();

// One after the other: what one client holds would count for the other.
#[test]
fn a_flood_of_any_kind_is_held_within_the_limit_of_a_receiver_that_sleeps() {
    a_receiver_that_sleeps_holds_no_more_than_it_may::<Adapted<waits::Spawned>>(live_bytes);
    a_receiver_that_sleeps_holds_no_more_than_it_may::<Adapted<waits::Unspawned>>(live_bytes);
}
