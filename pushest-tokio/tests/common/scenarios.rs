//! What a client can find out about a server by itself. The same scenarios run against the server
//! in the process and against a real one.

use std::time::Duration;

use pushest_tokio::{
    ChannelState, Client, CommandError, Config, ConnectionState, Event, PresenceChange,
    RequestFailure, SubscribeOptions, SubscriptionError,
};

use super::{Target, next_text, subscribed, unique, wait_for, within};

pub(crate) async fn connects_and_names_its_socket(target: &Target) {
    let client = target.client();
    let socket_id = within(client.connected()).await.expect("connected");
    let status = client.status();
    assert_eq!(status.state, ConnectionState::Connected);
    assert_eq!(status.socket_id, Some(socket_id));
    assert_eq!(status.attempt, 1);
}

pub(crate) async fn receives_what_the_app_publishes_on_a_public_channel(target: &Target) {
    let client = target.connected().await;
    let channel = unique("news");
    let mut news = subscribed(&client, &channel).await;
    target.publish(&channel, "headline", r#"{"text":"Überall Regen \"heute\""}"#).await;
    assert_eq!(next_text(&mut news, "headline").await, r#"{"text":"Überall Regen \"heute\""}"#);
    target.publish(&channel, r"App\Events\OrderShipped", "7").await;
    assert_eq!(next_text(&mut news, r"App\Events\OrderShipped").await, "7");
}

pub(crate) async fn gets_nothing_of_a_channel_that_it_left(target: &Target) {
    let client = target.connected().await;
    let (left, kept) = (unique("left"), unique("kept"));
    let first = subscribed(&client, &left).await;
    let mut second = subscribed(&client, &kept).await;
    let mut events = client.events();
    first.unsubscribe();
    assert_eq!(client.channel_state(&left), None);
    within(client.flush()).await.expect("flushed");
    target.publish(&left, "lost", "").await;
    target.publish(&kept, "found", "").await;
    next_text(&mut second, "found").await;
    let name = wait_for(&mut events, |event| match event {
        Event::Channel(event) => Some(event.name().to_string()),
        _ => None,
    });
    assert_eq!(name.await, "found");
}

pub(crate) async fn client_events_go_to_the_others_on_a_private_channel(target: &Target) {
    let (ann, bob) = (target.connected().await, target.connected().await);
    let channel = unique("private-chat");
    let mut of_ann = subscribed(&ann, &channel).await;
    let mut of_bob = subscribed(&bob, &channel).await;
    of_ann.trigger("client-hello", &serde_json::json!({ "from": "Ann" })).expect("sent");
    let data = wait_for(&mut of_bob, |event| match event {
        Event::Channel(event) => Some(event.json::<serde_json::Value>().expect("JSON")),
        _ => None,
    });
    assert_eq!(data.await["from"], "Ann");
    // The sender does not get its own: the next that Ann hears is Bob's answer.
    of_bob.trigger("client-answer", &["hello", "Ann"]).expect("sent");
    let name = wait_for(&mut of_ann, |event| match event {
        Event::Channel(event) => Some(event.name().to_string()),
        _ => None,
    });
    assert_eq!(name.await, "client-answer");
}

pub(crate) async fn members_come_and_go(target: &Target) {
    let channel = unique("presence-room");
    let member = |id: &str, name: &str| {
        SubscribeOptions::member(id).info(&format!(r#"{{"name":"{name}"}}"#))
    };
    let ann = target.connected().await;
    let mut room = ann.subscribe_with(&channel, &member("1", "Ann")).expect("a good channel");
    within(room.subscribed()).await.expect("subscribed");
    assert_eq!(ann.me(&channel).map(|me| me.id().to_string()), Some("1".to_string()));
    assert_eq!(ann.member_count(&channel), 1);

    let bob = target.connected().await;
    let bobs = bob.subscribe_with(&channel, &member("2", "Bob")).expect("a good channel");
    within(bobs.subscribed()).await.expect("subscribed");
    let joined = wait_for(&mut room, |event| match event {
        Event::Presence(update) => match &update.change {
            PresenceChange::Joined(member) => Some(member.clone()),
            _ => None,
        },
        _ => None,
    })
    .await;
    assert_eq!(joined.id(), "2");
    assert_eq!(joined.info::<serde_json::Value>().expect("JSON")["name"], "Bob");
    for members in [ann.members(&channel), bobs.members()] {
        let mut ids: Vec<_> = members.iter().map(|member| member.id()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["1", "2"]);
    }

    within(bob.shutdown()).await;
    let left = wait_for(&mut room, |event| match event {
        Event::Presence(update) => match &update.change {
            PresenceChange::Left(member) => Some(member.id().to_string()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(left.await, "2");
    assert_eq!(ann.member_count(&channel), 1);
}

pub(crate) async fn a_wrong_secret_fails_visibly_and_other_channels_go_on(target: &Target) {
    let config = target.builder().secret("not-the-secret").build().expect("valid");
    let client = Client::new(config);
    within(client.connected()).await.expect("connected");
    let public = unique("news");
    let mut news = subscribed(&client, &public).await;

    let private = client.subscribe(&unique("private-orders")).expect("a good channel");
    let error = within(private.subscribed()).await.expect_err("it is refused");
    let SubscriptionError::Failed { channel, reason: RequestFailure::Refused(error) } = error
    else {
        panic!("the server refuses, not {error:?}")
    };
    assert_eq!(&channel, private.name());
    // Some servers give no reason.
    assert!(!error.to_string().is_empty(), "{error:?}");
    assert_eq!(private.state(), Some(ChannelState::Failed));

    target.publish(&public, "headline", "still here").await;
    assert_eq!(next_text(&mut news, "headline").await, "still here");
}

pub(crate) async fn flush_tells_when_the_server_has_read_everything(target: &Target) {
    let (ann, bob) = (target.connected().await, target.connected().await);
    let channel = unique("private-chat");
    let mut of_bob = subscribed(&bob, &channel).await;
    let of_ann = subscribed(&ann, &channel).await;
    for number in 0..5 {
        of_ann.trigger("client-number", &number).expect("sent");
    }
    let round_trip = within(ann.flush()).await.expect("flushed");
    assert!(round_trip > Duration::ZERO);
    for number in 0..5 {
        assert_eq!(next_text(&mut of_bob, "client-number").await, number.to_string());
    }
}

pub(crate) async fn what_cannot_be_triggered_is_refused_and_nothing_sent(target: &Target) {
    let client = target.connected().await;
    let (public, private) = (unique("news"), unique("private-chat"));
    let _public = subscribed(&client, &public).await;
    let refused = client.trigger(&private, "client-x", &1).expect_err("not subscribed");
    assert!(matches!(refused, CommandError::NotSubscribed { .. }), "{refused}");
    let chat = subscribed(&client, &private).await;
    let refused = client.trigger(&public, "client-x", &1).expect_err("a public channel");
    assert!(matches!(refused, CommandError::NoClientEvents { .. }), "{refused}");
    let refused = chat.trigger("x", &1).expect_err("not a client event");
    assert!(matches!(refused, CommandError::EventName { .. }), "{refused}");
    let refused = chat.trigger("client-x", &"x".repeat(20_000)).expect_err("too large");
    assert!(matches!(refused, CommandError::TooLarge { limit: 10_240, .. }), "{refused}");
    within(client.flush()).await.expect("the connection is as it was");
}

pub(crate) async fn disconnect_stays_so_until_connect_and_then_everything_is_back(target: &Target) {
    let client = target.connected().await;
    let (public, room) = (unique("news"), unique("presence-room"));
    let mut news = subscribed(&client, &public).await;
    let member = SubscribeOptions::member("1");
    let members = client.subscribe_with(&room, &member).expect("a good channel");
    within(members.subscribed()).await.expect("subscribed");
    let first = client.status().socket_id;

    within(client.shutdown()).await;
    assert_eq!(client.status().state, ConnectionState::Disconnected);
    within(client.connected()).await.expect_err("disconnected sticks");
    let refused = client.trigger(&room, "client-x", &1).expect_err("no connection");
    assert_eq!(refused, CommandError::NotConnected);

    client.connect();
    within(client.connected()).await.expect("connected");
    within(news.subscribed()).await.expect("subscribed again");
    within(members.subscribed()).await.expect("subscribed again");
    assert_ne!(client.status().socket_id, first);
    let gap = wait_for(&mut news, |event| matches!(event, Event::Gap { .. }).then_some(()));
    gap.await;
    target.publish(&public, "headline", "again").await;
    assert_eq!(next_text(&mut news, "headline").await, "again");
    assert_eq!(client.member_count(&room), 1);
}

pub(crate) async fn another_endpoint_takes_the_channels_along(target: &Target) {
    // The same server under its address instead of its name.
    let client = target.connected().await;
    let channel = unique("private-orders");
    let mut orders = subscribed(&client, &channel).await;
    wait_for(&mut orders, |event| matches!(event, Event::Subscribed { .. }).then_some(())).await;
    let endpoint = Config::builder(&target.key).host("localhost").port(target.port).build();
    client.set_endpoint(endpoint.expect("valid").endpoint().clone());
    wait_for(&mut orders, |event| matches!(event, Event::Gap { .. }).then_some(())).await;
    target.publish(&channel, "order", "1").await;
    assert_eq!(next_text(&mut orders, "order").await, "1");
}

pub(crate) async fn subscriptions_made_while_connecting_come_about(target: &Target) {
    let client = target.client();
    let (first, second) = (unique("news"), unique("private-orders"));
    let early = [&first, &second].map(|name| client.subscribe(name).expect("a good channel"));
    for subscription in &early {
        within(subscription.subscribed()).await.expect("subscribed");
    }
    // Again from scratch, while one is on its way out.
    let [news, _] = early;
    drop(news);
    let news = client.subscribe(&first).expect("a good channel");
    within(news.subscribed()).await.expect("subscribed");
}

pub(crate) async fn what_is_typed_arrives_as_values(target: &Target) {
    #[derive(serde::Deserialize)]
    struct Order {
        id: u64,
    }
    let client = target.connected().await;
    let channel = unique("orders");
    let mut shipped = client.subscribe(&channel).expect("a good channel").on::<Order>("shipped");
    within(shipped.subscribed()).await.expect("subscribed");
    target.publish(&channel, "other", r#"{"id":1}"#).await;
    target.publish(&channel, "shipped", r#"{"id":2}"#).await;
    target.publish(&channel, "shipped", "not an order").await;
    assert_eq!(within(shipped.recv()).await.expect("one").expect("an order").id, 2);
    assert!(within(shipped.recv()).await.expect("one").is_err());
}

/// Makes a test of each scenario, for the target that `$target` makes.
#[macro_export]
macro_rules! scenarios {
    ($target:path: $($scenario:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $scenario() {
            let (target, _server) = $target();
            $crate::common::scenarios::$scenario(&target).await;
        }
    )*};
    ($target:path) => {
        $crate::scenarios! { $target:
            connects_and_names_its_socket
            receives_what_the_app_publishes_on_a_public_channel
            gets_nothing_of_a_channel_that_it_left
            client_events_go_to_the_others_on_a_private_channel
            members_come_and_go
            a_wrong_secret_fails_visibly_and_other_channels_go_on
            flush_tells_when_the_server_has_read_everything
            what_cannot_be_triggered_is_refused_and_nothing_sent
            disconnect_stays_so_until_connect_and_then_everything_is_back
            another_endpoint_takes_the_channels_along
            subscriptions_made_while_connecting_come_about
            what_is_typed_arrives_as_values
        }
    };
}
