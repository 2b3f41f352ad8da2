//! What remains of a client: nothing.

use std::time::Duration;

use pushest_tokio::{ChannelState, Client, ConnectionState, NotConnected, Options};

use crate::common::{subscribed, within};
use crate::start;

#[tokio::test]
async fn the_last_client_dropped_closes_the_connection_and_leaves_no_task() {
    let (target, server) = start();
    let client = target.connected().await;
    let clone = client.clone();
    let mut events = client.events();
    let mut news = subscribed(&client, "news").await;
    drop(client);
    within(clone.flush()).await.expect("a clone is the same client");
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 1);

    drop(clone);
    // What came before is still there to be received, and then nothing more.
    within(async { while news.recv().await.is_some() {} }).await;
    within(async { while events.recv().await.is_some() {} }).await;
    within(server.until_connections(0)).await;
    within(async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_dropped_while_it_dials_is_gone_at_once() {
    let (target, server) = start();
    server.withhold_handshake(true);
    let client = target.client();
    within(server.until(|view| view.upgrades > 0)).await;
    drop(client);
    within(async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn waiting_within_a_limit_says_how_far_it_got() {
    let (target, server) = start();
    server.withhold_handshake(true);
    let client = target.client();
    let error = client.connected_timeout(Duration::from_millis(20)).await.expect_err("too early");
    assert!(
        matches!(error, NotConnected::TimedOut { state: ConnectionState::Connecting, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_second_receiver_keeps_the_channel_when_the_first_is_dropped() {
    let (target, server) = start();
    let client = target.connected().await;
    let first = subscribed(&client, "news").await;
    let mut second = subscribed(&client, "news").await;
    drop(first);
    within(client.flush()).await.expect("flushed");
    assert_eq!(server.subscribers("news"), 1);
    server.publish("news", "headline", "rain");
    assert_eq!(crate::common::next_text(&mut second, "headline").await, "rain");
    drop(second);
    within(server.until_subscribers("news", 0)).await;

    subscribed(&client, "news").await.detach();
    within(client.flush()).await.expect("flushed");
    assert_eq!(server.subscribers("news"), 1);
    client.unsubscribe("news").expect("it is wanted");
    within(server.until_subscribers("news", 0)).await;
}

#[test]
fn receivers_end_with_the_runtime() {
    let (target, _server) = start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (client, mut news) = runtime.block_on(async {
        let client = target.connected().await;
        let news = subscribed(&client, "news").await;
        (client, news)
    });
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    other.block_on(async {
        within(async { while news.recv().await.is_some() {} }).await;
        assert_eq!(within(client.connected()).await, Err(NotConnected::Ended));
        within(client.flush()).await.expect_err("nobody sends it");
        assert_eq!(client.status().state, ConnectionState::Disconnected);
        assert!(within(news.subscribed()).await.is_err());
        assert_ne!(news.state(), Some(ChannelState::Subscribed));
        client.connect();
        assert_eq!(client.status().state, ConnectionState::Disconnected);
        within(client.shutdown()).await;
    });
}

#[test]
fn outside_of_the_runtime_there_is_an_error_and_no_panic() {
    let (target, _server) = start();
    let error = Client::try_new(target.config()).expect_err("there is no runtime");
    assert!(error.to_string().starts_with("no runtime for the connection: "), "{error}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::try_new(target.config()).expect("there is one");
        within(client.connected()).await.expect("connected");
    });
}

#[test]
fn in_a_runtime_without_io_or_time_there_is_an_error_and_no_task_that_panics() {
    let (target, _server) = start();
    for (io, time) in [(false, false), (true, false), (false, true)] {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        if io {
            builder.enable_io();
        }
        if time {
            builder.enable_time();
        }
        builder.build().unwrap().block_on(async {
            let error = Client::try_new(target.config()).expect_err("something is missing");
            let what = if time { "enable_io" } else { "enable_time" };
            assert!(error.to_string().contains(what), "{error}");
            let error = Client::try_with_pump(target.config(), Options::default());
            error.expect_err("something is missing");
        });
    }
}
