//! Networks that change, as the watch of them tells: what the pump makes of it for a connection, for an
//! attempt that is under way, and for a pause. The networks are made up, and nothing sleeps.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pushest_driver::fuzzing::networks::Networks;
use pushest_driver::proto::{BackoffConfig, ConfigBuilder};
use pushest_driver::{ConnectionState, DialFailure, Event, Loss, Options};

use super::frames;
use super::rig::{Rig, config, next, received};
use super::stream::End;
use super::world::{Attempt, Call};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// The longest pause before an attempt that is made at once.
const AT_ONCE: Duration = Duration::from_millis(500);

/// The longest pause that a change of the network leaves.
const BROUGHT_FORWARD: Duration = Duration::from_millis(600);

fn own() -> IpAddr {
    IpAddr::from([192, 0, 2, 7])
}

fn other() -> IpAddr {
    IpAddr::from([192, 0, 2, 8])
}

fn port_of(ip: IpAddr) -> SocketAddr {
    SocketAddr::new(ip, 40_000)
}

/// A client that watches, on a machine with one address.
fn watching(config: ConfigBuilder) -> (Rig, Networks) {
    let networks = Networks::new([own()]);
    let rig = Rig::with(config, networks.watched(Options::default()));
    rig.world.set_local(port_of(own()));
    (rig, networks)
}

/// One that is connected, and asleep.
fn connected(config: ConfigBuilder) -> (Rig, Networks) {
    let (mut rig, networks) = watching(config);
    rig.settle();
    assert_eq!(rig.state(), ConnectionState::Connected);
    rig.server().take_received();
    rig.world.take_calls();
    assert!(!rig.is_woken());
    (rig, networks)
}

/// A client waits for so long by itself that it does not in a test.
fn patient() -> ConfigBuilder {
    config().backoff(BackoffConfig::schedule([3_600 * SECOND]))
}

/// One whose first attempts failed, and which waits for an hour.
fn waiting(attempts: impl IntoIterator<Item = Attempt>) -> (Rig, Networks) {
    let (mut rig, networks) = watching(patient());
    rig.world.plan_attempts(attempts);
    rig.settle();
    assert_eq!(rig.state(), ConnectionState::Waiting);
    rig.pass(60 * SECOND);
    rig.world.take_calls();
    (rig, networks)
}

fn last_loss(rig: &Rig) -> Loss {
    let loss = rig.client.status().last_loss.expect("a connection was lost");
    Loss::clone(&loss)
}

/// How long it is until the next attempt.
fn pause(rig: &Rig) -> Duration {
    rig.client.status().next_retry.expect("it waits for an attempt")
}

fn dials(rig: &Rig) -> usize {
    let calls = rig.world.take_calls();
    calls.iter().filter(|call| matches!(call, Call::Connect(_))).count()
}

fn pings(rig: &mut Rig) -> usize {
    let received = rig.server().take_received();
    received.iter().filter(|frame| frame.contains("pusher:ping")).count()
}

#[test]
fn a_connection_whose_own_address_is_gone_is_dropped_at_once_and_an_attempt_follows() {
    let (mut rig, networks) = connected(patient());
    networks.remove(own());
    assert!(rig.is_woken(), "nothing else wakes it");
    rig.run();
    // It is not closed in order: nothing could leave, and a closing handshake would be waited for.
    assert!(!rig.socket().is_open());
    assert_eq!(rig.server().take_received(), [""; 0]);
    assert_eq!((rig.state(), last_loss(&rig)), (ConnectionState::Waiting, Loss::AddressGone));
    assert!(pause(&rig) <= AT_ONCE, "{:?}", pause(&rig));
    networks.add(other());
    rig.world.set_local(port_of(other()));
    rig.pass(AT_ONCE);
    assert_eq!((rig.state(), dials(&rig)), (ConnectionState::Connected, 1));
    // The new one is made from the address that is there.
    networks.remove(own());
    rig.settle();
    assert_eq!(rig.state(), ConnectionState::Connected);
}

#[test]
fn what_had_arrived_before_the_address_was_gone_is_received_before_the_gap() {
    let (mut rig, networks) = watching(config());
    let mut news = rig.client.subscribe("news").expect("a good name");
    rig.settle();
    assert_eq!(received(&mut news), ["news: subscribed"]);
    rig.server().says(&frames::event("news", "headline", "rain"));
    networks.remove(own());
    rig.settle();
    assert_eq!(received(&mut news), ["news: headline rain"]);
    rig.pass(AT_ONCE);
    let gap = |event: &Event| match event {
        Event::Gap { cause, .. } => **cause == Loss::AddressGone,
        _ => false,
    };
    assert_eq!(next(&mut news).as_deref(), Some("news: subscribed"));
    let event = futures_util::FutureExt::now_or_never(news.recv()).flatten();
    assert!(event.as_ref().is_some_and(gap), "{event:?}");
}

#[test]
fn an_address_that_is_replaced_in_one_burst_ends_the_connection_too() {
    let (mut rig, networks) = connected(config());
    networks.replace(own(), other());
    rig.world.set_local(port_of(other()));
    rig.run();
    assert_eq!((rig.state(), last_loss(&rig)), (ConnectionState::Waiting, Loss::AddressGone));
    rig.pass(AT_ONCE);
    assert_eq!(rig.state(), ConnectionState::Connected);
}

#[test]
fn a_path_that_died_is_given_up_after_the_time_for_a_pong_after_a_change() {
    for change in [Networks::reroute, Networks::cut, Networks::blink] {
        let (mut rig, networks) = connected(config());
        rig.server().habits.pongs = false;
        change(&networks);
        rig.settle();
        assert_eq!(pings(&mut rig), 1);
        rig.pass(5 * SECOND - MILLISECOND);
        assert_eq!(rig.state(), ConnectionState::Connected, "the address is still there");
        rig.pass(MILLISECOND);
        assert_eq!((rig.state(), last_loss(&rig)), (ConnectionState::Waiting, Loss::PongTimeout));
        assert!(pause(&rig) <= AT_ONCE, "{:?}", pause(&rig));
    }
}

#[test]
fn a_path_that_lives_costs_a_ping_and_the_connection_stays() {
    let (mut rig, networks) = connected(config());
    networks.reroute();
    rig.settle();
    assert_eq!(pings(&mut rig), 1);
    rig.pass(60 * SECOND);
    assert_eq!((rig.state(), pings(&mut rig)), (ConnectionState::Connected, 0));
    assert_eq!((rig.world.sockets().len(), rig.client.statistics().losses), (1, 0));
}

#[test]
fn an_interface_that_flaps_does_not_put_the_end_of_a_dead_path_off() {
    let (mut rig, networks) = connected(config());
    rig.server().habits.pongs = false;
    for _ in 0..50 {
        networks.blink();
        rig.pass(100 * MILLISECOND);
    }
    assert_eq!((rig.state(), last_loss(&rig)), (ConnectionState::Waiting, Loss::PongTimeout));
}

#[test]
fn what_happens_to_other_addresses_wakes_nobody() {
    let (mut rig, networks) = connected(config());
    networks.add(other());
    for is_there in [true, false, true, false] {
        networks.change_others(is_there);
    }
    networks.remove(other());
    assert_eq!(rig.count_wakes(), 0);
    rig.run();
    assert_eq!((rig.world.take_calls(), pings(&mut rig)), (vec![], 0));
    assert_eq!(rig.state(), ConnectionState::Connected);
}

#[test]
fn an_address_that_no_interface_ever_had_is_not_gone() {
    let (mut rig, networks) = watching(config());
    // As those of the loopback but one.
    rig.world.set_local(port_of(other()));
    rig.settle();
    networks.remove(own());
    assert_eq!((rig.count_wakes(), rig.state()), (0, ConnectionState::Connected));
}

#[test]
fn a_stream_without_addresses_is_followed_by_no_change() {
    let networks = Networks::new([own()]);
    let mut rig = Rig::connected_with(config(), networks.watched(Options::default()));
    networks.remove(own());
    rig.settle();
    assert_eq!((rig.state(), pings(&mut rig)), (ConnectionState::Connected, 0));
}

#[test]
fn what_is_told_of_a_connection_that_has_ended_meanwhile_does_not_end_the_next_one() {
    let (mut rig, networks) = connected(config());
    rig.socket().ends(End::Reset);
    networks.remove(own());
    rig.world.set_local(port_of(other()));
    networks.add(other());
    rig.run();
    assert!(matches!(last_loss(&rig), Loss::Reset(_)), "{:?}", last_loss(&rig));
    rig.pass_until(|rig| rig.state() == ConnectionState::Connected);
    rig.pass(SECOND);
    assert_eq!((rig.state(), rig.world.sockets().len()), (ConnectionState::Connected, 2));
    assert_eq!(rig.client.statistics().losses, 1);
}

#[test]
fn an_attempt_that_is_under_way_has_as_much_time_left_after_a_change() {
    let changes: [fn(&Networks); 3] =
        [|it| it.remove(own()), |it| it.change_others(true), Networks::reroute];
    for change in changes {
        for upgrades in [true, false] {
            let (mut rig, networks) = watching(patient());
            rig.habits.upgrades = upgrades;
            let attempt = if upgrades { Attempt::Silent } else { Attempt::Opens };
            rig.world.plan_attempts([attempt, Attempt::Opens]);
            rig.settle();
            rig.pass(SECOND);
            assert_eq!(rig.state(), ConnectionState::Connecting);
            change(&networks);
            assert!(rig.is_woken());
            rig.pass(5 * SECOND - MILLISECOND);
            assert_eq!(rig.state(), ConnectionState::Connecting, "it may yet succeed");
            rig.habits.upgrades = true;
            rig.pass(MILLISECOND);
            let timeout = Loss::Dial(DialFailure::Timeout);
            assert_eq!((rig.state(), last_loss(&rig)), (ConnectionState::Waiting, timeout));
            assert!(pause(&rig) <= BROUGHT_FORWARD, "{:?}", pause(&rig));
            rig.pass(BROUGHT_FORWARD);
            assert_eq!(rig.state(), ConnectionState::Connected);
        }
    }
}

#[test]
fn an_attempt_that_succeeds_after_a_change_is_kept() {
    let (mut rig, networks) = watching(config());
    rig.world.plan_attempts([Attempt::OpensAfter(1)]);
    rig.run();
    networks.change_others(true);
    rig.settle();
    rig.pass(60 * SECOND);
    assert_eq!((rig.state(), dials(&rig)), (ConnectionState::Connected, 1));
}

#[test]
fn an_address_or_a_route_that_comes_ends_a_long_pause_and_one_that_goes_does_not() {
    let changes: [fn(&Networks); 3] =
        [|it| it.add(other()), |it| it.change_others(true), Networks::reroute];
    for comes in changes {
        let (mut rig, networks) = waiting([Attempt::Refused]);
        networks.remove(own());
        networks.cut();
        networks.change_others(false);
        rig.pass(60 * SECOND);
        assert_eq!((rig.state(), dials(&rig)), (ConnectionState::Waiting, 0));
        comes(&networks);
        assert!(rig.is_woken());
        rig.settle();
        assert!(pause(&rig) <= BROUGHT_FORWARD, "{:?}", pause(&rig));
        rig.pass(BROUGHT_FORWARD);
        assert_eq!((rig.state(), dials(&rig)), (ConnectionState::Connected, 1));
    }
}

#[test]
fn networks_that_change_all_the_time_do_not_defeat_backoff() {
    let (mut rig, networks) = waiting([Attempt::Refused; 1_000]);
    for round in 0..1_200 {
        networks.change_others(round % 2 == 0);
        rig.pass(100 * MILLISECOND);
    }
    // Three in a row, and one in 30 s, for two minutes.
    let dials = dials(&rig);
    assert!((3..=7).contains(&dials), "{dials} attempts");
    assert_eq!(rig.state(), ConnectionState::Waiting);
}

#[test]
fn addresses_that_go_again_and_again_do_not_defeat_backoff() {
    let (mut rig, networks) = watching(patient());
    rig.settle();
    for loss in 1.. {
        assert_eq!(rig.state(), ConnectionState::Connected, "after {loss}");
        networks.remove(own());
        rig.run();
        assert_eq!(last_loss(&rig), Loss::AddressGone);
        if loss > 3 {
            assert!(pause(&rig) >= 3_600 * SECOND, "{:?}", pause(&rig));
            break;
        }
        // It is there again before the attempt, of which nothing is told that could bring it forward.
        assert!(pause(&rig) <= AT_ONCE, "{:?}", pause(&rig));
        networks.add(own());
        rig.pass(BROUGHT_FORWARD);
    }
}

#[test]
fn a_client_that_has_ended_watches_nothing() {
    let (mut rig, networks) = connected(config());
    assert_eq!(networks.clients(), 1);
    drop(rig.take_client());
    rig.pass(3 * SECOND);
    assert!(rig.pump.is_none());
    assert_eq!(networks.clients(), 0);
    networks.remove(own());
}
