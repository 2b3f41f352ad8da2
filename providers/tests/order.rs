//! The order in which a client finds a provider of cryptography for rustls, in a program that has both: that of
//! the user's own configuration, the process's default, that of the client's feature. None is made the default
//! by a client, and nothing panics where rustls by itself would not know which one to take.
//!
//! A default is there for good, so that each case is a process of its own: this program, started again. Which
//! provider it was shows in what the client says first.
#![forbid(unsafe_code)]

use std::env;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use pushest_testkit::Server;
use pushest_tokio::api::Publish;
use pushest_tokio::{Api, ApiOptions, AuthEndpoint, Client, Config, Event, Options};
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use rustls::server::Acceptor;
use rustls::{CipherSuite, ClientConfig, NamedGroup, RootCertStore, SupportedCipherSuite};

/// Names the case for the process that is started again.
const CASE: &str = "PUSHEST_TEST_CASE";

/// Longer than anything takes.
const LIMIT: Duration = Duration::from_secs(20);

/// What the feature of the client brings; of both, aws-lc-rs.
const OF_FEATURE: &str = match (cfg!(feature = "ring"), cfg!(feature = "aws-lc")) {
    (_, true) => "aws-lc-rs",
    (true, false) => "ring",
    (false, false) => "none",
};

#[test]
fn the_users_configuration_comes_first_then_the_processes_default_then_the_feature() {
    if let Ok(case) = env::var(CASE) {
        println!("outcome: {}", outcome(&case));
        return;
    }
    for (case, expected) in
        [("nothing", OF_FEATURE), ("a default", "the default"), ("a configuration", "the user's")]
    {
        let mut command = Command::new(env::current_exe().expect("this program"));
        let name =
            "the_users_configuration_comes_first_then_the_processes_default_then_the_feature";
        let output = command.args(["--exact", name, "--nocapture"]).env(CASE, case).output();
        let output = output.expect("it runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed} {}", String::from_utf8_lossy(&output.stderr));
        let outcome = printed.split_once("outcome: ").and_then(|(_, rest)| rest.lines().next());
        let all = format!("WebSocket {expected}, API {expected}, endpoint {expected}");
        assert_eq!(outcome, Some(&*all), "with {case}");
    }
}

/// Dials in each way in which a client uses TLS.
fn outcome(case: &str) -> String {
    let has_default = case != "nothing";
    if has_default {
        let provider = only(ring::default_provider(), ring::cipher_suite::TLS13_AES_128_GCM_SHA256);
        provider.install_default().expect("it is the first");
    }
    let mut options = Options::default();
    if case == "a configuration" {
        let suite = aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256;
        let provider = Arc::new(only(aws_lc_rs::default_provider(), suite));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.3")
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        options = options.tls_config(Arc::new(config));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.expect("a runtime").block_on(async {
        let websocket = websocket(options.clone()).await;
        let api = api(options.clone()).await;
        let endpoint = endpoint(options).await;
        format!("WebSocket {websocket}, API {api}, endpoint {endpoint}")
    });
    assert_eq!(CryptoProvider::get_default().is_some(), has_default);
    outcome
}

fn only(provider: CryptoProvider, suite: SupportedCipherSuite) -> CryptoProvider {
    CryptoProvider { cipher_suites: vec![suite], ..provider }
}

async fn websocket(options: Options) -> String {
    let (port, hello) = listen();
    let config = Config::builder("app-key").host("127.0.0.1").port(port).tls(true);
    let client = Client::with_options(config.build().expect("valid"), options);
    let error = client.attempted().await.expect_err("nobody answers");
    said(&hello, &error.to_string())
}

async fn api(options: Options) -> String {
    let (port, hello) = listen();
    let config = Config::builder("app-key").app_id("1").secret("app-secret").host("127.0.0.1");
    let config = config.port(port).tls(true).build().expect("valid");
    let options = ApiOptions::default().options(options).attempts(1);
    let api = Api::with_options(&config, options).expect("whole");
    let error =
        api.call(Publish::new("orders", "shipped", "{}")).await.expect_err("nobody answers");
    said(&hello, &error.to_string())
}

async fn endpoint(options: Options) -> String {
    let (port, hello) = listen();
    let server = Server::start().expect("a server");
    let config = Config::builder("app-key").host("127.0.0.1").port(server.port());
    let endpoint = AuthEndpoint::new(&format!("https://127.0.0.1:{port}/auth"));
    let options = options.auth_endpoint(endpoint);
    let client = Client::with_options(config.build().expect("valid"), options);
    let mut orders = client.subscribe("private-orders").expect("a good channel");
    let reason = tokio::time::timeout(LIMIT, async {
        loop {
            if let Some(Event::SubscriptionFailed { reason, .. }) = orders.recv().await {
                return reason.to_string();
            }
        }
    });
    said(&hello, &reason.await.expect("it fails in time"))
}

/// Returns a port, and what says which provider the first client there has.
fn listen() -> (u16, Receiver<&'static str>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut acceptor = Acceptor::default();
        loop {
            acceptor.read_tls(&mut stream).expect("the client's hello");
            if let Some(accepted) = acceptor.accept().map_err(|(error, _)| error).expect("TLS") {
                let hello = accepted.client_hello();
                let has_group =
                    |group| hello.named_groups().is_some_and(|all| all.contains(&group));
                let suites: Vec<_> =
                    hello.cipher_suites().iter().copied().filter(is_suite).collect();
                let provider = match suites[..] {
                    [CipherSuite::TLS13_AES_128_GCM_SHA256] => "the default",
                    [CipherSuite::TLS13_CHACHA20_POLY1305_SHA256] => "the user's",
                    // ring has no exchange of keys that quantum computers cannot break.
                    _ if has_group(NamedGroup::X25519MLKEM768) => "aws-lc-rs",
                    _ => "ring",
                };
                // Nobody waits for a second one.
                let _ = sender.send(provider);
                return;
            }
        }
    });
    (port, receiver)
}

/// Not what only signals something.
fn is_suite(suite: &CipherSuite) -> bool {
    *suite != CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV
}

/// Returns the provider, or, where the client has said nothing, why.
fn said(hello: &Receiver<&'static str>, error: &str) -> String {
    if error.contains("wss:// needs one of the features tls-ring and tls-aws-lc") {
        assert!(hello.try_recv().is_err(), "it has dialled all the same");
        return "none".to_owned();
    }
    hello.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("no hello, but {error}")).to_owned()
}
