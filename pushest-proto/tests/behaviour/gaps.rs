//! What tells a user that events may have been missed.

use std::time::Duration;

use crate::harness::{Harness, message, succeeded};
use pushest_proto::{Action, Event, Loss, PresenceChange, PresenceUpdate};

#[test]
fn each_channel_gets_one_gap_at_its_own_confirmation() {
    let mut harness = Harness::connected();
    harness.subscribed("a");
    harness.subscribed("b");
    harness.pass_seconds(40);
    harness.receive(&message("last", Some("a"), "1"));
    harness.pass_seconds(20);
    harness.lose(Loss::reset("gone"));
    harness.actions.clear();
    let waited = harness.next_deadline();
    harness.establish();
    assert!(harness.events().is_empty());
    for channel in ["b", "a"] {
        harness.pass_seconds(1);
        harness.succeed(channel);
        harness.receive(&message("e", Some(channel), "1"));
        let events = harness.events();
        let [
            Event::Subscribed { .. },
            Event::Gap { channel: name, silent_for, cause, .. },
            Event::Channel(_),
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!(name, &channel);
        let since_established = Duration::from_secs(if channel == "b" { 1 } else { 2 });
        assert_eq!(*silent_for, Duration::from_secs(20) + waited + since_established);
        assert_eq!(**cause, Loss::reset("gone"));
    }
}

#[test]
fn a_channel_that_was_never_subscribed_has_no_gap() {
    let mut harness = Harness::connected();
    harness.subscribe("x");
    harness.close(4200);
    harness.establish();
    harness.succeed("x");
    assert!(matches!(&harness.events()[..], [Event::Subscribed { .. }]));
}

#[test]
fn a_gap_over_several_losses_begins_with_the_first() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.lose(Loss::reset("first"));
    let mut silent = harness.next_deadline();
    for _ in 0..3 {
        harness.establish();
        harness.lose(Loss::reset("again"));
        silent += harness.next_deadline();
    }
    harness.establish();
    harness.actions.clear();
    harness.succeed("x");
    let events = harness.events();
    let [_, Event::Gap { silent_for, cause, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(*silent_for, silent);
    assert_eq!(**cause, Loss::reset("first"));
}

#[test]
fn an_event_before_the_confirmation_comes_after_the_gap() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.close(4200);
    harness.establish();
    harness.receive(&message("early", Some("x"), "1"));
    harness.succeed("x");
    assert!(matches!(
        &harness.events()[..],
        [Event::Gap { .. }, Event::Channel(_), Event::Subscribed { .. }]
    ));
}

#[test]
fn every_loss_after_something_was_told_leaves_a_gap() {
    let gaps = |harness: &mut Harness| {
        let events = harness.events();
        events.iter().filter(|event| matches!(event, Event::Gap { .. })).count()
    };
    // Told before the confirmation, twice.
    let mut harness = Harness::connected();
    harness.subscribe("x");
    for _ in 0..3 {
        harness.receive(&message("early", Some("x"), "1"));
        harness.actions.clear();
        harness.close(4200);
        if harness.session.poll_timeout().is_some_and(|time| time > harness.now)
            && harness.connects() == 0
        {
            harness.next_deadline();
        }
        harness.establish();
        harness.receive(&message("early", Some("x"), "2"));
        assert_eq!(gaps(&mut harness), 1);
    }
    // Lost while the subscription was being made anew.
    let mut harness = Harness::connected();
    harness.subscribed("presence-x");
    harness.subscribe_as("presence-x", "another");
    harness.close(4200);
    harness.establish();
    harness.succeed("presence-x");
    assert_eq!(gaps(&mut harness), 1);
}

#[test]
fn silence_includes_the_time_in_which_nobody_read() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.session.handle_reading(false, harness.now);
    harness.pass_seconds(600);
    harness.session.handle_reading(true, harness.now);
    harness.pass_seconds(1);
    harness.close(4200);
    let away = harness.wait_for_retry();
    harness.establish();
    harness.actions.clear();
    harness.succeed("x");
    let events = harness.events();
    let [_, Event::Gap { silent_for, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(*silent_for, Duration::from_secs(601) + away);
}

#[test]
fn a_count_before_the_confirmation_comes_after_the_gap() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.close(4200);
    harness.establish();
    harness.actions.clear();
    let count = r#"{"subscription_count":3}"#;
    harness.receive(&message("pusher_internal:subscription_count", Some("x"), count));
    assert!(matches!(&harness.events()[..], [Event::Gap { .. }, Event::SubscriptionCount { .. }]));
}

#[test]
fn disconnecting_and_connecting_leaves_a_gap_and_unsubscribing_none() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.subscribed("y");
    harness.session.disconnect(harness.now);
    harness.drain();
    harness.session.unsubscribe("y", harness.now).unwrap();
    harness.subscribe("y");
    harness.connect();
    harness.succeed("x");
    harness.succeed("y");
    let events = harness.events();
    let [Event::Subscribed { .. }, Event::Gap { cause, .. }, Event::Subscribed { .. }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(**cause, Loss::Disconnected);
}

#[test]
fn at_a_presence_channel_the_order_is_subscribed_gap_reset_events() {
    let mut harness = Harness::connected();
    harness.subscribed("presence-x");
    harness.close(4200);
    harness.establish();
    harness.actions.clear();
    let list = r#"{"presence":{"ids":["me"],"hash":{"me":null},"count":1}}"#;
    harness.receive(&succeeded("presence-x", list));
    harness.receive(&message("e", Some("presence-x"), "1"));
    assert!(matches!(
        &harness.actions[..],
        [
            Action::Emit(Event::Subscribed { .. }),
            Action::Emit(Event::Gap { .. }),
            Action::UpdatePresence(PresenceUpdate { change: PresenceChange::Reset { .. }, .. }),
            Action::Emit(Event::Channel(_)),
        ]
    ));
}
