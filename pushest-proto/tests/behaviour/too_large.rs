//! What is too large costs itself: a message of the server, an authorization.

use std::time::Duration;

use crate::harness::{Harness, asking, message, signing};
use bytes::Bytes;
use pushest_proto::{
    Authorization, AuthorizationError, ChannelState, CommandError, ConnectionState, Event, Instant,
    Limits, Loss, MalformedReason, RequestFailure, SubscribeOptions,
};

fn small() -> Harness {
    let limits = Limits::default().message(1_000);
    let mut harness = Harness::new(signing().limits(limits));
    harness.connect();
    harness
}

/// The channel that a message over the limit was told to be for.
fn told_channel(harness: &mut Harness, message: &str) -> Option<String> {
    harness.receive(message);
    let events = harness.events();
    let [event @ Event::Malformed { problem, channel, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    let size = message.len();
    assert_eq!(*problem, MalformedReason::TooLarge { size, limit: 1_000 });
    assert_eq!(event.channel(), channel.as_ref());
    channel.as_ref().map(ToString::to_string)
}

#[test]
fn a_message_over_the_limit_is_told_with_its_size_and_its_channel_and_loses_nothing_else() {
    let mut harness = small();
    for channel in ["news", "private-x", "cache-é".trim_end_matches('é')] {
        harness.subscribed(channel);
    }
    let data = "x".repeat(2_000);
    let news = Some("news".to_string());
    assert_eq!(told_channel(&mut harness, &message("e", Some("news"), &data)), news);
    for (shape, channel) in [
        (format!(r#"{{"channel":"news","event":"e","data":"{data}"}}"#), news.clone()),
        (format!(r#"{{"event":"e","channel":"n\u0065ws","data":"{data}"}}"#), news.clone()),
        (
            format!(
                r#"{{"event":"e","data":{{"channel":"private-x"}},"channel":"news","x":"{data}"}}"#
            ),
            news,
        ),
        // Not ours, not the channel of the message, not in its beginning, or not a name.
        (format!(r#"{{"event":"e","channel":"other","data":"{data}"}}"#), None),
        (format!(r#"{{"event":"e","data":{{"channel":"news","x":"{data}"}}}}"#), None),
        (format!(r#"{{"event":"e","data":"{data}","channel":"news"}}"#), None),
        (format!(r#"{{"event":"e","channel":7,"data":"{data}"}}"#), None),
        (data.clone(), None),
        (format!("é{}", "é".repeat(600)), None),
    ] {
        assert_eq!(told_channel(&mut harness, &shape), channel, "{shape:.60}");
    }
    let statistics = harness.session.statistics();
    assert_eq!((statistics.connections, statistics.events), (1, 0));
    assert!(statistics.bytes > 18_000);
    harness.receive(&message("e", Some("news"), "small"));
    assert!(matches!(&harness.events()[..], [Event::Channel(_)]));
}

#[test]
fn a_message_over_the_limit_is_freed_before_anything_is_polled() {
    let mut harness = small();
    harness.subscribed("news");
    let large = Bytes::from(message("e", Some("news"), &"x".repeat(9_999)));
    harness.session.handle_message(harness.current(), large.clone(), harness.now);
    assert!(large.is_unique(), "the session holds on to it");
    assert!(harness.session.memory().stored_bytes < 1_000);
    harness.drain();
    let events = harness.events();
    let [Event::Malformed { message, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(message.len(), 512);
    assert!(large.is_unique(), "an event holds on to it");
}

#[test]
fn a_message_over_the_limit_is_told_alike_when_it_is_given_as_a_slice() {
    let large = message("e", Some("news"), &"x".repeat(9_999));
    let told = |by_slice: bool| {
        let mut harness = small();
        harness.subscribed("news");
        let connection = harness.current();
        if by_slice {
            harness.session.handle_slice(connection, large.as_bytes(), harness.now);
        } else {
            let message = Bytes::from(large.clone());
            harness.session.handle_message(connection, message, harness.now);
        }
        harness.drain();
        (harness.events(), harness.session.statistics(), harness.session.state_hash())
    };
    assert_eq!(format!("{:?}", told(true)), format!("{:?}", told(false)));
}

#[test]
fn a_list_of_members_over_the_limit_does_not_cost_the_subscription() {
    let ids: Vec<_> = (0..500).map(|number| number.to_string()).collect();
    let data = serde_json::json!({"presence": {"count": 500, "hash": {}, "ids": ids}}).to_string();
    let data = serde_json::to_string(&data).unwrap();
    let (event, channel) = ("pusher_internal:subscription_succeeded", "presence-x");
    // Each order in which a server may write them.
    for list in [
        format!(r#"{{"event":"{event}","channel":"{channel}","data":{data}}}"#),
        format!(r#"{{"channel":"{channel}","event":"{event}","data":{data}}}"#),
        format!(r#"{{"channel":"{channel}","data":{data},"event":"{event}"}}"#),
        format!(r#"{{"event":"{event}","data":{data},"channel":"{channel}"}}"#),
    ] {
        let mut harness = small();
        harness.subscribe_as(channel, "me");
        harness.subscribe("private-y");
        harness.receive(&list);
        let events = harness.events();
        let [Event::Subscribed { .. }, Event::Malformed { channel: Some(told), .. }] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!(told.as_str(), channel);
        let state = |name| harness.session.channel(name).unwrap().state();
        assert_eq!(state(channel), ChannelState::Subscribed);
        assert_eq!(state("private-y"), ChannelState::Subscribing);
    }
}

#[test]
fn a_gap_is_told_before_a_message_over_the_limit() {
    let mut harness = small();
    harness.subscribed("news");
    harness.close(4200);
    harness.establish();
    harness.events();
    harness.receive(&format!(r#"{{"event":"e","channel":"news","data":"{}"}}"#, "x".repeat(2_000)));
    let events = harness.events();
    assert!(matches!(&events[..], [Event::Gap { .. }, Event::Malformed { .. }]), "{events:?}");
}

#[test]
fn before_the_connection_is_established_a_message_over_the_limit_is_told_and_changes_nothing() {
    let limits = Limits::default().message(1_000);
    let mut harness = Harness::new(signing().limits(limits));
    harness.session.connect(harness.now);
    harness.drain();
    harness.open();
    assert_eq!(told_channel(&mut harness, &"x".repeat(2_000)), None);
    assert_eq!(harness.session.state(), ConnectionState::Connecting);
    let late = harness.current();
    harness.close(1001);
    harness.session.handle_slice(late, "x".repeat(2_000).as_bytes(), harness.now);
    harness.drain();
    assert!(harness.events().is_empty(), "that connection is gone");
}

/// Loses a connection that was established for so long to a message beyond the transport limit,
/// waits for the next one, and returns the pause.
fn pause_after_too_large(harness: &mut Harness, established_for: u64) -> Duration {
    harness.pass_seconds(established_for);
    harness.lose(Loss::TooLarge { limit: 16 });
    let changes = harness.state_changes();
    let change = changes.last().unwrap();
    let words = change.to_string();
    assert!(words.contains("limit of 16 bytes") && words.contains("transport_limit"), "{words}");
    let status = harness.session.status(harness.now).last_loss.unwrap().to_string();
    assert!(status.contains("transport_limit"), "{status}");
    let pause = change.retry_in.unwrap();
    harness.pass(pause);
    harness.establish();
    pause
}

#[test]
fn messages_beyond_the_transport_limit_make_the_pauses_grow_however_long_each_connection_stood() {
    let mut longest = [Duration::ZERO; 6];
    for seed in 0..60 {
        let mut harness = Harness::with_seed(signing(), seed);
        harness.connect();
        for longest in &mut longest {
            // Longer than what otherwise makes a connection a stable one.
            *longest = pause_after_too_large(&mut harness, 15).max(*longest);
        }
    }
    for (failure, longest) in longest.iter().enumerate() {
        let ceiling = Duration::from_secs((1 << failure).min(30));
        assert!(*longest <= ceiling && *longest > ceiling.mul_f64(0.8), "{failure}: {longest:?}");
    }
}

#[test]
fn a_minute_without_a_message_beyond_the_transport_limit_makes_the_next_one_a_first_one() {
    for seed in 0..60 {
        let mut harness = Harness::with_seed(signing(), seed);
        harness.connect();
        for _ in 0..4 {
            assert!(pause_after_too_large(&mut harness, 61) <= Duration::from_secs(1));
            assert_eq!(harness.session.status(harness.now).attempt, 2);
        }
    }
}

#[test]
fn an_authorization_larger_than_one_may_be_fails_its_channel_for_good() {
    let large = |size: usize| "5ecret".repeat(size / 6 + 1);
    let data = |size: usize| serde_json::json!({"user_id": "me", "x": large(size)}).to_string();
    for (channel, granted, field, limit) in [
        ("private-x", Authorization::new(large(1_024)), "auth", 1_024),
        ("private-x", Authorization::new(large(1_000_000)), "auth", 1_024),
        (
            "presence-x",
            Authorization::new("key:5f").channel_data(data(16 * 1_024)),
            "channel_data",
            16 * 1_024,
        ),
        (
            "private-encrypted-x",
            Authorization::new("key:5f").shared_secret(large(64)),
            "shared_secret",
            64,
        ),
    ] {
        let mut harness = Harness::new(asking());
        harness.connect();
        harness.subscribe(channel);
        harness.subscribe("private-other");
        let requests = harness.requests();
        let (first, second) = (requests[0].ticket, requests[1].ticket);
        harness.session.handle_authorization(first, Ok(granted), harness.now);
        let other = Authorization::new("key:5f00");
        harness.session.handle_authorization(second, Ok(other), harness.now);
        harness.drain();
        let events = harness.events();
        let [Event::SubscriptionFailed { channel: failed, reason, retry_in: None }] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!(failed.as_str(), channel);
        assert!(
            matches!(
                reason,
                RequestFailure::AuthorizationRefused(AuthorizationError::Refused { .. })
            ),
            "{reason:?}"
        );
        let words = reason.to_string();
        let names_all = words.contains(&format!("`{field}`")) && words.contains(&limit.to_string());
        assert!(names_all && !words.contains("5ecret"), "{words}");
        assert!(!harness.recording().contains("5ecret"), "it is in the recording");
        let sent = harness.sent();
        assert_eq!(sent.len(), 1, "only the other channel is subscribed to: {sent:?}");
        harness.close(4200);
        harness.establish();
        let asked = harness.requests();
        assert_eq!(asked.len(), 1, "it is not asked for again");
    }
}

#[test]
fn an_authorization_of_exactly_the_limits_is_used() {
    let mut harness = Harness::new(asking());
    harness.connect();
    let padding = "x".repeat(16 * 1_024 - r#"{"user_id":"me","x":""}"#.len());
    let data = format!(r#"{{"user_id":"me","x":"{padding}"}}"#);
    assert_eq!(data.len(), 16 * 1_024);
    harness.subscribe("presence-x");
    let granted = Authorization::new("a".repeat(1_024)).channel_data(data);
    let ticket = harness.requests()[0].ticket;
    harness.session.handle_authorization(ticket, Ok(granted), harness.now);
    harness.drain();
    assert_eq!(harness.sent().len(), 1);
    assert!(harness.events().is_empty());
}

#[test]
fn the_limit_of_signed_data_can_be_raised() {
    let limits = Limits::default().signed_data(100_000);
    let mut harness = Harness::new(asking().limits(limits));
    harness.connect();
    harness.subscribe("presence-x");
    let data = serde_json::json!({"user_id": "me", "x": "x".repeat(50_000)}).to_string();
    let granted = Authorization::new("key:5f00").channel_data(data);
    let ticket = harness.requests()[0].ticket;
    harness.session.handle_authorization(ticket, Ok(granted), harness.now);
    harness.drain();
    assert_eq!(harness.sent().len(), 1);
}

#[test]
fn a_sign_in_whose_authorization_is_too_large_fails_for_good_and_the_channels_stay() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribed("news");
    harness.session.sign_in(None, harness.now).unwrap();
    harness.drain();
    let ticket = harness.requests()[0].ticket;
    let data = serde_json::json!({"id": "me", "x": "5ecret".repeat(3_000)}).to_string();
    let granted = Authorization::new("key:5f00").user_data(data);
    harness.session.handle_authorization(ticket, Ok(granted), harness.now);
    harness.drain();
    let events = harness.events();
    let [Event::SignInFailed { reason, retry_in: None }] = &events[..] else {
        panic!("{events:?}")
    };
    let words = reason.to_string();
    assert!(words.contains("`user_data`") && !words.contains("5ecret"), "{words}");
    assert!(harness.sent().is_empty());
    harness.close(4200);
    harness.establish();
    assert!(harness.requests().is_empty());
}

#[test]
fn what_the_user_gives_to_be_signed_is_bounded_like_what_an_authorizer_grants() {
    let mut harness = Harness::connected();
    let before = harness.session.state_hash();
    let info = format!("\"{}\"", "x".repeat(16 * 1_024));
    let options = SubscribeOptions::member("me").info(&info);
    let refused = harness.session.subscribe("presence-x", &options, harness.now);
    assert!(matches!(refused, Err(CommandError::TooLarge { limit: 16_384, .. })), "{refused:?}");
    let data = serde_json::json!({"id": "me", "x": "x".repeat(16 * 1_024)}).to_string();
    let refused = harness.session.sign_in(Some(&data), harness.now);
    assert!(matches!(refused, Err(CommandError::TooLarge { limit: 16_384, .. })), "{refused:?}");
    assert_eq!(harness.session.state_hash(), before);
}

#[test]
fn the_end_of_time_is_not_reached_by_a_message_beyond_the_transport_limit() {
    let mut harness = Harness::connected();
    harness.now = Instant::from_micros(u64::MAX);
    harness.lose(Loss::TooLarge { limit: 16 });
    assert_eq!(harness.session.state(), ConnectionState::Waiting);
}

#[test]
fn a_list_over_the_limit_that_names_no_channel_confirms_only_the_one_that_waits_for_a_list() {
    let data = serde_json::to_string(&"x".repeat(2_000)).unwrap();
    let list = format!(r#"{{"event":"pusher_internal:subscription_succeeded","data":{data}}}"#);
    for (presence, told) in [
        (&[][..], None),
        (&["presence-a", "presence-b"], None),
        (&["presence-a"], Some("presence-a")),
    ] {
        let mut harness = small();
        harness.subscribe("private-x");
        for channel in presence {
            harness.subscribe_as(channel, "me");
        }
        harness.receive(&list);
        let events = harness.events();
        let Some(Event::Malformed { channel, .. }) = events.last() else { panic!("{events:?}") };
        assert_eq!(channel.as_ref().map(|channel| channel.as_str()), told);
        for view in harness.session.wanted_channels() {
            let is_confirmed = Some(view.name().as_str()) == told;
            assert_eq!(view.state() == ChannelState::Subscribed, is_confirmed, "{}", view.name());
        }
    }
}
