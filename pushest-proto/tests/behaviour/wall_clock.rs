//! The wall clock says since when to fetch, and tells a suspended machine from a silent one.

use std::time::Duration;

use crate::harness::{Harness, PING, PONG, message};
use pushest_proto::{ConnectionState, Event, Instant, Loss};

/// Some day of 2026.
const DAY: Duration = Duration::from_millis(1_795_680_000_123);

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

impl Harness {
    /// The wall clock shows this much after [`DAY`].
    fn wall_clock(&mut self, after: Duration) {
        self.session.handle_wall_clock(DAY + after, self.now);
        self.drain();
    }

    /// The wall clock advances as the other one does; the session is told.
    fn both_pass(&mut self, wall: &mut Duration, duration: Duration) {
        self.pass(duration);
        *wall += duration;
        self.wall_clock(*wall);
    }

    /// The connection is lost and made again; returns the gap.
    fn silence(&mut self) -> (Duration, Option<Duration>) {
        self.lose(Loss::reset("gone"));
        self.silence_of_lost()
    }

    fn silence_of_lost(&mut self) -> (Duration, Option<Duration>) {
        let begun = self.now;
        self.establish();
        self.actions.clear();
        self.succeed("x");
        let events = self.events();
        let [_, Event::Gap { silent_for, since, .. }] = &events[..] else { panic!("{events:?}") };
        // The time of the reconnection is the jitter's.
        (*silent_for - self.now.saturating_duration_since(begun), *since)
    }

    fn heard(&mut self) {
        self.session.handle_caught_up(self.current(), self.now);
        self.receive(&message("e", Some("x"), "1"));
        self.actions.clear();
    }
}

/// A session that was told the wall clock, [`DAY`], and that was read up to then.
fn told() -> Harness {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.pass_seconds(60);
    harness.wall_clock(Duration::ZERO);
    harness.heard();
    harness
}

#[test]
fn a_gap_says_since_when_on_the_wall_clock() {
    let mut harness = told();
    harness.pass_seconds(40);
    assert_eq!(harness.silence(), (40 * SECOND, Some(DAY)));
    let mut harness = Harness::connected();
    harness.subscribed("x");
    assert_eq!(harness.silence().1, None, "it was never told");
    // Told in the middle of the gap, it knows of the beginning.
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.lose(Loss::reset("gone"));
    harness.wall_clock(10 * SECOND);
    assert_eq!(harness.silence_of_lost().1, Some(DAY + 10 * SECOND));
}

#[test]
fn the_time_in_which_the_machine_was_suspended_is_added() {
    let mut harness = told();
    harness.pass_seconds(10);
    harness.wall_clock(HOUR + 10 * SECOND);
    harness.pass_seconds(10);
    assert_eq!(harness.silence(), (HOUR + 20 * SECOND, Some(DAY)));
    // While it waits for its next attempt, and again.
    let mut harness = told();
    harness.lose(Loss::reset("gone"));
    harness.wall_clock(HOUR);
    harness.wall_clock(3 * HOUR);
    assert_eq!(harness.silence_of_lost(), (3 * HOUR, Some(DAY)));
    // What was read after it is no part of it.
    let mut harness = told();
    harness.wall_clock(HOUR);
    harness.receive(PONG);
    harness.pass_seconds(1);
    harness.heard();
    harness.pass_seconds(1);
    assert_eq!(harness.silence(), (SECOND, Some(DAY + HOUR + SECOND)));
}

#[test]
fn what_the_server_sent_to_a_suspended_machine_may_come_after_an_empty_read() {
    let mut harness = told();
    harness.pass_seconds(1);
    harness.wall_clock(HOUR + SECOND);
    // Nothing has come yet of what the server sends again, and then only a part of it.
    harness.pass_seconds(2);
    harness.heard();
    assert_eq!(harness.silence(), (HOUR + 2 * SECOND, Some(DAY + SECOND)));
    // The pong to the ping from then has come after all of it.
    let mut harness = told();
    harness.wall_clock(HOUR);
    harness.pass_seconds(2);
    harness.receive(PONG);
    harness.pass_seconds(10);
    harness.heard();
    assert_eq!(harness.silence(), (2 * SECOND, Some(DAY + HOUR + 10 * SECOND)));
    // One that was sent before is no such pong.
    let mut harness = told();
    harness.session.ping(harness.now).unwrap();
    harness.drain();
    harness.wall_clock(HOUR);
    harness.pass_seconds(2);
    harness.receive(PONG);
    harness.pass_seconds(10);
    harness.heard();
    assert!(harness.silence().0 >= HOUR);
}

#[test]
fn without_a_word_of_what_was_read_the_suspension_is_added_to_the_last_message() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.wall_clock(Duration::ZERO);
    harness.receive(&message("e", Some("x"), "1"));
    harness.pass_seconds(3);
    harness.wall_clock(HOUR + 3 * SECOND);
    assert_eq!(harness.silence(), (HOUR + 3 * SECOND, Some(DAY)));
}

#[test]
fn a_machine_that_was_suspended_asks_for_a_sign_of_life_at_once() {
    let mut harness = told();
    harness.wall_clock(4_999 * SECOND / 1_000);
    assert!(harness.sent().is_empty());
    let mut harness = told();
    harness.wall_clock(5 * SECOND);
    assert_eq!(harness.sent(), [PING]);
    harness.pass_seconds(31);
    assert_ne!(harness.session.state(), ConnectionState::Connected, "no pong came");
    // A waiting session tries again soon.
    let mut harness = told();
    let http = pushest_proto::DialFailure::Connect("refused".into());
    harness.lose(Loss::reset("gone"));
    for _ in 0..6 {
        harness.wait_for_retry();
        harness.lose(Loss::Dial(http.clone()));
    }
    let pause = harness.session.status(harness.now).next_retry.unwrap();
    harness.wall_clock(HOUR);
    let sooner = harness.session.status(harness.now).next_retry.unwrap();
    assert!(sooner < pause && sooner <= SECOND, "{pause:?}, {sooner:?}");
}

#[test]
fn a_difference_under_five_seconds_changes_nothing_however_often_it_occurs() {
    for step in [Duration::from_millis(1), Duration::from_millis(900), 4_999 * SECOND / 1_000] {
        let mut harness = told();
        let mut wall = Duration::ZERO;
        for _ in 0..100 {
            wall += step;
            harness.both_pass(&mut wall, Duration::from_millis(700));
        }
        assert!(harness.sent().is_empty(), "{step:?}");
        let (silent_for, since) = harness.silence();
        assert_eq!(silent_for, Duration::from_secs(70), "{step:?}");
        // What was fetched since then on the wall clock misses nothing all the same.
        assert_eq!(since, Some(DAY), "{step:?}");
    }
}

#[test]
fn a_wall_clock_that_is_set_back_changes_nothing_and_is_believed() {
    let mut harness = told();
    harness.pass_seconds(10);
    harness.session.handle_wall_clock(DAY - HOUR, harness.now);
    harness.drain();
    assert!(harness.sent().is_empty());
    harness.pass_seconds(10);
    let (silent_for, since) = harness.silence();
    // The clock is right now, as far as anyone knows, and was an hour ahead before.
    assert_eq!((silent_for, since), (20 * SECOND, Some(DAY - HOUR - 10 * SECOND)));
}

#[test]
fn the_same_again_is_cheap_and_not_recorded() {
    let mut harness = told();
    let lines = |harness: &Harness| harness.recording().matches("wall_clock").count();
    let mut wall = Duration::ZERO;
    for _ in 0..500 {
        harness.both_pass(&mut wall, Duration::from_micros(99_300));
    }
    assert_eq!(lines(&harness), 1);
    for _ in 0..500 {
        harness.both_pass(&mut wall, SECOND);
    }
    assert!((8..=20).contains(&lines(&harness)), "{}", lines(&harness));
    let silent_for = Duration::from_micros(549_650_000);
    assert_eq!(harness.silence().0, silent_for);
}

#[test]
fn what_was_read_before_a_suspension_that_is_known_is_not_taken_for_later() {
    // The driver tells late what it read before it slept, just before that at last: then the clock
    // has not moved.
    for before in [10 * SECOND, Duration::ZERO] {
        let mut harness = told();
        harness.pass_seconds(20);
        harness.wall_clock(HOUR + 20 * SECOND);
        let read = Instant::from_micros(harness.now.as_micros() - before.as_micros() as u64);
        harness.session.handle_caught_up(harness.current(), read);
        harness.pass_seconds(1);
        harness.receive(&message("e", Some("x"), "1"));
        assert_eq!(harness.silence(), (HOUR + 21 * SECOND, Some(DAY)));
    }
}

#[test]
fn what_was_read_before_a_suspension_too_short_to_be_noticed_has_its_own_time_on_the_wall() {
    let mut harness = told();
    harness.pass_seconds(10);
    let read = harness.now;
    for nap in [4, 8] {
        harness.pass_seconds(1);
        let awake = harness.now.saturating_duration_since(read);
        harness.wall_clock(10 * SECOND + awake + nap * SECOND);
    }
    harness.session.handle_caught_up(harness.current(), read);
    harness.pass_seconds(1);
    harness.receive(&message("e", Some("x"), "1"));
    assert_eq!(harness.silence(), (3 * SECOND, Some(DAY + 10 * SECOND)));
}

#[test]
fn a_reading_that_is_older_than_the_last_is_ignored() {
    let mut harness = told();
    let hash = harness.session.state_hash();
    harness.session.handle_wall_clock(DAY + HOUR, Instant::from_micros(1));
    assert_eq!(harness.session.state_hash(), hash);
}

#[test]
fn absurd_wall_clocks_neither_overflow_nor_end_anything() {
    let mut harness = told();
    let most = Duration::MAX;
    for unix in [most, Duration::ZERO, most, most - SECOND, Duration::from_micros(u64::MAX)] {
        harness.pass_seconds(1);
        harness.session.handle_wall_clock(unix, harness.now);
        harness.drain();
    }
    harness.now = Instant::from_micros(u64::MAX);
    harness.session.handle_wall_clock(most, harness.now);
    harness.session.handle_wall_clock(Duration::ZERO, harness.now);
    let message = message("e", Some("x"), "1");
    harness.session.handle_slice(harness.current(), message.as_bytes(), harness.now);
    harness.session.disconnect(harness.now);
    harness.drain();
    assert_eq!(harness.session.poll_timeout(), None);
}
