//! The conformance suite, with a thread and without.

#[path = "../../pushest-driver/tests/conformance/adapter.rs"]
mod adapter;
#[path = "../../pushest-driver/tests/conformance/callbacks.rs"]
mod callbacks;
#[path = "waits/called.rs"]
mod called;
mod waits;

mod with_a_thread {
    pushest_testkit::conformance!(crate::adapter::Adapted<crate::waits::Spawned>);
    crate::callbacks::callbacks!(crate::waits::Spawned);
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
    pushest_testkit::conformance_over_tls!(crate::adapter::Adapted<crate::waits::Spawned>);
    #[cfg(feature = "http")]
    pushest_testkit::conformance_of_endpoints!(crate::adapter::Adapted<crate::waits::Spawned>);
    #[cfg(all(feature = "http", any(feature = "tls-ring", feature = "tls-aws-lc")))]
    pushest_testkit::conformance_of_endpoints_over_tls!(
        crate::adapter::Adapted<crate::waits::Spawned>
    );
}

mod without_a_thread {
    pushest_testkit::conformance!(crate::adapter::Adapted<crate::waits::Unspawned>);
    crate::callbacks::callbacks!(crate::waits::Unspawned);
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
    pushest_testkit::conformance_over_tls!(crate::adapter::Adapted<crate::waits::Unspawned>);
    #[cfg(feature = "http")]
    pushest_testkit::conformance_of_endpoints!(crate::adapter::Adapted<crate::waits::Unspawned>);
    #[cfg(all(feature = "http", any(feature = "tls-ring", feature = "tls-aws-lc")))]
    pushest_testkit::conformance_of_endpoints_over_tls!(
        crate::adapter::Adapted<crate::waits::Unspawned>
    );
}

#[cfg(feature = "real-server")]
mod on_real_server {
    mod with_a_thread {
        pushest_testkit::conformance_on_real_server!(
            crate::adapter::Adapted<crate::waits::Spawned>
        );
    }

    mod without_a_thread {
        pushest_testkit::conformance_on_real_server!(
            crate::adapter::Adapted<crate::waits::Unspawned>
        );
    }
}
