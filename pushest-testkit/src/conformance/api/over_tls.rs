//! The HTTP API over TLS, which is that of the WebSocket.

use pushest_proto::Config;

use super::double::{event, query};
use super::driver::{ApiClient, ApiDriver, ApiSettings};
use crate::Server;

fn config(server: &Server) -> Config {
    let app = server.app();
    let config = Config::builder(&app.key).app_id(&app.id).secret(app.secret());
    config.host("localhost").port(server.port()).tls(true).build().expect("valid")
}

fn trusting(server: &Server) -> ApiSettings {
    ApiSettings::default().authority_pem(server.authority_pem().map(str::to_owned))
}

pub fn calls_go_over_tls_to_a_server_of_a_trusted_authority<D: ApiDriver>() {
    let server = Server::start_tls().expect("a server with a certificate");
    let api = D::api(&config(&server), trusting(&server).attempts(1)).expect("whole");
    for _ in 0..5 {
        api.call(event()).expect("published");
        api.call(query()).expect("asked");
    }
    let outcomes = api.publish_all(vec![event(); 20]);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let stranger = D::api(&config(&server), ApiSettings::default()).expect("whole");
    let failure = stranger.call(event()).expect_err("its authority is unknown");
    assert!(failure.text.contains("no connection to localhost:"), "{failure:?}");
    assert!(failure.text.contains("UnknownIssuer"), "{failure:?}");
    assert!(!failure.may_have_arrived && !failure.may_repeat, "{failure:?}");
}
