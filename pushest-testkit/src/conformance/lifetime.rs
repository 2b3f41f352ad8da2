//! What remains of a client: nothing.

use std::time::Duration;

use pushest_proto::ConnectionState;

use super::driver::{Driver, DriverClient};
use super::in_process;
use super::patience::{Expect, PATIENCE, connected, eventually, started};
use crate::{Target, UpgradeFault};

pub fn a_dropped_client_closes_its_connection<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    assert_eq!(server.connections(), 1);
    drop(client);
    eventually("the connection to be closed", || server.connections() == 0);
}

pub fn shutdown_ends_where_the_server_does_not_answer<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    // Not even the end of the connection comes back.
    server.stop_reading(Target::All);
    server.stop_answering(Target::All);
    // It waits two seconds; a busy machine is given some more.
    client.shutdown(Duration::from_secs(10)).expect("it does not wait for the server");
    assert_eq!(client.status().state, ConnectionState::Disconnected);
}

pub fn shutdown_ends_while_it_dials<D: Driver>() {
    let (remote, server) = in_process();
    server.fault_upgrades(1, UpgradeFault::Ignore);
    let mut client = started::<D>(remote.config());
    client.until("the dial", |_| server.inspect(|view| view.upgrades) == 1);
    // A dial is given up after thirty seconds, which is too long for a test.
    client.shutdown(Duration::from_secs(10)).expect("there is nothing to close");
    assert_eq!(client.status().state, ConnectionState::Disconnected);
    client.connect();
    client.must_connect();
}

pub fn shutdown_without_a_connection_is_over_at_once<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = D::client(remote.config(), super::Settings::default());
    client.shutdown(PATIENCE).expect("there is nothing to close");
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}
