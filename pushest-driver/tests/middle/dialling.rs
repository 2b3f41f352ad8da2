//! The way to a connection: addresses that race, the upgrade in pieces, and dials that are given up.

use std::task::Poll;
use std::time::Duration;

use pushest_driver::{ConnectionState, DialFailure, Loss, Options};

use super::frames;
use super::rig::{Rig, address, config};
use super::server::{Habits, agreement, established};
use super::stream::{Cut, End};
use super::world::{Attempt, Call};

fn connects(rig: &Rig) -> Vec<Call> {
    rig.world.take_calls().into_iter().filter(|call| matches!(call, Call::Connect(_))).collect()
}

fn gone_attempts(rig: &Rig) -> usize {
    let calls = rig.world.take_calls();
    calls.iter().filter(|call| **call == Call::Dropped("attempt")).count()
}

#[test]
fn a_silent_address_gives_way_to_the_next_one_exactly_when_its_time_is_over() {
    let mut rig = Rig::new();
    rig.world.set_addresses(vec![address(1), address(2), address(3)]);
    rig.world.plan_attempts([Attempt::Silent, Attempt::Silent, Attempt::OpensAfter(1)]);
    rig.run();
    assert_eq!(connects(&rig), [Call::Connect(address(1))]);
    rig.world.clock().advance(Duration::from_millis(249));
    rig.run();
    assert_eq!(connects(&rig), []);
    rig.world.clock().advance(Duration::from_millis(1));
    rig.run();
    assert_eq!(connects(&rig), [Call::Connect(address(2))]);
    rig.world.clock().advance(Duration::from_millis(250));
    rig.run();
    assert_eq!(connects(&rig), [Call::Connect(address(3))]);
    assert_eq!(rig.world.sockets().len(), 0);
    rig.world.go_on();
    rig.run();
    assert_eq!(rig.world.sockets().len(), 1);
    // Those that were silent are given up, and nothing waits for their time any more.
    assert_eq!(gone_attempts(&rig), 3);
    assert!(rig.world.clock().next() > Some(Duration::from_secs(1)));
    rig.settle();
    assert_eq!(rig.state(), ConnectionState::Connected);
}

#[test]
fn an_address_that_refuses_costs_no_time_and_all_that_refuse_are_a_failure_at_once() {
    let mut rig = Rig::new();
    rig.world.set_addresses(vec![address(1), address(2)]);
    rig.world.plan_attempts([Attempt::Refused, Attempt::Refused]);
    assert_eq!(rig.poll(), Poll::Pending);
    assert_eq!(connects(&rig), [Call::Connect(address(1)), Call::Connect(address(2))]);
    assert_eq!(rig.state(), ConnectionState::Waiting);
    let loss = rig.client.status().last_loss.expect("it failed").to_string();
    assert!(loss.contains("127.0.0.1:80") && loss.contains("127.0.0.2:80"), "{loss}");
}

#[test]
fn a_dial_that_takes_too_long_is_dropped_with_all_its_parts() {
    let plans = [Attempt::Silent, Attempt::Opens];
    for plan in plans {
        let mut rig = Rig::new();
        rig.habits.upgrades = false;
        rig.world.plan_attempts([plan]);
        rig.settle();
        let lives = rig.world.lives();
        assert_eq!(rig.state(), ConnectionState::Connecting);
        rig.pass_until(|rig| rig.state() != ConnectionState::Connecting);
        // The runtime, and the timer for the next attempt.
        assert!(rig.world.lives() <= lives && rig.world.lives() == 1, "{}", rig.world.lives());
        assert!(rig.world.sockets().iter().all(|socket| !socket.is_open()));
        let loss = rig.client.status().last_loss.expect("it failed");
        assert!(matches!(*loss, Loss::Dial(DialFailure::Timeout)), "{loss:?}");
    }
}

#[test]
fn an_upgrade_in_pieces_of_any_size_opens_and_what_follows_it_in_one_piece_is_a_message() {
    for size in 1..=200 {
        let mut rig = Rig::new();
        rig.habits.upgrades = false;
        rig.settle();
        let socket = rig.socket();
        let request = String::from_utf8(socket.sent_behind(0)).expect("a request is a text");
        let greeting = [agreement(&request).into_bytes(), established()].concat();
        for piece in greeting.chunks(size) {
            assert_eq!(rig.state(), ConnectionState::Connecting, "in pieces of {size}");
            socket.arrives(piece);
            rig.settle();
        }
        assert_eq!(rig.state(), ConnectionState::Connected, "in pieces of {size}");
    }
}

#[test]
fn a_request_that_is_taken_in_pieces_is_sent_whole_and_once() {
    let mut rig = Rig::new();
    rig.world.plan_attempts([Attempt::OpensAfter(0)]);
    rig.world.at_each_call({
        let world = rig.world.clone();
        move |call| {
            // Before the first byte of the request.
            if call == Call::Dropped("attempt") {
                let cuts = [Cut::AtMost(1), Cut::Pending, Cut::AtMost(30), Cut::Pending];
                world.sockets()[0].cut_writes(cuts.into_iter().cycle().take(40));
            }
        }
    });
    rig.settle();
    rig.world.forget_hook();
    assert_eq!(rig.state(), ConnectionState::Connected);
}

#[test]
fn an_end_in_the_midst_of_the_upgrade_is_a_failed_dial() {
    for end in [End::InOrder, End::Reset] {
        let mut rig = Rig::new();
        rig.habits.upgrades = false;
        rig.settle();
        rig.server().says(b"HTTP/1.1 101 Swit");
        rig.socket().ends(end);
        rig.run();
        let loss = rig.client.status().last_loss.expect("it failed");
        assert!(matches!(*loss, Loss::Dial(DialFailure::Upgrade(_))), "{loss:?}");
        assert!(!rig.socket().is_open());
    }
}

#[test]
fn a_disconnect_gives_a_dial_up_at_once_however_far_it_is() {
    for (plan, upgrades) in
        [(Attempt::Silent, true), (Attempt::OpensAfter(1), true), (Attempt::Opens, false)]
    {
        let mut rig = Rig::new();
        rig.habits.upgrades = upgrades;
        rig.world.plan_attempts([plan]);
        rig.run();
        rig.client.disconnect();
        rig.run();
        assert_eq!(rig.state(), ConnectionState::Disconnected);
        assert_eq!((rig.world.lives(), rig.world.clock().timers()), (1, 0), "{plan:?}");
        rig.client.connect();
        rig.habits = Habits::default();
        rig.settle();
        assert_eq!(rig.state(), ConnectionState::Connected);
    }
}

#[test]
fn of_many_connections_that_close_slowly_the_first_are_given_up() {
    let mut rig = Rig::with(config(), Options::default());
    rig.habits.closes = false;
    for _ in 0..20 {
        rig.client.connect();
        rig.settle();
        assert_eq!(rig.state(), ConnectionState::Connected);
        rig.client.disconnect();
        rig.settle();
    }
    let open = rig.world.sockets().iter().filter(|socket| socket.is_open()).count();
    assert_eq!((rig.world.sockets().len(), open), (20, 4));
    let sent: Vec<_> = rig.servers().iter_mut().map(|server| server.take_received()).collect();
    assert!(sent.iter().all(|sent| sent == &["close Some(1000)"]), "{sent:?}");
    rig.pass(Duration::from_secs(2));
    assert_eq!(rig.world.lives(), 1);
}

#[test]
fn a_socket_that_is_given_up_may_use_the_client_when_it_is_dropped() {
    let mut rig = Rig::with(config(), Options::default());
    rig.habits.closes = false;
    let client = rig.client.clone();
    rig.world.at_each_call(move |call| {
        if matches!(call, Call::Dropped(_)) {
            let _ = client.status();
        }
    });
    for _ in 0..6 {
        rig.client.connect();
        rig.settle();
        rig.server().says(&frames::frame(frames::PING, b""));
        rig.client.disconnect();
        rig.settle();
    }
    rig.pass(Duration::from_secs(2));
    rig.world.forget_hook();
    assert!(rig.world.sockets().iter().all(|socket| !socket.is_open()));
}
