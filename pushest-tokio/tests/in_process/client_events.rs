//! Client events: their rate, and whose fault an error is.

use std::time::Duration;

use pushest_testkit::{Profile, Server};
use pushest_tokio::{Client, CommandError, ConnectionState, Event};

use crate::common::{Target, next_text, subscribed, within};
use crate::{start, target_of};

async fn limited(target: &Target, rate: u32) -> Client {
    let builder = target.builder().secret(&target.secret).client_events_per_second(Some(rate));
    let client = Client::new(builder.build().expect("valid"));
    within(client.connected()).await.expect("connected");
    client
}

#[tokio::test]
async fn too_many_are_refused_with_the_time_of_the_next_and_waiting_sends_all_in_order() {
    // As the hosted service: it refuses more than ten a second.
    let server = Server::builder().profile(Profile::Hosted).start().expect("a server");
    let target = target_of(&server);
    // Half of that: on the way two bursts, a second apart, may come closer to each other.
    let (ann, bob) = (limited(&target, 5).await, target.connected().await);
    let chat = subscribed(&ann, "private-chat").await;
    let mut heard = subscribed(&bob, "private-chat").await;
    let mut events = ann.events();
    for number in 0..5 {
        chat.trigger("client-number", &number).expect("five at once");
    }
    match chat.trigger("client-number", &5).expect_err("a sixth") {
        CommandError::RateLimited { limit: 5, retry_in } => {
            assert!(retry_in <= Duration::from_secs(1), "{retry_in:?}");
        }
        other => panic!("{other:?}"),
    }
    // A future that is dropped while it waits has sent nothing.
    drop(chat.trigger_when_allowed("client-number", &"never"));
    for number in 5..15 {
        within(chat.trigger_when_allowed("client-number", &number)).await.expect("sent");
    }
    for number in 0..15 {
        assert_eq!(next_text(&mut heard, "client-number").await, number.to_string());
    }
    within(ann.flush()).await.expect("flushed");
    drop(ann);
    while let Some(event) = within(events.recv()).await {
        assert!(!matches!(event, Event::ServerError(_)), "{event:?}");
    }
}

#[tokio::test]
async fn several_may_wait_and_all_are_sent() {
    let (target, _server) = start();
    let (ann, bob) = (limited(&target, 50).await, target.connected().await);
    let _chat = subscribed(&ann, "private-chat").await;
    let mut heard = subscribed(&bob, "private-chat").await;
    let waiting: Vec<_> = (0..100)
        .map(|number| ann.trigger_when_allowed("private-chat", "client-number", &number))
        .map(tokio::spawn)
        .collect();
    for sent in waiting {
        within(sent).await.expect("no panic").expect("sent");
    }
    let mut numbers = Vec::<u32>::new();
    for _ in 0..100 {
        numbers.push(next_text(&mut heard, "client-number").await.parse().expect("a number"));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<u32>>());
}

#[tokio::test]
async fn it_waits_for_the_rate_and_for_nothing_else() {
    let (target, _server) = start();
    let client = limited(&target, 1).await;
    let chat = subscribed(&client, "private-chat").await;
    let refused = within(client.trigger_when_allowed("private-other", "client-x", &1)).await;
    assert!(matches!(refused, Err(CommandError::NotSubscribed { .. })), "{refused:?}");
    let refused = within(chat.trigger_when_allowed("x", &1)).await;
    assert!(matches!(refused, Err(CommandError::EventName { .. })), "{refused:?}");
    chat.trigger("client-x", &1).expect("the first");
    let waits = tokio::spawn(chat.trigger_when_allowed("client-x", &2));
    client.disconnect();
    let refused = within(waits).await.expect("no panic");
    let state = ConnectionState::Disconnected;
    assert_eq!(refused, Err(CommandError::NotConnected { state }));
}
