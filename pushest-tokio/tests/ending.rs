//! Programs on tokio end when they are told to.
#![cfg(all(target_os = "linux", feature = "http"))]

use pushest_conformance::ending::{self, Setting};
use pushest_tokio::Client;
use tokio::runtime::Builder;

async fn program(setting: &Setting) {
    let client = Client::with_options(setting.config.clone(), setting.options.clone());
    let _orders = client.subscribe("private-orders").ok();
    tokio::task::spawn_blocking(setting.hang()).await.expect("it hangs");
    ending::check(&client.status());
    client.shutdown().await;
}

fn on_threads(setting: Setting) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(program(&setting));
}

fn on_one_thread(setting: Setting) {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(program(&setting));
}

mod multi_thread {
    pushest_conformance::programs_end!(crate::on_threads);
}

mod current_thread {
    pushest_conformance::programs_end!(crate::on_one_thread);
}
