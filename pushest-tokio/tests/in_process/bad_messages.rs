//! Servers that send what they should not.

use std::time::Duration;

use pushest_testkit::Target as Peers;
use pushest_tokio::{Client, Event, Limits, Loss, Malformation};

use crate::common::{next_text, subscribed, wait_for, within};
use crate::start;

#[tokio::test]
async fn junk_deep_truncated_and_wrongly_typed_messages_leave_the_connection_alive() {
    let (target, server) = start();
    let client = target.connected().await;
    let mut events = client.events();
    let mut news = subscribed(&client, "news").await;
    let socket_id = client.status().socket_id;

    let deep = format!(r#"{{"event":"x","channel":"news","data":{}"#, "[".repeat(100_000));
    let messages = [
        ("", Some(Malformation::NotAnObject)),
        ("junk", Some(Malformation::NotAnObject)),
        ("[1,2,3]", Some(Malformation::NotAnObject)),
        (r#"{"event":"x","channel":"news","data":"cut of"#, Some(Malformation::NotAnObject)),
        (&deep, Some(Malformation::NotAnObject)),
        ("{}", Some(Malformation::NoEvent)),
        (r#"{"event":7}"#, Some(Malformation::NoEvent)),
        (r#"{"event":"x","channel":{}}"#, Some(Malformation::BadChannel)),
        (
            r#"{"event":"pusher:connection_established","data":"{}"}"#,
            Some(Malformation::Unexpected),
        ),
        (
            r#"{"event":"pusher_internal:subscription_count","channel":"news","data":[]}"#,
            Some(Malformation::BadData),
        ),
        // These are odd, and still have a meaning.
        (r#"{"event":"pusher:error","data":7}"#, None),
        (r#"{"event":"pusher:pong"}"#, None),
        (r#"{"event":"pusher_internal:subscription_succeeded","channel":"news"}"#, None),
        (r#"{"event":"pusher_internal:member_added","channel":"nowhere","data":[]}"#, None),
        (r#"{"event":"unknown","data":null}"#, None),
    ];
    for (message, expected) in messages {
        server.send_raw(Peers::All, message);
        if let Some(expected) = expected {
            let problem = wait_for(&mut events, |event| match event {
                Event::Malformed { problem, message } => {
                    assert!(message.len() <= 512);
                    Some(*problem)
                }
                _ => None,
            });
            assert_eq!(problem.await, expected, "{message:.60}");
        }
    }
    server.send_binary(Peers::All, &[0xff, 0xfe]);
    let problem = wait_for(&mut events, |event| match event {
        Event::Malformed { problem, .. } => Some(*problem),
        _ => None,
    });
    assert_eq!(problem.await, Malformation::NotUtf8);

    server.publish("news", "headline", "rain");
    assert_eq!(next_text(&mut news, "headline").await, "rain");
    assert_eq!(client.status().socket_id, socket_id);
}

#[tokio::test]
async fn a_message_of_the_limit_arrives_and_one_over_it_costs_the_connection_only() {
    let (target, server) = start();
    let message = 64 * 1024;
    let limits = Limits { message, ..Limits::default() };
    let client =
        Client::new(target.builder().secret(&target.secret).limits(limits).build().expect("valid"));
    let mut news = subscribed(&client, "news").await;
    let mut orders = subscribed(&client, "private-orders").await;
    let of_size = |size: usize| {
        let around = r#"{"event":"large","channel":"news","data":""}"#.len();
        format!(r#"{{"event":"large","channel":"news","data":"{}"}}"#, "x".repeat(size - around))
    };
    server.send_raw(Peers::All, &of_size(message));
    next_text(&mut news, "large").await;

    server.send_raw(Peers::All, &of_size(message + 1));
    for channel in [&mut news, &mut orders] {
        let cause = wait_for(channel, |event| match event {
            Event::Gap { cause, .. } => Some(cause.clone()),
            _ => None,
        });
        assert_eq!(*cause.await, Loss::TooLarge { limit: message });
    }
    server.publish("news", "headline", "rain");
    assert_eq!(next_text(&mut news, "headline").await, "rain");
}

#[tokio::test]
async fn bytes_that_are_no_frames_cost_the_connection_only() {
    let (target, server) = start();
    let client = target.connected().await;
    let mut news = subscribed(&client, "news").await;
    server.send_bytes(Peers::All, &[0xff; 64]);
    wait_for(&mut news, |event| matches!(event, Event::Gap { .. }).then_some(())).await;
    server.publish("news", "headline", "rain");
    assert_eq!(next_text(&mut news, "headline").await, "rain");
}

#[tokio::test]
async fn websocket_pings_are_answered_and_frames_in_pieces_are_put_together() {
    let (target, server) = start();
    let client = target.connected().await;
    let mut news = subscribed(&client, "news").await;
    // A ping, and then a text message in two frames with another ping between them.
    let (first, second) = (r#"{"event":"pieces","chan"#, r#"nel":"news","data":"whole"}"#);
    let mut bytes = vec![0x89, 0x02, b'h', b'i', 0x01, u8::try_from(first.len()).unwrap()];
    bytes.extend(first.as_bytes());
    bytes.extend([0x89, 0x00, 0x80, u8::try_from(second.len()).unwrap()]);
    bytes.extend(second.as_bytes());
    for byte in bytes {
        server.send_bytes(Peers::All, &[byte]);
    }
    assert_eq!(next_text(&mut news, "pieces").await, "whole");
    within(client.flush()).await.expect("the connection is as it was");
}

#[tokio::test]
async fn a_refused_channel_says_why_and_others_are_untouched() {
    let (target, server) = start();
    server.deny("private-orders", "orders are closed");
    let client = target.connected().await;
    let orders = client.subscribe("private-orders").expect("a good channel");
    let error = within(orders.subscribed()).await.expect_err("refused");
    assert!(error.to_string().contains("orders are closed"), "{error}");
    let mut news = subscribed(&client, "news").await;

    server.allow("private-orders");
    client.retry("private-orders").expect("it is wanted");
    within(orders.subscribed()).await.expect("subscribed");
    server.publish("news", "headline", "rain");
    assert_eq!(next_text(&mut news, "headline").await, "rain");
}

#[tokio::test]
async fn what_the_user_gives_wrongly_names_the_value_and_changes_nothing() {
    let (target, _server) = start();
    let client = target.connected().await;
    let refused = |result: Result<pushest_tokio::Subscription, pushest_tokio::SubscribeError>| {
        result.map(|_| ()).expect_err("it is wrong").to_string()
    };
    assert!(refused(client.subscribe("no spaces")).contains("no spaces"));
    assert!(refused(client.subscribe("presence-room")).contains("presence-room"));
    let bad_info = pushest_tokio::SubscribeOptions::member("1").info("{name}");
    assert!(refused(client.subscribe_with("presence-room", &bad_info)).contains("{name}"));
    let nameless = pushest_tokio::SubscribeOptions::member("");
    assert!(refused(client.subscribe_with("presence-room", &nameless)).contains("\"\""));

    let keyless = Client::new(target.builder().build().expect("valid"));
    assert!(refused(keyless.subscribe("private-orders")).contains("private-orders"));
    assert_eq!(client.channel_state("presence-room"), None);
    assert_eq!(keyless.channel_state("private-orders"), None);
    let error = client.unsubscribe("nowhere").expect_err("it is not wanted");
    assert!(error.to_string().contains("nowhere"), "{error}");
    tokio::time::timeout(Duration::from_secs(5), client.flush())
        .await
        .expect("in time")
        .expect("ok");
}
