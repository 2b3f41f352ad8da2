//! The conformance suite, on async-std and on an executor that is not async-std's.

#[path = "../../pushest-driver/tests/conformance/adapter.rs"]
mod adapter;
#[path = "../../pushest-driver/tests/conformance/callbacks.rs"]
mod callbacks;
#[path = "../../pushest-driver/tests/conformance/futures.rs"]
mod futures;
#[path = "../../pushest-driver/tests/conformance/futures_called.rs"]
mod futures_called;

use pushest_async_std::{Client, Config, Options};

use futures::{On, Start};

struct AsyncStd;

impl Start for AsyncStd {
    type Client = Client;

    fn start(config: Config, options: Options) -> Client {
        Client::with_options(config, options)
    }
}

struct Smol;

impl Start for Smol {
    type Client = Client;

    fn start(config: Config, options: Options) -> Client {
        let (client, pump) = Client::with_pump(config, options);
        smol::spawn(pump).detach();
        client
    }
}

mod on_async_std {
    pushest_testkit::conformance!(super::On<super::AsyncStd>);
    crate::callbacks::callbacks!(crate::futures::Futures<super::AsyncStd>);
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
    pushest_testkit::conformance_over_tls!(super::On<super::AsyncStd>);
    #[cfg(feature = "http")]
    pushest_testkit::conformance_of_endpoints!(super::On<super::AsyncStd>);
    #[cfg(all(feature = "http", any(feature = "tls-ring", feature = "tls-aws-lc")))]
    pushest_testkit::conformance_of_endpoints_over_tls!(super::On<super::AsyncStd>);
}

mod on_smol {
    pushest_testkit::conformance!(super::On<super::Smol>);
    crate::callbacks::callbacks!(crate::futures::Futures<super::Smol>);
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
    pushest_testkit::conformance_over_tls!(super::On<super::Smol>);
    #[cfg(feature = "http")]
    pushest_testkit::conformance_of_endpoints!(super::On<super::Smol>);
    #[cfg(all(feature = "http", any(feature = "tls-ring", feature = "tls-aws-lc")))]
    pushest_testkit::conformance_of_endpoints_over_tls!(super::On<super::Smol>);
}

#[cfg(feature = "real-server")]
mod on_real_server {
    mod on_async_std {
        pushest_testkit::conformance_on_real_server!(crate::On<crate::AsyncStd>);
    }

    mod on_smol {
        pushest_testkit::conformance_on_real_server!(crate::On<crate::Smol>);
    }
}
