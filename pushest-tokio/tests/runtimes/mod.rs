//! The kinds of tokio's runtime, each with clients that it runs.
#![allow(dead_code)] // Each test binary uses its part.

mod own_streams;

use std::sync::OnceLock;

use pushest_conformance::Start;
use pushest_tokio::{Client, Config, Options};
use tokio::runtime::{Builder, Handle, Runtime};

use own_streams::own_streams;

/// A runtime with threads of its own.
pub(crate) struct Threads;

pub(crate) fn threads() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().expect("a runtime")
    })
}

impl Start for Threads {
    type Client = Client;

    fn start(config: Config, options: Options) -> Client {
        let _entered = threads().enter();
        Client::with_options(config, options)
    }

    fn driver(client: &Client) -> &pushest_conformance::driver::unstable::Client {
        client.__driver()
    }
}

/// A runtime that runs everything on the one thread that drives it.
pub(crate) struct OneThread;

fn one_thread() -> &'static Handle {
    static HANDLE: OnceLock<Handle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        handle
    })
}

impl Start for OneThread {
    type Client = Client;

    fn start(config: Config, options: Options) -> Client {
        let _entered = one_thread().enter();
        Client::with_options(config, options)
    }

    fn driver(client: &Client) -> &pushest_conformance::driver::unstable::Client {
        client.__driver()
    }
}

pushest_conformance::impl_features!(Threads, OneThread; connector: own_streams);

#[cfg(feature = "api")]
pushest_conformance::api_of_futures!(of_threads, pushest_tokio, Threads, |call| {
    threads().block_on(call)
});
#[cfg(feature = "api")]
pushest_conformance::api_of_futures!(of_one_thread, pushest_tokio, OneThread, |call| {
    one_thread().block_on(call)
});
