//! A tour of the client, the same on tokio, on async-std and without async: a subscription, a client
//! event between two clients, who is present, a handler. It brings its own server.
//!
//!     cargo run -p pushest-RUNTIME --example tour-RUNTIME

use std::error::Error;

use pushest_blocking::{Client, Config, Event, Handler, SubscribeOptions, Subscription, run};
use pushest_testkit::Server;

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    let config = Config::builder("app-key").secret("app-secret").host("127.0.0.1");
    let config = config.port(server.port()).build()?;

    let ann = Client::new(config.clone());
    println!("Ann is connected as {}", ann.connected()?);
    let mut orders = ann.subscribe("private-orders")?;
    orders.subscribed()?;
    server.publish("private-orders", "shipped", r#"{"id":7}"#);
    println!("Ann hears: {}", next_text(&mut orders)?);

    let bob = Client::new(config.clone());
    let bobs = bob.subscribe("private-orders")?;
    bobs.subscribed()?;
    bobs.trigger("client-thanks", "it has arrived")?;
    println!("Ann hears: {}", next_text(&mut orders)?);

    let me = SubscribeOptions::member("bob").info(r#"{"name":"Bob"}"#);
    let room = bob.subscribe_with("presence-room", &me)?;
    room.subscribed()?;
    println!("in the room: {:?}", room.members().iter().map(|it| it.id()).collect::<Vec<_>>());

    println!("round trip: {:?}", bob.flush()?);
    bob.shutdown();
    ann.shutdown();

    run(config, Once)?;
    Ok(())
}

fn next_text(subscription: &mut Subscription) -> Result<String, Box<dyn Error>> {
    while let Some(event) = subscription.recv() {
        if let Event::Channel(event) = event {
            return Ok(format!("{} {}", event.name(), event.text()));
        }
    }
    Err("the subscription has ended".into())
}

/// Is told everything, and has heard enough once its channel is subscribed to.
struct Once;

impl Handler for Once {
    fn initial_channels(&self) -> Vec<(String, SubscribeOptions)> {
        vec![("news".to_string(), SubscribeOptions::default())]
    }

    fn on_event(&mut self, client: &Client, event: Event) {
        if let Event::Subscribed { channel } = event {
            println!("the handler is subscribed to {channel}");
            client.disconnect();
        }
    }
}
