//! What is so only over `wss://`: which servers the client trusts, and what it says of those that
//! it does not.

use std::time::Duration;

use pushest_proto::{Config, ConnectionState, DialFailure, Loss};

use super::driver::{Driver, DriverClient, Settings, TlsLibrary, Unmet};
use super::patience::{Expect, PATIENCE, started, started_with};
use super::{Remote, in_process};
use crate::{Certificate, PlainClients, Server};

fn start(certificate: Certificate) -> Server {
    Server::builder().tls(certificate).start().expect("a server")
}

fn config(server: &Server, host: &str) -> Config {
    // Also of a server that speaks none.
    let builder = Remote::of(server).signing().host(host).tls(true);
    builder.stop_on_refusal(true).build().expect("valid")
}

fn trusting(server: &Server) -> Settings {
    Remote::of(server).settings()
}

pub fn a_server_of_a_trusted_authority_is_connected_to_by_name_and_by_address<D: Driver>() {
    let server = start(Certificate::Valid);
    for host in ["127.0.0.1", "localhost"] {
        let mut client = started_with::<D>(config(&server, host), trusting(&server));
        client.must_subscribe("private-orders");
        for size in [1, 10_240, 500_000] {
            let data = "x".repeat(size);
            server.publish("private-orders", "order", &data);
            assert!(client.next_of("private-orders").text() == data, "{size}");
        }
        client.must_flush();
        client.shutdown(PATIENCE).expect("closed");
    }
}

pub fn an_unknown_authority_an_expired_certificate_and_another_name_are_refused_and_said<
    D: Driver,
>() {
    let refused = |server: &Server, settings: Settings| {
        let mut client = started_with::<D>(config(server, "localhost"), settings);
        let Err(Unmet::Failed(error)) = client.connected(PATIENCE) else {
            panic!("it must not be trusted")
        };
        let loss = client.status().last_loss.expect("why");
        let is_certificate =
            matches!(*loss, Loss::Dial(DialFailure::Tls { certificate: true, .. }));
        assert!(is_certificate, "{loss:?}");
        error
    };
    let words = |rustls, other| if D::TLS == TlsLibrary::Rustls { rustls } else { other };
    let server = start(Certificate::Valid);
    let error = refused(&server, Settings::default());
    assert!(error.contains(words("UnknownIssuer", "issuer certificate")), "{error}");
    assert!(error.contains("trust it with the option `ca_file`"), "{error}");
    let server = start(Certificate::Expired);
    let error = refused(&server, trusting(&server));
    assert!(error.contains("expired"), "{error}");
    let server = start(Certificate::WrongName);
    let error = refused(&server, trusting(&server));
    assert!(error.contains(words("wrong.example", "ostname mismatch")), "{error}");
    assert!(!error.contains("ca_file"), "that would not help: {error}");
}

pub fn tls_to_a_server_without_it_fails_and_is_tried_again<D: Driver>() {
    let (_, server) = in_process();
    let mut client = started::<D>(config(&server, "localhost"));
    let change = client.next_state(ConnectionState::Waiting);
    let loss = change.loss.expect("why");
    assert!(matches!(*loss, Loss::Dial(DialFailure::Tls { certificate: false, .. })), "{loss:?}");
    assert!(change.retry_in.is_some());
    assert_eq!(server.connections(), 0);
}

pub fn a_server_that_wants_tls_gets_it<D: Driver>() {
    let builder = Server::builder().tls(Certificate::Valid).plain_clients(PlainClients::Refuse);
    let server = builder.start().expect("a server");
    // Without TLS it is told 4000, and comes back with TLS on the same port.
    let config = Remote::of(&server).signing().tls(false).build().expect("valid");
    let mut client = started_with::<D>(config, trusting(&server));
    client.must_connect();
    assert_eq!(server.connections(), 1);
    let loss = Loss::Refused { code: 4000, message: "Connect with TLS only".into() };
    assert_eq!(client.status().last_loss.as_deref(), Some(&loss));
}

pub fn a_dropped_client_closes_its_connection_over_tls<D: Driver>() {
    let server = start(Certificate::Valid);
    let mut client = started_with::<D>(config(&server, "localhost"), trusting(&server));
    client.must_connect();
    server.reset_connections(crate::Target::All);
    client.until("another connection", |client| client.statistics().reconnects == 1);
    client.sleep(Duration::from_millis(1));
    drop(client);
    super::patience::eventually("the connection to be closed", || server.connections() == 0);
}
