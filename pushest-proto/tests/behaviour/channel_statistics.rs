//! What is counted of each channel, where that was asked for.

use std::time::Duration;

use crate::harness::{Harness, message, object, signing};
use pushest_proto::{ChannelStatistics, Loss, SubscribeOptions};
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);

impl Harness {
    fn counting() -> Self {
        let mut harness = Self::new(signing().channel_statistics(true));
        harness.connect();
        harness
    }

    fn of(&self, channel: &str) -> ChannelStatistics {
        self.session.channel(channel).unwrap().statistics(self.now).expect("it is counted")
    }
}

#[test]
fn nothing_is_counted_by_channel_unless_that_is_asked_for() {
    let mut harness = Harness::connected();
    harness.subscribed("a");
    harness.receive(&message("x", Some("a"), "1"));
    assert_eq!(harness.session.channel("a").unwrap().statistics(harness.now), None);
    assert_eq!(harness.session.statistics().events, 1);
}

#[test]
fn events_and_bytes_go_to_their_channel_and_together_they_are_all() {
    let mut harness = Harness::counting();
    harness.subscribed("a");
    harness.subscribed("b");
    assert_eq!(harness.of("a"), ChannelStatistics::default());
    let (short, long) = (message("x", Some("a"), "1"), message("x", Some("b"), &"1".repeat(900)));
    harness.receive(&short);
    harness.receive(&long);
    harness.receive(&short);
    harness.receive(&message("x", Some("never-wanted"), "1"));
    harness.receive(&object(
        "pusher_internal:subscription_count",
        Some("a"),
        json!({
            "subscription_count": 7
        }),
    ));
    let (a, b) = (harness.of("a"), harness.of("b"));
    assert_eq!((a.events, a.bytes), (2, 2 * short.len() as u64));
    assert_eq!((b.events, b.bytes), (1, long.len() as u64));
    assert_eq!(harness.session.statistics().events, a.events + b.events);
}

#[test]
fn the_last_event_has_an_age_that_other_messages_do_not_change() {
    let mut harness = Harness::counting();
    harness.subscribed("a");
    harness.subscribed("b");
    assert_eq!(harness.of("a").last_event, None);
    harness.receive(&message("x", Some("a"), "1"));
    assert_eq!(harness.of("a").last_event, Some(Duration::ZERO));
    harness.pass(3 * SECOND);
    harness.receive(&message("x", Some("b"), "1"));
    harness.receive(&object("pusher:ping", None, json!({})));
    harness.succeed("a");
    assert_eq!(harness.of("a").last_event, Some(3 * SECOND));
    assert_eq!(harness.of("b").last_event, Some(Duration::ZERO));
    assert_eq!(harness.of("b").last_event, Some(Duration::ZERO));
}

#[test]
fn counters_outlast_a_loss_and_have_its_gap() {
    let mut harness = Harness::counting();
    harness.subscribed("a");
    harness.receive(&message("x", Some("a"), "1"));
    harness.pass(4 * SECOND);
    harness.lose(Loss::reset("gone"));
    harness.establish();
    harness.succeed("a");
    let counted = harness.of("a");
    assert_eq!((counted.events, counted.gaps), (1, 1));
    assert_eq!(counted.gap_time, harness.session.statistics().gap_time);
    assert_eq!(counted.last_event, Some(counted.gap_time), "it was the last thing that came");
    harness.receive(&message("x", Some("a"), "1"));
    assert_eq!((harness.of("a").events, harness.of("a").gaps), (2, 1));
}

#[test]
fn a_gap_that_an_early_event_tells_counts_once() {
    let mut harness = Harness::counting();
    harness.subscribed("a");
    harness.lose(Loss::reset("gone"));
    harness.establish();
    harness.receive(&message("early", Some("a"), "1"));
    harness.succeed("a");
    assert_eq!((harness.of("a").gaps, harness.session.statistics().gaps), (1, 1));
}

#[test]
fn counters_go_with_the_channel_and_the_totals_stay() {
    let mut harness = Harness::counting();
    harness.subscribed("a");
    harness.receive(&message("x", Some("a"), "1"));
    harness.session.unsubscribe("a", harness.now).unwrap();
    // Before the server was told, so that the place in the table is the same.
    harness.session.subscribe("a", &SubscribeOptions::default(), harness.now).unwrap();
    assert_eq!(harness.of("a"), ChannelStatistics::default());
    harness.drain();
    harness.succeed("a");
    harness.receive(&message("x", Some("a"), "1"));
    assert_eq!((harness.of("a").events, harness.session.statistics().events), (1, 2));
    // Subscribed to twice it is the same subscription.
    harness.subscribe("a");
    assert_eq!(harness.of("a").events, 1);
}

#[test]
fn other_member_data_make_no_other_channel() {
    let mut harness = Harness::counting();
    harness.subscribed("presence-room");
    harness.receive(&message("x", Some("presence-room"), "1"));
    harness.subscribe_as("presence-room", "somebody else");
    harness.pass(SECOND);
    harness.succeed("presence-room");
    let counted = harness.of("presence-room");
    assert_eq!((counted.events, counted.gaps, counted.gap_time), (1, 1, SECOND));
}

#[test]
fn a_channels_state_begins_when_it_is_wanted_confirmed_and_lost() {
    let mut harness = Harness::counting();
    let since = |harness: &Harness| harness.session.channel("a").unwrap().state_since();
    harness.pass(SECOND);
    harness.subscribe("a");
    let wanted = harness.now;
    harness.pass(SECOND);
    assert_eq!(since(&harness), wanted);
    harness.succeed("a");
    let confirmed = harness.now;
    harness.pass(SECOND);
    harness.receive(&message("x", Some("a"), "1"));
    harness.subscribe("a");
    assert_eq!(since(&harness), confirmed);
    harness.lose(Loss::reset("gone"));
    let lost = harness.now;
    harness.establish();
    harness.pass(SECOND);
    assert_eq!(since(&harness), lost);
    harness.succeed("a");
    assert_eq!(since(&harness), harness.now);
}
