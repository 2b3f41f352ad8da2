//! Executors, each with clients that it runs.
#![allow(dead_code)] // Each test binary uses its part.

mod own_streams;

use pushest_async_std::{Client, Config, Options};
use pushest_conformance::Start;

use own_streams::own_streams;

/// async-std's own.
pub(crate) struct AsyncStd;

impl Start for AsyncStd {
    type Client = Client;

    fn start(config: Config, options: Options) -> Client {
        Client::with_options(config, options)
    }

    fn driver(client: &Client) -> &pushest_conformance::driver::unstable::Client {
        client.__driver()
    }
}

/// One that is not async-std's.
pub(crate) struct Smol;

impl Start for Smol {
    type Client = Client;

    fn start(config: Config, options: Options) -> Client {
        let (client, pump) = Client::with_pump(config, options);
        smol::spawn(pump).detach();
        client
    }

    fn driver(client: &Client) -> &pushest_conformance::driver::unstable::Client {
        client.__driver()
    }
}

pushest_conformance::impl_features!(AsyncStd, Smol; connector: own_streams);

#[cfg(feature = "api")]
pushest_conformance::api_of_futures!(
    of_async_std,
    pushest_async_std,
    AsyncStd,
    async_std::task::block_on
);
#[cfg(feature = "api")]
pushest_conformance::api_of_futures!(of_smol, pushest_async_std, Smol, smol::block_on);
