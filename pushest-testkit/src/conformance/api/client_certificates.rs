//! The HTTP API of a server that demands a certificate of its clients.

use pushest_proto::Config;

use super::double::{event, query};
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};
use crate::conformance::client_certificates::Authority;
use crate::{Certificate, Server};

fn start(clients: &Authority) -> Server {
    let builder = Server::builder().tls(Certificate::Valid);
    let builder = builder.client_authority(clients.pem().as_bytes()).expect("an authority");
    builder.start().expect("a server")
}

fn api<D: ApiDriver>(server: &Server, identity: Option<String>) -> D::Api {
    let app = server.app();
    let config = Config::builder(&app.key).app_id(&app.id).secret(app.secret());
    let config = config.host("localhost").port(server.port()).tls(true).build().expect("valid");
    let settings = ApiSettings::default().authority_pem(server.authority_pem().map(str::to_owned));
    D::api(&config, settings.identity_pem(identity).attempts(1)).expect("whole")
}

pub fn calls_show_the_clients_certificate_to_a_server_that_demands_one<D: ApiDriver>() {
    let clients = Authority::new("clients");
    let server = start(&clients);
    let api = api::<D>(&server, Some(clients.identity()));
    for _ in 0..3 {
        api.call(event()).expect("published");
        api.call(query()).expect("asked");
    }
    let outcomes = api.publish_all(vec![event(); 20]);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

pub fn a_call_that_a_server_refuses_for_its_certificate_has_not_arrived<D: ApiDriver>() {
    let clients = Authority::new("clients");
    let server = start(&clients);
    for (identity, words) in [
        (None, "demands a certificate of its clients, and none was shown"),
        (Some(Authority::new("strangers").identity()), "its authority is unknown there"),
    ] {
        let failure = api::<D>(&server, identity).call(event()).expect_err("it is refused");
        assert!(failure.text.contains("no connection to localhost:"), "{failure:?}");
        assert!(failure.text.contains(words), "{failure:?}");
        assert!(!failure.may_have_arrived && failure.status.is_none(), "{failure:?}");
    }
}
