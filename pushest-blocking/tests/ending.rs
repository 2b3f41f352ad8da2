//! Programs without async end when they are told to, and what they have triggered arrives.
#![cfg(all(target_os = "linux", feature = "http"))]

use std::time::Duration;

use pushest_blocking::{Client, Connection};
use pushest_conformance::ending::{self, Setting};

fn with_a_thread(setting: Setting) {
    let client = Client::with_options(setting.config.clone(), setting.options.clone().into());
    let _orders = client.subscribe("private-orders").ok();
    setting.hang()();
    ending::check(&client.status());
    client.shutdown();
}

/// The client is dropped only.
fn dropped(setting: Setting) {
    let client = Client::with_options(setting.config.clone(), setting.options.clone().into());
    let _orders = client.subscribe("private-orders").ok();
    setting.hang()();
    ending::check(&client.status());
}

fn without_a_thread(setting: Setting) {
    let mut connection =
        Connection::with_options(setting.config.clone(), setting.options.clone().into());
    let _orders = connection.subscribe("private-orders").ok();
    connection.sleep(Duration::from_millis(200));
    setting.hang()();
    ending::check(&connection.status());
    connection.shutdown();
}

mod client {
    pushest_conformance::programs_end!(crate::with_a_thread);
}

mod dropped_client {
    pushest_conformance::programs_end!(crate::dropped);
}

mod connection {
    pushest_conformance::programs_end!(crate::without_a_thread);
}
