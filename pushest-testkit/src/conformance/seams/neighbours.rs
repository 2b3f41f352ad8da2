//! Clients beside each other: what one prepares on a thread costs another one there nothing.

use rcgen::{CertificateParams, CustomExtension, KeyPair};

use super::super::driver::{Driver, DriverClient, Settings};
use super::super::patience::{Expect, started_with};
use super::super::remote::Remote;
use crate::Server;

/// Number of clients that begin, one after the other.
const OTHERS: usize = 30;

pub fn a_connection_outlasts_others_with_odd_authorities_that_reach_nothing<D: Driver>() {
    let server = Server::start_tls().expect("a server with a certificate");
    let remote = Remote::of(&server);
    let mut client = started_with::<D>(remote.config(), remote.settings());
    client.must_subscribe("news");
    let nothing = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("bound").port()
    };
    let config = remote.signing().port(nothing).build().expect("valid");
    let settings = Settings::default().authority_pem(Some(odd_authority() + &odd_authority()));
    let mut others = Vec::new();
    for number in 0..OTHERS {
        let mut other = started_with::<D>(config.clone(), settings.clone());
        other.until("an attempt", |other| other.status().last_loss.is_some());
        others.push(other);
        server.publish("news", "number", &number.to_string());
        assert_eq!(client.next_of("news").text(), number.to_string());
    }
    let reconnects = client.statistics().reconnects;
    assert_eq!(reconnects, 0, "{:?}", client.status().last_loss);
}

/// Returns a certificate with an extension of Netscape's that cannot be read. OpenSSL takes it, and leaves an error
/// on the thread where it compares it to another one with the same subject.
fn odd_authority() -> String {
    let mut params = CertificateParams::default();
    let kind = CustomExtension::from_oid_content(&[2, 16, 840, 1, 113_730, 1, 1], vec![5, 0]);
    params.custom_extensions = vec![kind];
    params.self_signed(&KeyPair::generate().expect("a key")).expect("signed").pem()
}
