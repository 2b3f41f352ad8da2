//! The HTTP API over TLS, which is that of the WebSocket.

use pushest_proto::Config;

use super::double::{Act, Double, done, event, query};
use crate::Server;
use crate::conformance::TlsLibrary;
use crate::conformance::api_driver::{ApiClient, ApiDriver, ApiSettings};

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
    let words = if D::TLS == TlsLibrary::Rustls { "UnknownIssuer" } else { "issuer certificate" };
    assert!(failure.text.contains(words), "{failure:?}");
    assert!(failure.text.contains("trust it with the option `ca_file`"), "{failure:?}");
    assert!(!failure.may_have_arrived && !failure.may_repeat, "{failure:?}");
}

pub fn a_kept_connection_over_tls_that_was_closed_is_replaced_before_anything_is_sent<
    D: ApiDriver,
>() {
    let server = Double::start_tls(|_| done());
    let api = server.api::<D>(ApiSettings::default().attempts(1));
    // Tickets of TLS 1.3 come unasked, and are no reason for another connection.
    for _ in 0..5 {
        api.call(event()).expect("published");
    }
    assert_eq!((server.count(), server.connections()), (5, 1));
    for round in 1..=5 {
        server.close_connections();
        api.call(event()).expect("published");
        assert_eq!((server.count(), server.connections()), (5 + round, 1 + round));
    }
}

pub fn no_failure_over_tls_publishes_twice<D: ApiDriver>() {
    let last = |text: &str| Act::Last(text.to_owned());
    for act in [Act::Close, Act::Reset, last("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")] {
        let server = Double::start_tls(move |asked| match asked.number {
            1 => act.clone(),
            _ => done(),
        });
        let api = server.api::<D>(ApiSettings::default());
        let failure = api.call(event()).expect_err("its answer is lost");
        assert!(failure.may_have_arrived, "{failure:?}");
        assert_eq!(server.count(), 1);
        api.call(query()).expect("asked");
        assert_eq!(server.count(), 2);
    }
}
