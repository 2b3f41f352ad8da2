//! The conformance suite, on async-std and on an executor that is not async-std's.

mod runtimes;

use pushest_conformance::Futures;

use runtimes::{AsyncStd, Smol};

mod on_async_std {
    pushest_conformance::suite!(crate::Futures<super::AsyncStd>);
    #[cfg(feature = "api")]
    pushest_testkit::conformance_of_api_futures!(pushest_conformance::On<super::AsyncStd>);
    pushest_conformance::receivers_end!(crate::Futures<super::AsyncStd>);
    pushest_conformance::typed_events!(crate::Futures<super::AsyncStd>);
}

mod on_smol {
    pushest_conformance::suite!(crate::Futures<super::Smol>);
    #[cfg(feature = "api")]
    pushest_testkit::conformance_of_api_futures!(pushest_conformance::On<super::Smol>);
    pushest_conformance::receivers_end!(crate::Futures<super::Smol>);
    pushest_conformance::typed_events!(crate::Futures<super::Smol>);
}

mod native_tls {
    mod on_async_std {
        pushest_conformance::suite_over_native_tls!(crate::Futures<crate::AsyncStd>);
    }

    mod on_smol {
        pushest_conformance::suite_over_native_tls!(crate::Futures<crate::Smol>);
    }
}

pushest_conformance::on_real_server! {
    mod on_real_server {
        mod on_async_std {
            pushest_testkit::conformance_on_real_server!(pushest_conformance::On<crate::AsyncStd>);
            #[cfg(feature = "api")]
            pushest_testkit::conformance_of_api_on_real_server!(
                pushest_conformance::On<crate::AsyncStd>
            );
        }

        mod on_smol {
            pushest_testkit::conformance_on_real_server!(pushest_conformance::On<crate::Smol>);
            #[cfg(feature = "api")]
            pushest_testkit::conformance_of_api_on_real_server!(
                pushest_conformance::On<crate::Smol>
            );
        }
    }
}

pushest_conformance::in_networks! {
    mod in_networks {
        mod on_async_std {
            pushest_conformance::networks!(crate::Futures<crate::AsyncStd>);
        }

        mod on_smol {
            pushest_conformance::networks!(crate::Futures<crate::Smol>);
        }
    }
}
