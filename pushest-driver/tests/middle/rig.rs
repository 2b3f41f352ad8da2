//! A client, its pump, and the servers that it connects to, all in the test's hand.

use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use pushest_driver::proto::{ConfigBuilder, PresenceChange};
use pushest_driver::unstable::Client;
use pushest_driver::unstable::{self, Pump};
use pushest_driver::{Config, ConnectionState, Event, Options};

use super::runtime::Scripted;
use super::server::{Habits, Server};
use super::stream::Socket;
use super::wakes::Wakes;
use super::world::World;

pub(super) struct Rig {
    pub(super) world: World,
    pub(super) client: Client,
    pub(super) pump: Option<Pump<Scripted>>,
    /// What wakes the pump.
    pub(super) wakes: Wakes,
    servers: Vec<Server>,
    /// How servers behave that are connected to from here on.
    pub(super) habits: Habits,
    /// An executor would poll it: it is new, or was woken since.
    is_woken: bool,
}

pub(super) fn config() -> ConfigBuilder {
    Config::builder("app-key").secret("app-secret").host("server.example").port(80)
}

pub(super) fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, last], 80))
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(config(), Options::default())
    }

    pub(super) fn with(config: ConfigBuilder, options: Options) -> Self {
        let world = World::default();
        world.set_addresses(vec![address(1)]);
        let config = config.build().expect("a good configuration");
        let (client, pump) = unstable::client(config, options, Scripted::new(&world));
        Self {
            world,
            client,
            pump: Some(pump),
            wakes: Wakes::default(),
            servers: Vec::new(),
            habits: Habits::default(),
            is_woken: true,
        }
    }

    /// One that is connected, asleep, and whose calls and wakes are counted from here on.
    pub(super) fn connected() -> Self {
        Self::connected_with(config(), Options::default())
    }

    pub(super) fn connected_with(config: ConfigBuilder, options: Options) -> Self {
        let mut rig = Self::with(config, options);
        rig.settle();
        assert_eq!(rig.state(), ConnectionState::Connected);
        rig.world.take_calls();
        rig
    }

    /// Takes the client out: the test's, to be dropped when it likes. What is there instead belongs
    /// to nobody.
    pub(super) fn take_client(&mut self) -> Client {
        std::mem::replace(&mut self.client, Self::new().client)
    }

    /// Wants a channel for good.
    pub(super) fn want(&self, channel: &str) {
        self.client.subscribe(channel).expect("a good name").detach();
    }

    pub(super) fn state(&self) -> ConnectionState {
        self.client.status().state
    }

    /// Polls the pump once, woken or not. A pump that has ended is gone.
    pub(super) fn poll(&mut self) -> Poll<()> {
        self.is_woken = false;
        self.wakes.take();
        let Some(pump) = &mut self.pump else { return Poll::Ready(()) };
        let polled = self.wakes.poll(pump);
        if polled.is_ready() {
            self.pump = None;
        }
        polled
    }

    /// Polls it as an executor does: while it is woken. Returns how often that was.
    pub(super) fn run(&mut self) -> usize {
        let mut polls = 0;
        while self.is_woken() {
            let _ = self.poll();
            polls += 1;
            assert!(polls < 10_000, "it never sleeps");
        }
        polls
    }

    /// How often the pump was woken since this was asked last, or since it was polled.
    pub(super) fn count_wakes(&mut self) -> usize {
        let wakes = self.wakes.take();
        self.is_woken |= wakes > 0;
        wakes
    }

    /// Whether an executor would poll the pump.
    pub(super) fn is_woken(&mut self) -> bool {
        self.count_wakes();
        self.is_woken && self.pump.is_some()
    }

    /// The same, and lets the servers answer, until nothing happens any more.
    pub(super) fn settle(&mut self) {
        loop {
            self.run();
            if !self.serve() && !self.world.go_on() {
                return;
            }
        }
    }

    /// Lets the servers read and answer. Returns whether one has.
    pub(super) fn serve(&mut self) -> bool {
        self.meet();
        self.servers.iter_mut().filter_map(|server| server.go_on().then_some(())).count() > 0
    }

    /// Lets so much time pass, timer by timer.
    pub(super) fn pass(&mut self, by: Duration) {
        let until = self.world.clock().now() + by;
        loop {
            self.settle();
            let left = until.saturating_duration_since(self.world.clock().now());
            if left.is_zero() {
                return;
            }
            let next = self.world.clock().next().unwrap_or(left).min(left);
            self.world.clock().advance(next);
        }
    }

    /// Lets time pass until it is so.
    #[track_caller]
    pub(super) fn pass_until(&mut self, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..1_000 {
            self.settle();
            if is_so(self) {
                return;
            }
            let Some(next) = self.world.clock().next() else { break };
            self.world.clock().advance(next);
        }
        panic!("it never came to be: {:?}", self.client.status());
    }

    /// The server of the connection that was made last.
    pub(super) fn server(&mut self) -> &mut Server {
        self.meet();
        self.servers.last_mut().expect("it has connected")
    }

    /// All servers, in the order in which they were connected to.
    pub(super) fn servers(&mut self) -> &mut [Server] {
        self.meet();
        &mut self.servers
    }

    pub(super) fn socket(&mut self) -> Socket {
        self.server().socket.clone()
    }

    fn meet(&mut self) {
        let known = self.servers.len();
        for socket in self.world.sockets().into_iter().skip(known) {
            self.servers.push(Server::new(socket, self.habits));
        }
    }
}

/// Everything that waits in a receiver, in words.
pub(super) fn received<S: Stream<Item = Event> + Unpin>(receiver: &mut S) -> Vec<String> {
    std::iter::from_fn(|| next(receiver)).collect()
}

/// The next event of a receiver, in words, if one is there.
pub(super) fn next<S: Stream<Item = Event> + Unpin>(receiver: &mut S) -> Option<String> {
    match receiver.poll_next_unpin(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(event) => event.as_ref().map(words),
        Poll::Pending => None,
    }
}

/// An event in words, without any time.
pub(super) fn words(event: &Event) -> String {
    match event {
        Event::Channel(event) => {
            format!("{}: {} {}", event.channel(), event.name(), event.text())
        }
        Event::Subscribed { channel } => format!("{channel}: subscribed"),
        Event::Gap { channel, .. } => format!("{channel}: gap"),
        Event::Presence(update) => {
            let change = match &update.change {
                PresenceChange::Reset { joined, left } => {
                    format!("{} came, {} left", joined.len(), left.len())
                }
                PresenceChange::Joined(member) => format!("{} came", member.id()),
                PresenceChange::Left(member) => format!("{} left", member.id()),
            };
            format!("{}: {change}", update.channel)
        }
        Event::State(change) => format!("{:?}", change.to),
        Event::Lagged { dropped: events } => format!("{events} lost"),
        other => format!("{other:?}"),
    }
}
