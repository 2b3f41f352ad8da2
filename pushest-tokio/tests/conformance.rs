//! The conformance suite, on both kinds of tokio's runtime.

use std::sync::OnceLock;

use pushest_conformance::{On, Start};
use pushest_tokio::{Client, Config, Options};
use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime with threads of its own.
type MultiThread = On<Threads>;

/// A runtime that runs everything on the one thread that drives it.
type CurrentThread = On<OneThread>;

struct Threads;

impl Start for Threads {
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

struct OneThread;

impl Start for OneThread {
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

pushest_conformance::impl_features!(Threads, OneThread);

mod multi_thread {
    pushest_conformance::suite!(pushest_conformance::Futures<crate::Threads>);
}

mod current_thread {
    pushest_conformance::suite!(pushest_conformance::Futures<crate::OneThread>);
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

                pushest_testkit::conformance_against!(crate::MultiThread, start);
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

/// The server that `PUSHEST_TEST_URL` names.
#[cfg(feature = "real-server")]
mod on_real_server {
    mod multi_thread {
        pushest_testkit::conformance_on_real_server!(crate::MultiThread);
    }

    mod current_thread {
        pushest_testkit::conformance_on_real_server!(crate::CurrentThread);
    }
}
