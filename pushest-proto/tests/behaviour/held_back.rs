//! What the server could not send while the driver did not read comes after an empty read, and is old.

use std::time::Duration;

use crate::caught_up::read_up_to_now;
use crate::harness::{Harness, PONG};

const SECOND: Duration = Duration::from_secs(1);

impl Harness {
    /// The driver does not read for this many seconds.
    fn paused(&mut self, seconds: u64) {
        self.session.handle_reading(false, self.now);
        self.pass_seconds(seconds);
        self.session.handle_reading(true, self.now);
    }
}

#[test]
fn what_the_server_held_back_during_a_pause_may_come_after_an_empty_read() {
    // Up to the pause, nothing was held back.
    let mut harness = read_up_to_now();
    let read = harness.now;
    harness.paused(15);
    harness.event("x");
    assert_eq!(harness.gap("x"), read);
    let mut harness = read_up_to_now();
    harness.paused(15);
    harness.pass_seconds(1);
    harness.event("x");
    harness.caught_up();
    let emptied = harness.now;
    harness.event("x");
    assert_eq!(emptied.saturating_duration_since(harness.gap("x")), 15 * SECOND);
    // The pong to a later ping has come after all of it.
    let mut harness = read_up_to_now();
    harness.paused(15);
    harness.pass_seconds(1);
    harness.session.ping(harness.now).unwrap();
    harness.drain();
    harness.pass_seconds(2);
    harness.receive(PONG);
    harness.caught_up();
    let emptied = harness.now;
    harness.event("x");
    assert_eq!(emptied.saturating_duration_since(harness.gap("x")), 2 * SECOND);
}

#[test]
fn what_was_held_back_over_several_pauses_is_as_old_as_all_of_them() {
    let mut harness = read_up_to_now();
    for _ in 0..3 {
        harness.paused(15);
        harness.pass_seconds(1);
        harness.event("x");
    }
    harness.caught_up();
    let emptied = harness.now;
    harness.event("x");
    assert_eq!(emptied.saturating_duration_since(harness.gap("x")), 45 * SECOND);
    // Read to its end between two pauses, it still owes what it held back in the first.
    let mut harness = read_up_to_now();
    harness.paused(15);
    harness.pass_seconds(1);
    harness.event("x");
    harness.caught_up();
    let emptied = harness.now;
    harness.pass_seconds(1);
    harness.event("x");
    harness.paused(10);
    harness.event("x");
    let held_back = emptied.saturating_duration_since(harness.gap("x"));
    assert!((15 * SECOND..=25 * SECOND).contains(&held_back), "{held_back:?}");
    // The server had more time to send all of it than it had to hold it back.
    let mut harness = read_up_to_now();
    for _ in 0..5 {
        harness.paused(15);
        harness.pass_seconds(16);
        harness.caught_up();
        harness.event("x");
    }
    let emptied = harness.now;
    assert_eq!(emptied.saturating_duration_since(harness.gap("x")), 15 * SECOND);
}

#[test]
fn what_was_held_back_is_under_way_after_that() {
    let mut harness = read_up_to_now();
    harness.ponged_after(4);
    harness.paused(15);
    harness.pass_seconds(1);
    harness.event("x");
    harness.caught_up();
    let emptied = harness.now;
    harness.event("x");
    assert_eq!(emptied.saturating_duration_since(harness.gap("x")), 19 * SECOND);
}

#[test]
fn the_pong_of_a_ping_before_the_pause_is_not_taken_for_that_of_a_later_one() {
    let mut harness = read_up_to_now();
    // These two pings are the session's own.
    harness.session.handle_network_change(harness.now);
    harness.drain();
    harness.paused(15);
    harness.pass_seconds(1);
    harness.event("x");
    harness.session.handle_network_change(harness.now);
    harness.drain();
    harness.pass_seconds(1);
    harness.receive(PONG);
    harness.caught_up();
    let emptied = harness.now;
    harness.event("x");
    let held_back = emptied.saturating_duration_since(harness.gap("x"));
    assert!((15 * SECOND..=45 * SECOND).contains(&held_back), "{held_back:?}");
}

#[test]
fn the_answer_to_a_subscribe_from_before_the_pause_is_not_taken_for_that_to_a_later_one() {
    const ROOM: &str = "presence-room";
    for was_answered in [true, false] {
        let mut harness = read_up_to_now();
        harness.subscribe_as(ROOM, "me");
        if was_answered {
            harness.succeed(ROOM);
        }
        harness.paused(15);
        harness.pass_seconds(1);
        harness.subscribe_as(ROOM, "another");
        harness.pass_seconds(2);
        harness.succeed(ROOM);
        harness.caught_up();
        let emptied = harness.now;
        harness.event("x");
        // Where the first subscribe was unanswered this may be its answer, and what the server
        // held back is still on its way.
        let age = if was_answered { 2 } else { 15 };
        let began = harness.gap("x");
        assert_eq!(emptied.saturating_duration_since(began), age * SECOND, "{was_answered}");
    }
}
