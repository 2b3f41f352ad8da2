//! The conformance suite, with a thread and without.

mod waits;

mod with_a_thread {
    pushest_conformance::suite!(crate::waits::Spawned);
    pushest_conformance::receivers_end!(crate::waits::Spawned);
    pushest_conformance::typed_events!(crate::waits::Spawned);
}

mod without_a_thread {
    pushest_conformance::suite!(crate::waits::Unspawned);
}

mod native_tls {
    mod with_a_thread {
        pushest_conformance::suite_over_native_tls!(crate::waits::Spawned);
    }

    mod without_a_thread {
        pushest_conformance::suite_over_native_tls!(crate::waits::Unspawned);
    }
}

pushest_conformance::on_real_server! {
    mod on_real_server {
        mod with_a_thread {
            pushest_testkit::conformance_on_real_server!(
                pushest_conformance::Adapted<crate::waits::Spawned>
            );
            #[cfg(feature = "api")]
            pushest_testkit::conformance_of_api_on_real_server!(
                pushest_conformance::Adapted<crate::waits::Spawned>
            );
        }

        mod without_a_thread {
            pushest_testkit::conformance_on_real_server!(
                pushest_conformance::Adapted<crate::waits::Unspawned>
            );
        }
    }
}

pushest_conformance::in_networks! {
    mod in_networks {
        mod with_a_thread {
            pushest_conformance::networks!(crate::waits::Spawned);
        }

        mod without_a_thread {
            pushest_conformance::networks!(crate::waits::Unspawned);
        }
    }
}
