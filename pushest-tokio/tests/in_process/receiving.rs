//! Several receivers of one client: each has its own pace and its own share.

use pushest_testkit::Server;
use pushest_tokio::{Client, Event, Options, Overflow, Received};

use crate::common::{next_text, subscribed, within};
use crate::start;

const EVENTS: usize = 2_000;

fn publish_numbers(server: &Server, channel: &str) {
    for number in 0..EVENTS {
        server.publish(channel, "number", &number.to_string());
    }
    server.publish(channel, "end", "");
}

#[tokio::test]
async fn a_slow_receiver_loses_its_oldest_events_and_is_told_how_many() {
    let (target, server) = start();
    let options = Options::default().queue(100, 1024 * 1024);
    let client = Client::with_options(target.config(), options);
    let mut slow = subscribed(&client, "numbers").await;
    let mut fast = client.subscribe("numbers").expect("a good channel");
    let receiving = tokio::spawn(async move {
        for number in 0..EVENTS {
            assert_eq!(next_text(&mut fast, "number").await, number.to_string());
        }
        next_text(&mut fast, "end").await;
    });
    for number in 0..EVENTS {
        server.publish("numbers", "number", &number.to_string());
        // The fast one is not to be outrun.
        if number % 50 == 0 {
            within(client.flush()).await.expect("flushed");
        }
    }
    server.publish("numbers", "end", "");
    within(receiving).await.expect("the fast one gets everything");

    let lagged = within(slow.recv()).await;
    let Some(Event::Lagged { dropped: lagged }) = lagged else {
        panic!("first of all the lag, not {lagged:?}")
    };
    let mut received = 0;
    while let Some(Event::Channel(event)) = within(slow.recv()).await {
        received += 1;
        if event.name() == "end" {
            break;
        }
    }
    assert_eq!(received, 100);
    // The numbers and the end, and that it was subscribed.
    assert_eq!(usize::try_from(lagged).unwrap() + received, EVENTS + 2);
}

#[tokio::test]
async fn with_overflow_wait_the_others_go_on_once_the_full_one_is_gone() {
    let (target, server) = start();
    let options = Options::default().queue(10, 1024 * 1024).overflow(Overflow::Wait);
    let client = Client::with_options(target.config(), options);
    let full = subscribed(&client, "numbers").await;
    let mut news = subscribed(&client, "news").await;
    publish_numbers(&server, "numbers");
    server.publish("news", "headline", "rain");
    drop(full);
    assert_eq!(next_text(&mut news, "headline").await, "rain");
}

#[tokio::test]
async fn a_receiver_does_not_speak_for_its_successor() {
    let (target, _server) = start();
    let client = target.connected().await;
    let old = subscribed(&client, "private-news").await;
    client.unsubscribe("private-news").expect("it is wanted");
    let new = subscribed(&client, "private-news").await;
    assert_eq!(old.state(), None);
    assert!(within(old.subscribed()).await.is_err());
    assert!(old.trigger("client-x", &1).is_err());
    assert!(old.members().is_empty());
    new.trigger("client-x", &1).expect("it is subscribed");
    drop(old);
    assert!(new.state().is_some());
}

#[tokio::test]
async fn what_is_typed_arrives_as_values() {
    #[derive(Debug, serde::Deserialize)]
    struct Order {
        id: u64,
    }
    let (target, server) = start();
    let client = target.connected().await;
    let mut shipped = client.subscribe("orders").expect("a good channel").on::<Order>("shipped");
    within(shipped.subscribed()).await.expect("subscribed");
    server.publish("orders", "other", r#"{"id":1}"#);
    server.publish("orders", "shipped", r#"{"id":2}"#);
    server.publish("orders", "shipped", "not an order");
    let mut items = Vec::new();
    for _ in 0..3 {
        items.push(within(shipped.recv()).await.expect("it has not ended"));
    }
    let [Received::Other(Event::Subscribed { .. }), Received::Value { value: order, event }, last] =
        &items[..]
    else {
        panic!("{items:?}")
    };
    assert_eq!((order.id, event.name()), (2, "shipped"));
    assert!(matches!(last, Received::Undecodable(error) if error.event().text() == "not an order"));
}
