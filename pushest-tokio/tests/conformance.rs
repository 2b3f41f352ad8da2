//! The conformance suite, on both kinds of tokio's runtime.

#[path = "../../pushest-driver/tests/conformance/adapter.rs"]
mod adapter;

use std::sync::OnceLock;

use pushest_tokio::{Client, Config, Options};
use tokio::runtime::{Builder, Handle, Runtime};

use adapter::{On, Start};

/// A runtime with threads of its own.
struct MultiThread;

impl Start for MultiThread {
    type Client = Client;

    fn start(config: Config, options: Options) -> Client {
        static RUNTIME: OnceLock<Runtime> = OnceLock::new();
        let runtime = RUNTIME.get_or_init(|| {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(2).enable_all().build().expect("a runtime")
        });
        let _entered = runtime.enter();
        Client::with_options(config, options)
    }
}

/// A runtime that runs everything on the one thread that drives it.
struct CurrentThread;

impl Start for CurrentThread {
    type Client = Client;

    fn start(config: Config, options: Options) -> Client {
        static HANDLE: OnceLock<Handle> = OnceLock::new();
        let handle = HANDLE.get_or_init(|| {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let handle = runtime.handle().clone();
            std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
            handle
        });
        let _entered = handle.enter();
        Client::with_options(config, options)
    }
}

mod multi_thread {
    pushest_testkit::conformance!(super::On<super::MultiThread>);
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
    pushest_testkit::conformance_over_tls!(super::On<super::MultiThread>);
}

mod current_thread {
    pushest_testkit::conformance!(super::On<super::CurrentThread>);
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
    pushest_testkit::conformance_over_tls!(super::On<super::CurrentThread>);
}

#[cfg(feature = "real-server")]
mod on_real_server {
    pushest_testkit::conformance_on_real_server!(super::On<super::MultiThread>);
}
