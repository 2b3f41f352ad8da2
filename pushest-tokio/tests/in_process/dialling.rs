//! What a server sees of a client that connects, and what it does not.

use std::io::Read;
use std::net::TcpListener;

use pushest_tokio::{BuildError, Client, Config, NotConnected, Options};

use crate::common::within;
use crate::start;

const SENTINEL: &str = "s3ntin3l";

#[tokio::test]
async fn the_request_names_host_port_path_app_and_the_headers_of_ones_own() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let reading = tokio::task::spawn_blocking(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).expect("a whole request");
            request.push(byte[0]);
        }
        String::from_utf8(request).expect("text")
    });
    let config = Config::builder("app-key").host("localhost").port(port).path("/realtime/");
    let options = Options::default().header("X-Tenant", "blue").expect("a good header");
    let _client = Client::with_options(config.build().expect("valid"), options);
    let request = within(reading).await.expect("no panic");
    assert!(request.starts_with("GET /realtime/app/app-key?protocol=7&client="), "{request}");
    let request = request.to_ascii_lowercase();
    for header in [&format!("host: localhost:{port}"), "x-tenant: blue", "upgrade: websocket"] {
        assert!(request.contains(&format!("\r\n{header}\r\n")), "{header}: {request}");
    }
}

#[tokio::test]
async fn an_attempt_has_failed_once_each_endpoint_was_tried() {
    let (_, server) = start();
    let live = server.addr().to_string();
    let builder = |list: &[&str]| Client::builder("app-key").secret("app-secret").endpoints(list);
    for _ in 0..6 {
        let client = builder(&["127.0.0.1:1", &live]).build().expect("valid");
        within(client.attempted()).await.expect("the other one is there");
        assert_eq!(client.status().endpoint.port(), server.port());
        assert_eq!(client.snapshot().endpoint, client.status().endpoint);
        let dead = builder(&["127.0.0.1:1", "127.0.0.1:2"]).build().expect("valid");
        let error = within(dead.attempted()).await.expect_err("nothing listens");
        assert!(matches!(error, NotConnected::Failed(_)), "{error}");
        assert_eq!(dead.statistics().dials, 2);
    }
}

#[tokio::test]
async fn a_wrong_list_of_endpoints_is_refused_before_anything_is_dialled() {
    let refused = |list: &[&str]| {
        let error = Client::builder("app-key").endpoints(list).build().expect_err("it is wrong");
        assert!(matches!(error, BuildError::Config(_)), "{error}");
        error.to_string()
    };
    assert!(refused(&[]).contains("empty"));
    assert!(refused(&["a.example", "A.example.:80"]).contains("twice"));
    assert!(refused(&["bücher.example", "xn--bcher-kva.example"]).contains("twice"));
    assert!(refused(&["a.example", "xn--a"]).contains("\"xn--a\" is not a host"));
    assert!(refused(&["a.example", "b example"]).contains("number 2 of the list"));
    // Without a builder, too.
    let twice = ["bücher.example", "xn--bcher-kva.example"];
    let config = pushest_tokio::Config::builder("app-key").endpoints(twice).build();
    let error = Client::try_new(config.expect("the core has no tables")).expect_err("they are one");
    assert!(matches!(error, pushest_tokio::StartError::Config(_)), "{error}");
}

#[tokio::test]
async fn headers_that_are_none_or_belong_to_the_upgrade_are_refused_without_their_value() {
    for name in ["Host", "connection", "Sec-WebSocket-Key", "no spaces", ""] {
        let error = Options::default().header(name, SENTINEL).expect_err("it is refused");
        assert!(error.to_string().contains(name), "{error}");
        assert!(!format!("{error} {error:?}").contains(SENTINEL), "{error:?}");
    }
    Options::default().header("X-Tenant", "two\r\nlines").expect_err("it is refused");
}

#[tokio::test]
async fn no_secret_is_shown_by_anything_that_can_be_printed() {
    let (target, _server) = start();
    let config = target.builder().secret(SENTINEL).build().expect("valid");
    let options = Options::default().header("Authorization", SENTINEL).expect("a good header");
    let printed = format!("{options:?}");
    let client = Client::with_options(config, options);
    within(client.connected()).await.expect("connected");
    let subscription = client.subscribe("private-orders").expect("a good channel");
    let error = within(subscription.subscribed()).await.expect_err("another secret");
    let printed =
        format!("{printed} {client:?} {:?} {subscription:?} {error:?} {error}", client.status());
    assert!(!printed.contains(SENTINEL), "{printed}");
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn a_build_without_tls_says_so_instead_of_trying() {
    let (target, server) = start();
    let client = Client::new(target.builder().tls(true).build().expect("valid"));
    let error = within(client.connected()).await.expect_err("it cannot");
    assert!(error.to_string().contains("tls-ring"), "{error}");
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}
