//! What a driver says of how far it has read bounds what a gap may hold.

use std::time::Duration;

use crate::harness::{Harness, PONG, established, message, signing};
use pushest_proto::{ConnectionId, Event, Instant, Loss, SubscribeOptions};

const SECOND: Duration = Duration::from_secs(1);

impl Harness {
    /// The driver has read everything that has arrived by now.
    pub(crate) fn caught_up(&mut self) {
        let (connection, now) = (self.current(), self.now);
        self.session.handle_caught_up(connection, now);
        assert!(self.session.poll_action().is_none());
    }

    /// The driver has read one event.
    pub(crate) fn event(&mut self, channel: &str) {
        self.receive(&message("e", Some(channel), "1"));
        self.actions.clear();
    }

    /// A ping that is answered after this many seconds.
    pub(crate) fn ponged_after(&mut self, seconds: u64) {
        self.session.ping(self.now).unwrap();
        self.drain();
        self.pass_seconds(seconds);
        self.receive(PONG);
    }

    /// The connection is lost and made again; returns when the gap begins.
    pub(crate) fn gap(&mut self, channel: &str) -> Instant {
        self.lose(Loss::reset("gone"));
        self.gap_of_lost(channel)
    }

    fn gap_of_lost(&mut self, channel: &str) -> Instant {
        self.establish();
        self.actions.clear();
        self.succeed(channel);
        let events = self.events();
        let gap = events.iter().find_map(|event| match event {
            Event::Gap { silent_for, since: None, .. } => Some(*silent_for),
            _ => None,
        });
        let silent_for = gap.unwrap_or_else(|| panic!("{events:?}"));
        let micros = self.now.as_micros() - u64::try_from(silent_for.as_micros()).unwrap();
        Instant::from_micros(micros)
    }
}

/// A session that was read up to now, a long time after it subscribed to `x`.
pub(crate) fn read_up_to_now() -> Harness {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.pass_seconds(100);
    harness.caught_up();
    harness
}

#[test]
fn what_arrived_and_was_not_read_is_no_time_that_nothing_was_missed_in() {
    let mut harness = read_up_to_now();
    let read = harness.now;
    // The receiver pauses; the server sends, closes, and only what was read before is handed in.
    harness.pass_seconds(15);
    harness.event("x");
    harness.event("x");
    assert_eq!(harness.gap("x"), read);
    // A session that is never told cannot know.
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.pass_seconds(115);
    harness.event("x");
    let last = harness.now;
    assert_eq!(harness.gap("x"), last);
}

#[test]
fn reads_of_a_path_that_has_gone_dark_shorten_no_gap() {
    let mut harness = read_up_to_now();
    let read = harness.now;
    harness.pass_seconds(5);
    harness.event("x");
    for _ in 0..50 {
        harness.caught_up();
        harness.pass_seconds(1);
    }
    assert_eq!(harness.gap("x"), read);
}

#[test]
fn each_message_makes_the_last_read_before_it_count() {
    let mut harness = read_up_to_now();
    let mut before = harness.now;
    for _ in 0..5 {
        harness.pass_seconds(3);
        harness.event("x");
        harness.event("x");
        before = harness.now;
        harness.caught_up();
    }
    harness.pass_seconds(3);
    // A sign of life has come after everything that the server sent before it, too.
    harness.session.handle_activity(harness.current(), harness.now);
    assert_eq!(harness.gap("x"), before);
    let mut harness = read_up_to_now();
    let before = harness.now;
    harness.pass_seconds(3);
    let limit = harness.session.config().limits().message;
    harness.receive(&" ".repeat(limit + 1));
    assert_eq!(harness.gap("x"), before);
}

#[test]
fn a_read_that_was_handed_in_late_counts_for_when_it_was() {
    let mut harness = read_up_to_now();
    harness.pass_seconds(10);
    let read = harness.now;
    harness.event("x");
    // The rest of that read waits for its receiver, and other inputs have later times.
    harness.pass_seconds(30);
    harness.event("x");
    harness.session.handle_caught_up(harness.current(), read);
    harness.pass_seconds(1);
    harness.event("x");
    assert_eq!(harness.gap("x"), read);
}

#[test]
fn an_older_moment_takes_nothing_back_and_one_in_the_future_promises_nothing() {
    let mut harness = read_up_to_now();
    let read = harness.now;
    let connection = harness.current();
    harness.session.handle_caught_up(connection, Instant::ORIGIN);
    harness.pass_seconds(1);
    harness.event("x");
    assert_eq!(harness.gap("x"), read);
    // What comes after it shows that it was no such moment.
    let mut harness = read_up_to_now();
    harness.session.handle_caught_up(harness.current(), Instant::from_micros(u64::MAX));
    harness.pass_seconds(7);
    harness.event("x");
    let arrived = harness.now;
    harness.pass_seconds(7);
    harness.event("x");
    assert_eq!(harness.gap("x"), arrived);
}

#[test]
fn it_makes_no_action_moves_no_timer_and_not_the_clock() {
    let mut harness = read_up_to_now();
    let before = harness.session.poll_timeout();
    let late = harness.now + Duration::from_secs(3_600);
    harness.session.handle_caught_up(harness.current(), late);
    assert!(harness.session.poll_action().is_none());
    assert_eq!(harness.session.poll_timeout(), before);
    // A clock that had been moved would end a subscribe that has just been sent.
    harness.subscribe("y");
    let deadline = harness.session.poll_timeout().unwrap();
    assert!(deadline <= harness.now + 10 * SECOND, "{deadline:?}");
}

#[test]
fn what_is_said_of_a_former_connection_is_ignored() {
    let mut harness = read_up_to_now();
    let (former, read) = (harness.current(), harness.now);
    harness.lose(Loss::reset("gone"));
    let hash = harness.session.state_hash();
    harness.session.handle_caught_up(former, harness.now + SECOND);
    assert_eq!(harness.session.state_hash(), hash);
    harness.wait_for_retry();
    // Neither is one whose WebSocket is not open yet.
    let hash = harness.session.state_hash();
    harness.session.handle_caught_up(harness.current(), harness.now);
    assert_eq!(harness.session.state_hash(), hash);
    harness.session.handle_caught_up(former, harness.now);
    assert_eq!(harness.session.state_hash(), hash);
    assert_eq!(harness.gap_of_lost("x"), Instant::from_micros(1_000_000), "before {read:?}");
}

#[test]
fn a_connection_on_which_it_is_never_said_counts_from_its_last_message() {
    let mut harness = read_up_to_now();
    harness.event("x");
    harness.gap("x");
    harness.pass_seconds(20);
    harness.event("x");
    let last = harness.now;
    harness.pass_seconds(20);
    assert_eq!(harness.gap("x"), last);
}

#[test]
fn said_for_the_first_time_after_the_last_message_it_counts_from_the_opening() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    let subscribed = harness.now;
    harness.pass_seconds(50);
    harness.event("x");
    harness.pass_seconds(50);
    harness.caught_up();
    assert_eq!(harness.gap("x"), subscribed);
}

#[test]
fn what_may_be_under_way_takes_the_longest_round_trip() {
    let mut harness = read_up_to_now();
    harness.ponged_after(1);
    harness.ponged_after(4);
    harness.ponged_after(2);
    harness.caught_up();
    let read = harness.now;
    harness.pass_seconds(20);
    harness.event("x");
    let began = harness.gap("x");
    assert_eq!(read.saturating_duration_since(began), 4 * SECOND);
    // It belongs to the connection that it was measured on.
    harness.pass_seconds(60);
    harness.caught_up();
    let read = harness.now;
    harness.pass_seconds(1);
    harness.event("x");
    assert_eq!(harness.gap("x"), read);
}

#[test]
fn a_subscription_is_a_round_trip_too() {
    let mut harness = read_up_to_now();
    harness.subscribe("y");
    harness.pass_seconds(3);
    harness.succeed("y");
    harness.pass_seconds(60);
    harness.caught_up();
    let read = harness.now;
    harness.pass_seconds(1);
    harness.event("x");
    assert_eq!(read.saturating_duration_since(harness.gap("x")), 3 * SECOND);
}

#[test]
fn a_ping_that_had_no_pong_when_everything_was_read_is_a_longer_round_trip() {
    let mut harness = read_up_to_now();
    harness.session.ping(harness.now).unwrap();
    harness.drain();
    harness.pass_seconds(6);
    harness.caught_up();
    let read = harness.now;
    harness.pass_seconds(1);
    harness.event("x");
    // What passes after that was not measured: the path may have gone dark.
    harness.pass_seconds(20);
    assert_eq!(read.saturating_duration_since(harness.gap("x")), 6 * SECOND);
    // A server that answers no ping at all does not make the gap longer than the pong timeout.
    let mut harness = read_up_to_now();
    harness.session.ping(harness.now).unwrap();
    harness.drain();
    for _ in 0..60 {
        harness.pass_seconds(1);
        harness.event("x");
    }
    harness.caught_up();
    let read = harness.now;
    harness.event("x");
    assert_eq!(read.saturating_duration_since(harness.gap("x")), 30 * SECOND);
}

#[test]
fn the_round_trips_of_pings_that_overtake_each_other_are_not_too_short() {
    let mut harness = read_up_to_now();
    for _ in 0..2 {
        harness.session.handle_network_change(harness.now);
        harness.drain();
        harness.pass_seconds(4);
        harness.event("x");
    }
    harness.receive(PONG);
    harness.caught_up();
    let emptied = harness.now;
    harness.event("x");
    assert_eq!(emptied.saturating_duration_since(harness.gap("x")), 8 * SECOND);
}

#[test]
fn a_gap_does_not_begin_before_the_channel_was_asked_for() {
    let mut harness = read_up_to_now();
    harness.pass_seconds(10);
    harness.subscribe("late");
    let asked = harness.now;
    harness.pass_seconds(1);
    // Everything that came since the last read that was said to be empty.
    harness.succeed("late");
    harness.event("late");
    harness.actions.clear();
    assert_eq!(harness.gap("late"), asked);
    harness.actions.clear();
    // A subscription that the user makes anew is the same one to the user.
    let mut harness = Harness::connected();
    harness.subscribe_as("presence-x", "me");
    let asked = harness.now;
    harness.succeed("presence-x");
    harness.pass_seconds(50);
    harness.subscribe_as("presence-x", "another");
    harness.caught_up();
    harness.event("presence-x");
    harness.lose(Loss::reset("gone"));
    let began = harness.gap_of_lost("presence-x");
    assert!(began >= asked && began <= asked + 50 * SECOND, "{began:?}");
}

#[test]
fn a_gap_over_several_losses_begins_with_what_was_read_before_the_first() {
    let mut harness = read_up_to_now();
    let read = harness.now;
    harness.pass_seconds(5);
    harness.event("x");
    harness.lose(Loss::reset("first"));
    for _ in 0..3 {
        harness.establish();
        harness.caught_up();
        harness.receive(&established("1.2", 120));
        harness.caught_up();
        harness.lose(Loss::reset("again"));
    }
    assert_eq!(harness.gap_of_lost("x"), read);
}

#[test]
fn every_end_of_a_connection_leaves_the_same_gap() {
    let ends: [fn(&mut Harness); 4] = [
        |harness| harness.close(4200),
        |harness| {
            harness.session.disconnect(harness.now);
            harness.drain();
            harness.session.connect(harness.now);
            harness.drain();
        },
        |harness| {
            let endpoint = harness.endpoint.clone().unwrap();
            harness.session.set_endpoint(endpoint, harness.now);
            harness.drain();
        },
        // No pong comes.
        |harness| harness.pass_seconds(200),
    ];
    for end in ends {
        let mut harness = read_up_to_now();
        let read = harness.now;
        harness.pass_seconds(5);
        harness.event("x");
        harness.caught_up();
        end(&mut harness);
        assert_eq!(harness.gap_of_lost("x"), read);
    }
}

#[test]
fn a_recording_has_a_line_only_for_what_changes_something() {
    let lines = |harness: &Harness| harness.recording().matches("caught_up").count();
    let mut harness = read_up_to_now();
    assert_eq!(lines(&harness), 1);
    for _ in 0..10 {
        harness.caught_up();
        harness.session.handle_caught_up(harness.current(), Instant::ORIGIN);
    }
    assert_eq!(lines(&harness), 1);
    let former: ConnectionId = harness.current();
    harness.gap("x");
    harness.session.handle_caught_up(former, harness.now);
    assert_eq!(lines(&harness), 1);
}

#[test]
fn a_channel_that_was_left_and_wanted_again_has_no_gap_from_before() {
    let mut harness = read_up_to_now();
    harness.event("x");
    harness.session.unsubscribe("x", harness.now).unwrap();
    harness.drain();
    harness.pass_seconds(40);
    harness.session.subscribe("x", &SubscribeOptions::default(), harness.now).unwrap();
    harness.drain();
    let asked = harness.now;
    harness.succeed("x");
    assert_eq!(harness.gap("x"), asked);
    let mut harness = Harness::new(signing());
    harness.connect();
    harness.subscribe("y");
    harness.caught_up();
    harness.lose(Loss::reset("gone"));
    harness.establish();
    harness.succeed("y");
    assert!(matches!(&harness.events()[..], [Event::Subscribed { .. }]));
}

#[test]
fn a_confirmation_that_answers_nothing_is_no_round_trip_and_makes_no_gap_longer() {
    let mut harness = read_up_to_now();
    harness.succeed("x");
    harness.caught_up();
    let read = harness.now;
    harness.event("x");
    assert_eq!(harness.gap("x"), read);
}
