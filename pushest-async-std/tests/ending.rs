//! Programs on async-std and smol end when they are told to.
#![cfg(all(target_os = "linux", feature = "http"))]

use pushest_async_std::Client;
use pushest_conformance::ending::{self, Setting};

async fn program(client: Client, setting: Setting) {
    let _orders = client.subscribe("private-orders").ok();
    async_std::task::spawn_blocking(setting.hang()).await;
    ending::check(&client.status());
    client.shutdown().await;
}

fn on_async_std(setting: Setting) {
    async_std::task::block_on(async {
        let client = Client::with_options(setting.config.clone(), setting.options.clone());
        program(client, setting).await;
    });
}

fn on_smol(setting: Setting) {
    smol::block_on(async {
        let (client, pump) = Client::with_pump(setting.config.clone(), setting.options.clone());
        smol::spawn(pump).detach();
        program(client, setting).await;
    });
}

mod async_std_itself {
    pushest_conformance::programs_end!(crate::on_async_std);
}

mod on_smol {
    pushest_conformance::programs_end!(crate::on_smol);
}
