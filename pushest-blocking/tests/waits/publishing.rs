//! How this crate's `Api` is put into the conformance suite: calls at once are threads.

use std::thread;

use pushest_blocking::api::{Call, Publish, Published};
use pushest_blocking::{Api, Config};
use pushest_conformance::Publishes;
use pushest_testkit::conformance::{ApiClient, ApiFailure, ApiSettings};

use super::{Spawned, Unspawned, own_streams};

pushest_conformance::api_parts!(pushest_blocking);

pub(crate) struct Adapter(Api);

fn made(config: &Config, given: ApiSettings) -> Result<Adapter, String> {
    let api = Api::with_options(config, settings(given));
    api.map(Adapter).map_err(|error| error.to_string())
}

impl Publishes for Spawned {
    type Api = Adapter;

    fn api(config: &Config, given: ApiSettings) -> Result<Adapter, String> {
        made(config, given)
    }
}

impl Publishes for Unspawned {
    type Api = Adapter;

    fn api(config: &Config, given: ApiSettings) -> Result<Adapter, String> {
        made(config, given)
    }
}

impl ApiClient for Adapter {
    fn call<C: Call + Send>(&self, call: C) -> Result<C::Answer, ApiFailure> {
        self.0.call(call).map_err(failure)
    }

    fn publish_all(&self, events: Vec<Publish>) -> Vec<Result<Published, ApiFailure>> {
        thread::scope(|scope| {
            let call = |event| scope.spawn(|| self.call(event));
            let threads: Vec<_> = events.into_iter().map(call).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        })
    }
}
