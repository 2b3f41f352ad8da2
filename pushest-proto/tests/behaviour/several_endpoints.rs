//! Several endpoints: which one is dialled next, when, and what ends the session whatever others there
//! are.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::{Harness, KEY, asking, signing, subscribe_frame};
use pushest_proto::{ConfigBuilder, ConnectionState, DialFailure, Endpoint, Event, Loss, Timeouts};

const FLOOR: Duration = Duration::from_millis(100);
const HALF: Duration = Duration::from_millis(500);
const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn nodes(count: usize) -> ConfigBuilder {
    asking().endpoints((0..count).map(|number| format!("node-{number}")))
}

/// A session that dials the first of its endpoints.
pub(crate) fn dialling(config: ConfigBuilder, seed: u64) -> Harness {
    let mut harness = Harness::with_seed(config, seed);
    harness.session.connect(harness.now);
    harness.drain();
    harness
}

/// The host that was dialled last.
pub(crate) fn dialled(harness: &Harness) -> String {
    harness.endpoint.as_ref().expect("something was dialled").host().to_owned()
}

/// The host of the status.
fn known(harness: &Harness) -> String {
    harness.session.status(harness.now).endpoint.host().to_owned()
}

pub(crate) fn refused() -> Loss {
    Loss::Dial(DialFailure::Connect("connection refused".into()))
}

fn http(status: u16, retry_after: Option<u64>) -> Loss {
    let retry_after = retry_after.map(Duration::from_secs);
    Loss::Dial(DialFailure::Http { status, retry_after, location: None, body: "".into() })
}

/// The order in which a session of this seed tries its endpoints.
fn order(config: &dyn Fn() -> ConfigBuilder, seed: u64, count: usize) -> Vec<String> {
    let mut harness = dialling(config(), seed);
    let mut order = vec![dialled(&harness)];
    while order.len() < count {
        harness.lose(refused());
        harness.wait_for_retry();
        order.push(dialled(&harness));
    }
    order
}

#[test]
fn after_any_loss_that_may_be_better_later_the_next_endpoint_is_dialled_within_half_a_second() {
    let losses = [
        refused(),
        Loss::Dial(DialFailure::Dns("no such host".into())),
        Loss::Dial(DialFailure::Timeout),
        Loss::Dial(DialFailure::Tls { certificate: true, detail: "expired".into() }),
        Loss::Dial(DialFailure::Proxy("502".into())),
        Loss::Dial(DialFailure::NotWebSocket("junk".into())),
        http(404, None),
        http(429, Some(60)),
        http(500, None),
        http(502, None),
        http(503, Some(600)),
        Loss::closed(Some(4100), "over capacity"),
        Loss::closed(Some(4199), ""),
        Loss::closed(Some(4200), ""),
        Loss::closed(Some(1001), ""),
        Loss::closed(None, ""),
        Loss::bad_close(Some(4100), "cut off"),
        Loss::Refused { code: 4100, message: "full".into() },
        Loss::reset("gone"),
        Loss::TooLarge { limit: 1 },
    ];
    for (seed, loss) in (0..).zip(losses) {
        for established in [false, true] {
            let mut harness = dialling(nodes(3), seed);
            if established {
                harness.establish();
            }
            let former = dialled(&harness);
            assert_eq!(known(&harness), former);
            harness.lose(loss.clone());
            let status = harness.session.status(harness.now);
            assert_eq!(status.state, ConnectionState::Waiting, "{loss}");
            assert_eq!(*status.last_loss.expect("it was lost"), loss);
            assert!(harness.session.is_moving_on() && status.endpoint.host() != former, "{loss}");
            let pause = harness.wait_for_retry();
            assert!((FLOOR..=HALF).contains(&pause), "{loss}: {pause:?}");
            assert_eq!(dialled(&harness), status.endpoint.host());
            assert!(!harness.session.is_moving_on());
            harness.establish();
            assert_eq!(harness.session.state(), ConnectionState::Connected);
            assert_eq!(known(&harness), dialled(&harness));
        }
    }
}

#[test]
fn a_dial_a_handshake_and_a_pong_that_never_come_move_it_on_too() {
    let mut harness = dialling(nodes(4), 1);
    let mut seen = BTreeSet::from([dialled(&harness)]);
    harness.pass(Timeouts::default().dial);
    assert_eq!(harness.session.state(), ConnectionState::Waiting);
    harness.wait_for_retry();
    assert!(seen.insert(dialled(&harness)), "after a dial");
    harness.open();
    harness.pass(Timeouts::default().handshake);
    harness.wait_for_retry();
    assert!(seen.insert(dialled(&harness)), "after a handshake");
    harness.establish();
    harness.pass_seconds(150);
    harness.wait_for_retry();
    assert!(seen.len() < 4 && **harness.session.last_loss().unwrap() == Loss::PongTimeout);
    // It was stable before: the own order begins anew.
    assert_eq!(dialled(&harness), order(&|| nodes(4), 1, 1)[0]);
}

#[test]
fn one_pass_has_no_backoff_and_all_that_follows_has_it_until_a_connection_is_stable() {
    for seed in 0..30 {
        let own = order(&|| nodes(4), seed, 4);
        let mut harness = dialling(nodes(4), seed);
        let mut pass = vec![dialled(&harness)];
        for round in 0..2 {
            while pass.len() < 4 {
                harness.lose(refused());
                let pause = harness.wait_for_retry();
                assert!((FLOOR..=HALF).contains(&pause), "{pause:?}");
                pass.push(dialled(&harness));
            }
            assert_eq!(pass.iter().collect::<BTreeSet<_>>().len(), 4, "{pass:?}");
            assert!(round == 1 || pass == own);
            // From here on as with one endpoint, and in turns.
            let mut longest = Duration::ZERO;
            let mut later = BTreeSet::new();
            for failure in 0..12_u32 {
                harness.lose(refused());
                assert!(!harness.session.is_moving_on());
                let pause = harness.wait_for_retry();
                let ceiling = Duration::from_secs((1 << failure).min(30));
                assert!((FLOOR..=ceiling).contains(&pause), "{failure}: {pause:?}");
                longest = longest.max(pause);
                later.insert(dialled(&harness));
                if failure % 4 == 3 {
                    assert_eq!(later.len(), 4, "{later:?}");
                    later.clear();
                }
            }
            assert!(longest > SECOND, "{longest:?}");
            harness.establish();
            harness.pass_seconds(11);
            harness.lose(Loss::reset("gone"));
            let pause = harness.wait_for_retry();
            assert!((FLOOR..=HALF).contains(&pause), "{pause:?}");
            pass = vec![dialled(&harness)];
        }
    }
}

#[test]
fn a_loss_begins_with_the_first_of_the_own_order_that_did_not_just_fail() {
    for seed in 0..20 {
        let own = order(&|| nodes(3), seed, 3);
        for (fails, next) in [(0, 1), (1, 0), (2, 0)] {
            let mut harness = dialling(nodes(3), seed);
            for _ in 0..fails {
                harness.lose(refused());
                harness.wait_for_retry();
            }
            harness.establish();
            assert_eq!(dialled(&harness), own[fails]);
            harness.pass_seconds(11);
            harness.lose(Loss::reset("gone"));
            harness.wait_for_retry();
            assert_eq!(dialled(&harness), own[next], "seed {seed}, {fails} failed before");
        }
        // One that was not stable goes on with those that were not tried.
        let mut harness = dialling(nodes(3), seed);
        harness.lose(refused());
        harness.establish();
        harness.pass_seconds(9);
        harness.lose(Loss::reset("gone"));
        harness.wait_for_retry();
        assert_eq!(dialled(&harness), own[2]);
    }
}

#[test]
fn a_connection_that_works_is_never_closed_for_an_endpoint_that_is_back() {
    let mut harness = dialling(nodes(3), 1);
    for _ in 0..2 {
        harness.lose(refused());
        harness.wait_for_retry();
    }
    harness.establish();
    let (connection, host) = (harness.current(), dialled(&harness));
    harness.actions.clear();
    for _ in 0..500 {
        harness.pass_seconds(100);
        harness.session.handle_activity(connection, harness.now);
    }
    harness.session.handle_network_change(harness.now);
    harness.drain();
    harness.session.handle_activity(connection, harness.now);
    assert_eq!((harness.connects(), harness.closes().len()), (0, 0));
    assert_eq!((known(&harness), harness.session.state()), (host, ConnectionState::Connected));
}

#[test]
fn a_refusal_for_good_ends_it_whatever_other_endpoints_there_are() {
    for code in [4000, 4001, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4099] {
        for established in [false, true] {
            for error in [false, true] {
                // Over TLS, so that 4000 is final, too; but for one that was established.
                if established && (error || code == 4000) {
                    continue;
                }
                let mut harness = dialling(nodes(3).tls(true), 3);
                let first = dialled(&harness);
                if established {
                    harness.establish();
                } else {
                    harness.open();
                }
                let loss = match error {
                    true => Loss::Refused { code, message: "no".into() },
                    false => Loss::closed(Some(code), "no"),
                };
                harness.lose(loss.clone());
                assert_eq!(harness.session.state(), ConnectionState::Refused, "{loss}");
                assert!(!harness.session.is_moving_on());
                assert_eq!(harness.connects(), 1);
                harness.pass_seconds(10_000);
                assert_eq!((harness.connects(), harness.session.poll_timeout()), (0, None));
                assert_eq!(known(&harness), first, "the one that refused");
                harness.session.connect(harness.now);
                harness.drain();
                assert_eq!(dialled(&harness), first, "the own order begins anew");
            }
        }
    }
}

#[test]
fn a_dial_that_is_refused_leaves_its_endpoint_out_and_ends_it_once_all_are() {
    let unsupported = Loss::Dial(DialFailure::Unsupported("no TLS".into()));
    let cases = [
        (unsupported, false),
        (Loss::Dial(DialFailure::Dns("no such host".into())), true),
        (Loss::Dial(DialFailure::Tls { certificate: true, detail: "expired".into() }), true),
        (http(404, None), true),
        (http(301, None), true),
    ];
    for (refusal, stop) in cases {
        let mut harness = dialling(nodes(3).stop_on_refusal(stop), 1);
        let left_out = dialled(&harness);
        harness.lose(refusal.clone());
        assert!(harness.session.is_moving_on(), "{refusal}");
        for _ in 0..9 {
            harness.wait_for_retry();
            assert_ne!(dialled(&harness), left_out, "{refusal}");
            harness.lose(refused());
            assert_eq!(harness.session.state(), ConnectionState::Waiting);
        }
        harness.wait_for_retry();
        harness.lose(refusal.clone());
        assert_eq!(harness.session.state(), ConnectionState::Waiting, "one is left");
        harness.wait_for_retry();
        harness.lose(refusal.clone());
        assert_eq!(harness.session.state(), ConnectionState::Refused, "{refusal}");
        assert_eq!(**harness.session.last_loss().unwrap(), refusal);
        assert_eq!(harness.session.statistics().refusals, 1);
        harness.session.connect(harness.now);
        harness.drain();
        assert_eq!(dialled(&harness), left_out, "connecting anew forgets it");
        // And so does a stable connection: what was refused for a while may be there again.
        harness.lose(refusal.clone());
        harness.wait_for_retry();
        harness.establish();
        harness.pass_seconds(11);
        harness.lose(Loss::reset("gone"));
        harness.wait_for_retry();
        assert_eq!(dialled(&harness), left_out);
    }
}

#[test]
fn an_endpoint_that_asks_for_a_pause_gets_it_and_holds_up_no_other() {
    for (loss, pause) in [(http(503, Some(600)), 600), (Loss::closed(Some(4100), ""), 1)] {
        for seed in 0..8 {
            let mut harness = dialling(nodes(2), seed);
            let (busy, asked) = (dialled(&harness), harness.now);
            harness.lose(loss.clone());
            let until = asked + Duration::from_secs(pause);
            let mut dials = [0, 0];
            while harness.now < until + Duration::from_secs(120) {
                harness.wait_for_retry();
                let is_busy = dialled(&harness) == busy;
                assert!(!is_busy || harness.now >= until, "{loss}: it is dialled too early");
                dials[usize::from(is_busy)] += 1;
                harness.lose(refused());
                if dials[0] % 4 == 3 {
                    harness.session.handle_network_change(harness.now);
                    harness.drain();
                }
            }
            assert!(dials[0] > 2 && dials[1] > 0, "{loss}: {dials:?}");
        }
    }
}

#[test]
fn where_all_ask_for_a_pause_the_shortest_is_waited_for_whatever_changes_meanwhile() {
    let mut harness = dialling(nodes(3), 1);
    let mut short = String::new();
    for seconds in [90, 60, 70] {
        if seconds == 60 {
            short = dialled(&harness);
        }
        harness.lose(http(503, Some(seconds)));
        if seconds != 70 {
            harness.wait_for_retry();
        }
    }
    assert_eq!(known(&harness), short);
    harness.session.handle_network_change(harness.now);
    harness.drain();
    assert_eq!(known(&harness), short);
    let pause = harness.wait_for_retry();
    assert!(pause > Duration::from_secs(58) && pause < Duration::from_secs(62), "{pause:?}");
    assert_eq!(dialled(&harness), short);
}

#[test]
fn a_changed_network_begins_a_pass_without_backoff() {
    let mut harness = dialling(nodes(3), 1);
    for _ in 0..12 {
        harness.lose(refused());
        harness.wait_for_retry();
    }
    harness.lose(refused());
    harness.session.handle_network_change(harness.now);
    harness.drain();
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let pause = harness.wait_for_retry();
        assert!(pause <= Duration::from_millis(600), "{pause:?}");
        assert!(seen.insert(dialled(&harness)));
        harness.lose(refused());
    }
    assert!(!harness.session.is_moving_on());
}

#[test]
fn connecting_while_it_waits_dials_the_next_one_at_once_and_after_disconnecting_the_first() {
    let own = order(&|| nodes(3), 5, 3);
    let mut harness = dialling(nodes(3), 5);
    harness.lose(refused());
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!((dialled(&harness), harness.connects()), (own[1].clone(), 2));
    harness.establish();
    harness.session.disconnect(harness.now);
    harness.drain();
    assert_eq!(known(&harness), own[1]);
    harness.session.connect(harness.now);
    harness.drain();
    assert_eq!(dialled(&harness), own[0]);
}

#[test]
fn another_endpoint_takes_the_place_of_the_whole_list() {
    let mut harness = dialling(nodes(3), 1);
    harness.session.set_endpoint(Endpoint::new("elsewhere").unwrap(), harness.now);
    harness.drain();
    assert_eq!(dialled(&harness), "elsewhere");
    for failure in 0..5_u32 {
        harness.lose(refused());
        assert!(!harness.session.is_moving_on());
        assert!(harness.wait_for_retry() <= Duration::from_secs(1 << failure));
        assert_eq!(dialled(&harness), "elsewhere");
    }
    assert_eq!(harness.session.config().endpoints().len(), 3, "as it was given");
}

#[test]
fn code_4000_switches_the_one_endpoint_to_tls_and_leaves_the_others() {
    let nodes = || Harness::with_seed(asking().without_address().endpoints(["a", "b"]), 1);
    let mut harness = nodes();
    harness.session.connect(harness.now);
    harness.drain();
    let first = dialled(&harness);
    harness.open();
    harness.close(4000);
    assert_eq!(known(&harness), first);
    assert!(harness.wait_for_retry() <= HALF);
    let endpoint = harness.endpoint.clone().unwrap();
    assert_eq!((endpoint.host(), endpoint.port(), endpoint.is_tls()), (&*first, 443, true));
    harness.lose(refused());
    harness.wait_for_retry();
    let other = harness.endpoint.clone().unwrap();
    assert_ne!(other.host(), first);
    assert_eq!((other.port(), other.is_tls()), (80, false));
    // It is remembered when its turn comes again.
    harness.lose(refused());
    harness.wait_for_retry();
    assert_eq!(harness.endpoint.clone().unwrap(), endpoint);
}

#[test]
fn channels_are_wanted_at_the_next_endpoint_and_gaps_are_told() {
    let mut harness = Harness::new(signing().endpoints(["node-1", "node-2"]));
    harness.connect();
    harness.subscribed("orders");
    harness.lose(Loss::reset("the node died"));
    harness.establish();
    assert_eq!(harness.sent(), [subscribe_frame("orders")]);
    harness.succeed("orders");
    let gaps = harness.events().into_iter();
    assert_eq!(gaps.filter(|event| matches!(event, Event::Gap { .. })).count(), 1);
}

#[test]
fn each_endpoint_has_its_own_port_path_and_tls() {
    let list = ["a", "b:6002", "ws://c/rt", "wss://d:8443/other", "wss://e"];
    let config = asking().path("/shared").endpoints(list);
    let mut harness = dialling(config, 1);
    let mut urls = BTreeSet::new();
    for _ in list {
        let url = harness.endpoint.as_ref().unwrap().url(KEY);
        urls.insert(url.split_once("/app/").unwrap().0.to_owned());
        harness.lose(refused());
        harness.wait_for_retry();
    }
    let expected = [
        "ws://a:6001/shared",
        "ws://b:6002/shared",
        "ws://c:6001/rt",
        "wss://d:8443/other",
        "wss://e:6001/shared",
    ];
    assert_eq!(urls, BTreeSet::from(expected.map(str::to_owned)));
}
