//! A cluster whose nodes die, refuse and come back, and clients that have all of them as endpoints: with
//! one live node each is connected in time, they spread, and none leaves a connection that works.

use std::collections::BTreeMap;
use std::time::Duration;

use pushest_proto::{Config, ConnectionState, Event, Session, SubscribeOptions, Timeouts};
use pushest_testkit::protocol::ServerConfig;
use pushest_testkit::{NodeFault, Refusal, World};

use crate::run::node;

/// Number of runs, unless others are asked for.
const SEEDS: u64 = 10_000;

/// The longest delay of a message.
const DELAY: Duration = Duration::from_millis(50);

/// The longest pause before another endpoint is tried, and that of backoff.
const MOVE: Duration = Duration::from_millis(500);
const BACKOFF: Duration = Duration::from_secs(30);

/// The longest pause that a node asks for.
const ASKED: Duration = Duration::from_secs(600);

/// Longer than it takes for a connection to count as stable.
const STABLE: Duration = Duration::from_secs(11);

/// Clients of a cluster.
struct Cluster {
    world: World,
    random: fastrand::Rng,
    nodes: usize,
    seed: u64,
}

impl Cluster {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let (nodes, clients) = (random.usize(2..=6), random.usize(1..=5));
        Self::with(seed, random, nodes, clients)
    }

    fn with(seed: u64, mut random: fastrand::Rng, nodes: usize, clients: usize) -> Self {
        let mut server = ServerConfig::default();
        server.activity_timeout = Duration::from_secs(100_000);
        let mut world = World::new(server, random.u64(..));
        for _ in 0..clients {
            let config = Config::builder("app-key").endpoints((0..nodes).map(node));
            let client = world.add_client(config.build().unwrap());
            world.link_mut(client).set_delay(DELAY);
            let options = SubscribeOptions::default();
            world.command(client, |it, now| it.subscribe("news", &options, now)).unwrap();
        }
        Self { world, random, nodes, seed }
    }

    fn sessions(&self) -> impl Iterator<Item = &Session> {
        (0..self.world.clients()).map(|client| self.world.link(client).session())
    }

    fn connect(&mut self) {
        for client in 0..self.world.clients() {
            self.world.command(client, Session::connect);
        }
    }

    /// A node dies, and dials there end in some way from now on. Returns how long one takes.
    fn kill(&mut self, number: usize) -> Duration {
        let host = node(number);
        self.world.fail_node(&host, NodeFault::Down);
        let timeouts = Timeouts::default();
        let refusal = |code| NodeFault::Refusing(Refusal::error(code, "as the test wants"));
        let retry_after = Some(Duration::from_secs(self.random.u64(0..ASKED.as_secs())));
        let (fault, dial) = match self.random.u8(0..6) {
            0 => (NodeFault::Down, Duration::ZERO),
            1 => (NodeFault::Silent, timeouts.dial),
            2 => (refusal(Some(4100)), DELAY),
            // An error that decides nothing.
            3 => (refusal(None), timeouts.handshake),
            4 => (NodeFault::Http { status: 503, retry_after }, Duration::ZERO),
            _ => (NodeFault::Http { status: 500, retry_after: None }, Duration::ZERO),
        };
        self.world.fail_node(&host, fault);
        dial + DELAY
    }

    /// All nodes but one die. Returns that one, and how long the dials at all others take.
    fn leave_one(&mut self) -> (usize, Duration) {
        let live = self.random.usize(0..self.nodes);
        let others: Vec<usize> = (0..self.nodes).filter(|it| *it != live).collect();
        let dials = others.into_iter().map(|other| self.kill(other)).sum();
        self.world.heal_node(&node(live));
        (live, dials)
    }

    /// Lets exactly this time pass, and checks that all are connected to this node then.
    fn are_at(&mut self, live: usize, within: Duration, what: &str) {
        self.world.run(within);
        for (client, session) in self.sessions().enumerate() {
            let place = format!("PUSHEST_SEED={}, {what}: client {client}", self.seed);
            assert_eq!(session.state(), ConnectionState::Connected, "{place} after {within:?}");
            assert_eq!(session.endpoint().host(), node(live), "{place}");
        }
    }

    /// Number of dials and of connections of each client.
    fn numbers(&self) -> Vec<(u64, u64)> {
        let numbers = self.sessions().map(Session::statistics);
        numbers.map(|numbers| (numbers.dials, numbers.connections)).collect()
    }
}

#[test]
fn with_one_live_node_every_client_is_connected_in_time_and_stays_when_others_are_back() {
    let (mut moved, mut waited) = (0, 0);
    let seeds = crate::seeds_of(SEEDS);
    let runs = seeds.end - seeds.start;
    for seed in seeds {
        let mut cluster = Cluster::new(seed);
        let nodes = u32::try_from(cluster.nodes).unwrap();

        // From the start there is but one: one pass finds it, without backoff.
        let (live, dials) = cluster.leave_one();
        cluster.connect();
        let pass = dials + MOVE * nodes + 4 * DELAY;
        cluster.are_at(live, pass, "at the start");
        cluster.world.run(STABLE);

        // All come back, and no connection is closed for them. What they had asked for is over.
        let before = cluster.numbers();
        (0..cluster.nodes).for_each(|number| cluster.world.heal_node(&node(number)));
        cluster.are_at(live, ASKED, "while others come back");
        assert_eq!(cluster.numbers(), before, "PUSHEST_SEED={seed}");

        // It dies, and so do all others but one.
        cluster.world.fail_node(&node(live), NodeFault::Down);
        let (other, dials) = cluster.leave_one();
        let pass = dials + MOVE * nodes + 4 * DELAY;
        cluster.are_at(other, pass + DELAY, "after a death");
        moved += u64::from(other != live);
        cluster.world.run(STABLE);

        // All are dead for long; one comes back, and is found within a pass that has backoff.
        let dials: Duration = (0..cluster.nodes).map(|number| cluster.kill(number)).sum();
        let dead = Duration::from_secs(cluster.random.u64(0..2_000));
        cluster.world.run(dead);
        let live = cluster.random.usize(0..cluster.nodes);
        cluster.world.heal_node(&node(live));
        // What it asked for while it refused is kept.
        let asked = cluster.sessions().filter_map(|it| it.status(cluster.world.now()).next_retry);
        let asked = asked.max().unwrap_or_default();
        let bound = (dials + (BACKOFF + MOVE) * nodes) * 2 + 4 * DELAY;
        cluster.are_at(live, ASKED + bound, "after all were dead");
        waited += u64::from(asked > BACKOFF + MOVE);

        cluster.world.run(STABLE);

        // What was published is heard, and what was missed is told.
        cluster.world.publish("news", "headline", "rain");
        cluster.world.run(Duration::from_secs(1));
        for client in 0..cluster.world.clients() {
            let events = cluster.world.link_mut(client).take_events();
            let heard = |event: &Event| matches!(event, Event::Channel(it) if it.text() == "rain");
            assert!(events.last().is_some_and(heard), "PUSHEST_SEED={seed}: client {client}");
            assert!(events.iter().any(|event| matches!(event, Event::Gap { .. })));
        }

        // A refusal for good ends them, whatever other nodes there are.
        let refusal = Refusal::error(4001, "no such app");
        for number in 0..cluster.nodes {
            cluster.world.fail_node(&node(number), NodeFault::Down);
            cluster.world.fail_node(&node(number), NodeFault::Refusing(refusal.clone()));
        }
        let before = cluster.numbers();
        cluster.world.run(Duration::from_secs(600));
        for (client, session) in cluster.sessions().enumerate() {
            assert_eq!(session.state(), ConnectionState::Refused, "PUSHEST_SEED={seed}: {client}");
            assert_eq!(session.poll_timeout(), None);
        }
        let after = cluster.numbers();
        assert!(after.iter().zip(&before).all(|(after, before)| after.0 == before.0 + 1));
    }
    println!("{moved} runs had to move, and {waited} waited for what all nodes had asked for");
    if std::env::var("PUSHEST_SEED").is_err() {
        assert!(moved > runs / 2 && waited > 0, "{moved} {waited}");
    }
}

/// How many clients are connected at each node.
fn places(cluster: &Cluster) -> BTreeMap<String, usize> {
    let mut places = BTreeMap::new();
    for session in cluster.sessions() {
        assert_eq!(session.state(), ConnectionState::Connected);
        *places.entry(session.endpoint().host().to_owned()).or_default() += 1;
    }
    places
}

#[test]
fn no_node_gets_all_clients_neither_at_the_start_nor_when_others_die_one_after_the_other() {
    const CLIENTS: usize = 600;
    const NODES: usize = 5;
    for seed in 0..2 {
        let random = fastrand::Rng::with_seed(seed);
        let mut cluster = Cluster::with(seed, random, NODES, CLIENTS);
        cluster.connect();
        cluster.world.run(STABLE);
        for dead in 0..NODES - 1 {
            let before = places(&cluster);
            let left = NODES - dead;
            assert_eq!(before.len(), left);
            let even = CLIENTS / left;
            let is_even = |count: &usize| (even * 7 / 10..=even * 13 / 10).contains(count);
            assert!(before.values().all(is_even), "{before:?}");
            cluster.world.fail_node(&node(dead), NodeFault::Down);
            cluster.world.run(STABLE + MOVE * 5);
            // Those of the others stay where they are.
            let after = places(&cluster);
            for (host, count) in before.iter().filter(|(host, _)| **host != node(dead)) {
                assert!(after[host] > *count, "{host}: {before:?} {after:?}");
            }
        }
        // All are back, and nobody is moved.
        let before = cluster.numbers();
        (0..NODES).for_each(|number| cluster.world.heal_node(&node(number)));
        cluster.world.run(Duration::from_secs(300));
        assert_eq!((cluster.numbers(), places(&cluster).len()), (before, 1));
        // Until the last one dies.
        cluster.world.fail_node(&node(NODES - 1), NodeFault::Down);
        cluster.world.run(STABLE);
        let after = places(&cluster);
        assert_eq!(after.len(), NODES - 1);
        let even = CLIENTS / (NODES - 1);
        let is_even = |count: &usize| (even * 7 / 10..=even * 13 / 10).contains(count);
        assert!(after.values().all(is_even), "{after:?}");
    }
}
