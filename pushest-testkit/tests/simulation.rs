//! Sessions and a server on links that break: whatever happens, when it is over every wanted
//! channel is subscribed, both sides know the same members, and nobody missed an event without
//! being told.
//!
//! A run that fails prints its seed; `PUSHEST_SEED=17 cargo test -p pushest-testkit --test
//! simulation` runs it again. `PUSHEST_SEEDS=10000` runs more of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use pushest_proto::{
    ChannelState, Config, ConnectionState, Event, Limits, Member, PingId, PresenceChange, Signer,
    SubscribeOptions,
};
use pushest_testkit::protocol::ServerConfig;
use pushest_testkit::simulation::{Cut, World};

/// More than the authorizations that run at once.
const CHANNELS: [&str; 18] = [
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
    "private-n",
];

#[test]
fn whatever_breaks_every_wanted_channel_comes_back_and_nothing_is_missed_untold() {
    let variable = |name| std::env::var(name).ok().map(|value| value.parse::<u64>());
    let seeds = match (variable("PUSHEST_SEED"), variable("PUSHEST_SEEDS")) {
        (Some(seed), _) => {
            let seed = seed.expect("PUSHEST_SEED is a number");
            seed..seed + 1
        }
        (None, Some(count)) => 0..count.expect("PUSHEST_SEEDS is a number"),
        (None, None) => 0..200,
    };
    let mut losses = 0;
    for seed in seeds {
        let run = std::panic::catch_unwind(|| Run::new(seed).finish());
        match run {
            Ok(count) => losses += count,
            Err(panic) => {
                eprintln!("the run with PUSHEST_SEED={seed} failed");
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(losses > 0, "a simulation without losses proves nothing");
}

struct Run {
    world: World,
    random: fastrand::Rng,
    wanted: Vec<BTreeSet<&'static str>>,
    /// The number of the last event published on each channel.
    published: BTreeMap<&'static str, u64>,
    /// By client and channel: the number of the last event heard since nothing can be missing.
    heard: BTreeMap<(usize, String), Option<u64>>,
    /// Subscriptions that were never confirmed: what was published before is no loss.
    fresh: BTreeSet<(usize, String)>,
    /// By client and channel: who is present, all updates added up.
    told: BTreeMap<(usize, String), BTreeSet<String>>,
    /// Pings that were neither answered nor reported as lost.
    pings: HashSet<(usize, PingId)>,
    losses: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut server = ServerConfig::default();
        server.activity_timeout = Duration::from_secs(random.u64(5..120));
        let mut world = World::new(server, random.u64(..));
        let clients = random.usize(1..=4);
        for _ in 0..clients {
            let mut config = Config::builder("app-key").host("simulated");
            let signs = random.bool();
            if signs {
                config = config.secret("app-secret");
            }
            config = config.limits(Limits { stored_events: 100_000, ..Limits::default() });
            let client = world.add_client(config.build().expect("the values are valid"));
            let link = world.link_mut(client);
            link.set_delay(Duration::from_millis(random.u64(1..2_000)));
            if !signs {
                link.set_authorizer(Signer::new("app-key", "app-secret"), random.u8(0..100));
            }
        }
        Self {
            world,
            random,
            wanted: vec![BTreeSet::new(); clients],
            published: BTreeMap::new(),
            heard: BTreeMap::new(),
            fresh: BTreeSet::new(),
            told: BTreeMap::new(),
            pings: HashSet::new(),
            losses: 0,
        }
    }

    fn finish(mut self) -> u64 {
        for client in 0..self.world.clients() {
            let now = self.world.now();
            self.world.link_mut(client).session_mut().connect(now);
        }
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
        self.world.start_server();
        for client in 0..self.world.clients() {
            let now = self.world.now();
            self.world.link_mut(client).session_mut().connect(now);
        }
        // Longer than any timeout on either side, and the backoff between them.
        self.world.run(Duration::from_secs(900));
        self.listen();
        self.check();
        self.losses
    }

    fn something_happens(&mut self) {
        let client = self.random.usize(0..self.world.clients());
        // Mostly the first ones, so that clients meet.
        let channels = if self.random.bool() { 6 } else { CHANNELS.len() };
        let channel = CHANNELS[self.random.usize(0..channels)];
        match self.random.u8(0..21) {
            20 => {
                for channel in CHANNELS {
                    self.subscribe(client, channel);
                }
            }
            0..=4 => self.subscribe(client, channel),
            5 | 6 => self.unsubscribe(client, channel),
            7..=11 => {
                for _ in 0..self.random.u8(1..5) {
                    let number = self.published.entry(channel).or_default();
                    *number += 1;
                    self.world.publish(channel, "numbered", &number.to_string());
                }
            }
            12..=14 => self.cut(client),
            15 => {
                let codes = [1001, 1006, 4100, 4200, 4201];
                let code = codes[self.random.usize(0..codes.len())];
                let peer = self.world.link(client).peer();
                if let (Some(peer), Some(broker)) = (peer, self.world.broker_mut()) {
                    broker.close(&peer.into(), code, "as the test wants");
                    self.losses += 1;
                }
            }
            16 => {
                self.world.stop_server();
                self.losses += 1;
            }
            17 | 18 => self.world.start_server(),
            _ => {
                let now = self.world.now();
                let flag = self.random.bool();
                let session = self.world.link_mut(client).session_mut();
                match session.state() {
                    ConnectionState::Disconnected => session.connect(now),
                    ConnectionState::Connected if flag => {
                        session.handle_network_change(now);
                        let ping = session.ping(now).expect("it is connected");
                        self.pings.insert((client, ping));
                    }
                    _ if flag => session.handle_network_change(now),
                    _ => session.disconnect(now),
                }
            }
        }
    }

    fn subscribe(&mut self, client: usize, channel: &'static str) {
        let now = self.world.now();
        let options = if channel.starts_with("presence-") {
            // Two clients may be the same user.
            SubscribeOptions::member(&format!("user-{}", client % 3)).info(r#"{"a":[1]}"#)
        } else {
            SubscribeOptions::default()
        };
        let session = self.world.link_mut(client).session_mut();
        session.subscribe(channel, &options, now).expect("the name and the user id are valid");
        if self.wanted[client].insert(channel) {
            self.fresh.insert((client, channel.to_string()));
        }
    }

    fn unsubscribe(&mut self, client: usize, channel: &'static str) {
        let now = self.world.now();
        let wanted = self.wanted[client].remove(channel);
        let session = self.world.link_mut(client).session_mut();
        assert_eq!(session.unsubscribe(channel, now).is_ok(), wanted);
        self.told.remove(&(client, channel.to_string()));
    }

    fn cut(&mut self, client: usize) {
        let (to_server, to_client) = self.world.link(client).on_their_way();
        let mut notices = || match self.random.u8(0..4) {
            0 => None,
            1 => Some(Duration::ZERO),
            _ => Some(Duration::from_millis(self.random.u64(0..20_000))),
        };
        let (server_notices, client_notices) = (notices(), notices());
        let cut = Cut {
            to_server: self.random.usize(0..=to_server),
            to_client: self.random.usize(0..=to_client),
            server_notices,
            client_notices,
        };
        self.world.cut(client, cut);
        self.losses += 1;
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
                    Event::Malformed { problem, message } => {
                        panic!("client {client}: {problem} in {message}")
                    }
                    _ => {}
                }
            }
        }
    }

    fn check(&mut self) {
        assert!(self.pings.is_empty(), "neither answered nor lost: {:?}", self.pings);
        let broker = self.world.broker().expect("the server was started");
        for (client, wanted) in self.wanted.iter().enumerate() {
            let link = self.world.link(client);
            assert_eq!(link.session().state(), ConnectionState::Connected, "client {client}");
            let peer = link.peer().expect("a connected session has a connection");
            let known: BTreeSet<&str> =
                link.session().wanted_channels().map(|view| view.name().as_str()).collect();
            assert_eq!(&known, wanted, "client {client}");
            let served: BTreeSet<&str> = broker.subscriptions(peer).collect();
            assert_eq!(&served, wanted, "client {client}, as the server sees it");
            for channel in wanted {
                let view = link.session().channel(channel).expect("the channel is wanted");
                let failure = view.failure();
                assert_eq!(
                    view.state(),
                    ChannelState::Subscribed,
                    "{client} {channel} {failure:?}"
                );
                if channel.starts_with("presence-") {
                    let present: BTreeSet<&str> = broker.members(channel).collect();
                    let mine: BTreeSet<&str> = view.members().map(Member::id).collect();
                    assert_eq!(mine, present, "client {client} on {channel}");
                    let told = &self.told[&(client, channel.to_string())];
                    let told: BTreeSet<&str> = told.iter().map(String::as_str).collect();
                    assert_eq!(told, present, "client {client} on {channel}, by the updates");
                    assert!(view.me().is_some());
                }
            }
            let memory = link.session().memory();
            assert_eq!((memory.stored_events, memory.outgoing_bytes), (0, 0));
        }
    }
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
