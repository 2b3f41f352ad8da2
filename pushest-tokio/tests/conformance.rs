//! The conformance suite, on both kinds of tokio's runtime.

mod runtimes;

use pushest_conformance::{Futures, On};

use runtimes::{OneThread, Threads};

mod multi_thread {
    pushest_conformance::suite!(crate::Futures<crate::Threads>);
    #[cfg(feature = "api")]
    pushest_testkit::conformance_of_api_futures!(crate::On<crate::Threads>);
    pushest_conformance::receivers_end!(crate::Futures<crate::Threads>);
    pushest_conformance::typed_events!(crate::Futures<crate::Threads>);
}

mod current_thread {
    pushest_conformance::suite!(crate::Futures<crate::OneThread>);
    #[cfg(feature = "api")]
    pushest_testkit::conformance_of_api_futures!(crate::On<crate::OneThread>);
    pushest_conformance::receivers_end!(crate::Futures<crate::OneThread>);
    pushest_conformance::typed_events!(crate::Futures<crate::OneThread>);
}

mod native_tls {
    mod multi_thread {
        pushest_conformance::suite_over_native_tls!(crate::Futures<crate::Threads>);
    }

    mod current_thread {
        pushest_conformance::suite_over_native_tls!(crate::Futures<crate::OneThread>);
    }
}

/// What needs only a server of the protocol, with the habits of each (docs/protocol.md#servers).
mod habits {
    macro_rules! of_each {
        ($($module:ident $profile:ident)*) => {$(
            mod $module {
                use pushest_testkit::conformance::Remote;
                use pushest_testkit::{Profile, Server};

                fn start() -> (Remote, Server) {
                    let server = Server::builder().profile(Profile::$profile).start();
                    let server = server.expect("a server");
                    (Remote::of(&server), server)
                }

                pushest_testkit::conformance_against!(crate::On<crate::Threads>, start);
            }
        )*};
    }

    of_each! {
        hosted Hosted
        soketi Soketi
        reverb Reverb
        sockudo Sockudo
        poxa Poxa
        pusher_fake PusherFake
    }
}

pushest_conformance::on_real_server! {
    mod on_real_server {
        mod multi_thread {
            pushest_testkit::conformance_on_real_server!(crate::On<crate::Threads>);
            #[cfg(feature = "api")]
            pushest_testkit::conformance_of_api_on_real_server!(crate::On<crate::Threads>);
        }

        mod current_thread {
            pushest_testkit::conformance_on_real_server!(crate::On<crate::OneThread>);
            #[cfg(feature = "api")]
            pushest_testkit::conformance_of_api_on_real_server!(crate::On<crate::OneThread>);
        }
    }
}

pushest_conformance::in_networks! {
    mod in_networks {
        mod multi_thread {
            pushest_conformance::networks!(crate::Futures<crate::Threads>);
        }

        mod current_thread {
            pushest_conformance::networks!(crate::Futures<crate::OneThread>);
        }
    }
}
