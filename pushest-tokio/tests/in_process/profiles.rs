//! One suite, and every server's habits (docs/protocol.md#servers).

use std::time::Duration;

use pushest_testkit::{Profile, Server, Target as Peers};
use pushest_tokio::{
    Client, ConfigBuilder, Event, Loss, NotSignedIn, PresenceChange, SubscribeOptions,
    Subscription, Timeouts,
};

use crate::common::{Target, next_text, subscribed, unique, wait_for, within};
use crate::target_of;

/// A server with the habits of another, and how to reach it.
struct Like {
    profile: Profile,
    server: Server,
    target: Target,
}

impl Like {
    fn new(profile: Profile) -> Self {
        let builder = Server::builder().profile(profile).record(true);
        let server = builder.start().expect("a server");
        Self { profile, target: target_of(&server), server }
    }

    fn client(&self, adjust: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Client {
        let builder = self.target.builder().secret(&self.target.secret);
        Client::new(adjust(builder).build().expect("valid"))
    }
}

async fn gap(subscription: &mut Subscription) -> Loss {
    wait_for(subscription, |event| match event {
        Event::Gap { cause, .. } => Some((**cause).clone()),
        _ => None,
    })
    .await
}

async fn a_cache_channel_hits_or_says_that_it_missed(like: &Like) {
    let channel = unique("private-cache-weather");
    let early = like.target.connected().await;
    let mut misses = early.subscribe(&channel).expect("a good channel");
    wait_for(&mut misses, |event| match event {
        Event::CacheMiss { channel: missed } => (*missed == *channel).then_some(()),
        Event::Channel(event) => panic!("there is nothing cached yet: {event:?}"),
        _ => None,
    })
    .await;
    like.server.publish(&channel, "weather", "rain");
    assert_eq!(next_text(&mut misses, "weather").await, "rain");

    let late = like.target.connected().await;
    let mut hits = late.subscribe(&channel).expect("a good channel");
    let text = wait_for(&mut hits, |event| match event {
        Event::Channel(event) => Some(event.text().into_owned()),
        Event::CacheMiss { .. } => panic!("it is cached"),
        _ => None,
    });
    assert_eq!(text.await, "rain");
}

async fn an_encrypted_channel_is_opened_with_the_master_key(like: &Like) {
    for prefix in ["private-encrypted-", "private-encrypted-cache-"] {
        let channel = unique(prefix);
        let client =
            like.client(|builder| builder.master_key(like.server.app().master_key().as_bytes()));
        let mut safe = subscribed(&client, &channel).await;
        like.server.publish_encrypted(&channel, "code", r#"{"number":7}"#);
        let event = wait_for(&mut safe, |event| match event {
            Event::Channel(event) => Some(event.clone()),
            _ => None,
        })
        .await;
        assert!(event.was_encrypted());
        assert_eq!(event.text(), r#"{"number":7}"#);
        like.server.publish(&channel, "code", r#"{"number":8}"#);
        let name = wait_for(&mut safe, |event| match event {
            Event::Undecryptable { name, .. } => Some(name.to_string()),
            Event::Channel(event) => panic!("what is not sealed is not data: {event:?}"),
            _ => None,
        });
        assert_eq!(name.await, "code");
        let refused = safe.trigger("client-code", &1).expect_err("no client events");
        assert!(refused.to_string().contains(&channel), "{refused}");
    }
}

async fn a_user_is_signed_in_or_told_that_it_failed(like: &Like) {
    let timeouts = Timeouts::default().subscribe(Duration::from_millis(500));
    let client = like.client(|builder| builder.timeouts(timeouts));
    let (mut events, mut user_events) = (client.events(), client.user_events());
    let mut news = subscribed(&client, "news").await;
    client.sign_in(Some(r#"{"id":"ann","watchlist":["bob"]}"#)).expect("good user data");
    let signed_in = within(client.signed_in()).await;
    if !like.profile.signs_in() {
        assert!(matches!(signed_in, Err(NotSignedIn::Failed(_))), "{signed_in:?}");
        wait_for(&mut events, |event| matches!(event, Event::SignInFailed { .. }).then_some(()))
            .await;
        like.server.publish("news", "headline", "still here");
        assert_eq!(next_text(&mut news, "headline").await, "still here");
        return;
    }
    for _ in 0..2 {
        wait_for(&mut events, |event| matches!(event, Event::SignedIn { .. }).then_some(())).await;
        within(like.server.until_subscribers("#server-to-user-ann", 1)).await;
        like.server.publish_to_user("ann", "greeting", "hello");
        let text = wait_for(&mut user_events, |event| match event {
            Event::Channel(event) => Some(event.text().into_owned()),
            _ => None,
        });
        assert_eq!(text.await, "hello");
        like.server.drop_connections(Peers::All);
    }
    if like.profile.has_watchlists() {
        within(client.signed_in()).await.expect("signed in");
        let bob = like.client(|builder| builder);
        bob.sign_in(Some(r#"{"id":"bob","watchlist":["ann"]}"#)).expect("good user data");
        within(bob.signed_in()).await.expect("signed in");
        watched(&mut events, true).await;
        within(bob.shutdown()).await;
        watched(&mut events, false).await;
    }
}

async fn watched(events: &mut pushest_tokio::Events, wanted: bool) {
    wait_for(events, |event| match event {
        Event::Watchlist { online, user_ids, .. } => {
            (*online == wanted && *user_ids == ["bob"]).then_some(())
        }
        _ => None,
    })
    .await;
}

async fn a_quiet_connection_is_kept_alive_and_a_dead_one_noticed(like: &Like) {
    let timeouts =
        Timeouts::default().activity(Duration::from_millis(100)).pong(Duration::from_secs(1));
    let quiet = like.client(|builder| builder.timeouts(timeouts));
    let mut news = subscribed(&quiet, "news").await;
    let socket_id = quiet.status().socket_id;
    let other = like.target.connected().await;
    // The other's round trips pass the time.
    while quiet.round_trip().is_none() {
        within(other.flush()).await.expect("flushed");
    }
    assert_eq!(quiet.status().socket_id, socket_id);
    like.server.stop_answering(Peers::All);
    assert_eq!(gap(&mut news).await, Loss::PongTimeout);
}

async fn after_a_loss_everything_is_back_and_the_members_are_right(like: &Like) {
    let client = like.target.connected().await;
    let room = unique("presence-room");
    let member = |id: &str| SubscribeOptions::member(id).info(r#"{"name":"x"}"#);
    let mut members = client.subscribe_with(&room, &member("1")).expect("a good channel");
    let mut news = subscribed(&client, "news").await;
    within(members.subscribed()).await.expect("subscribed");
    let other = like.target.connected().await;
    let others = other.subscribe_with(&room, &member("2")).expect("a good channel");
    within(others.subscribed()).await.expect("subscribed");
    joined(&mut members, "2").await;
    drop(others);
    within(like.server.until({
        let room = room.clone();
        move |view| view.broker.members(&room).count() == 1
    }))
    .await;
    within(other.shutdown()).await;

    like.server.close(Peers::All, 4200, "generic");
    assert_eq!(gap(&mut news).await, Loss::closed(Some(4200), "generic"));
    gap(&mut members).await;
    within(members.subscribed()).await.expect("subscribed");
    let ids = client.members_as::<serde_json::Value>(&room);
    let [(id, Ok(info))] = &*ids else { panic!("one member is there: {ids:?}") };
    assert_eq!((id.as_str(), &info["name"]), ("1", &"x".into()));
    like.server.publish("news", "headline", "rain");
    assert_eq!(next_text(&mut news, "headline").await, "rain");
}

async fn joined(members: &mut Subscription, id: &str) {
    wait_for(members, |event| match event {
        Event::Presence(update) => match &update.change {
            PresenceChange::Joined(member) => (member.id() == id).then_some(()),
            _ => None,
        },
        _ => None,
    })
    .await;
}

/// The scenarios for a profile.
macro_rules! profiles {
    ($($module:ident $profile:ident)*) => {$(
        mod $module {
            use super::{Like, Profile};

            const PROFILE: Profile = Profile::$profile;

            super::profiles! { only:
                a_cache_channel_hits_or_says_that_it_missed
                an_encrypted_channel_is_opened_with_the_master_key
                a_user_is_signed_in_or_told_that_it_failed
                a_quiet_connection_is_kept_alive_and_a_dead_one_noticed
                after_a_loss_everything_is_back_and_the_members_are_right
            }
        }
    )*};
    (only: $($scenario:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $scenario() {
            super::$scenario(&Like::new(PROFILE)).await;
        }
    )*};
}
use profiles;

profiles! {
    hosted Hosted
    soketi Soketi
    reverb Reverb
    sockudo Sockudo
    poxa Poxa
    pusher_fake PusherFake
    standard Standard
}
