//! Servers that demand a certificate of their clients: who is shown it, and what is said to those that have
//! none, or a stranger's.

use std::net::Ipv4Addr;
use std::sync::Arc;

use pushest_proto::{AuthEndpoint, Config, ConnectionState, DialFailure, Event, Loss};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::driver::{Driver, DriverClient, Settings, TlsLibrary};
use super::in_process;
use super::patience::{Expect, PATIENCE, started_with};
use crate::shell::{Identity, demanding};
use crate::{AuthorizationEndpoint, Builder, Certificate, Server};

/// What keys a client may have, and in which form: as an authority knows them, and as they are given. They are
/// for nothing else than these scenarios.
const KEYS: [(&str, &str, &str); 5] = [
    (
        "P-256 in PKCS #8",
        include_str!("client_certificates/p256-pkcs8.pem"),
        include_str!("client_certificates/p256-pkcs8.pem"),
    ),
    (
        "P-256 in SEC 1",
        include_str!("client_certificates/p256-pkcs8.pem"),
        include_str!("client_certificates/p256-sec1.pem"),
    ),
    (
        "RSA in PKCS #8",
        include_str!("client_certificates/rsa-pkcs8.pem"),
        include_str!("client_certificates/rsa-pkcs8.pem"),
    ),
    (
        "RSA in PKCS #1",
        include_str!("client_certificates/rsa-pkcs8.pem"),
        include_str!("client_certificates/rsa-pkcs1.pem"),
    ),
    (
        "Ed25519 in PKCS #8",
        include_str!("client_certificates/ed25519-pkcs8.pem"),
        include_str!("client_certificates/ed25519-pkcs8.pem"),
    ),
];

/// An authority of clients.
pub(super) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    certificate: rcgen::Certificate,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let (params, key) = (authority(name), KeyPair::generate().expect("a key"));
        let certificate = params.self_signed(&key).expect("signed");
        Self { params, key, certificate }
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    fn store(&self) -> Arc<RootCertStore> {
        let mut store = RootCertStore::empty();
        store.add(self.certificate.der().clone()).expect("an authority");
        Arc::new(store)
    }

    /// Returns a certificate for a client and its key, in PEM.
    pub(super) fn identity(&self) -> String {
        let (_, known, given) = KEYS[0];
        signed(&self.issuer(), known) + given
    }

    /// Returns what a server speaks that demands a certificate, and what its clients must trust.
    fn tls(&self, version: &'static SupportedProtocolVersion) -> (Arc<ServerConfig>, String) {
        let identity = Identity::new(Certificate::Valid, Ipv4Addr::LOCALHOST.into());
        let identity = identity.expect("a certificate");
        let config = demanding(&identity.config, self.store(), &[version]).expect("whole");
        (config, identity.authority_pem)
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// Returns the certificate of a client with this key, in PEM.
fn signed(issuer: &Issuer<'_, &KeyPair>, key: &str) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "orders");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::from_pem(key).expect("a key");
    params.signed_by(&key, issuer).expect("signed").pem()
}

fn config(server: &Server) -> Config {
    let config = Config::builder("app-key").secret("app-secret").host("localhost");
    config.port(server.port()).tls(true).build().expect("valid")
}

fn settings(trusted: &str, identity: Option<String>) -> Settings {
    Settings::default().authority_pem(Some(trusted.to_owned())).identity_pem(identity)
}

pub fn a_server_that_demands_a_certificate_is_shown_the_clients_whatever_form_its_key_has<
    D: Driver,
>() {
    let clients = Authority::new("clients");
    for version in [&TLS13, &TLS12] {
        let (tls, trusted) = clients.tls(version);
        let server = Builder::default().tls_config(tls).start().expect("a server");
        let between = KeyPair::generate().expect("a key");
        let params = authority("between");
        let certificate = params.signed_by(&between, &clients.issuer()).expect("signed");
        let issuer = Issuer::from_params(&params, &between);
        let longer = signed(&issuer, KEYS[0].1) + &certificate.pem() + KEYS[0].2;
        let mut identities = vec![("with an authority between", longer)];
        for (what, known, given) in KEYS {
            if D::TLS == TlsLibrary::Rustls || what.contains("PKCS #8") {
                // The key may stand before the certificate.
                identities.push((what, given.to_owned() + &signed(&clients.issuer(), known)));
            }
        }
        for (what, identity) in identities {
            let settings = settings(&trusted, Some(identity));
            let mut client = started_with::<D>(config(&server), settings);
            assert!(client.connected(PATIENCE).is_ok(), "{what}: {:?}", client.status());
            client.must_subscribe("private-orders");
            server.publish("private-orders", "order", what);
            assert_eq!(client.next_of("private-orders").text(), what);
            client.shutdown(PATIENCE).expect("closed");
        }
    }
}

pub fn a_server_that_demands_a_certificate_and_gets_none_or_a_strangers_is_told_and_tried_again<
    D: Driver,
>() {
    let (clients, strangers) = (Authority::new("clients"), Authority::new("strangers"));
    for version in [&TLS13, &TLS12] {
        let (tls, trusted) = clients.tls(version);
        let server = Builder::default().tls_config(tls).start().expect("a server");
        for (identity, words) in [
            (None, "demands a certificate of its clients, and none was shown"),
            (Some(strangers.identity()), "its authority is unknown there"),
        ] {
            let mut client = started_with::<D>(config(&server), settings(&trusted, identity));
            let change = client.next_state(ConnectionState::Waiting);
            let loss = change.loss.expect("why");
            let is_tls = matches!(*loss, Loss::Dial(DialFailure::Tls { certificate: false, .. }));
            assert!(is_tls && loss.to_string().contains(words), "{loss:?}");
            assert!(change.retry_in.is_some());
        }
        assert_eq!(server.inspect(|view| view.upgrades), 0);
        let mut client =
            started_with::<D>(config(&server), settings(&trusted, Some(clients.identity())));
        client.must_connect();
    }
}

pub fn a_server_that_demands_nothing_is_connected_to_as_ever<D: Driver>() {
    let server = Server::start_tls().expect("a server");
    let trusted = server.authority_pem().expect("a TLS server");
    let identity = Authority::new("clients").identity();
    started_with::<D>(config(&server), settings(trusted, Some(identity))).must_connect();
}

pub fn an_endpoint_is_shown_the_clients_certificate_on_the_servers_host_and_on_no_other<
    D: Driver,
>() {
    let (remote, server) = in_process();
    let clients = Authority::new("clients");
    let (tls, trusted) = clients.tls(&TLS13);
    let endpoint =
        AuthorizationEndpoint::start_tls_with(server.app(), tls, |asked| asked.grant("ann"));
    let endpoint = endpoint.expect("an endpoint");
    let asking = |host: &str| {
        let url = format!("https://{host}:{}/auth", endpoint.port());
        let settings = settings(&trusted, Some(clients.identity()));
        let settings = settings.endpoint(Some(AuthEndpoint::new(&url)));
        started_with::<D>(remote.builder().build().expect("valid"), settings)
    };
    asking("127.0.0.1").must_subscribe("private-orders");
    assert_eq!(endpoint.requests().len(), 1);
    // The same machine, but who says so? It is another name.
    let mut client = asking("localhost");
    client.want("private-orders");
    let text = client.wait_for(|event| match event {
        Event::SubscriptionFailed { reason, .. } => Some(reason.to_string()),
        Event::Subscribed { .. } => panic!("it was shown to another host"),
        _ => None,
    });
    assert!(text.contains("demands a certificate of its clients"), "{text}");
    assert_eq!(endpoint.requests().len(), 1);
}
