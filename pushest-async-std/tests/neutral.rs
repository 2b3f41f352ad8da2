//! The client on an executor of one's own, which runs the pump and nothing else of it.

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
fn it_runs_on_an_executor_of_ones_own_and_its_pump_ends() {
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
