//! What a client tells about itself, its channels and its members.

use std::time::Duration;

use pushest_testkit::{Server, Target as Peers, UpgradeFault};
use pushest_tokio::{
    BackoffConfig, Client, ConnectionState, Event, Loss, Options, SubscribeOptions, Timeouts,
};

use crate::common::{next_text, subscribed, wait_for, within};
use crate::{start, target_of};

#[tokio::test]
async fn how_many_subscribe_is_told_and_kept() {
    let server = Server::builder().subscription_counts(true).start().expect("a server");
    let target = target_of(&server);
    let (ann, bob) = (target.connected().await, target.connected().await);
    let mut news = subscribed(&ann, "news").await;
    let others = subscribed(&bob, "news").await;
    for wanted in [1, 2] {
        let count = wait_for(&mut news, |event| match event {
            Event::SubscriptionCount { count, .. } => Some(*count),
            _ => None,
        });
        assert_eq!(count.await, wanted);
    }
    assert_eq!(ann.subscription_count("news"), Some(2));
    drop(others);
    wait_for(&mut news, |event| {
        matches!(event, Event::SubscriptionCount { count: 1, .. }).then_some(())
    })
    .await;
    assert_eq!(ann.subscription_count("news"), Some(1));
}

#[tokio::test]
async fn members_are_values_each_for_itself() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Person {
        name: String,
    }
    let (target, _server) = start();
    let (ann, bob) = (target.connected().await, target.connected().await);
    let anns = SubscribeOptions::member("1").info(r#"{"name":"Ann"}"#);
    let room = ann.subscribe_with("presence-room", &anns).expect("a good channel");
    let bobs = SubscribeOptions::member("2").info("[]");
    let bobs = bob.subscribe_with("presence-room", &bobs).expect("a good channel");
    within(room.subscribed()).await.expect("subscribed");
    within(bobs.subscribed()).await.expect("subscribed");
    let mut members = bob.members_as::<Person>("presence-room");
    members.sort_by(|one, other| one.0.cmp(&other.0));
    let [(first, Ok(person)), (second, Err(_))] = &*members else { panic!("{members:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("1", "2"));
    assert_eq!(person.name, "Ann");
}

#[tokio::test]
async fn why_it_is_not_connected_is_data() {
    let (target, server) = start();
    let client = target.connected().await;
    let mut events = client.events();
    assert_eq!((client.status().next_retry, client.status().last_loss), (None, None));
    server.send_error(Peers::All, Some(4100), "Over capacity");
    wait_for(&mut events, |event| matches!(event, Event::ServerError(_)).then_some(())).await;
    server.fault_upgrades(usize::MAX, UpgradeFault::status(503, &[("Retry-After", "60")]));
    server.close(Peers::All, 4100, "Over capacity");
    // The close, and then the refused dial that names its time.
    for _ in 0..2 {
        wait_for(&mut events, |event| match event {
            Event::State(change) if change.to == ConnectionState::Waiting => Some(()),
            _ => None,
        })
        .await;
    }
    let status = client.status();
    assert_eq!((status.state, status.socket_id), (ConnectionState::Waiting, None));
    assert!(status.attempt >= 1);
    assert!(matches!(status.last_loss.as_deref(), Some(Loss::Dial(_))), "{:?}", status.last_loss);
    assert_eq!(status.last_error.expect("it was sent").code, Some(4100));
    let pause = client.status().next_retry.expect("it waits");
    assert!(pause > Duration::from_secs(50), "{pause:?}");

    server.heal_upgrades();
    client.connect();
    within(client.connected()).await.expect("connected");
    assert_eq!(client.status().next_retry, None);
}

#[tokio::test]
async fn a_network_change_ends_a_long_wait() {
    let (target, server) = start();
    let hours = Duration::from_secs(24 * 60 * 60);
    let backoff = BackoffConfig::default().initial(hours).maximum(hours);
    let client = Client::new(target.builder().backoff(backoff).build().expect("valid"));
    within(client.connected()).await.expect("connected");
    let mut events = client.events();
    server.drop_connections(Peers::All);
    wait_for(&mut events, |event| match event {
        Event::State(change) => (change.to == ConnectionState::Waiting).then_some(()),
        _ => None,
    })
    .await;
    client.network_changed();
    within(client.connected()).await.expect("connected");
}

#[tokio::test]
async fn a_network_change_asks_a_connected_server_for_a_sign_of_life() {
    let (target, server) = start();
    let timeouts = Timeouts::default().pong(Duration::from_millis(300));
    let config = target.builder().timeouts(timeouts).build().expect("valid");
    let client = Client::new(config);
    let mut news = subscribed(&client, "news").await;
    server.stop_answering(Peers::All);
    client.network_changed();
    let cause = wait_for(&mut news, |event| match event {
        Event::Gap { cause, .. } => Some(cause.clone()),
        _ => None,
    });
    assert_eq!(*cause.await, Loss::PongTimeout);
}

#[tokio::test]
async fn it_counts_what_it_received_and_what_was_too_much() {
    let (target, server) = start();
    let options = Options::default().queue(2, 1024 * 1024);
    let client = Client::with_options(target.config(), options);
    let mut news = subscribed(&client, "news").await;
    while let Some(event) = within(news.recv()).await {
        if matches!(event, Event::Subscribed { .. }) {
            break;
        }
    }
    let before = client.statistics();
    for number in 0..5 {
        server.publish("news", "number", &number.to_string());
    }
    let round_trip = within(client.flush()).await.expect("answered");
    assert_eq!(client.round_trip(), Some(round_trip));
    let after = client.statistics();
    assert_eq!((after.events - before.events, after.connections), (5, 1));
    assert!(after.bytes > before.bytes && after.messages >= before.messages + 6);
    assert_eq!(client.statistics().dropped, 3);
    let lagged = wait_for(&mut news, |event| match event {
        Event::Lagged { dropped: events } => Some(*events),
        _ => None,
    });
    assert_eq!(lagged.await, 3);
    assert_eq!(next_text(&mut news, "number").await, "3");
}

#[tokio::test]
async fn a_near_miss_is_logged_at_each_subscribe_and_not_at_each_connection() {
    use std::io::{Result, Write};
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::util::SubscriberInitExt as _;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.0.lock().expect("nobody panicked").write(bytes)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false);
    let _guard = subscriber.finish().set_default();
    let warnings = || {
        let text = String::from_utf8(log.0.lock().expect("nobody panicked").clone());
        let text = text.expect("text");
        text.lines()
            .filter(|line| line.contains("meant?"))
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
    };
    let (target, server) = start();
    let client = target.connected().await;
    let mut chat = subscribed(&client, "privat-chat").await;
    let news = subscribed(&client, "news-private").await;
    server.drop_connections(Peers::All);
    wait_for(&mut chat, |event| matches!(event, Event::Gap { .. }).then_some(())).await;
    let told = warnings();
    assert!(
        matches!(&told[..], [line] if line.contains("WARN") && line.contains("is private-chat me")),
        "{told:?}"
    );
    assert!(told[0].contains("connection{client="), "whose it is: {told:?}");
    let again = client.subscribe("privat-chat").expect("a good channel");
    assert_eq!(warnings().len(), 2);
    drop((again, news));
}
