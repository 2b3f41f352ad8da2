//! Events say which subscription they are about, and nothing else shows it.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::harness::{Harness, asking, message, object, signing};
use pushest_proto::{
    Action, AuthorizationError, ChannelId, ChannelKind, ChannelName, Event, LimitReached, Limits,
    SubscribeOptions,
};
use serde_json::json;

/// Subscribes, without a poll, and returns the id.
fn want(harness: &mut Harness, channel: &str) -> ChannelId {
    let options = match ChannelKind::of(channel) {
        ChannelKind::Presence => SubscribeOptions::member("me"),
        _ => SubscribeOptions::default(),
    };
    let name = harness.session.subscribe(channel, &options, harness.now).unwrap();
    assert_eq!(harness.session.channel(channel).unwrap().name().id(), name.id());
    name.id().expect("a session's name has an id")
}

fn leave(harness: &mut Harness, channel: &str) {
    harness.session.unsubscribe(channel, harness.now).unwrap();
}

/// Takes what is about a channel: its name, its id, and what it is.
fn told(harness: &mut Harness) -> Vec<(String, Option<ChannelId>, &'static str)> {
    let events = harness.actions.drain(..).filter_map(|action| match action {
        Action::Emit(event) => Some(event),
        Action::UpdatePresence(update) => Some(Event::Presence(update)),
        _ => None,
    });
    let about = events.filter_map(|event| {
        let id = event.channel_id();
        let name = event.channel().map(ToString::to_string)?;
        Some((name, id, pushest_proto::fuzzing::event_kind(&event)))
    });
    about.collect()
}

fn kinds(told: &[(String, Option<ChannelId>, &'static str)]) -> HashSet<&'static str> {
    told.iter().map(|(.., kind)| *kind).collect()
}

#[test]
fn whatever_is_told_of_a_channel_has_the_id_that_subscribing_returned() {
    let limits = Limits::default().members(1);
    let mut harness = Harness::new(signing().limits(limits).client_events_per_second(None));
    harness.connect();
    let room = want(&mut harness, "presence-room");
    harness.drain();
    let members = json!({"presence": {"count": 1, "ids": ["1"], "hash": {"1": {}}}}).to_string();
    harness.receive(&message(
        "pusher_internal:subscription_succeeded",
        Some("presence-room"),
        &members,
    ));
    harness.receive(&message(
        "pusher_internal:member_added",
        Some("presence-room"),
        r#"{"user_id":"2"}"#,
    ));
    harness.receive(&message(
        "pusher_internal:member_removed",
        Some("presence-room"),
        r#"{"user_id":"1"}"#,
    ));
    harness.receive(&message("pusher_internal:member_added", Some("presence-room"), "junk"));
    harness.receive(&message("e", Some("presence-room"), "{}"));
    harness.receive(&message("pusher:cache_miss", Some("presence-room"), "{}"));
    harness.receive(&message(
        "pusher_internal:subscription_count",
        Some("presence-room"),
        r#"{"subscription_count":2}"#,
    ));
    harness.session.trigger("presence-room", "client-a", &1, harness.now).unwrap();
    harness.drain();
    // It names neither channel nor event: only what was triggered can be meant.
    harness.receive(&object("pusher:error", None, json!({"code": 4301, "message": "no"})));
    harness.receive(&object("pusher:error", Some("presence-room"), json!({"message": "no"})));
    harness.close(4200);
    harness.establish();
    harness.succeed("presence-room");
    harness.close(4200);
    harness.establish();
    harness.receive(&message("pusher:subscription_error", Some("presence-room"), "{}"));
    let told = told(&mut harness);
    assert!(told.iter().all(|(name, id, _)| name == "presence-room" && *id == Some(room)));
    let wanted = [
        "Channel",
        "Subscribed",
        "SubscriptionFailed",
        "Gap",
        "SubscriptionCount",
        "CacheMiss",
        "ServerError",
        "Malformed",
        "LimitReached",
        "Presence",
    ];
    assert_eq!(kinds(&told), HashSet::from(wanted));
}

#[test]
fn an_encrypted_event_that_stays_closed_has_the_id_of_its_channel() {
    let mut harness = Harness::new(signing().master_key(&[7; 32]));
    harness.connect();
    let id = want(&mut harness, "private-encrypted-room");
    harness.drain();
    harness.succeed("private-encrypted-room");
    harness.receive(&object("e", Some("private-encrypted-room"), json!({"nonce": "junk"})));
    let told = told(&mut harness);
    assert_eq!(kinds(&told), HashSet::from(["Subscribed", "Undecryptable"]));
    assert!(told.iter().all(|(_, told, _)| *told == Some(id)));
}

#[test]
fn subscribing_to_what_is_wanted_returns_the_same_id_whatever_has_happened_to_it() {
    let mut harness = Harness::new(asking());
    let id = want(&mut harness, "private-room");
    assert_eq!(want(&mut harness, "private-room"), id, "not connected");
    harness.connect();
    let ticket = harness.requests().pop().map(|request| request.ticket);
    assert_eq!(want(&mut harness, "private-room"), id, "authorizing");
    harness.drain();
    if let Some(ticket) = ticket {
        let denied = AuthorizationError::refused(Some(403), "no");
        harness.session.handle_authorization(ticket, Err(denied), harness.now);
        harness.drain();
    }
    harness.close(4200);
    assert_eq!(want(&mut harness, "private-room"), id, "failed and lost");
    harness.session.retry("private-room", harness.now).unwrap();
    harness.session.disconnect(harness.now);
    harness.drain();
    assert_eq!(want(&mut harness, "private-room"), id, "disconnected");

    let mut harness = Harness::connected();
    let options = |user| SubscribeOptions::member(user);
    let mut subscribe = |user| {
        harness.session.subscribe("presence-room", &options(user), harness.now).unwrap().id()
    };
    assert_eq!(subscribe("1"), subscribe("2"), "with other member data");
}

#[test]
fn what_was_stored_before_a_channel_was_left_is_about_the_former_subscription() {
    for is_polled_between in [false, true] {
        let mut harness = Harness::connected();
        let former = want(&mut harness, "orders");
        harness.drain();
        let connection = harness.current();
        let bring = |harness: &mut Harness, text: &str| {
            harness.session.handle_slice(connection, text.as_bytes(), harness.now);
        };
        bring(&mut harness, &message("pusher_internal:subscription_succeeded", Some("orders"), ""));
        bring(&mut harness, &message("old", Some("orders"), "1"));
        // The server was told of it, so that the table keeps the channel until it is told the end.
        leave(&mut harness, "orders");
        if is_polled_between {
            while let Some(action) = harness.session.poll_action() {
                let is_frame = matches!(action, Action::Send(_));
                harness.actions.push(action);
                if is_frame {
                    break;
                }
            }
        }
        let present = want(&mut harness, "orders");
        assert_ne!(former, present);
        harness.drain();
        harness.succeed("orders");
        harness.receive(&message("new", Some("orders"), "2"));
        let ids: Vec<_> = told(&mut harness).into_iter().map(|(_, id, kind)| (id, kind)).collect();
        assert_eq!(
            ids,
            [
                (Some(former), "Subscribed"),
                (Some(former), "Channel"),
                (Some(present), "Subscribed"),
                (Some(present), "Channel"),
            ]
        );
    }
}

#[test]
fn what_a_server_says_of_a_client_event_is_about_the_subscription_that_sent_it() {
    let mut harness = Harness::connected();
    let former = want(&mut harness, "private-room");
    harness.drain();
    harness.succeed("private-room");
    harness.session.trigger("private-room", "client-a", &1, harness.now).unwrap();
    harness.drain();
    leave(&mut harness, "private-room");
    let present = want(&mut harness, "private-room");
    harness.drain();
    told(&mut harness);
    harness.receive(&object("pusher:error", None, json!({"code": 4301, "message": "client-a"})));
    assert_ne!(former, present);
    assert_eq!(told(&mut harness), [("private-room".into(), Some(former), "ServerError")]);
}

#[test]
fn a_place_that_is_used_again_has_another_id_and_places_stay_few() {
    let mut harness = Harness::connected();
    let kept = want(&mut harness, "kept");
    let mut ids = HashSet::from([kept]);
    for round in 0..100 {
        let channel = if round % 3 == 0 { "same".to_string() } else { format!("channel-{round}") };
        let id = want(&mut harness, &channel);
        assert!(id.slot() <= 1, "{id:?}");
        assert_ne!(id.slot(), kept.slot());
        assert!(ids.insert(id), "{id:?} was given before");
        if round % 2 == 0 {
            harness.drain();
        }
        leave(&mut harness, &channel);
        harness.drain();
    }
    assert_eq!(want(&mut harness, "kept"), kept);
}

#[test]
fn no_two_channels_that_are_wanted_at_a_time_share_a_place() {
    let mut harness = Harness::unrecorded(signing());
    let mut slots: Vec<usize> = Vec::new();
    for number in 0..1_000 {
        slots.push(want(&mut harness, &format!("channel-{number}")).slot());
    }
    slots.sort_unstable();
    assert_eq!(slots, (0..1_000).collect::<Vec<_>>());
}

#[test]
fn the_users_own_channel_is_of_a_kind_of_its_own_and_has_an_id_of_its_own() {
    let mut harness = Harness::connected();
    let other = want(&mut harness, "orders");
    harness.session.sign_in(Some(r#"{"id":"7"}"#), harness.now).unwrap();
    harness.drain();
    let confirmed = json!({"user_data": r#"{"id":"7"}"#}).to_string();
    harness.receive(&message("pusher:signin_success", None, &confirmed));
    harness.succeed("#server-to-user-7");
    harness.actions.clear();
    harness.receive(&message("mail", Some("#server-to-user-7"), "hello"));
    let events = harness.events();
    let [event] = &events[..] else { panic!("{events:?}") };
    let name = event.channel().expect("it is a channel's");
    assert_eq!(name.kind(), ChannelKind::User);
    assert!(!name.kind().is_signed() && !name.kind().allows_client_events());
    assert!(name.id().is_some() && name.id() != Some(other));
    assert_eq!(name.id(), harness.session.channel(name.as_str()).unwrap().name().id());
}

#[test]
fn what_is_about_no_channel_and_what_is_made_by_hand_has_no_id() {
    let mut harness = Harness::connected();
    harness.receive("not an object");
    harness.receive(&message("stray", None, "{}"));
    harness.close(4200);
    for action in &harness.actions {
        if let Action::Emit(event) = action {
            assert_eq!(event.channel_id(), None, "{event:?}");
        }
    }
    let channel = ChannelName::new("orders").unwrap();
    assert_eq!(channel.id(), None);
    assert_eq!(Event::Subscribed { channel }.channel_id(), None);
    let dropped = Event::LimitReached(LimitReached::StoredEvents { dropped: 1 });
    assert_eq!(dropped.channel_id(), None);
}

#[test]
fn an_id_shows_neither_in_names_nor_in_actions_nor_where_names_are_compared() {
    let mut harness = Harness::connected();
    let [first, second] = [(); 2].map(|()| {
        let options = SubscribeOptions::default();
        let name = harness.session.subscribe("orders", &options, harness.now).unwrap();
        leave(&mut harness, "orders");
        name
    });
    let plain = ChannelName::new("orders").unwrap();
    let hasher = RandomState::new();
    for name in [&first, &second] {
        assert_ne!(name.id(), None);
        assert_eq!(name, &plain);
        assert_eq!(name.cmp(&plain), std::cmp::Ordering::Equal);
        assert_eq!(hasher.hash_one(name), hasher.hash_one("orders"));
        assert_eq!(format!("{name:?} {name}"), r#""orders" orders"#);
    }
    assert_ne!(first.id(), second.id());

    // The same with other subscriptions before it: other ids, the same actions.
    let tell = |before: usize| {
        let mut harness = Harness::connected();
        for _ in 0..before {
            want(&mut harness, "orders");
            leave(&mut harness, "orders");
        }
        harness.drain();
        harness.actions.clear();
        let id = want(&mut harness, "orders");
        harness.drain();
        harness.succeed("orders");
        harness.receive(&message("e", Some("orders"), "{}"));
        harness.close(4200);
        harness.establish();
        harness.succeed("orders");
        (id, format!("{:?}", harness.events()))
    };
    let ((one, told), (other, told_again)) = (tell(0), tell(5));
    assert_ne!(one, other);
    assert_eq!(told, told_again);
}
