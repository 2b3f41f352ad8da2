//! Networks that change: signs of life that are asked for, attempts that are hastened, and addresses that
//! are gone.

use std::time::Duration;

use crate::harness::{Harness, PING, PONG, asking, established, message, signing};
use pushest_proto::trace::Replay;
use pushest_proto::{BackoffConfig, ConnectionState, DialFailure, Event, Loss, Timeouts};

const JITTER: Duration = Duration::from_millis(500);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn changed(harness: &mut Harness) {
    harness.session.handle_network_change(harness.now);
    harness.drain();
}

fn last_loss(harness: &Harness) -> Loss {
    let loss = harness.session.status(harness.now).last_loss;
    loss.expect("it was lost").as_ref().clone()
}

fn unreachable() -> Loss {
    Loss::Dial(DialFailure::Connect("the network is unreachable".into()))
}

#[test]
fn after_a_change_a_sign_of_life_is_waited_for_five_seconds() {
    let mut harness = Harness::connected();
    changed(&mut harness);
    assert_eq!(harness.sent(), [PING]);
    harness.pass(ms(4_999));
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    harness.pass(ms(1));
    assert_eq!(harness.session.state(), ConnectionState::Waiting);
    assert_eq!(last_loss(&harness), Loss::PongTimeout);
    assert!(harness.wait_for_retry() <= JITTER, "it is back before eight seconds are over");
}

#[test]
fn anything_that_arrives_after_a_change_keeps_the_connection() {
    let signs: [fn(&mut Harness); 3] = [
        |harness| harness.receive(PONG),
        |harness| harness.receive(&message("e", Some("news"), "1")),
        |harness| harness.session.handle_activity(harness.current(), harness.now),
    ];
    for sign in signs {
        let mut harness = Harness::connected();
        changed(&mut harness);
        harness.pass(ms(4_999));
        sign(&mut harness);
        harness.pass_seconds(60);
        assert_eq!(harness.session.state(), ConnectionState::Connected);
    }
}

#[test]
fn the_time_after_a_change_is_the_configured_one_unless_any_pong_has_less() {
    let after = |timeouts: Timeouts| {
        let mut harness = Harness::new(signing().timeouts(timeouts));
        harness.connect();
        changed(&mut harness);
        let begun = harness.now;
        while harness.session.state() == ConnectionState::Connected {
            harness.pass(ms(1));
        }
        harness.now.saturating_duration_since(begun)
    };
    assert_eq!(after(Timeouts::default().pong_after_change(ms(70))), ms(70));
    assert_eq!(after(Timeouts::default().pong_after_change(ms(70)).pong(ms(50))), ms(50));
    assert_eq!(after(Timeouts::default().pong(ms(2_000))), ms(2_000));
}

#[test]
fn a_time_after_a_change_that_breaks_the_rule_is_refused_by_its_name() {
    let years = Duration::from_secs(11 * 366 * 24 * 60 * 60);
    for time in [Duration::ZERO, Duration::from_micros(999), years, Duration::MAX] {
        let timeouts = Timeouts::default().pong_after_change(time);
        let error = asking().timeouts(timeouts).build().expect_err("it breaks the rule");
        assert!(error.to_string().contains("pong after a change"), "{error}");
    }
    for time in [ms(1), Duration::from_secs(365 * 24 * 60 * 60)] {
        asking().timeouts(Timeouts::default().pong_after_change(time)).build().unwrap();
    }
}

#[test]
fn a_ping_that_was_under_way_is_waited_for_no_longer_than_one_of_the_change() {
    let mut harness = Harness::connected();
    harness.pass_seconds(120);
    assert_eq!(harness.sent(), [PING], "it has been silent");
    harness.pass_seconds(2);
    changed(&mut harness);
    harness.pass(ms(4_999));
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    harness.pass(ms(1));
    assert_eq!(last_loss(&harness), Loss::PongTimeout);

    // And one of which less is left keeps its time.
    let mut harness = Harness::connected();
    harness.pass_seconds(120);
    harness.pass_seconds(28);
    changed(&mut harness);
    harness.pass_seconds(2);
    assert_eq!(last_loss(&harness), Loss::PongTimeout);
}

#[test]
fn a_network_that_changes_again_and_again_puts_nothing_off() {
    let mut harness = Harness::connected();
    let begun = harness.now;
    while harness.session.state() == ConnectionState::Connected {
        changed(&mut harness);
        harness.pass(ms(100));
    }
    assert_eq!(harness.now.saturating_duration_since(begun), ms(5_000));
}

/// Lets the network change ten times a second for so long, while a server answers each ping or none. Returns
/// how many pings were sent.
fn flapping(harness: &mut Harness, millis: u64, answers: bool) -> usize {
    let mut pings = 0;
    for _ in (0..millis).step_by(100) {
        harness.actions.clear();
        changed(harness);
        harness.pass(ms(100));
        let sent = harness.sent().iter().filter(|text| **text == PING).count();
        pings += sent;
        if answers && sent > 0 {
            harness.receive(PONG);
        }
    }
    pings
}

#[test]
fn a_route_that_flaps_makes_three_pings_in_a_row_and_then_one_a_second() {
    let mut harness = Harness::connected();
    let pings = flapping(&mut harness, 4_900, false);
    assert!((3..=8).contains(&pings), "{pings}");
    assert_eq!(harness.session.state(), ConnectionState::Connected);

    let mut harness = Harness::connected();
    let pings = flapping(&mut harness, 60_000, true);
    assert!((60..=64).contains(&pings), "{pings}");
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    // Of the last change, too, it is found out what it means.
    harness.actions.clear();
    changed(&mut harness);
    harness.pass(ms(1_000));
    assert_eq!(harness.sent(), [PING]);
    harness.pass(ms(5_000));
    assert_eq!(last_loss(&harness), Loss::PongTimeout);
}

#[test]
fn a_change_that_was_too_many_is_looked_into_a_second_later_and_once() {
    let mut harness = Harness::connected();
    for _ in 0..10 {
        changed(&mut harness);
    }
    harness.receive(PONG);
    harness.actions.clear();
    harness.pass(ms(999));
    assert_eq!(harness.sent(), [""; 0]);
    harness.pass(ms(1));
    assert_eq!(harness.sent(), [PING]);
    harness.receive(PONG);
    harness.actions.clear();
    harness.pass_seconds(60);
    assert_eq!(harness.sent(), [""; 0]);

    // So it is while nothing is read, and what is left then is looked into once it is.
    harness.session.handle_reading(false, harness.now);
    let pings = flapping(&mut harness, 10_000, false);
    assert!((10..=13).contains(&pings), "{pings}");
    harness.actions.clear();
    harness.session.handle_reading(true, harness.now);
    harness.drain();
    harness.pass(ms(1_000));
    assert_eq!(harness.sent(), [PING]);
    harness.pass(ms(5_000));
    assert_eq!(last_loss(&harness), Loss::PongTimeout);
}

#[test]
fn a_change_while_nothing_is_read_is_looked_into_once_it_is() {
    let mut harness = Harness::connected();
    harness.session.handle_reading(false, harness.now);
    changed(&mut harness);
    assert_eq!(harness.sent(), [PING]);
    harness.pass_seconds(60);
    assert_eq!(harness.session.state(), ConnectionState::Connected, "its silence means nothing");
    harness.actions.clear();
    harness.session.handle_reading(true, harness.now);
    harness.drain();
    assert_eq!(harness.sent(), [PING]);
    harness.pass_seconds(5);
    assert_eq!(last_loss(&harness), Loss::PongTimeout);

    // A change that was looked into is in no doubt any more.
    harness.establish();
    changed(&mut harness);
    harness.receive(PONG);
    for reading in [false, true] {
        harness.session.handle_reading(reading, harness.now);
        harness.drain();
    }
    harness.actions.clear();
    harness.pass_seconds(60);
    assert_eq!(harness.sent(), [""; 0]);
    assert_eq!(harness.session.state(), ConnectionState::Connected);
}

#[test]
fn a_dial_and_a_handshake_have_as_much_time_after_a_change_as_a_ping() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    harness.pass_seconds(10);
    changed(&mut harness);
    harness.pass(ms(4_999));
    assert_eq!(harness.session.state(), ConnectionState::Connecting);
    harness.pass(ms(1));
    assert_eq!(last_loss(&harness), Loss::Dial(DialFailure::Timeout));

    harness.wait_for_retry();
    harness.open();
    harness.pass_seconds(1);
    changed(&mut harness);
    harness.pass(ms(4_999));
    assert_eq!(harness.session.state(), ConnectionState::Connecting);
    harness.pass(ms(1));
    assert_eq!(last_loss(&harness), Loss::HandshakeTimeout);

    // What has less time left keeps that.
    harness.wait_for_retry();
    harness.open();
    harness.pass_seconds(6);
    changed(&mut harness);
    harness.pass_seconds(4);
    assert_eq!(last_loss(&harness), Loss::HandshakeTimeout);
}

#[test]
fn an_attempt_that_fails_after_a_change_is_followed_by_another_soon() {
    let hour = BackoffConfig::schedule([Duration::from_secs(3_600)]);
    let mut harness = Harness::new(asking().backoff(hour));
    harness.session.connect(harness.now);
    harness.drain();
    changed(&mut harness);
    harness.lose(unreachable());
    let told = harness.state_changes().pop().and_then(|change| change.retry_in);
    let pause = harness.wait_for_retry();
    assert!((ms(100)..=ms(600)).contains(&pause), "{pause:?}");
    assert_eq!(told, Some(pause));
    // Of the next one nothing is known.
    harness.lose(unreachable());
    assert!(harness.wait_for_retry() > Duration::from_secs(3_600));
    // A pause that a server asked for holds.
    changed(&mut harness);
    let asked = Some(Duration::from_secs(60));
    let (location, body) = (None, "".into());
    harness.lose(Loss::Dial(DialFailure::Http { status: 503, retry_after: asked, location, body }));
    let pause = harness.wait_for_retry();
    assert!((Duration::from_secs(60)..=Duration::from_secs(61)).contains(&pause), "{pause:?}");
}

#[test]
fn a_slow_dial_comes_through_however_often_the_network_changes() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    let begun = harness.now;
    // It takes eight seconds, and the network changes ten times in each of them.
    let mut dials = harness.connects();
    let mut dialled = harness.now;
    while harness.session.state() != ConnectionState::Connected {
        changed(&mut harness);
        harness.pass(ms(100));
        let more = harness.connects();
        if more > 0 {
            (dials, dialled) = (dials + more, harness.now);
        }
        let is_dialling = harness.session.state() == ConnectionState::Connecting;
        if is_dialling && harness.now.saturating_duration_since(dialled) >= ms(8_000) {
            harness.open();
            harness.receive(&established("1.2", 120));
        }
        let waited = harness.now.saturating_duration_since(begun);
        assert!(waited < Duration::from_secs(120), "{dials} dials, and none came through");
    }
}

/// How many dials fail within this time, if the network changes so often; never for zero.
fn dials_within(seconds: u64, change_every: Duration) -> usize {
    let mut harness = Harness::unrecorded(asking());
    harness.session.connect(harness.now);
    harness.drain();
    let mut dials = 0;
    let end = harness.now + Duration::from_secs(seconds);
    let mut next_change = harness.now;
    while harness.now < end {
        if harness.session.state() == ConnectionState::Connecting {
            dials += 1;
            harness.lose(unreachable());
        }
        if !change_every.is_zero() && harness.now >= next_change {
            changed(&mut harness);
            next_change = harness.now + change_every;
        }
        harness.pass(ms(20));
        harness.actions.clear();
    }
    dials
}

#[test]
fn a_network_that_changes_all_the_time_does_not_defeat_backoff() {
    let hour = 3_600;
    let quiet = dials_within(hour, Duration::ZERO);
    for every in [20, 200, 700, 5_000].map(Duration::from_millis) {
        let flapping = dials_within(hour, every);
        // Three at once, and two a minute.
        assert!(
            flapping <= quiet + quiet / 2 + 3 + 120,
            "every {every:?}: {flapping}, not {quiet}"
        );
    }
    // A change now and then is followed each time.
    let calm = dials_within(hour, Duration::from_secs(45));
    assert!(calm > quiet, "{calm}, not {quiet}");
}

#[test]
fn a_connection_whose_address_is_gone_comes_back_within_half_a_second() {
    let mut harness = Harness::connected();
    harness.subscribed("news");
    for round in 0..4 {
        harness.lose(Loss::AddressGone);
        assert_eq!(harness.session.state(), ConnectionState::Waiting);
        assert!(harness.closes().is_empty(), "the driver has dropped it");
        let pause = harness.wait_for_retry();
        // Addresses that come and go every moment are no reason for a loop.
        if round < 3 {
            assert!(pause <= JITTER, "{pause:?}");
        } else {
            assert!(pause >= ms(100), "{pause:?}");
        }
        harness.establish();
        harness.actions.clear();
        harness.succeed("news");
        let is_told = harness.actions.iter().any(|action| {
            matches!(action, pushest_proto::Action::Emit(Event::Gap { cause, .. })
                if **cause == Loss::AddressGone)
        });
        assert!(is_told, "{:?}", harness.actions);
        harness.actions.clear();
    }
}

#[test]
fn an_address_of_a_former_connection_that_is_gone_changes_nothing() {
    let mut harness = Harness::connected();
    let former = harness.current();
    harness.close(4200);
    harness.establish();
    harness.actions.clear();
    harness.session.handle_close(former, Loss::AddressGone, harness.now);
    harness.drain();
    assert_eq!(harness.session.state(), ConnectionState::Connected);
    assert!(harness.actions.is_empty(), "{:?}", harness.actions);
}

/// What was recorded before there was this time replays as it was: with the one for any pong.
#[test]
fn a_recording_without_the_time_after_a_change_replays_with_that_of_any_pong() {
    let timeouts = Timeouts::default().pong(ms(9_000)).pong_after_change(ms(9_000));
    let mut harness = Harness::new(signing().timeouts(timeouts));
    harness.connect();
    changed(&mut harness);
    harness.pass(ms(8_500));
    harness.pass_seconds(12);
    let recording = harness.recording();
    let word = r#""pong_after_change":{"secs":9,"nanos":0},"#;
    assert!(recording.contains(word), "{}", recording.lines().next().unwrap());
    let older = recording.replace(word, "");
    Replay::new(&older).unwrap().finish().unwrap();
    // With another time it is another session.
    let other = recording.replace(word, r#""pong_after_change":{"secs":8,"nanos":0},"#);
    Replay::new(&other).unwrap().finish().unwrap_err();
}
