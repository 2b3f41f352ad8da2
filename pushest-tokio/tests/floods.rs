//! What a client holds while it is flooded. In a process of its own, since its allocator counts all
//! of it.

mod runtimes;

use pushest_conformance::{On, live_bytes};
use pushest_testkit::conformance::seams::a_receiver_that_sleeps_holds_no_more_than_it_may;

use runtimes::Threads;

pushest_conformance::counting_allocator!();

#[test]
fn a_flood_of_any_kind_is_held_within_the_limit_of_a_receiver_that_sleeps() {
    a_receiver_that_sleeps_holds_no_more_than_it_may::<On<Threads>>(live_bytes);
}
