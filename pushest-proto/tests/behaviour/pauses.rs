//! The pauses before reconnections: jitter against herds, schedules, and what servers ask for.

use std::time::Duration;

use crate::harness::{Harness, asking, signing};
use pushest_proto::{BackoffConfig, Config, ConnectionState, DialFailure, Loss};

/// How many clients lose their connections at the same moment.
const CROWD: u64 = 500;

/// The pauses of many clients after the same fate, sorted.
fn crowd(
    config: impl Fn() -> pushest_proto::ConfigBuilder,
    fate: impl Fn(&mut Harness),
) -> Vec<Duration> {
    let pause = |seed: u64| {
        let mut harness = Harness::with_seed(config(), seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        fate(&mut harness);
        assert_eq!(harness.session.state(), ConnectionState::Waiting);
        harness.wait_for_retry()
    };
    let mut pauses: Vec<Duration> = (0..CROWD).map(pause).collect();
    pauses.sort();
    pauses
}

/// How many of them lie within the fullest window of this length.
fn fullest(pauses: &[Duration], window: Duration) -> usize {
    let within = |first: &Duration| {
        pauses.iter().filter(|pause| (*first..*first + window).contains(pause)).count()
    };
    pauses.iter().map(within).max().unwrap_or_default()
}

/// Drawn uniformly from 500 ms, a hundred are expected within 100 ms, and ten within 10; the
/// fullest window has some more.
fn is_no_herd(pauses: &[Duration], what: &str) {
    let (long, short) = (Duration::from_millis(100), Duration::from_millis(10));
    let (long, short) = (fullest(pauses, long), fullest(pauses, short));
    assert!(long <= 140 && short <= 30, "{what}: {long} within 100 ms, {short} within 10 ms");
}

#[test]
fn five_hundred_clients_that_lost_the_same_server_do_not_come_back_at_the_same_moment() {
    let connected = |fate: &dyn Fn(&mut Harness)| {
        let pauses = crowd(signing, |harness| {
            harness.connect();
            fate(harness);
        });
        assert!(*pauses.last().unwrap() <= Duration::from_secs(2));
        pauses
    };
    is_no_herd(&connected(&|harness| harness.pass_seconds(150)), "a missed pong");
    is_no_herd(&connected(&|harness| harness.close(4200)), "4200");
    is_no_herd(&connected(&|harness| harness.close(4100)), "4100");
    is_no_herd(&connected(&|harness| harness.close(1012)), "a restart");
    is_no_herd(&connected(&|harness| harness.lose(Loss::reset("gone"))), "a reset");
    let network_changes = |harness: &mut Harness| {
        harness.lose(Loss::reset("gone"));
        harness.session.handle_network_change(harness.now);
        harness.drain();
    };
    is_no_herd(&connected(&network_changes), "a changed network");
}

#[test]
fn five_hundred_clients_that_are_told_the_same_at_the_handshake_come_back_spread() {
    let opening = |fate: &dyn Fn(&mut Harness)| {
        crowd(
            || Config::builder("key").host("example.org"),
            |harness| {
                harness.session.connect(harness.now);
                harness.drain();
                fate(harness);
            },
        )
    };
    let refused = |code: u16| {
        opening(&|harness: &mut Harness| {
            harness.open();
            harness.receive(&format!(r#"{{"event":"pusher:error","data":{{"code":{code}}}}}"#));
        })
    };
    for code in [4000, 4100, 4200, 4300] {
        is_no_herd(&refused(code), &format!("error {code}"));
    }
    let busy = |harness: &mut Harness| harness.lose(http(503, Some(60)));
    is_no_herd(&opening(&busy), "Retry-After");
    let network_changes = |harness: &mut Harness| {
        harness.lose(http(503, Some(60)));
        harness.session.handle_network_change(harness.now);
        harness.drain();
    };
    let pauses = opening(&network_changes);
    assert!(pauses[0] >= Duration::from_secs(60));
    is_no_herd(&pauses, "Retry-After and a changed network");
}

#[test]
fn short_pauses_of_the_users_own_make_no_herd_either() {
    let configurations = [
        BackoffConfig::schedule([Duration::from_millis(1)]),
        BackoffConfig::schedule([Duration::from_secs(5)]),
        BackoffConfig::default()
            .initial(Duration::from_millis(1))
            .maximum(Duration::from_millis(50)),
    ];
    for backoff in configurations {
        let pauses = crowd(
            || asking().backoff(backoff.clone()),
            |harness| {
                harness.connect();
                harness.lose(Loss::reset("gone"));
            },
        );
        assert!(pauses[0] >= Duration::from_millis(100), "{:?}", pauses[0]);
        is_no_herd(&pauses, &format!("{backoff:?}"));
    }
}

#[test]
fn the_first_dial_and_what_the_user_asks_for_have_no_pause() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!(harness.connects(), 1, "the first dial");
    harness.establish();
    harness.close(4200);
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!(harness.connects(), 1, "`connect` while it waits");
    harness.establish();
    harness.close(4001);
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!(harness.connects(), 1, "`connect` after a refusal");
    harness.establish();
    let endpoint = harness.endpoint.clone().unwrap();
    harness.session.set_endpoint(endpoint.clone(), harness.now);
    harness.drain();
    assert_eq!(harness.connects(), 1, "another endpoint");
    harness.establish();
    harness.close(4200);
    harness.session.set_endpoint(endpoint, harness.now);
    harness.drain();
    assert_eq!(harness.connects(), 1, "another endpoint while it waits");
}

#[test]
fn the_same_seed_draws_the_same_jitter_and_another_seed_another() {
    let pauses = |seed: u64| {
        let mut harness = Harness::with_seed(signing(), seed);
        harness.connect();
        [4200, 4200, 4200, 4200, 1006].map(|code| {
            harness.close(code);
            let pause = harness.wait_for_retry();
            harness.establish();
            pause
        })
    };
    assert_eq!(pauses(7), pauses(7));
    assert_ne!(pauses(7), pauses(8));
}

#[test]
fn a_schedule_is_followed_entry_by_entry_and_begins_anew_after_a_stable_connection() {
    let schedule = [2, 1, 7].map(Duration::from_secs);
    let mut harness = Harness::new(asking().backoff(BackoffConfig::schedule(schedule)));
    harness.session.connect(harness.now);
    harness.drain();
    let jitter = Duration::from_millis(500);
    for _ in 0..2 {
        for expected in [2, 1, 7, 7, 7].map(Duration::from_secs) {
            harness.lose(Loss::Dial(DialFailure::Connect("refused".into())));
            let pause = harness.wait_for_retry();
            assert!(pause > expected && pause <= expected + jitter, "{expected:?}: {pause:?}");
        }
        harness.establish();
        harness.pass_seconds(11);
    }
}

#[test]
fn a_schedule_does_not_overrule_the_server_the_guard_or_the_floor() {
    let jitter = Duration::from_millis(500);
    let scheduled = |pause: Duration| asking().backoff(BackoffConfig::schedule([pause]));
    // What the protocol wants at once does not wait for the schedule, until it is a loop.
    let minute = Duration::from_secs(60);
    let mut harness = Harness::new(scheduled(minute));
    harness.connect();
    for _ in 0..3 {
        harness.close(4200);
        assert!(harness.wait_for_retry() <= jitter);
        harness.establish();
    }
    harness.close(4200);
    assert!(harness.wait_for_retry() > minute);
    // A server over capacity gets its second, and one that names a pause gets that.
    let mut harness = Harness::new(scheduled(Duration::from_millis(1)));
    harness.connect();
    harness.close(4100);
    let pause = harness.wait_for_retry();
    assert!(pause > Duration::from_secs(1) && pause <= Duration::from_secs(1) + jitter);
    harness.lose(http(429, Some(90)));
    let pause = harness.wait_for_retry();
    assert!(pause > Duration::from_secs(90) && pause <= Duration::from_secs(90) + jitter);
    harness.lose(Loss::reset("gone"));
    assert!(harness.wait_for_retry() >= Duration::from_millis(100));
}

#[test]
fn subscriptions_are_tried_again_on_the_curve_whatever_the_schedule() {
    let schedule = BackoffConfig::schedule([Duration::from_secs(3_600)]);
    let mut harness = Harness::new(asking().backoff(schedule));
    harness.connect();
    harness.subscribe("orders");
    harness.actions.clear();
    harness.pass_seconds(12);
    assert_eq!(harness.sent().len(), 1, "it is sent again, within two seconds after ten");
}

#[test]
fn a_pause_that_a_server_asks_for_is_kept_up_to_an_hour_and_the_text_names_what_is_kept() {
    let day = BackoffConfig::default().retry_after_limit(Duration::from_secs(86_400));
    let cases = [
        (BackoffConfig::default(), 77, 77),
        (BackoffConfig::default(), 3_600, 3_600),
        (BackoffConfig::default(), 3_601, 3_600),
        (BackoffConfig::default(), u64::MAX, 3_600),
        (day.clone(), 80_000, 80_000),
        (day, 100_000, 86_400),
    ];
    for (backoff, asked, kept) in cases {
        for status in [429, 503] {
            let mut harness = Harness::new(asking().backoff(backoff.clone()));
            harness.session.connect(harness.now);
            harness.drain();
            harness.lose(http(status, Some(asked)));
            let told = harness.session.status(harness.now).last_loss.unwrap().to_string();
            assert!(told.ends_with(&format!("waits at least {kept} s")), "{told}");
            let kept = Duration::from_secs(kept);
            let pause = harness.wait_for_retry();
            assert!(pause > kept && pause <= kept + Duration::from_secs(1), "{asked}: {pause:?}");
        }
    }
}

#[test]
fn pauses_that_break_a_rule_are_refused_with_the_rule() {
    let refused =
        |backoff: BackoffConfig| asking().backoff(backoff).build().unwrap_err().to_string();
    let second = Duration::from_secs(1);
    assert_eq!(refused(BackoffConfig::schedule([])), "the schedule of pauses is empty");
    let long = "the schedule of pauses has more than 100 entries";
    assert_eq!(refused(BackoffConfig::schedule([second; 101])), long);
    assert_eq!(refused(BackoffConfig::schedule(std::iter::repeat(second))), long);
    for pause in [Duration::ZERO, Duration::from_micros(999), Duration::MAX] {
        let text = refused(BackoffConfig::schedule([second, pause]));
        assert!(text.contains("pause of a schedule") && text.contains("10 years"), "{text}");
        let limit = BackoffConfig::default().retry_after_limit(pause);
        let text = refused(limit);
        assert!(text.contains("limit of Retry-After") && text.contains("10 years"), "{text}");
    }
    asking().backoff(BackoffConfig::schedule([second; 100])).build().unwrap();
}

fn http(status: u16, retry_after: Option<u64>) -> Loss {
    let retry_after = retry_after.map(Duration::from_secs);
    Loss::Dial(DialFailure::Http { status, retry_after, location: None, body: "".into() })
}
