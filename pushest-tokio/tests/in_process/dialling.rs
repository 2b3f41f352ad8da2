//! What a server sees of a client that connects, and what it does not.

use std::io::Read;
use std::net::TcpListener;

use pushest_tokio::{Client, Config, Options};

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
