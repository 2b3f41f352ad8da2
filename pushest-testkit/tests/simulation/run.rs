//! One run: clients that change their minds, on links that break.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use pushest_proto::{
    Config, ConnectionState, Event, Limits, PingId, PresenceChange, Session, Signer,
    SubscribeOptions,
};
use pushest_testkit::protocol::ServerConfig;
use pushest_testkit::simulation::{Authorizer, Cut, Troubles, World};
use pushest_testkit::{NodeFault, Refusal, RefusalEnd};

/// More than the authorizations that run at once.
const CHANNELS: [&str; 19] = [
    "news",
    "orders",
    "presence-room",
    "presence-hall",
    "private-a",
    "private-b",
    "private-c",
    "private-d",
    "private-e",
    "private-f",
    "private-g",
    "private-h",
    "private-i",
    "private-j",
    "private-k",
    "private-l",
    "private-m",
    REFUSED,
    VAST,
];

/// Clients that do not sign by themselves are refused here.
pub(crate) const REFUSED: &str = "private-vault";

/// The member data of this channel are more than the server reads.
pub(crate) const VAST: &str = "presence-vast";

/// The largest message that the server reads.
const MOST_BYTES: usize = 4_096;

/// A clock that was set back holds a session up for so long at most, all in all.
const MOST_SET_BACK: Duration = Duration::from_secs(300);

pub(crate) struct Run {
    pub(crate) world: World,
    random: fastrand::Rng,
    /// Whether each client knows the secret.
    pub(crate) signs: Vec<bool>,
    pub(crate) wanted: Vec<BTreeSet<&'static str>>,
    /// Whether each client wants to be signed in.
    pub(crate) signs_in: Vec<bool>,
    set_back: Vec<Duration>,
    /// Number of nodes of the server, each of which clients have as an endpoint.
    nodes: usize,
    /// A user has named the first node as the one to go on with.
    has_named_one: bool,
    /// The number of the last event published on each channel.
    published: BTreeMap<&'static str, u64>,
    /// By client and channel: the number of the last event heard since nothing can be missing.
    heard: BTreeMap<(usize, String), Option<u64>>,
    /// Subscriptions that were never confirmed: what was published before is no loss.
    fresh: BTreeSet<(usize, String)>,
    /// By client and channel: who is present, all updates added up.
    pub(crate) told: BTreeMap<(usize, String), BTreeSet<String>>,
    /// Pings that were neither answered nor reported as lost.
    pub(crate) pings: HashSet<(usize, PingId)>,
}

impl Run {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with_clients(seed, World::add_client)
    }

    /// A run whose clients are made by `add`.
    pub(crate) fn with_clients(seed: u64, add: impl Fn(&mut World, Config) -> usize) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut server = ServerConfig::default();
        server.activity_timeout = Duration::from_secs(random.u64(5..120));
        server.limits.message = MOST_BYTES;
        let mut world = World::new(server, random.u64(..));
        let clients = random.usize(1..=4);
        let nodes = random.usize(1..=4);
        let mut signs = Vec::new();
        for client in 0..clients {
            let mut config = Config::builder("app-key").endpoints((0..nodes).map(node));
            signs.push(random.bool());
            if signs[client] {
                config = config.secret("app-secret");
            }
            config = config.limits(Limits::default().stored_events(100_000));
            add(&mut world, config.build().expect("the values are valid"));
            let link = world.link_mut(client);
            link.set_delay(Duration::from_millis(random.u64(1..2_000)));
            link.set_repeated_closes(random.u8(0..200));
            let unreliable = healthy_authorizer()
                .unavailable(random.u8(0..100))
                .lost(random.u8(0..60))
                .late(random.u8(..));
            link.set_authorizer(unreliable);
        }
        Self {
            world,
            random,
            signs,
            wanted: vec![BTreeSet::new(); clients],
            signs_in: vec![false; clients],
            set_back: vec![Duration::ZERO; clients],
            nodes,
            has_named_one: false,
            published: BTreeMap::new(),
            heard: BTreeMap::new(),
            fresh: BTreeSet::new(),
            told: BTreeMap::new(),
            pings: HashSet::new(),
        }
    }

    /// Runs to the end, checks that all is well, and returns the troubles on the way.
    pub(crate) fn finish(mut self) -> Troubles {
        self.every(Session::connect);
        for _ in 0..self.random.usize(20..80) {
            self.something_happens();
            let pause = match self.random.u8(0..10) {
                0 => Duration::from_secs(self.random.u64(0..200)),
                1 | 2 => Duration::ZERO,
                _ => Duration::from_millis(self.random.u64(0..3_000)),
            };
            self.world.run(pause);
            self.listen();
        }
        self.all_is_well();
        self.check();
        self.check_nothing_is_left();
        let mut troubles = Troubles::default();
        for client in 0..self.world.clients() {
            troubles += self.world.link(client).troubles();
        }
        troubles
    }

    fn something_happens(&mut self) {
        let client = self.random.usize(0..self.world.clients());
        // Mostly the first ones, so that clients meet.
        let channels = if self.random.bool() { 6 } else { CHANNELS.len() };
        let channel = CHANNELS[self.random.usize(0..channels)];
        match self.random.u8(0..46) {
            0 => CHANNELS.into_iter().for_each(|channel| self.subscribe(client, channel)),
            1..=8 => self.subscribe(client, channel),
            9..=11 => self.unsubscribe(client, channel),
            12..=18 => self.publish(channel),
            19..=23 => self.cut(client),
            24 => match self.random.u8(0..4) {
                0 => self.server_refuses(),
                1 => {
                    if let Some(broker) = self.world.broker_mut() {
                        broker.refuse_connections_with(None);
                    }
                }
                _ => self.server_closes(client),
            },
            25 => self.world.stop_server(),
            26..=28 => self.world.start_server(),
            29 | 30 => self.set_clock(client),
            31 | 32 => {
                let flag = self.random.bool();
                self.world.set_reading(client, flag);
            }
            33 | 34 => {
                let flag = self.random.bool();
                self.world.set_writable(client, flag);
            }
            35 => {
                let delay = Duration::from_millis(self.random.u64(0..4_000));
                self.world.link_mut(client).set_delay(delay);
            }
            36 => self.stop(client, channel),
            37 => {
                let time = Duration::from_millis(self.random.u64(0..300));
                self.world.link_mut(client).set_handling_time(time);
            }
            42 | 43 => self.node_fails(),
            44 | 45 => self.world.heal_node(&node(self.random.usize(0..self.nodes))),
            _ => self.the_user_acts(client, channel),
        }
    }

    /// A node dies, or dies and refuses from then on, in some form.
    fn node_fails(&mut self) {
        let host = node(self.random.usize(0..self.nodes));
        if self.random.bool() {
            self.world.fail_node(&host, NodeFault::Down);
        }
        if let Some(fault) = node_fault(&mut self.random) {
            self.world.fail_node(&host, fault);
        }
    }

    /// The client's process or its machine stands still for a while, and the world does not.
    fn stop(&mut self, client: usize, channel: &'static str) {
        if self.random.bool() {
            self.world.stop(client);
        } else {
            self.world.suspend(client);
        }
        for _ in 0..self.random.u8(1..4) {
            self.publish(channel);
            self.world.run(Duration::from_millis(self.random.u64(0..100_000)));
        }
        self.world.resume(client);
    }

    fn subscribe(&mut self, client: usize, channel: &'static str) {
        let options = if channel.starts_with("presence-") {
            // Two clients may be the same user.
            let info = if channel == VAST {
                format!("[{}1]", "1,".repeat(MOST_BYTES / 2))
            } else {
                "{\"a\":[1]}".into()
            };
            SubscribeOptions::member(format!("user-{}", client % 3)).info(&info)
        } else {
            SubscribeOptions::default()
        };
        self.world
            .command(client, |session, now| session.subscribe(channel, &options, now))
            .expect("the name and the user id are valid");
        if self.wanted[client].insert(channel) {
            self.fresh.insert((client, channel.to_string()));
        }
    }

    fn unsubscribe(&mut self, client: usize, channel: &'static str) {
        let wanted = self.wanted[client].remove(channel);
        let done = self.world.command(client, |session, now| session.unsubscribe(channel, now));
        assert_eq!(done.is_ok(), wanted);
        self.told.remove(&(client, channel.to_string()));
    }

    fn publish(&mut self, channel: &'static str) {
        for _ in 0..self.random.u8(1..5) {
            let number = self.published.entry(channel).or_default();
            *number += 1;
            self.world.publish(channel, "numbered", &number.to_string());
        }
    }

    fn cut(&mut self, client: usize) {
        let (to_server, to_client) = self.world.link(client).on_their_way();
        let mut notices = || match self.random.u8(0..4) {
            0 => None,
            1 => Some(Duration::ZERO),
            _ => Some(Duration::from_millis(self.random.u64(0..20_000))),
        };
        let (server_notices, client_notices) = (notices(), notices());
        let (to_server, to_client) =
            (self.random.usize(0..=to_server), self.random.usize(0..=to_client));
        let cut = Cut::new(to_server, to_client);
        self.world.cut(client, cut.server_notices(server_notices).client_notices(client_notices));
    }

    fn server_closes(&mut self, client: usize) {
        let codes = [1001, 1006, 4100, 4200, 4201];
        let code = codes[self.random.usize(0..codes.len())];
        let peer = self.world.link(client).peer();
        if let (Some(peer), Some(broker)) = (peer, self.world.broker_mut()) {
            broker.close(&peer.into(), code, "as the test wants");
        }
    }

    /// From now on, new connections are refused in some form.
    fn server_refuses(&mut self) {
        let ends = [
            RefusalEnd::Open,
            RefusalEnd::Silence,
            RefusalEnd::Close(1000, String::new()),
            RefusalEnd::CloseWithoutCode,
            RefusalEnd::Drop,
            RefusalEnd::Reset,
        ];
        let codes = [None, Some(1011), Some(4000), Some(4001), Some(4009), Some(4100), Some(4200)];
        let end = ends[self.random.usize(0..ends.len())].clone();
        let code = codes[self.random.usize(0..codes.len())];
        if let Some(broker) = self.world.broker_mut() {
            broker
                .refuse_connections_with(Some(Refusal::error(code, "as the test wants").then(end)));
        }
    }

    fn set_clock(&mut self, client: usize) {
        let by = Duration::from_millis(self.random.u64(0..100_000));
        if self.random.bool() {
            self.world.link_mut(client).set_clock_forward(by);
        } else if self.set_back[client] + by <= MOST_SET_BACK {
            self.set_back[client] += by;
            self.world.link_mut(client).set_clock_back(by);
        }
    }

    fn the_user_acts(&mut self, client: usize, channel: &str) {
        let which = self.random.u8(0..8);
        if which == 0 && !self.signs_in[client] {
            self.signs_in[client] = true;
            let data = format!(r#"{{"id":"user-{}"}}"#, client % 3);
            let wanted = self.world.command(client, |it, now| it.sign_in(Some(&data), now));
            return wanted.expect("the data is valid");
        }
        self.has_named_one |= which == 4;
        let ping = self.world.command(client, |session, now| {
            match which {
                0 | 1 => session.handle_network_change(now),
                // It is refused unless subscribed.
                2 => drop(session.trigger(channel, "client-wave", &7, now)),
                3 => drop(session.retry(channel, now)),
                4 => session.set_endpoint(session.config().endpoint().clone(), now),
                _ => {}
            }
            match session.state() {
                ConnectionState::Disconnected | ConnectionState::Refused => session.connect(now),
                ConnectionState::Connected if which > 4 => return session.ping(now).ok(),
                _ if which > 6 => session.disconnect(now),
                _ => {}
            }
            None
        });
        self.pings.extend(ping.map(|ping| (client, ping)));
    }

    /// Everything works again, but for all nodes but one, and there is time for it.
    fn all_is_well(&mut self) {
        self.world.start_server();
        let live = if self.has_named_one { 0 } else { self.random.usize(0..self.nodes) };
        for other in (0..self.nodes).filter(|other| *other != live) {
            self.world.fail_node(&node(other), NodeFault::Down);
            if let Some(fault) = node_fault(&mut self.random) {
                self.world.fail_node(&node(other), fault);
            }
        }
        self.world.heal_node(&node(live));
        if let Some(broker) = self.world.broker_mut() {
            broker.refuse_connections_with(None);
        }
        for client in 0..self.world.clients() {
            self.world.set_reading(client, true);
            self.world.set_writable(client, true);
            self.world.link_mut(client).set_authorizer(healthy_authorizer());
            self.world.link_mut(client).set_handling_time(Duration::ZERO);
        }
        self.every(Session::connect);
        // A refusal may still be on its way, and ends the attempt for good.
        self.world.run(Duration::from_secs(60));
        self.every(Session::connect);
        // Longer than any timeout on either side, the backoff between them, and what the clocks
        // were set back by.
        self.world.run(Duration::from_secs(900) + MOST_SET_BACK);
        self.listen();
    }

    pub(crate) fn every(&mut self, command: impl Fn(&mut Session, pushest_proto::Instant)) {
        for client in 0..self.world.clients() {
            self.world.command(client, &command);
        }
    }

    /// What the sessions tell: numbers that follow each other, or a word that some are missing.
    fn listen(&mut self) {
        for client in 0..self.world.clients() {
            for event in self.world.link_mut(client).take_events() {
                match event {
                    Event::Subscribed { channel } => {
                        let key = (client, channel.to_string());
                        if self.fresh.remove(&key) {
                            self.heard.insert(key, None);
                        }
                    }
                    Event::Gap { channel, .. } => {
                        self.heard.insert((client, channel.to_string()), None);
                    }
                    Event::Presence(update) => {
                        let key = (client, update.channel.to_string());
                        fold(self.told.entry(key).or_default(), &update.change);
                    }
                    Event::Channel(event) if event.name() == "numbered" => {
                        let number: u64 = event.json().expect("a number was published");
                        let key = (client, event.channel().to_string());
                        let heard = self.heard.entry(key).or_default();
                        if let Some(last) = *heard {
                            let channel = event.channel();
                            assert_eq!(number, last + 1, "client {client} on {channel}, untold");
                        }
                        *heard = Some(number);
                    }
                    Event::Pong { ping, .. } | Event::PingLost { ping } => {
                        assert!(self.pings.remove(&(client, ping)), "told twice: {ping:?}");
                    }
                    Event::Malformed { problem, message, .. } => {
                        panic!("client {client}: {problem} in {message}")
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The host of a node.
pub(crate) fn node(number: usize) -> String {
    format!("node-{number}")
}

/// What is wrong with a node, but for what ends a session for good; `None` if nothing is.
fn node_fault(random: &mut fastrand::Rng) -> Option<NodeFault> {
    let refusal = |code| NodeFault::Refusing(Refusal::error(code, "as the test wants"));
    let retry_after = Some(Duration::from_secs(random.u64(0..400)));
    Some(match random.u8(0..8) {
        0 => return None,
        1 | 2 => NodeFault::Down,
        3 => NodeFault::Silent,
        4 => refusal(Some(4100)),
        5 => refusal(None),
        6 => NodeFault::Http { status: 503, retry_after },
        _ => NodeFault::Http { status: 500, retry_after: None },
    })
}

fn healthy_authorizer() -> Authorizer {
    Authorizer::new(Signer::new("app-key", "app-secret")).refusing(REFUSED)
}

fn fold(members: &mut BTreeSet<String>, change: &PresenceChange) {
    let (joined, left) = match change {
        PresenceChange::Reset { joined, left } => (joined.as_slice(), left.as_slice()),
        PresenceChange::Joined(member) => (std::slice::from_ref(member), [].as_slice()),
        PresenceChange::Left(member) => ([].as_slice(), std::slice::from_ref(member)),
    };
    for member in left {
        members.remove(member.id());
    }
    for member in joined {
        members.insert(member.id().to_string());
    }
}
