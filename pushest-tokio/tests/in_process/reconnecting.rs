//! Losses, and what comes after them.

use std::time::Duration;

use pushest_testkit::{Server, Target as Peers, UpgradeFault};
use pushest_tokio::{
    Client, ConnectionState, DialFailure, Event, Events, Loss, NotConnected, StateChange,
    Subscription, Timeouts,
};

use crate::common::{next_text, subscribed, wait_for, within};
use crate::{start, target_of};

async fn gap(subscription: &mut Subscription) -> Loss {
    wait_for(subscription, |event| match event {
        Event::Gap { cause, .. } => Some((**cause).clone()),
        _ => None,
    })
    .await
}

async fn state(events: &mut Events, wanted: ConnectionState) -> StateChange {
    wait_for(events, |event| match event {
        Event::State(change) if change.to == wanted => Some(change.clone()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn after_each_kind_of_loss_it_is_back_and_says_that_there_was_a_gap() {
    let (target, server) = start();
    let client = target.connected().await;
    let mut news = subscribed(&client, "news").await;
    let mut room = client
        .subscribe_with("presence-room", &pushest_tokio::SubscribeOptions::member("1"))
        .expect("a good channel");
    within(room.subscribed()).await.expect("subscribed");

    server.close(Peers::All, 4200, "generic");
    assert_eq!(gap(&mut news).await, Loss::closed(Some(4200), "generic"));
    server.drop_connections(Peers::All);
    assert!(matches!(gap(&mut news).await, Loss::Reset(_)));
    server.reset_connections(Peers::All);
    assert!(matches!(gap(&mut news).await, Loss::Reset(_)));
    server.close(Peers::All, 1001, "");
    assert_eq!(gap(&mut news).await, Loss::closed(Some(1001), ""));

    server.publish("news", "headline", "rain");
    assert_eq!(next_text(&mut news, "headline").await, "rain");
    for _ in 0..4 {
        gap(&mut room).await;
    }
    within(room.subscribed()).await.expect("subscribed");
    assert_eq!(server.members("presence-room"), ["1"]);
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_is_found_again() {
    let (target, server) = start();
    let port = server.port();
    let client = target.connected().await;
    let mut events = client.events();
    let mut news = subscribed(&client, "news").await;
    server.stop();
    let change = state(&mut events, ConnectionState::Waiting).await;
    assert!(change.loss.is_some() && change.retry_in.is_some(), "{change:?}");
    // At least one attempt finds nobody.
    state(&mut events, ConnectionState::Connecting).await;
    let change = state(&mut events, ConnectionState::Waiting).await;
    assert!(
        matches!(change.loss.as_deref(), Some(Loss::Dial(DialFailure::Connect(_)))),
        "{change:?}"
    );
    let server = Server::builder().port(port).start().expect("the same port");
    gap(&mut news).await;
    server.publish("news", "headline", "again");
    assert_eq!(next_text(&mut news, "headline").await, "again");
}

#[tokio::test]
async fn a_refusal_stops_it_and_says_why_until_connect() {
    let (target, server) = start();
    server.refuse_connections(Some((4001, "App key not in this cluster")));
    let client = target.client();
    let news = client.subscribe("news").expect("a good channel");
    let error = within(client.connected()).await.expect_err("refused");
    let loss = Loss::closed(Some(4001), "App key not in this cluster");
    assert_eq!(error.loss(), Some(&loss));
    assert!(error.to_string().contains("4001"), "{error}");
    within(news.subscribed()).await.expect_err("refused");
    let status = client.status();
    assert_eq!(status.state, ConnectionState::Refused);
    assert_eq!(status.last_loss.as_deref(), Some(&loss));

    server.refuse_connections(None);
    client.connect();
    within(news.subscribed()).await.expect("subscribed");
}

#[tokio::test]
async fn an_established_connection_that_is_closed_with_4001_stops_it_too() {
    let (target, server) = start();
    let client = target.connected().await;
    let mut events = client.events();
    server.close(Peers::All, 4003, "disabled");
    let change = state(&mut events, ConnectionState::Refused).await;
    assert_eq!(change.loss.as_deref(), Some(&Loss::closed(Some(4003), "disabled")));
    assert!(matches!(within(client.connected()).await, Err(NotConnected::Refused(_))));
}

#[tokio::test]
async fn http_refusals_are_told_and_tried_again() {
    let (target, server) = start();
    let faults = [
        (UpgradeFault::status(404, &[]), 404, None, None),
        (UpgradeFault::status(500, &[]), 500, None, None),
        (UpgradeFault::status(503, &[("Retry-After", "0")]), 503, Some(Duration::ZERO), None),
        (
            UpgradeFault::status(429, &[("Retry-After", "1")]),
            429,
            Some(Duration::from_secs(1)),
            None,
        ),
        (
            UpgradeFault::status(301, &[("Location", "https://example.com/")]),
            301,
            None,
            Some("https://example.com/".into()),
        ),
    ];
    let expected: Vec<_> =
        faults.iter().map(|(_, status, pause, to)| (*status, *pause, to.clone())).collect();
    for (fault, ..) in faults {
        server.fault_upgrades(1, fault);
    }
    let client = target.client();
    let mut events = client.events();
    for (status, retry_after, location) in expected {
        let change = state(&mut events, ConnectionState::Waiting).await;
        let wanted = Loss::Dial(DialFailure::Http { status, retry_after, location });
        assert_eq!(change.loss.as_deref(), Some(&wanted));
        if let (Some(asked), Some(pause)) = (retry_after, change.retry_in) {
            assert!(pause >= asked, "{pause:?}");
        }
    }
    within(client.connected()).await.expect("connected");
}

#[tokio::test]
async fn a_client_that_stops_on_refusal_ends_with_the_http_status() {
    let (target, server) = start();
    server.fault_upgrades(1, UpgradeFault::status(403, &[]));
    let config = target.builder().stop_on_refusal(true).build().expect("valid");
    let error = within(Client::new(config).connected()).await.expect_err("refused");
    assert!(error.to_string().contains("HTTP status 403"), "{error}");
}

#[tokio::test]
async fn what_is_no_websocket_is_told_and_tried_again() {
    let (target, server) = start();
    server.fault_upgrades(1, UpgradeFault::Raw(b"220 mail.example ESMTP\r\n".to_vec()));
    let client = target.client();
    let mut events = client.events();
    let change = state(&mut events, ConnectionState::Waiting).await;
    let loss = change.loss.expect("why");
    assert!(matches!(*loss, Loss::Dial(DialFailure::NotWebSocket(_))), "{loss:?}");
    within(client.connected()).await.expect("connected");
}

#[tokio::test]
async fn a_dial_and_a_handshake_that_never_end_are_given_up() {
    let (target, server) = start();
    server.fault_upgrades(1, UpgradeFault::Ignore);
    server.withhold_handshake(true);
    let short = Duration::from_millis(300);
    let timeouts = Timeouts { dial: short, handshake: short, ..Timeouts::default() };
    let client = Client::new(target.builder().timeouts(timeouts).build().expect("valid"));
    let mut events = client.events();
    let change = state(&mut events, ConnectionState::Waiting).await;
    assert_eq!(change.loss.as_deref(), Some(&Loss::Dial(DialFailure::Timeout)));
    let change = state(&mut events, ConnectionState::Waiting).await;
    assert_eq!(change.loss.as_deref(), Some(&Loss::HandshakeTimeout));
    server.withhold_handshake(false);
    within(client.connected()).await.expect("connected");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_noticed() {
    let (target, server) = start();
    let timeouts = Timeouts {
        activity: Duration::from_millis(300),
        pong: Duration::from_millis(300),
        ..Timeouts::default()
    };
    let client = Client::new(target.builder().timeouts(timeouts).build().expect("valid"));
    let mut news = subscribed(&client, "news").await;
    server.stop_answering(Peers::All);
    assert_eq!(gap(&mut news).await, Loss::PongTimeout);
}

#[tokio::test]
async fn one_that_answers_pings_is_not_taken_for_silent() {
    let (target, server) = start();
    let timeouts = Timeouts {
        activity: Duration::from_millis(50),
        pong: Duration::from_millis(500),
        ..Timeouts::default()
    };
    let client = Client::new(target.builder().timeouts(timeouts).build().expect("valid"));
    let socket_id = within(client.connected()).await.expect("connected");
    tokio::time::sleep(Duration::from_millis(400)).await;
    within(client.flush()).await.expect("flushed");
    assert_eq!(server.socket_ids(), [socket_id.as_str()]);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told() {
    let config = pushest_tokio::Config::builder("key").host("no-such-host.invalid").port(6001);
    let client = Client::new(config.stop_on_refusal(true).build().expect("valid"));
    let error = within(client.connected()).await.expect_err("it does not resolve");
    assert!(matches!(error.loss(), Some(Loss::Dial(DialFailure::Dns(_)))), "{error}");
}

#[tokio::test]
async fn a_thousand_channels_are_back_after_a_loss() {
    let (target, server) = start();
    let client = target.connected().await;
    let names: Vec<String> = (0..1_000).map(|number| format!("private-{number}")).collect();
    let mut channels: Vec<_> =
        names.iter().map(|name| client.subscribe(name).expect("a good channel")).collect();
    for channel in &channels {
        within(channel.subscribed()).await.expect("subscribed");
    }
    server.drop_connections(Peers::All);
    for channel in &mut channels {
        gap(channel).await;
    }
    assert!(names.iter().all(|name| server.subscribers(name) == 1));
    assert_eq!(target_of(&server).port, server.port());
}
