//! The program of the page "Another HTTP client" does what the page says.

#[path = "../examples/another_client.rs"]
#[allow(dead_code, reason = "its own main is for users")]
mod another_client;

use std::time::Duration;

use another_client::{call, client};
use pushest_proto::Config;
use pushest_proto::api::{App, ListChannels, Publish};
use pushest_testkit::Server;
use pushest_tokio::{Client, Event};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn the_page_shows_the_client_that_is_tested_here() {
    let program = include_str!("../examples/another_client.rs");
    let program = program.split_once("\n\n").expect("a line and a program").1;
    let program = program.replace("pub(crate) ", "");
    let page = include_str!("../docs/another-client.md");
    assert!(page.contains(&format!("```rust,no_run\n{program}```\n")), "{program}");
}

/// Returns the address of a server whose answer has no end.
async fn endless() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        // An answer that comes before its request is none.
        let _ = stream.read(&mut [0; 4096]).await.expect("a request");
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        // Until the client has closed it.
        let mut is_open = stream.write_all(head).await.is_ok();
        while is_open {
            is_open = stream.write_all(&[b'x'; 65_536]).await.is_ok();
        }
    });
    address
}

#[tokio::test]
async fn what_another_http_client_sends_arrives_and_its_errors_are_clear() {
    let server = Server::start().expect("a server");
    let builder = |secret: &str| {
        let app = server.app();
        let config = Config::builder(&app.key).app_id(&app.id).secret(secret);
        config.host("127.0.0.1").port(server.port()).build().expect("valid")
    };
    let config = builder(server.app().secret());
    let listener = Client::new(config.clone());
    let mut orders = listener.subscribe("orders").expect("a good channel");
    timeout(PATIENCE, orders.subscribed()).await.expect("in time").expect("subscribed");

    let (http, app) = (client().expect("a client"), App::new(&config).expect("whole"));
    let event = Publish::new("orders", "shipped", r#"{"id":7}"#);
    call(&http, &app, &event).await.expect("published");
    let shipped = async {
        loop {
            match orders.recv().await.expect("the client lives") {
                Event::Channel(event) => return event,
                _ => continue,
            }
        }
    };
    let shipped = timeout(PATIENCE, shipped).await.expect("in time");
    assert_eq!((shipped.name(), &*shipped.text()), ("shipped", r#"{"id":7}"#));
    let channels = call(&http, &app, &ListChannels::new()).await.expect("asked").channels;
    assert!(channels.contains_key("orders"), "{channels:?}");

    let stranger = App::new(&builder("not-the-secret")).expect("whole");
    let error = call(&http, &stranger, &event).await.expect_err("it is refused");
    assert!(!error.may_have_arrived);
    let error = error.to_string();
    assert!(error.contains("are the key and the secret those of this app?"), "{error}");
    let url = endless().await;
    let config_of_server = config;
    let config = Config::from_url(&format!("http://k:s@{url}/apps/1")).expect("valid");
    let app = App::new(&config).expect("whole");
    let error = timeout(PATIENCE, call(&http, &app, &event)).await.expect("in time");
    let error = error.expect_err("it has no end");
    assert!(error.may_have_arrived, "{error}");
    assert!(error.to_string().contains("larger than any"), "{error}");
    server.stop();
    // Over a new connection: of one that was kept it is not known whether something was read.
    let (http, app) = (client().expect("a client"), App::new(&config_of_server).expect("whole"));
    let error = call(&http, &app, &event).await.expect_err("nobody listens");
    assert!(!error.may_have_arrived, "{error}");
    assert!(!format!("{error} {error:?}").contains("auth_signature"), "{error:?}");
}

#[tokio::test]
async fn what_was_lost_after_it_was_sent_may_have_arrived_unless_it_only_asks() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let _ = stream.read(&mut [0; 4096]).await.expect("a request");
            // Closed without a word.
        }
    });
    let config = Config::from_url(&format!("http://k:s@{address}/apps/1")).expect("valid");
    let (http, app) = (client().expect("a client"), App::new(&config).expect("whole"));
    let event = Publish::new("orders", "shipped", "7");
    let error = timeout(PATIENCE, call(&http, &app, &event)).await.expect("in time");
    assert!(error.expect_err("it is lost").may_have_arrived);
    let error = timeout(PATIENCE, call(&http, &app, &ListChannels::new())).await.expect("in time");
    assert!(!error.expect_err("it is lost").may_have_arrived);
    // What breaks a rule was never sent.
    let error = call(&http, &app, &Publish::new("a b", "shipped", "7")).await;
    assert!(!error.expect_err("it is no name").may_have_arrived);
}
