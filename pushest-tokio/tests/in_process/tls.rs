//! `wss://`: whom the client trusts, and what it says about whom it does not.

use pushest_testkit::{Certificate, PlainClients, Server};
use pushest_tokio::{Client, Config, DialFailure, Loss, NotConnected, Options};

use crate::common::{Target, next_text, subscribed, wait_for, within};
use crate::{start, target_of};

fn start_tls(certificate: Certificate) -> (Target, Server) {
    let server = Server::builder().tls(certificate).start().expect("a server");
    (target_of(&server), server)
}

fn config(target: &Target, host: &str) -> Config {
    let builder = target.builder().secret(&target.secret).host(host).tls(true);
    builder.stop_on_refusal(true).build().expect("valid")
}

fn trusting(server: &Server) -> Options {
    Options::default().ca_pem(server.authority_pem().expect("a TLS server")).expect("PEM")
}

async fn refused(config: Config, options: Options) -> NotConnected {
    let client = Client::with_options(config, options);
    let error = within(client.connected()).await.expect_err("it must not be trusted");
    let loss = error.loss().expect("why");
    assert!(matches!(loss, Loss::Dial(DialFailure::Tls { certificate: true, .. })), "{loss:?}");
    error
}

#[tokio::test]
async fn a_server_of_a_trusted_authority_is_connected_to_by_name_and_by_address() {
    let (target, server) = start_tls(Certificate::Valid);
    for host in ["127.0.0.1", "localhost"] {
        let client = Client::with_options(config(&target, host), trusting(&server));
        let mut orders = subscribed(&client, "private-orders").await;
        server.publish("private-orders", "order", "1");
        assert_eq!(next_text(&mut orders, "order").await, "1");
        within(client.shutdown()).await;
    }
}

#[tokio::test]
async fn an_unknown_authority_an_expired_certificate_and_another_name_are_refused_and_said() {
    let (target, _server) = start_tls(Certificate::Valid);
    let error = refused(config(&target, "localhost"), Options::default()).await;
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");

    let (target, server) = start_tls(Certificate::Expired);
    let error = refused(config(&target, "localhost"), trusting(&server)).await;
    assert!(error.to_string().contains("expired"), "{error}");

    let (target, server) = start_tls(Certificate::WrongName);
    let error = refused(config(&target, "localhost"), trusting(&server)).await;
    assert!(error.to_string().contains("wrong.example"), "{error}");
}

#[cfg(feature = "http")]
#[tokio::test]
async fn an_endpoint_over_https_is_trusted_as_the_server_is() {
    use pushest_tokio::{AuthEndpoint, Event};

    let (target, server) = start_tls(Certificate::Valid);
    // There is no such page; to be told so takes a connection that is trusted.
    let endpoint = AuthEndpoint::new(&format!("https://localhost:{}/auth", target.port));
    let config = target.builder().tls(true).build().expect("valid");
    let client = Client::with_options(config, trusting(&server).auth_endpoint(endpoint.clone()));
    let orders = client.subscribe("private-orders").expect("a good channel");
    let error = within(orders.subscribed()).await.expect_err("there is no such page");
    assert!(error.to_string().contains("404"), "{error}");

    let (target, _plain) = start();
    let config = target.builder().build().expect("valid");
    let client = Client::with_options(config, Options::default().auth_endpoint(endpoint));
    let mut orders = client.subscribe("private-orders").expect("a good channel");
    let text = wait_for(&mut orders, |event| match event {
        Event::SubscriptionFailed { reason, retry_in: Some(_), .. } => Some(reason.to_string()),
        _ => None,
    })
    .await;
    assert!(text.contains("UnknownIssuer"), "{text}");
}

#[tokio::test]
async fn an_authority_is_read_from_a_file_too() {
    let (target, server) = start_tls(Certificate::Valid);
    let path = std::env::temp_dir().join(format!("pushest-ca-{}.pem", std::process::id()));
    std::fs::write(&path, server.authority_pem().expect("a TLS server")).expect("written");
    let options = Options::default().ca_file(&path).expect("a good file");
    std::fs::remove_file(&path).expect("removed");
    let client = Client::with_options(config(&target, "localhost"), options);
    within(client.connected()).await.expect("connected");

    let error = Options::default().ca_file(&path).expect_err("it is gone");
    assert!(error.to_string().contains("pushest-ca-"), "{error}");
    let error = Options::default().ca_pem("junk").expect_err("no certificate");
    assert!(error.to_string().contains("PEM"), "{error}");
}

#[tokio::test]
async fn tls_to_a_server_without_it_fails_and_is_tried_again() {
    let (target, server) = crate::start();
    let client = Client::new(config(&target, "localhost"));
    let error = within(client.connected_within(std::time::Duration::from_secs(2))).await;
    let error = error.expect_err("no TLS there");
    let loss = error.loss().expect("why");
    assert!(matches!(loss, Loss::Dial(DialFailure::Tls { certificate: false, .. })), "{loss:?}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_server_that_wants_tls_gets_it() {
    let server = Server::builder()
        .tls(Certificate::Valid)
        .plain_clients(PlainClients::Refuse)
        .start()
        .expect("a server");
    let target = target_of(&server);
    // Without TLS it is told 4000, and comes back with TLS on the same port.
    let client = Client::with_options(target.config(), trusting(&server));
    within(client.connected()).await.expect("connected");
    assert_eq!(server.connections(), 1);
}
