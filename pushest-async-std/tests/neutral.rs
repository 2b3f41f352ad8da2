//! The client on executors of two kinds, with everything that touches the runtime.

use std::time::Duration;

use pushest_async_std::{Client, Config, Event, Options};
use pushest_testkit::Server;

async fn talks(client: &Client, server: &Server) {
    let mut news = client.subscribe("news").expect("a good channel");
    news.subscribed().await.expect("subscribed");
    server.publish("news", "headline", "rain");
    loop {
        match news.recv().await.expect("more") {
            Event::Channel(event) => break assert_eq!(event.text(), "rain"),
            _ => continue,
        }
    }
    assert!(client.flush().await.expect("flushed") > Duration::ZERO);
}

fn config(server: &Server, host: &str) -> Config {
    let app = server.app();
    let builder = Config::builder(&app.key).secret(app.secret()).host(host).port(server.port());
    builder.build().expect("valid")
}

#[test]
fn it_runs_on_async_std_and_leaves_no_connection() {
    let server = Server::start().expect("a server");
    async_std::task::block_on(async {
        let client = Client::new(config(&server, "localhost"));
        talks(&client, &server).await;
        drop(client);
        server.until_connections(0).await;
    });
}

#[test]
fn it_runs_on_another_executor() {
    let server = Server::start().expect("a server");
    let executor = smol::Executor::new();
    smol::block_on(executor.run(async {
        let (client, pump) = Client::with_pump(config(&server, "localhost"), Options::default());
        let pump = executor.spawn(pump);
        talks(&client, &server).await;
        drop(client);
        pump.await;
        server.until_connections(0).await;
    }));
}

#[cfg(feature = "tls-ring")]
#[test]
fn it_speaks_tls() {
    let server = Server::start_tls().expect("a server");
    let pem = server.authority_pem().expect("a server with TLS").to_string();
    let config = Config::builder(&server.app().key)
        .host("localhost")
        .port(server.port())
        .tls(true)
        .build()
        .expect("valid");
    async_std::task::block_on(async {
        let strangers = Client::new(config.clone());
        let error = strangers.connected_within(Duration::from_secs(2)).await.expect_err("unknown");
        assert!(error.to_string().contains("certificate"), "{error}");
        let options = Options::default().ca_pem(pem).expect("certificates");
        talks(&Client::with_options(config, options), &server).await;
    });
}
