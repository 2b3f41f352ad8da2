//! Memory is bounded, and reaching a bound is told.

use crate::harness::{Harness, message, signing};
use pushest_proto::{
    CommandError, ConnectionState, Event, LimitReached, Limits, Loss, SubscribeOptions,
};

#[test]
fn the_oldest_events_go_when_nobody_polls_and_the_next_notice_counts_them() {
    let limits = Limits::default().stored_events(10);
    let mut harness = Harness::new(signing().limits(limits));
    harness.connect();
    harness.subscribed("x");
    let connection = harness.current();
    for number in 0..25 {
        let message = message("e", Some("x"), &number.to_string());
        harness.session.handle_slice(connection, message.as_bytes(), harness.now);
        assert!(harness.session.memory().stored_events <= 10);
    }
    harness.drain();
    let events = harness.events();
    let Event::LimitReached(LimitReached::StoredEvents { dropped: 15 }) = &events[0] else {
        panic!("{events:?}")
    };
    let texts: Vec<String> = events[1..]
        .iter()
        .map(|event| match event {
            Event::Channel(event) => event.text().into_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, (15..25).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(harness.session.memory().stored_bytes, 0);
    let statistics = harness.session.statistics();
    assert_eq!((statistics.dropped, statistics.events, statistics.reconnects), (15, 25, 0));
    harness.close(4200);
    harness.establish();
    assert_eq!(harness.session.statistics().reconnects, 1);
}

#[test]
fn events_are_bounded_in_bytes_too_and_changes_of_state_never_go() {
    let limits = Limits::default().stored_bytes(5_000);
    let mut harness = Harness::new(signing().limits(limits));
    harness.connect();
    harness.subscribed("x");
    let connection = harness.current();
    harness.session.subscribe("y", &SubscribeOptions::default(), harness.now).unwrap();
    for _ in 0..100 {
        let message = message("e", Some("x"), &"d".repeat(1_000));
        harness.session.handle_slice(connection, message.as_bytes(), harness.now);
        assert!(harness.session.memory().stored_bytes <= 5_000);
    }
    let huge = message("e", Some("x"), &"d".repeat(10_000));
    harness.session.handle_slice(connection, huge.as_bytes(), harness.now);
    harness.session.disconnect(harness.now);
    harness.drain();
    assert_eq!(harness.states(), [ConnectionState::Disconnected]);
    let events = harness.events();
    assert!(
        matches!(&events[..], [Event::LimitReached(LimitReached::StoredEvents { dropped: 101 })]),
        "{events:?}"
    );
}

#[test]
fn the_number_of_channels_is_bounded() {
    let limits = Limits::default().channels(2);
    let mut harness = Harness::new(signing().limits(limits));
    harness.subscribe("a");
    harness.subscribe("b");
    harness.subscribe("a");
    let plain = SubscribeOptions::default();
    let before = harness.session.state_hash();
    assert_eq!(
        harness.session.subscribe("c", &plain, harness.now),
        Err(CommandError::TooManyChannels { limit: 2 })
    );
    assert_eq!(harness.session.state_hash(), before);
    harness.session.unsubscribe("a", harness.now).unwrap();
    harness.subscribe("c");
    assert_eq!(harness.session.memory().channels, 2);
}

#[test]
fn a_hundred_thousand_channels_come_back_as_they_are_polled() {
    let mut harness = Harness::unrecorded(signing());
    let plain = SubscribeOptions::default();
    for number in 0..100_000 {
        harness.session.subscribe(&format!("c{number}"), &plain, harness.now).unwrap();
    }
    for _ in 0..2 {
        harness.connect_and_keep();
        assert_eq!(harness.sent().len(), 100_000);
        assert_eq!(harness.session.memory().outgoing_bytes, 0);
        harness.session.disconnect(harness.now);
        harness.drain();
    }
}

/// What a session holds shows in the long form of its `Debug`, whatever it is.
fn held(harness: &Harness) -> usize {
    format!("{:#?}", harness.session).len()
}

#[test]
fn channels_that_were_left_take_no_room() {
    let mut harness = Harness::connected();
    let visit = |harness: &mut Harness, number: usize| {
        let name = format!("private-{number:04}");
        harness.subscribed(&name);
        harness.session.unsubscribe(&name, harness.now).unwrap();
        harness.drain();
        harness.actions.clear();
    };
    visit(&mut harness, 0);
    let before = held(&harness);
    (1..500).for_each(|number| visit(&mut harness, number));
    // Counters have more digits.
    assert!(held(&harness) < before + 200, "{before}, then {}", held(&harness));
}

#[test]
fn pings_that_nobody_answers_and_nobody_waits_for_take_no_room() {
    let mut harness = Harness::connected();
    harness.session.handle_reading(false, harness.now);
    harness.pass_seconds(3 * 120);
    let before = held(&harness);
    harness.pass_seconds(500 * 120);
    assert_eq!(harness.sent().len(), 503);
    assert!(held(&harness) < before + 200, "{before}, then {}", held(&harness));
}

#[test]
fn a_channel_that_waits_for_a_connection_stands_in_no_queue() {
    let mut harness = Harness::new(signing());
    for number in 0..100 {
        harness.subscribe(&number.to_string());
    }
    let waiting = harness.session.memory().channel_bytes;
    harness.connect();
    assert!(harness.session.memory().channel_bytes > waiting);
    harness.close(4200);
    assert_eq!(harness.session.memory().channel_bytes, waiting);
}

#[test]
fn a_name_that_only_stored_events_keep_is_counted_once() {
    let mut harness = Harness::connected();
    let name = "x".repeat(100);
    harness.subscribed(&name);
    let bytes = |harness: &Harness| harness.session.memory().channel_bytes;
    let wanted = bytes(&harness);
    let connection = harness.current();
    for _ in 0..2 {
        let message = message("e", Some(&name), "1");
        harness.session.handle_slice(connection, message.as_bytes(), harness.now);
    }
    assert_eq!(bytes(&harness), wanted, "the channel has it");
    harness.session.unsubscribe(&name, harness.now).unwrap();
    harness.session.handle_close(connection, Loss::reset("gone"), harness.now);
    // Now it is another subscription's name, and no longer the one in the events.
    harness.session.subscribe(&name, &SubscribeOptions::default(), harness.now).unwrap();
    let stored = bytes(&harness);
    harness.drain();
    assert_eq!(harness.events().len(), 2);
    let counters = 2 * size_of::<usize>();
    assert_eq!(stored - bytes(&harness), counters + 100 + 16, "with what the allocator needs");
}
