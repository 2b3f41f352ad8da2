//! The conformance suite, on async-std and on an executor that is not async-std's.

use pushest_async_std::{Client, Config, Options};
use pushest_conformance::{On, Start};

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

pushest_conformance::impl_features!(AsyncStd, Smol);

mod on_async_std {
    pushest_conformance::suite!(pushest_conformance::Futures<super::AsyncStd>);
}

mod on_smol {
    pushest_conformance::suite!(pushest_conformance::Futures<super::Smol>);
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
