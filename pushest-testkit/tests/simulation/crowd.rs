//! Many clients of one server that lose it at the same moment: they must not come back at the same
//! moment.

use std::time::Duration;

use pushest_proto::{Config, ConnectionState, Session};
use pushest_testkit::protocol::{Broker, ServerConfig, Target};
use pushest_testkit::{Refusal, World};

const CLIENTS: usize = 500;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Clients that connected at the same moment, on links without any delay.
fn crowd() -> World {
    let mut server = ServerConfig::default();
    // Only the clients look for signs of life.
    server.activity_timeout = Duration::from_secs(100_000);
    let mut world = World::new(server, 7);
    for _ in 0..CLIENTS {
        let config = Config::builder("app-key").host("simulated").build().unwrap();
        let client = world.add_client(config);
        world.link_mut(client).set_delay(Duration::ZERO);
    }
    every(&mut world, Session::connect);
    world.run(Duration::from_secs(30));
    assert_eq!(in_state(&world, ConnectionState::Connected), CLIENTS);
    world
}

fn every(world: &mut World, command: impl Fn(&mut Session, pushest_proto::Instant)) {
    for client in 0..CLIENTS {
        world.command(client, &command);
    }
}

fn in_state(world: &World, state: ConnectionState) -> usize {
    (0..CLIENTS).filter(|client| world.link(*client).session().state() == state).count()
}

fn broker(world: &mut World) -> &mut Broker {
    world.broker_mut().expect("it is up")
}

/// How many dial in each millisecond from now on, until all of them have.
fn dials(world: &mut World) -> Vec<usize> {
    let attempts = |world: &World| {
        (0..CLIENTS).map(|it| world.link(it).session().status(world.now()).attempt).sum()
    };
    let (mut before, mut dials): (u32, _) = (attempts(world), Vec::new());
    let first = before;
    while before < first + CLIENTS as u32 {
        world.run(MILLISECOND);
        let after = attempts(world);
        dials.push(usize::try_from(after - before).unwrap());
        before = after;
        assert!(dials.len() < 5_000, "they do not come back");
    }
    dials
}

/// Drawn uniformly from half a second, a hundred clients are expected within 100 ms, and ten within
/// 10; the fullest window has some more.
fn is_no_herd(world: &mut World, what: &str) {
    let dials = dials(world);
    let fullest = |window: usize| {
        let window = window.min(dials.len());
        dials.windows(window).map(|part| part.iter().sum::<usize>()).max().unwrap_or_default()
    };
    let (long, short) = (fullest(100), fullest(10));
    assert!(long <= 140 && short <= 30, "{what}: {long} within 100 ms, {short} within 10 ms");
    world.run(Duration::from_secs(30));
    assert_eq!(in_state(world, ConnectionState::Connected), CLIENTS, "{what}");
}

#[test]
fn five_hundred_clients_of_a_server_that_fell_silent_come_back_one_after_the_other() {
    let mut world = crowd();
    broker(&mut world).set_silent(&Target::All, true);
    // All of them ask for a sign of life at the same moment, and none comes.
    while in_state(&world, ConnectionState::Connected) == CLIENTS {
        world.run(MILLISECOND);
    }
    assert_eq!(in_state(&world, ConnectionState::Waiting), CLIENTS);
    is_no_herd(&mut world, "a missed pong");
}

#[test]
fn five_hundred_clients_that_are_told_to_come_back_do_so_one_after_the_other() {
    let mut world = crowd();
    for code in [4200, 1001] {
        broker(&mut world).close(&Target::All, code, "we restart");
        world.run(Duration::ZERO);
        assert_eq!(in_state(&world, ConnectionState::Waiting), CLIENTS);
        is_no_herd(&mut world, "a close");
    }
    world.stop_server();
    world.run(Duration::ZERO);
    world.start_server();
    is_no_herd(&mut world, "a server that was started again");
}

#[test]
fn five_hundred_clients_that_a_full_server_refuses_try_again_one_after_the_other() {
    let mut world = crowd();
    every(&mut world, Session::disconnect);
    broker(&mut world).refuse_connections_with(Some(Refusal::error(4100, "Over capacity")));
    every(&mut world, Session::connect);
    world.run(Duration::ZERO);
    assert_eq!(in_state(&world, ConnectionState::Waiting), CLIENTS);
    broker(&mut world).refuse_connections_with(None);
    is_no_herd(&mut world, "an error instead of the handshake");
}
