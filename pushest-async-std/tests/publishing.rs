//! The HTTP API of this crate's client.

use std::time::Duration;

use async_std::future::timeout;
use pushest_async_std::{Client, Config, ConfigBuilder, ConfigError, Event};
use pushest_testkit::Server;

const PATIENCE: Duration = Duration::from_secs(20);

fn builder(server: &Server) -> ConfigBuilder {
    let app = server.app();
    Config::builder(&app.key).secret(app.secret()).host("127.0.0.1").port(server.port())
}

#[async_std::test]
async fn a_client_publishes_what_it_receives_and_says_what_is_missing_for_that() {
    let server = Server::start().expect("a server");
    let config = builder(&server).app_id(&server.app().id).build().expect("valid");
    let client = Client::new(config);
    let mut orders = client.subscribe("orders").expect("a good channel");
    orders.subscribed().await.expect("subscribed");
    for number in [7, 8] {
        let api = client.api().expect("whole");
        api.publish("orders", "shipped", &number).await.expect("published");
        let text = async {
            loop {
                if let Some(Event::Channel(event)) = orders.recv().await {
                    return event.text().into_owned();
                }
            }
        };
        assert_eq!(timeout(PATIENCE, text).await.expect("in time"), number.to_string());
    }
    let client = Client::new(builder(&server).build().expect("enough for a client"));
    let missing = client.api().map(drop).expect_err("no id");
    assert_eq!(missing, ConfigError::Missing { what: "app id" });
}
