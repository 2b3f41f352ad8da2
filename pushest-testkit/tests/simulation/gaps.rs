//! What a gap says holds every event that is missing: on links that delay, break and go dark, for
//! clients that stop, block, pause and sleep, and subscribe again with other member data, while the
//! server pings them and closes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pushest_proto::{
    Config, ConnectionState, Event, Instant, LimitReached, Limits, Loss, Session, Signer,
    SubscribeOptions,
};
use pushest_testkit::protocol::ServerConfig;
use pushest_testkit::simulation::{Authorizer, Cut, Troubles, World};

/// Number of runs, unless others are asked for.
const SEEDS: u64 = 4_000;

const CHANNELS: [&str; 3] = ["news", "private-orders", "presence-room"];

/// Readings of the wall clock are whole milliseconds.
const ROUNDING: Duration = Duration::from_millis(3);

/// The longest that a client is busy with one message.
const HANDLING: Duration = Duration::from_millis(400);

#[test]
fn every_missing_event_was_sent_within_a_gap_or_is_counted() {
    let mut troubles = Troubles::default();
    let (mut missing, mut gaps, mut renewals) = (0, 0, 0);
    let seeds = crate::seeds_of(SEEDS);
    let runs = seeds.end - seeds.start;
    for seed in seeds {
        let mut walk = Walk::new(seed, true);
        walk.run();
        walk.check().unwrap_or_else(|problem| panic!("PUSHEST_SEED={seed}: {problem}"));
        missing += walk.missing;
        gaps += walk.gaps;
        renewals += walk.missing_in_renewals;
        for client in 0..walk.world.clients() {
            troubles += walk.world.link(client).troubles();
        }
    }
    println!("{missing} events were missing, {gaps} gaps were told; {troubles:#?}");
    println!("{renewals} were missing while a subscription was made anew");
    if std::env::var("PUSHEST_SEED").is_err() {
        assert!(missing > runs && gaps > runs, "{missing} missing, {gaps} gaps");
        assert!(renewals > runs / 10, "{renewals} missing while a subscription was made anew");
        let seen = [
            troubles.stops,
            troubles.suspensions,
            troubles.handed_late,
            troubles.unread,
            troubles.lost_to_client,
            troubles.closes,
            troubles.stopped_servers,
        ];
        assert!(!seen.contains(&0), "{troubles:?}");
    }
}

/// The walk sees what it is about: counted from the last message that was handed to the session,
/// gaps do not hold what is missing.
#[test]
fn drivers_that_do_not_say_what_they_have_read_are_told_gaps_that_are_too_short() {
    let too_short = |seed: &u64| {
        let mut walk = Walk::new(*seed, false);
        walk.run();
        walk.check().is_err()
    };
    let count = (0..200).filter(too_short).count();
    assert!(count > 50, "in {count} of 200 runs");
}

/// What is known of one channel that a client wants.
struct Followed {
    wanted_since: Instant,
    /// From when on nothing may be lost: when the connection was established on which the client was
    /// subscribed for the first time. If the client unsubscribed on the same connection before, that
    /// is when the server is sure to have read all of it: the first confirmation may be that of the
    /// former subscription.
    first_subscribed: Option<Instant>,
    sent: Vec<(u64, Instant)>,
    delivered: BTreeSet<u64>,
    gaps: Vec<Gap>,
}

/// A gap, and when it was told.
struct Gap {
    told: Instant,
    silent_for: Duration,
    since: Duration,
    is_renewal: bool,
}

struct Walk {
    world: World,
    random: fastrand::Rng,
    followed: Vec<BTreeMap<&'static str, Followed>>,
    /// The largest delay of each link so far.
    slowest: Vec<Duration>,
    /// The time in which each machine was suspended for too short a time to be noticed.
    naps: Vec<Duration>,
    /// Events that each session has counted as dropped.
    dropped: Vec<u64>,
    number: u64,
    missing: u64,
    gaps: u64,
    /// Those of the missing events that lie in the gap of a subscription that was made anew.
    missing_in_renewals: u64,
    /// When each client was connected last.
    connected: Vec<Instant>,
    /// On which connection each client unsubscribed from a channel last.
    left: Vec<BTreeMap<&'static str, Instant>>,
}

impl Walk {
    fn new(seed: u64, tells: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut server = ServerConfig::default();
        server.activity_timeout = Duration::from_secs(random.u64(5..120));
        let mut world = World::new(server, random.u64(..));
        let clients = random.usize(1..=3);
        let mut slowest = Vec::new();
        for client in 0..clients {
            // The last of three drops what it has no room for.
            let stored_events = if client == 2 { 8 } else { 100_000 };
            let mut config = Config::builder("app-key")
                .host("simulated")
                .limits(Limits::default().stored_events(stored_events));
            // One of two asks for authorizations, which takes up to four times the delay.
            let signs = random.bool();
            if signs {
                config = config.secret("app-secret");
            }
            world.add_client(config.build().expect("the values are valid"));
            if !signs {
                let authorizer = Authorizer::new(Signer::new("app-key", "app-secret"));
                world.link_mut(client).set_authorizer(authorizer);
            }
            let delay = Duration::from_millis(random.u64(0..500));
            world.link_mut(client).set_delay(delay);
            world.link_mut(client).set_tells_caught_up(tells);
            slowest.push(delay);
        }
        Self {
            world,
            random,
            followed: (0..clients).map(|_| BTreeMap::new()).collect(),
            slowest,
            naps: vec![Duration::ZERO; clients],
            dropped: vec![0; clients],
            number: 0,
            missing: 0,
            gaps: 0,
            missing_in_renewals: 0,
            connected: vec![Instant::ORIGIN; clients],
            left: vec![BTreeMap::new(); clients],
        }
    }

    fn run(&mut self) {
        for client in 0..self.world.clients() {
            self.world.command(client, Session::connect);
            self.subscribe(client, CHANNELS[0]);
        }
        for _ in 0..self.random.usize(20..60) {
            let client = self.random.usize(0..self.world.clients());
            self.something_happens(client);
            self.pass();
        }
        self.all_is_well();
    }

    fn something_happens(&mut self, client: usize) {
        let channel = CHANNELS[self.random.usize(0..CHANNELS.len())];
        match self.random.u8(0..36) {
            0..=9 => self.publish(),
            10..=12 => self.subscribe(client, channel),
            13 => self.unsubscribe(client, channel),
            14..=16 => self.cut(client),
            17 => self.server_closes(client),
            18..=20 => self.stops(client),
            21..=23 => self.pauses(client),
            24 => {
                let time = self.random.bool().then(|| self.millis(HANDLING));
                self.world.link_mut(client).set_handling_time(time.unwrap_or_default());
            }
            25 => {
                let delay = self.millis(Duration::from_secs(4));
                self.world.link_mut(client).set_delay(delay);
                self.slowest[client] = self.slowest[client].max(delay);
            }
            26 => self.world.stop_server(),
            27 | 28 => self.world.start_server(),
            29 => self.world.command(client, Session::handle_network_change),
            30 => self.world.command(client, |session, now| {
                session.disconnect(now);
                session.connect(now);
            }),
            31..=33 => self.subscribe(client, "presence-room"),
            34 => {
                // Its sink is full, or has room again.
                let writable = self.random.bool();
                self.world.set_writable(client, writable);
            }
            _ => drop(self.world.command(client, Session::ping)),
        }
    }

    fn subscribe(&mut self, client: usize, channel: &'static str) {
        // Where it is subscribed, other member data makes a new subscription on the same connection.
        let mood = self.random.u8(0..3);
        let options = SubscribeOptions::member(format!("user-{client}"))
            .info(&format!(r#"{{"mood":{mood}}}"#));
        self.world
            .command(client, |session, now| session.subscribe(channel, &options, now))
            .expect("the name and the user id are valid");
        let wanted_since = self.world.now();
        self.followed[client].entry(channel).or_insert_with(|| Followed {
            wanted_since,
            first_subscribed: None,
            sent: Vec::new(),
            delivered: BTreeSet::new(),
            gaps: Vec::new(),
        });
    }

    /// What still comes is no longer wanted.
    fn unsubscribe(&mut self, client: usize, channel: &'static str) {
        if self.followed[client].remove(channel).is_some() {
            self.left[client].insert(channel, self.connected[client]);
            let done = self.world.command(client, |it, now| it.unsubscribe(channel, now));
            done.expect("it is wanted");
        }
    }

    fn publish(&mut self) {
        self.listen();
        for _ in 0..self.random.u8(1..20) {
            let channel = CHANNELS[self.random.usize(0..CHANNELS.len())];
            let Some(broker) = self.world.broker() else { return };
            self.number += 1;
            for (client, followed) in self.followed.iter_mut().enumerate() {
                let Some(followed) = followed.get_mut(channel) else { continue };
                let peer = self.world.link(client).peer();
                let is_subscribed =
                    peer.is_some_and(|peer| broker.subscriptions(peer).any(|it| it == channel));
                if is_subscribed || followed.first_subscribed.is_some() {
                    followed.sent.push((self.number, self.world.now()));
                }
            }
            self.world.publish(channel, "numbered", &self.number.to_string());
        }
    }

    fn cut(&mut self, client: usize) {
        let (to_server, to_client) = self.world.link(client).on_their_way();
        let mut notices = || match self.random.u8(0..3) {
            // The path has gone dark.
            0 | 1 => None,
            _ => Some(Duration::from_millis(self.random.u64(0..20_000))),
        };
        let (server_notices, client_notices) = (notices(), notices());
        let (to_server, to_client) =
            (self.random.usize(0..=to_server), self.random.usize(0..=to_client));
        let cut = Cut::new(to_server, to_client);
        self.world.cut(client, cut.server_notices(server_notices).client_notices(client_notices));
    }

    fn server_closes(&mut self, client: usize) {
        let peer = self.world.link(client).peer();
        if let (Some(peer), Some(broker)) = (peer, self.world.broker_mut()) {
            broker.close(&peer.into(), 4200, "as the test wants");
        }
    }

    /// The process is stopped, or the machine suspended, and the world goes on.
    fn stops(&mut self, client: usize) {
        let (is_machine, begun) = (self.random.bool(), self.world.now());
        if is_machine {
            self.world.suspend(client);
        } else {
            self.world.stop(client);
        }
        self.meanwhile(client);
        let stopped = self.world.now().saturating_duration_since(begun);
        if is_machine && stopped < Duration::from_millis(5_001) {
            self.naps[client] += stopped;
        }
        self.world.resume(client);
    }

    /// The receiver is full: nothing is read.
    fn pauses(&mut self, client: usize) {
        self.world.set_reading(client, false);
        self.meanwhile(client);
        self.world.set_reading(client, true);
    }

    fn meanwhile(&mut self, client: usize) {
        for _ in 0..self.random.u8(1..6) {
            match self.random.u8(0..10) {
                0 => self.cut(client),
                1 => self.server_closes(client),
                2 => self.world.stop_server(),
                3 => self.world.start_server(),
                _ => self.publish(),
            }
            let most = if self.random.bool() { 1 } else { 60 };
            let time = self.millis(Duration::from_secs(most));
            self.world.run(time);
        }
    }

    fn pass(&mut self) {
        let time = match self.random.u8(0..10) {
            0 => Duration::from_secs(200),
            1 | 2 => Duration::ZERO,
            3..=6 => Duration::from_millis(100),
            _ => Duration::from_secs(10),
        };
        let time = self.millis(time);
        self.world.run(time);
        self.listen();
    }

    fn millis(&mut self, below: Duration) -> Duration {
        let most = u64::try_from(below.as_millis()).expect("it is short");
        Duration::from_millis(self.random.u64(0..=most))
    }

    /// Everything works again, so that every gap is told.
    fn all_is_well(&mut self) {
        self.world.start_server();
        for client in 0..self.world.clients() {
            self.world.set_reading(client, true);
            self.world.set_writable(client, true);
            self.world.link_mut(client).set_handling_time(Duration::ZERO);
            self.world.command(client, Session::connect);
        }
        self.world.run(Duration::from_secs(900));
        self.listen();
    }

    fn listen(&mut self) {
        for client in 0..self.world.clients() {
            for (told, event) in self.world.link_mut(client).take_events_with_times() {
                let channel = event.channel().map(ToString::to_string).unwrap_or_default();
                let followed = self.followed[client].get_mut(&*channel);
                match (event, followed) {
                    (Event::LimitReached(LimitReached::StoredEvents { dropped }), _) => {
                        self.dropped[client] += dropped;
                    }
                    (Event::State(change), _) if change.to == ConnectionState::Connected => {
                        self.connected[client] = told;
                    }
                    (Event::Subscribed { .. }, Some(followed)) => {
                        let connected = self.connected[client];
                        let has_left = self.left[client].get(&*channel) == Some(&connected);
                        let read = told + self.slowest[client];
                        let since = if has_left { read } else { connected };
                        followed.first_subscribed.get_or_insert(since);
                    }
                    (Event::Gap { silent_for, since, cause, .. }, Some(followed)) => {
                        let since = since.expect("the wall clock is told");
                        let is_renewal = *cause == Loss::Resubscribed;
                        followed.gaps.push(Gap { told, silent_for, since, is_renewal });
                        self.gaps += 1;
                    }
                    (Event::Channel(event), Some(followed)) if event.name() == "numbered" => {
                        let number = event.json().expect("a number was published");
                        followed.delivered.insert(number);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Whether each missing event was sent within a gap; and where sessions have dropped some,
    /// whether they have counted as many.
    fn check(&mut self) -> Result<(), String> {
        let unix = self.world.unix_time();
        let now = self.world.now();
        for (client, channels) in self.followed.iter().enumerate() {
            let late = self.slowest[client] + ROUNDING;
            let mut uncounted = Vec::new();
            for (channel, followed) in channels {
                let first = followed.first_subscribed.expect("all channels were subscribed to");
                let missing = followed
                    .sent
                    .iter()
                    .filter(|(it, sent)| *sent >= first && !followed.delivered.contains(it));
                for (number, sent) in missing {
                    self.missing += 1;
                    let sent_unix = unix - now.saturating_duration_since(*sent);
                    let held = followed.gaps.iter().find(|gap| {
                        let age = gap.told.saturating_duration_since(*sent);
                        *sent <= gap.told
                            && gap.since <= sent_unix + late
                            && gap.silent_for + late + self.naps[client] >= age
                    });
                    self.missing_in_renewals += u64::from(held.is_some_and(|gap| gap.is_renewal));
                    if held.is_none() {
                        let after = followed.gaps.iter().filter(|gap| gap.told >= *sent);
                        let gaps: Vec<_> = after.map(|gap| (gap.told, gap.silent_for)).collect();
                        uncounted.push(format!("{channel}: event {number} of {sent:?}, {gaps:?}"));
                    }
                }
                for gap in &followed.gaps {
                    let wanted_for = gap.told.saturating_duration_since(followed.wanted_since);
                    if gap.silent_for > wanted_for + ROUNDING {
                        return Err(format!(
                            "client {client} on {channel}: a gap of {:?}, wanted for {wanted_for:?}",
                            gap.silent_for
                        ));
                    }
                }
            }
            if uncounted.len() as u64 > self.dropped[client] {
                let dropped = self.dropped[client];
                return Err(format!("client {client}, {dropped} counted: {uncounted:?}"));
            }
        }
        Ok(())
    }
}
