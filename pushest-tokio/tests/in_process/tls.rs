//! Trust that comes from elsewhere, and that others share.

use pushest_testkit::Server;
use pushest_tokio::{Client, Config, Options};

use crate::common::{Target, wait_for, within};
use crate::{start, target_of};

fn start_tls() -> (Target, Server) {
    let server = Server::start_tls().expect("a server");
    (target_of(&server), server)
}

fn config(target: &Target, host: &str) -> Config {
    let builder = target.builder().secret(&target.secret).host(host).tls(true);
    builder.stop_on_refusal(true).build().expect("valid")
}

fn trusting(server: &Server) -> Options {
    Options::default().ca_pem(server.authority_pem().expect("a TLS server")).expect("PEM")
}

#[cfg(feature = "http")]
#[tokio::test]
async fn an_endpoint_over_https_is_trusted_as_the_server_is() {
    use pushest_tokio::{AuthEndpoint, Event};

    let (target, server) = start_tls();
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
async fn options_about_tls_that_exclude_each_other_are_an_error_before_anything_is_dialled() {
    let (target, server) = start_tls();
    let conflicting = |options: Options| options.roots(pushest_tokio::Roots::Given);
    let error = Client::builder("app-key").options(conflicting).build().expect_err("no authority");
    assert!(error.to_string().starts_with("roots: none but given"), "{error}");
    let there = || (config(&target, "localhost"), conflicting(Options::default()));
    let (wanted, options) = there();
    let error = Client::try_with_options(wanted, options).expect_err("no authority");
    assert!(matches!(error, pushest_tokio::StartError::Options(_)), "{error}");
    // Where options were not checked before there is a client.
    let (wanted, options) = there();
    let (client, pump) = Client::with_pump(wanted, options);
    tokio::spawn(pump);
    let error = within(client.attempted()).await.expect_err("no authority").to_string();
    assert!(error.contains("roots: none but given authorities are trusted"), "{error}");
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}

#[tokio::test]
async fn an_authority_is_read_from_a_file_too() {
    let (target, server) = start_tls();
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
