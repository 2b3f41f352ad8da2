//! What a loss leads to.

use std::time::Duration;

use crate::harness::{Harness, asking, signing, subscribe_frame};
use pushest_proto::{
    BackoffConfig, CloseCode, Config, ConnectionState, DialFailure, Endpoint, Instant, Loss,
    SubscribeOptions,
};

#[test]
fn an_ordinary_loss_is_followed_by_backoff_and_everything_wanted_again() {
    let mut harness = Harness::connected();
    harness.subscribed("a");
    harness.subscribed("b");
    harness.lose(Loss::reset("connection reset by peer"));
    let changes = harness.state_changes();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].to, ConnectionState::Waiting);
    let pause = changes[0].retry_in.unwrap();
    assert!(pause >= Duration::from_millis(100) && pause <= Duration::from_secs(1));
    let status = harness.session.status(harness.now);
    assert_eq!(status.next_retry, Some(pause));
    assert_eq!(*status.last_loss.unwrap(), Loss::reset("connection reset by peer"));
    assert_eq!(status.socket_id, None);

    assert_eq!(harness.next_deadline(), pause);
    assert_eq!(harness.connects(), 1);
    harness.establish();
    assert_eq!(harness.sent(), [subscribe_frame("a"), subscribe_frame("b")]);
}

#[test]
fn the_pause_grows_with_each_failure_and_stays_capped() {
    let mut longest = Duration::ZERO;
    for seed in 0..50 {
        let config = asking().backoff(
            BackoffConfig::default()
                .initial(Duration::from_secs(1))
                .maximum(Duration::from_secs(8)),
        );
        let mut harness = Harness::with_seed(config, seed);
        harness.session.connect(harness.now);
        harness.drain();
        for failure in 0..10_u32 {
            harness.lose(Loss::Dial(DialFailure::Connect("refused".into())));
            let pause = harness.next_deadline();
            assert!(pause <= Duration::from_secs(1 << failure.min(3)), "{failure}: {pause:?}");
            longest = longest.max(pause);
        }
        assert_eq!(harness.session.status(harness.now).attempt, 11);
    }
    assert!(longest > Duration::from_secs(7), "{longest:?}");
}

#[test]
fn clients_with_different_seeds_come_back_at_different_times() {
    let mut pauses: Vec<Duration> = (0..20)
        .map(|seed| {
            let mut harness = Harness::with_seed(asking(), seed);
            harness.session.connect(harness.now);
            harness.drain();
            harness.lose(Loss::closed(Some(1012), "restart"));
            harness.next_deadline()
        })
        .collect();
    pauses.sort();
    pauses.dedup();
    assert!(pauses.len() > 15, "{pauses:?}");
}

#[test]
fn failures_are_forgotten_after_ten_seconds_of_an_established_connection() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    for _ in 0..5 {
        harness.lose(Loss::Dial(DialFailure::Connect("refused".into())));
        harness.next_deadline();
    }
    harness.establish();
    harness.pass(Duration::from_millis(9_999));
    assert_eq!(harness.session.status(harness.now).attempt, 6);
    harness.pass(Duration::from_millis(1));
    assert_eq!(harness.session.status(harness.now).attempt, 1);
    harness.lose(Loss::reset(""));
    assert!(harness.next_deadline() <= Duration::from_secs(1));
}

#[test]
fn codes_42xx_reconnect_within_half_a_second_and_the_fourth_in_a_row_waits() {
    let mut harness = Harness::connected();
    for _ in 0..3 {
        harness.close(4201);
        let change = harness.state_changes().pop().unwrap();
        assert_eq!(change.to, ConnectionState::Waiting);
        let pause = change.retry_in.unwrap();
        assert!(pause <= Duration::from_millis(500), "{pause:?}");
        assert_eq!(harness.wait_for_retry(), pause);
        assert_eq!(harness.connects(), 1);
        harness.establish();
    }
    harness.close(4201);
    assert_eq!(harness.session.state(), ConnectionState::Waiting);
    assert!(harness.wait_for_retry() >= Duration::from_millis(100));
    assert_eq!(harness.connects(), 1);
    harness.establish();
    harness.pass_seconds(11);
    harness.close(4200);
    let pause = harness.wait_for_retry();
    assert!(pause <= Duration::from_millis(500), "a stable connection has reset the guard");
}

#[test]
fn codes_41xx_wait_for_a_second_at_least() {
    for seed in 0..20 {
        let mut harness = Harness::with_seed(signing(), seed);
        harness.connect();
        harness.close(4100);
        assert!(harness.next_deadline() >= Duration::from_secs(1));
        assert_eq!(harness.connects(), 1);
    }
}

#[test]
fn codes_40xx_stop_and_say_why() {
    for code in [4001, 4003, 4004, 4005, 4006, 4007, 4008, 4009] {
        let mut harness = Harness::connected();
        harness.subscribed("orders");
        harness.close(code);
        let changes = harness.state_changes();
        assert_eq!(changes[0].to, ConnectionState::Refused);
        assert_eq!(changes[0].loss.as_ref().unwrap().close_code(), Some(code));
        assert_eq!(harness.session.status(harness.now).last_loss.unwrap().close_code(), Some(code));
        assert_eq!(harness.session.poll_timeout(), None);
        harness.pass_seconds(1_000);
        assert_eq!(harness.connects(), 0);

        harness.session.connect(harness.now);
        harness.drain();
        harness.establish();
        assert_eq!(harness.sent(), [subscribe_frame("orders")], "the wanted set is kept");
    }
}

#[test]
fn code_4000_switches_to_tls_once() {
    let mut harness = Harness::new(Config::builder("key").host("example.org"));
    harness.session.connect(harness.now);
    harness.drain();
    assert!(!harness.endpoint.as_ref().unwrap().is_tls());
    harness.open();
    harness.close(4000);
    assert!(harness.wait_for_retry() <= Duration::from_millis(500));
    assert_eq!(harness.connects(), 2);
    let endpoint = harness.endpoint.clone().unwrap();
    assert!(endpoint.is_tls());
    assert_eq!(endpoint.port(), 443);
    harness.open();
    harness.close(4000);
    assert_eq!(harness.session.state(), ConnectionState::Refused);
}

#[test]
fn retry_after_is_waited_for() {
    for status in [429, 503] {
        let mut harness = Harness::new(asking());
        harness.session.connect(harness.now);
        harness.drain();
        harness.lose(Loss::Dial(DialFailure::Http {
            status,
            retry_after: Some(Duration::from_secs(77)),
            location: None,
            body: "".into(),
        }));
        let pause = harness.next_deadline();
        assert!(pause > Duration::from_secs(77) && pause <= Duration::from_secs(78), "{pause:?}");
    }
}

#[test]
fn a_refused_dial_stays_visible_and_is_tried_again_unless_told_to_stop() {
    let refusals = [
        DialFailure::Http {
            status: 301,
            retry_after: None,
            location: Some("https://example.org/".into()),
            body: "".into(),
        },
        DialFailure::Http { status: 403, retry_after: None, location: None, body: "".into() },
        DialFailure::Http { status: 404, retry_after: None, location: None, body: "".into() },
        DialFailure::Dns("no such host".into()),
        DialFailure::Tls { certificate: true, detail: "expired".into() },
    ];
    for refusal in refusals {
        for stop in [false, true] {
            let mut harness = Harness::new(asking().stop_on_refusal(stop));
            harness.session.connect(harness.now);
            harness.drain();
            harness.lose(Loss::Dial(refusal.clone()));
            let expected = if stop { ConnectionState::Refused } else { ConnectionState::Waiting };
            assert_eq!(harness.session.state(), expected);
            let status = harness.session.status(harness.now);
            assert_eq!(*status.last_loss.unwrap(), Loss::Dial(refusal.clone()));
        }
    }
}

#[test]
fn connect_while_waiting_tries_at_once() {
    let mut harness = Harness::connected();
    harness.close(4100);
    assert_eq!(harness.connects(), 0);
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!(harness.connects(), 1);
    harness.pass_seconds(29);
    assert_eq!(harness.connects(), 0, "the former appointment is gone");
}

#[test]
fn a_changed_network_shortens_the_wait_and_checks_a_connection() {
    let mut harness = Harness::connected();
    harness.session.handle_network_change(harness.now);
    harness.drain();
    assert_eq!(harness.sent(), [crate::harness::PING]);
    harness.pass_seconds(5);
    assert_eq!(*harness.session.status(harness.now).last_loss.unwrap(), Loss::PongTimeout);

    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    for _ in 0..3 {
        harness.lose(Loss::Dial(DialFailure::Connect("refused".into())));
        harness.session.handle_network_change(harness.now);
        harness.drain();
        let pause = harness.next_deadline();
        let bounds = Duration::from_millis(100)..=Duration::from_millis(600);
        assert!(bounds.contains(&pause), "{pause:?}");
    }
}

#[test]
fn a_changed_network_does_not_overrule_a_pause_that_the_server_asked_for() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    harness.lose(Loss::Dial(DialFailure::Http {
        status: 503,
        retry_after: Some(Duration::from_secs(600)),
        location: None,
        body: "".into(),
    }));
    harness.session.handle_network_change(harness.now);
    harness.drain();
    let pause = harness.next_deadline();
    let bounds = Duration::from_secs(600)..=Duration::from_millis(600_500);
    assert!(bounds.contains(&pause), "{pause:?}");
}

#[test]
fn many_clients_that_were_told_the_same_pause_come_back_at_different_times() {
    let mut pauses: Vec<Duration> = (0..20)
        .map(|seed| {
            let mut harness = Harness::with_seed(signing(), seed);
            harness.connect();
            harness.close(4100);
            harness.next_deadline()
        })
        .collect();
    pauses.sort();
    pauses.dedup();
    assert!(pauses.len() > 15, "{pauses:?}");
}

#[test]
fn code_4000_on_a_connection_that_was_established_is_an_ordinary_loss() {
    for tls in [false, true] {
        let mut harness = Harness::new(signing().tls(tls));
        harness.connect();
        harness.pass_seconds(100);
        harness.close(4000);
        assert_eq!(harness.session.state(), ConnectionState::Waiting);
        harness.next_deadline();
        let endpoint = harness.endpoint.as_ref().unwrap();
        assert_eq!((endpoint.is_tls(), endpoint.port()), (tls, 6001));
    }
}

#[test]
fn the_reason_of_a_refusal_survives_disconnecting() {
    let mut harness = Harness::connected();
    harness.close(4003);
    assert_eq!(harness.session.status(harness.now).attempt, 1);
    harness.session.disconnect(harness.now);
    harness.drain();
    assert_eq!(harness.session.status(harness.now).last_loss.unwrap().close_code(), Some(4003));
    assert_eq!(harness.states().last(), Some(&ConnectionState::Disconnected));
}

#[test]
fn channels_come_back_in_the_order_in_which_they_were_wanted() {
    let mut harness = Harness::connected();
    for channel in ["a", "b", "c"] {
        harness.subscribe(channel);
    }
    harness.session.unsubscribe("a", harness.now).unwrap();
    harness.drain();
    harness.subscribe("d");
    harness.actions.clear();
    harness.close(4200);
    harness.establish();
    assert_eq!(harness.sent(), ["b", "c", "d"].map(subscribe_frame));
    let names: Vec<String> =
        harness.session.wanted_channels().map(|view| view.name().to_string()).collect();
    assert_eq!(names, ["b", "c", "d"]);
}

#[test]
fn a_connection_that_ends_before_its_close_was_polled_gets_nothing_more() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let connection = harness.current();
    harness.session.trigger("private-x", "client-x", &1, harness.now).unwrap();
    harness.session.disconnect(harness.now);
    harness.session.handle_close(connection, Loss::reset("gone"), harness.now);
    harness.drain();
    assert_eq!(harness.sent(), [""; 0]);
    assert_eq!(harness.closes(), []);
}

#[test]
fn the_end_of_time_is_out_of_reach() {
    let mut harness = Harness::new(asking());
    let end = Instant::from_micros(u64::MAX);
    harness.session.connect(end);
    harness.drain();
    harness.session.handle_timeout(end);
    while harness.session.poll_action().is_some() {}
    assert!(harness.session.poll_timeout().is_some());
}

#[test]
fn endless_changes_of_state_that_nobody_polls_are_joined() {
    let mut harness = Harness::new(asking());
    for _ in 0..10_000 {
        harness.session.connect(harness.now);
        harness.session.disconnect(harness.now);
    }
    assert!(harness.session.memory().stored_events < 1_000);
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!(harness.connects(), 1);
    let changes = harness.state_changes();
    assert_eq!(changes.last().unwrap().to, ConnectionState::Connecting);
    assert!(changes.windows(2).all(|pair| pair[0].to == pair[1].from));
}

#[test]
fn a_refused_session_begins_anew() {
    let mut harness = Harness::connected();
    harness.close(4001);
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!(harness.session.status(harness.now).attempt, 1);
}

#[test]
fn another_endpoint_keeps_the_wanted_set() {
    let mut harness = Harness::connected();
    harness.subscribed("orders");
    let former = harness.current();
    let endpoint = Endpoint::new("::1").unwrap().with_port(8080).unwrap();
    harness.session.set_endpoint(endpoint, harness.now);
    harness.drain();
    assert_eq!(harness.closes(), [(former, CloseCode::Away)]);
    assert_eq!(harness.connects(), 1);
    assert!(harness.endpoint.as_ref().unwrap().url("k").starts_with("ws://[::1]:8080/app/k?"));
    harness.establish();
    assert_eq!(harness.sent(), [subscribe_frame("orders")]);
}

#[test]
fn subscribing_while_waiting_is_done_after_the_wait() {
    let mut harness = Harness::connected();
    harness.lose(Loss::reset(""));
    harness.session.subscribe("late", &SubscribeOptions::default(), harness.now).unwrap();
    harness.drain();
    assert_eq!(harness.sent(), [""; 0]);
    harness.next_deadline();
    harness.establish();
    assert_eq!(harness.sent(), [subscribe_frame("late")]);
}

#[test]
fn a_server_that_closes_at_once_again_and_again_is_not_dialled_in_a_loop() {
    // Whatever the code, and whether or not it establishes first: the attempts of one hour are
    // bounded by the guard and the growing backoff.
    for code in [1000, 4000, 4100, 4200, 4201, 4301] {
        let mut harness = Harness::new(signing().tls(true));
        harness.session.connect(harness.now);
        harness.drain();
        let end = harness.now + Duration::from_secs(3_600);
        let mut connects = 0;
        while harness.now < end && harness.session.state() != ConnectionState::Refused {
            connects += harness.connects();
            harness.establish();
            harness.close(code);
            if harness.session.state() == ConnectionState::Waiting {
                harness.next_deadline();
            }
        }
        assert!(connects < 400, "{code}: {connects}");
    }
}
