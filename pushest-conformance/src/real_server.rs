//! Tests that need more than a process: another server, or networks that they may change.

/// Keeps the tests in it in builds with this crate's feature `real-server`, and leaves them out of all
/// others. They need the server that the variable `PUSHEST_TEST_URL` names, and fail without one.
///
/// The feature is this crate's, which is never published, so that no published crate has one for its
/// tests: `cargo test -p pushest-tokio --features pushest-conformance/real-server`.
#[cfg(feature = "real-server")]
#[macro_export]
macro_rules! on_real_server {
    ($($tests:tt)*) => { $($tests)* };
}

/// Leaves out the tests in it, since this build is without the feature `real-server`.
#[cfg(not(feature = "real-server"))]
#[macro_export]
macro_rules! on_real_server {
    ($($tests:tt)*) => {};
}

/// Keeps the tests in it in builds with this crate's feature `networks`, and leaves them out of all others.
/// Each changes the networks that it finds, and fails unless it was started by `.ci/networks`.
#[cfg(feature = "networks")]
#[macro_export]
macro_rules! in_networks {
    ($($tests:tt)*) => { $($tests)* };
}

/// Leaves out the tests in it, since this build is without the feature `networks`.
#[cfg(not(feature = "networks"))]
#[macro_export]
macro_rules! in_networks {
    ($($tests:tt)*) => {};
}
