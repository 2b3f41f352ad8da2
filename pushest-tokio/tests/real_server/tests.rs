//! What not every server has, against a real server, which `PUSHEST_TEST_URL` names. Its app is
//! `1`. What every server has is part of the conformance suite.

#[path = "../common/mod.rs"]
mod common;

use pushest_tokio::{Client, Event, Events};

use common::{Target, next_text, subscribed, unique, wait_for, within};

fn target() -> (Target, ()) {
    let url = std::env::var("PUSHEST_TEST_URL").unwrap_or_else(|_| {
        panic!(
            "the tests on a real server need PUSHEST_TEST_URL, such as \
             pusher://app-key:app-secret@127.0.0.1:6001"
        )
    });
    (Target::from_url(&url), ())
}

async fn signed_in(target: &Target, user_data: &str) -> (Client, Events) {
    let client = target.client();
    let events = client.events();
    client.sign_in(Some(user_data)).expect("good user data");
    within(client.signed_in()).await.expect("signed in");
    (client, events)
}

async fn watched(events: &mut Events, wanted: bool, id: &str) {
    wait_for(events, |event| match event {
        Event::Watchlist { online, user_ids, .. } => {
            (*online == wanted && *user_ids == [id]).then_some(())
        }
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn a_user_is_signed_in_and_gets_events_also_after_a_loss() {
    let (target, ()) = target();
    let id = unique("ann");
    let (client, mut events) = signed_in(&target, &format!(r#"{{"id":"{id}"}}"#)).await;
    let mut user_events = client.user_events();
    let channel = format!("#server-to-user-{id}");
    for _ in 0..2 {
        assert_eq!(within(client.signed_in()).await, Ok(id.clone()));
        // The channel is subscribed to after the sign-in: whatever was sent is read then.
        wait_for(&mut events, |event| match event {
            Event::SignedIn { user_id, .. } => (**user_id == *id).then_some(()),
            _ => None,
        })
        .await;
        within(client.flush()).await.expect("flushed");
        target.publish(&channel, "greeting", "hello").await;
        let text = wait_for(&mut user_events, |event| match event {
            Event::Channel(event) => Some(event.text().into_owned()),
            _ => None,
        });
        assert_eq!(text.await, "hello");
        client.disconnect();
        client.connect();
    }
}

#[tokio::test]
async fn who_is_watched_and_comes_is_told() {
    let (target, ()) = target();
    let [ann, bob] = [unique("ann"), unique("bob")];
    let watcher = format!(r#"{{"id":"{ann}","watchlist":["{bob}"]}}"#);
    let (_ann, mut events) = signed_in(&target, &watcher).await;
    watched(&mut events, false, &bob).await;
    // Sockudo tells only of users who have a watchlist themselves.
    let watched_one = format!(r#"{{"id":"{bob}","watchlist":["{ann}"]}}"#);
    let (bobs, _events) = signed_in(&target, &watched_one).await;
    watched(&mut events, true, &bob).await;
    // Sockudo 5.2 does not tell of those who go: the server in the process does.
    within(bobs.shutdown()).await;
}

#[tokio::test]
async fn a_cache_channel_hits_or_says_that_it_missed() {
    let (target, ()) = target();
    for prefix in ["cache-weather", "private-cache-weather"] {
        let channel = unique(prefix);
        let (early, late) = (target.connected().await, target.connected().await);
        let mut misses = early.subscribe(&channel).expect("a good channel");
        wait_for(&mut misses, |event| matches!(event, Event::CacheMiss { .. }).then_some(())).await;
        target.publish(&channel, "weather", "rain").await;
        assert_eq!(next_text(&mut misses, "weather").await, "rain");
        let mut hits = late.subscribe(&channel).expect("a good channel");
        let text = wait_for(&mut hits, |event| match event {
            Event::Channel(event) => Some(event.text().into_owned()),
            Event::CacheMiss { .. } => panic!("it is cached"),
            _ => None,
        });
        assert_eq!(text.await, "rain");
    }
}

#[cfg(feature = "http")]
#[tokio::test]
async fn an_endpoint_authorizes_every_kind_of_channel_and_the_sign_in() {
    use pushest_testkit::AuthorizationEndpoint;
    use pushest_tokio::{AuthEndpoint, Options};

    let (target, ()) = target();
    let endpoint = AuthorizationEndpoint::start(&target.app()).expect("an endpoint");
    let asks = AuthEndpoint::new(&endpoint.url("/pusher/auth"));
    let config = target.builder().build().expect("valid");
    let client = Client::with_options(config, Options::default().auth_endpoint(asks));
    for prefix in ["private-orders", "presence-room", "private-encrypted-orders"] {
        drop(subscribed(&client, &unique(prefix)).await);
    }
    client.sign_in(None).expect("somebody authorizes");
    assert_eq!(within(client.signed_in()).await.as_deref(), Ok("ann"));
}
