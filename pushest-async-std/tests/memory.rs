//! Memory that a client holds. In a process of its own, since its allocator counts all of it.

mod runtimes;

use pushest_conformance::{On, live_bytes};
use pushest_testkit::conformance::seams::a_large_message_leaves_no_large_buffer_behind;

use runtimes::AsyncStd;

pushest_conformance::counting_allocator!();

#[test]
fn a_large_message_is_gone_once_it_was_told() {
    a_large_message_leaves_no_large_buffer_behind::<On<AsyncStd>>(live_bytes);
}
