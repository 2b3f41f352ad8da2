//! The HTTP API of the clients of this crate.

use std::time::Duration;

use pushest_blocking::{Client, Config, ConfigBuilder, ConfigError, Connection, Event};
use pushest_testkit::Server;

const PATIENCE: Duration = Duration::from_secs(20);

fn builder(server: &Server) -> ConfigBuilder {
    let app = server.app();
    Config::builder(&app.key).secret(app.secret()).host("127.0.0.1").port(server.port())
}

#[test]
fn both_clients_publish_what_they_receive_and_say_what_is_missing_for_that() {
    let server = Server::start().expect("a server");
    let config = builder(&server).app_id(&server.app().id).build().expect("valid");
    let client = Client::new(config.clone());
    let mut orders = client.subscribe("orders").expect("a good channel");
    orders.subscribed().expect("subscribed");
    let connection = Connection::new(config);
    for (api, number) in [(client.api(), 7), (client.api(), 8), (connection.api(), 9)] {
        api.expect("whole").publish("orders", "shipped", &number).expect("published");
        let text = loop {
            if let Event::Channel(event) = orders.recv_timeout(PATIENCE).expect("in time") {
                break event.text().into_owned();
            }
        };
        assert_eq!(text, number.to_string());
    }
    let client = Client::new(builder(&server).build().expect("enough for a client"));
    let missing = client.api().map(drop).expect_err("no id");
    assert_eq!(missing, ConfigError::Missing { what: "app id" });
}

#[test]
fn threads_share_an_api() {
    let server = Server::start().expect("a server");
    let config = builder(&server).app_id(&server.app().id).build().expect("valid");
    let api = pushest_blocking::Api::new(&config).expect("whole");
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| api.publish("orders", "shipped", &7).expect("published"));
        }
    });
    assert_eq!(api.channels().expect("asked").channels.len(), 0);
}
