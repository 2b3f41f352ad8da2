//! What becomes of triggers that were taken just before the end of a client.

use serde_json::json;

use super::super::driver::{Driver, DriverClient};
use super::super::patience::{Expect, PATIENCE, connected, eventually};
use super::super::remote::Remote;
use crate::Server;

const ROUNDS: usize = 50;

/// Triggers in each round: more than the sockets' buffers take at a time, less than what the session
/// holds.
const TRIGGERS: usize = 25;

const BYTES: usize = 8 * 1024;

/// Returns a server that remembers what it received, and where it is.
fn recording() -> (Remote, Server) {
    let server = Server::builder().record(true).start().expect("a server on a free port");
    (Remote::of(&server), server)
}

/// Returns a client that has triggered everything of a round, and nothing has waited for it.
fn triggered<D: Driver>(remote: &Remote, round: usize) -> D::Client {
    let config = remote.signing().client_events_per_second(None).build().expect("valid");
    let mut client = connected::<D>(config);
    client.must_subscribe("private-chat");
    for number in 0..TRIGGERS {
        let data = json!({ "name": name(round, number), "text": "x".repeat(BYTES) });
        client.trigger("private-chat", "client-number", &data).expect("it is taken");
    }
    client
}

fn name(round: usize, number: usize) -> String {
    format!("{round} and {number}")
}

/// Returns how many of a round's triggers the server has read.
fn arrived(server: &Server, round: usize) -> usize {
    let received = server.received();
    let has = |number: &usize| {
        let name = format!("\"{}\"", name(round, *number));
        received.iter().any(|message| message.contains(&name))
    };
    (0..TRIGGERS).filter(has).count()
}

pub fn what_was_triggered_before_a_shutdown_has_arrived_when_it_is_over<D: Driver>() {
    for round in 0..ROUNDS {
        let (remote, server) = recording();
        let mut client = triggered::<D>(&remote, round);
        client.shutdown(PATIENCE).expect("closed");
        assert_eq!(arrived(&server, round), TRIGGERS, "in round {round}");
    }
}

pub fn what_was_triggered_before_the_last_client_is_dropped_arrives<D: Driver>() {
    for round in 0..ROUNDS {
        let (remote, server) = recording();
        drop(triggered::<D>(&remote, round));
        eventually("everything to arrive", || arrived(&server, round) == TRIGGERS);
    }
}
