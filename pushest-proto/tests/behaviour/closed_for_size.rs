//! A server that closes with 1009 (too big) closes for one frame of ours: that fails, and nothing
//! else.

use crate::harness::{Harness, object, signing};
use pushest_proto::{
    ChannelState, ConnectionState, DialFailure, Endpoint, Event, Loss, RequestFailure,
    SubscribeOptions,
};

const TOO_BIG: u16 = 1009;

/// Ten presence channels, of which the one at this place has a member info of 9,000 bytes.
fn ten(harness: &mut Harness, guilty: usize) -> Vec<String> {
    let names: Vec<String> = (0..10).map(|number| format!("presence-{number}")).collect();
    for (place, name) in names.iter().enumerate() {
        let options = SubscribeOptions::member("me");
        let info = format!("\"{}\"", "x".repeat(9_000));
        let options = if place == guilty { options.info(&info) } else { options };
        harness.session.subscribe(name, &options, harness.now).unwrap();
    }
    harness.drain();
    names
}

/// Plays a server that closes with 1009 at the first frame over 1,000 bytes and confirms all
/// before it, until it has nothing to close for. Returns how often it closed.
fn serve(harness: &mut Harness, confirms: bool) -> usize {
    for closes in 0.. {
        let mut is_too_big = false;
        for frame in harness.sent() {
            if frame.len() > 1_000 {
                is_too_big = true;
                break;
            }
            let frame: serde_json::Value = serde_json::from_str(&frame).unwrap();
            match frame["event"].as_str() {
                Some("pusher:subscribe") if confirms => {
                    harness.succeed(frame["data"]["channel"].as_str().unwrap());
                }
                Some("pusher:signin") => {
                    let data = serde_json::json!({"user_data": frame["data"]["user_data"]});
                    harness.receive(&object("pusher:signin_success", None, data));
                }
                _ => {}
            }
        }
        if !is_too_big {
            return closes;
        }
        harness.close(TOO_BIG);
        harness.next_deadline();
        harness.establish();
    }
    unreachable!("it closes at most a few times")
}

#[test]
fn of_ten_channels_the_one_whose_subscribe_the_server_will_not_read_fails_wherever_it_stands() {
    for guilty in [0, 1, 4, 5, 8, 9] {
        for confirms in [true, false] {
            let mut harness = Harness::new(signing());
            let names = ten(&mut harness, guilty);
            harness.connect_and_keep();
            assert_eq!(serve(&mut harness, confirms), 2, "{guilty}");
            let failed: Vec<_> = harness
                .events()
                .into_iter()
                .filter_map(|event| match event {
                    Event::SubscriptionFailed { channel, reason, retry_in: None } => {
                        Some((channel.to_string(), reason))
                    }
                    _ => None,
                })
                .collect();
            let [(channel, reason)] = &failed[..] else { panic!("{guilty}: {failed:?}") };
            assert_eq!(*channel, names[guilty]);
            assert!(matches!(reason, RequestFailure::TooLarge { bytes: 9_000.. }), "{reason:?}");
            assert!(reason.to_string().contains("1009"), "{reason}");
            if !confirms {
                names
                    .iter()
                    .enumerate()
                    .filter(|(place, _)| *place != guilty)
                    .for_each(|(_, name)| harness.succeed(name));
            }
            for (place, name) in names.iter().enumerate() {
                let view = harness.session.channel(name).unwrap();
                let expected =
                    if place == guilty { ChannelState::Failed } else { ChannelState::Subscribed };
                assert_eq!(view.state(), expected, "{name}, where {guilty} is guilty");
            }
            // It stays so on later connections, until the user asks.
            harness.close(4200);
            harness.establish();
            assert_eq!(serve(&mut harness, true), 0);
            harness.session.retry(&names[guilty], harness.now).unwrap();
            harness.drain();
            assert_eq!(serve(&mut harness, true), 2);
        }
    }
}

#[test]
fn two_channels_that_the_server_will_not_read_fail_one_after_the_other() {
    let mut harness = Harness::new(signing());
    let names = ten(&mut harness, 3);
    let info = format!("\"{}\"", "x".repeat(5_000));
    let options = SubscribeOptions::member("me").info(&info);
    harness.session.subscribe(&names[6], &options, harness.now).unwrap();
    harness.connect_and_keep();
    let closes = serve(&mut harness, true);
    assert!(closes <= 4, "{closes}");
    let state = |name: &String| harness.session.channel(name).unwrap().state();
    let failed: Vec<_> = names.iter().filter(|name| state(name) == ChannelState::Failed).collect();
    assert_eq!(failed, [&names[3], &names[6]]);
    let is_subscribed = |name: &&String| state(name) == ChannelState::Subscribed;
    assert_eq!(names.iter().filter(is_subscribed).count(), 8);
}

#[test]
fn one_close_for_size_or_two_with_another_between_them_fail_nothing() {
    let mut harness = Harness::new(signing());
    let names = ten(&mut harness, 4);
    harness.connect_and_keep();
    for code in [TOO_BIG, 1001, TOO_BIG, 4200, TOO_BIG] {
        harness.close(code);
        if harness.session.state() == ConnectionState::Waiting {
            harness.next_deadline();
        }
        harness.establish();
    }
    assert!(harness.events().is_empty());
    for name in &names {
        assert_eq!(harness.session.channel(name).unwrap().state(), ChannelState::Subscribing);
    }
}

#[test]
fn a_dial_that_fails_between_two_closes_for_size_changes_nothing() {
    let mut harness = Harness::new(signing());
    ten(&mut harness, 4);
    harness.connect_and_keep();
    harness.close(TOO_BIG);
    harness.next_deadline();
    harness.lose(Loss::Dial(DialFailure::Timeout));
    harness.next_deadline();
    harness.establish();
    harness.lose(Loss::bad_close(Some(TOO_BIG), "its reason is not UTF-8: \u{fffd}"));
    let events = harness.events();
    assert!(
        matches!(&events[..], [Event::SubscriptionFailed { channel, .. }] if *channel == *"presence-4"),
        "{events:?}"
    );
}

#[test]
fn a_sign_in_that_the_server_will_not_read_fails_and_no_channel() {
    let mut harness = Harness::new(signing());
    let ids: Vec<_> = (0..100).map(|number| format!("user-number-{number}")).collect();
    let data = serde_json::json!({"id": "me", "watchlist": ids}).to_string();
    harness.session.sign_in(Some(&data), harness.now).unwrap();
    for channel in ["private-a", "private-b", "news"] {
        harness.subscribe(channel);
    }
    harness.connect_and_keep();
    assert_eq!(serve(&mut harness, true), 2);
    let failed: Vec<_> = harness
        .events()
        .into_iter()
        .filter(|event| {
            matches!(event, Event::SubscriptionFailed { .. } | Event::SignInFailed { .. })
        })
        .collect();
    let [Event::SignInFailed { reason: RequestFailure::TooLarge { bytes }, retry_in: None }] =
        &failed[..]
    else {
        panic!("{failed:?}")
    };
    assert!(*bytes > 1_000);
    for channel in ["private-a", "private-b", "news"] {
        assert_eq!(harness.session.channel(channel).unwrap().state(), ChannelState::Subscribed);
    }
    harness.close(4200);
    harness.establish();
    assert_eq!(serve(&mut harness, true), 0);
    harness.session.sign_in(Some(r#"{"id":"me"}"#), harness.now).unwrap();
    harness.drain();
    assert_eq!(serve(&mut harness, true), 0);
    assert_eq!(harness.session.signed_in_user(), Some("me"));
}

#[test]
fn a_client_event_that_the_server_will_not_read_fails_nothing() {
    let mut harness = Harness::connected();
    harness.subscribed("private-a");
    for _ in 0..5 {
        // Others wait for their answers while it is sent.
        harness.subscribe("private-b");
        let data = "x".repeat(5_000);
        harness.session.trigger("private-a", "client-large", &data, harness.now).unwrap();
        harness.drain();
        harness.close(TOO_BIG);
        harness.next_deadline();
        harness.establish();
        harness.succeed("private-a");
    }
    let failed = |event: &Event| matches!(event, Event::SubscriptionFailed { .. });
    assert!(!harness.events().iter().any(failed));
    harness.succeed("private-b");
    assert_eq!(harness.session.channel("private-b").unwrap().state(), ChannelState::Subscribed);
}

#[test]
fn a_channel_that_was_not_asked_for_at_the_first_close_is_not_taken_for_the_guilty_one() {
    let mut harness = Harness::new(signing());
    harness.subscribe("private-long-name-of-a-channel");
    harness.connect_and_keep();
    harness.close(TOO_BIG);
    harness.next_deadline();
    harness.session.unsubscribe("private-long-name-of-a-channel", harness.now).unwrap();
    harness.subscribe("private-new");
    harness.establish();
    harness.close(TOO_BIG);
    assert!(harness.events().is_empty());
}

#[test]
fn closes_for_size_are_those_of_one_server() {
    for is_waiting in [true, false] {
        let mut harness = Harness::new(signing());
        harness.subscribe("private-a");
        harness.connect_and_keep();
        harness.close(TOO_BIG);
        if !is_waiting {
            harness.next_deadline();
        }
        harness.session.set_endpoint(Endpoint::new("elsewhere").unwrap(), harness.now);
        harness.drain();
        harness.establish();
        harness.close(TOO_BIG);
        assert!(harness.events().is_empty());
    }
}

#[test]
fn a_subscribe_of_a_channel_that_was_left_fails_no_other() {
    let mut harness = Harness::new(signing());
    harness.session.sign_in(Some(r#"{"id":"me"}"#), harness.now).unwrap();
    harness.subscribe("private-a");
    harness.connect_and_keep();
    for _ in 0..4 {
        let info = format!("\"{}\"", "x".repeat(5_000));
        let options = SubscribeOptions::member("me").info(&info);
        harness.session.subscribe("presence-x", &options, harness.now).unwrap();
        harness.drain();
        harness.session.unsubscribe("presence-x", harness.now).unwrap();
        harness.drain();
        harness.close(TOO_BIG);
        harness.next_deadline();
        harness.establish();
    }
    let events = harness.events();
    assert!(events.is_empty(), "{events:?}");
}

#[test]
fn of_a_channel_and_a_sign_in_of_the_same_size_the_channel_fails_first() {
    let user = r#"{"id":"a-user-with-a-long-id-so-that-the-frame-is-long"}"#;
    let mut harness = Harness::new(signing());
    harness.session.sign_in(Some(user), harness.now).unwrap();
    harness.connect_and_keep();
    let sign_in = harness.sent().remove(0).len();
    harness.subscribe("private-");
    let subscribe = harness.sent().remove(0).len();
    let channel = format!("private-{}", "x".repeat(sign_in - subscribe));
    let mut harness = Harness::new(signing());
    harness.session.sign_in(Some(user), harness.now).unwrap();
    harness.subscribe(&channel);
    harness.connect_and_keep();
    assert_eq!(harness.sent().iter().map(String::len).collect::<Vec<_>>(), [sign_in; 2]);
    harness.close(TOO_BIG);
    harness.establish();
    assert!(harness.events().is_empty());
    for is_first in [true, false] {
        harness.close(TOO_BIG);
        let events = harness.events();
        match &events[..] {
            [Event::SubscriptionFailed { .. }] if is_first => {}
            [Event::SignInFailed { .. }] if !is_first => {}
            other => panic!("{other:?}"),
        }
        harness.establish();
    }
}
