//! Sessions and the server's protocol in one world: links that delay, lose and break, and one
//! clock that only the simulation moves.
//!
//! Nothing here sleeps or opens a socket, and all that is random comes from a seed: the same seed
//! is the same run, message for message. A test of what an application does about a lost
//! connection takes no time and fails every time or never:
//!
//! ```
//! use std::time::Duration;
//! use pushest_proto::{Config, Event, SubscribeOptions};
//! use pushest_testkit::protocol::ServerConfig;
//! use pushest_testkit::{Cut, Link, World};
//!
//! /// What is to be tested: it shows the last headline, and fetches it after a gap.
//! #[derive(Default)]
//! struct Ticker {
//!     headline: String,
//!     fetches: u32,
//! }
//!
//! impl Ticker {
//!     fn take_in(&mut self, link: &mut Link) {
//!         for event in link.take_events() {
//!             match event {
//!                 Event::Channel(event) => self.headline = event.text().into_owned(),
//!                 Event::Gap { .. } => self.fetches += 1,
//!                 _ => {}
//!             }
//!         }
//!     }
//! }
//!
//! let mut world = World::new(ServerConfig::default(), 42);
//! let client = world.add_client(Config::builder("app-key").host("simulated").build()?);
//! world.command(client, |session, now| {
//!     session.connect(now);
//!     session.subscribe("news", &SubscribeOptions::default(), now)
//! })?;
//! world.run(Duration::from_secs(5));
//!
//! let mut ticker = Ticker::default();
//! world.publish("news", "headline", "rain");
//! world.run(Duration::from_secs(1));
//! ticker.take_in(world.link_mut(client));
//! assert_eq!((&*ticker.headline, ticker.fetches), ("rain", 0));
//!
//! // Everything that is on its way is lost, and neither side is told.
//! world.publish("news", "headline", "sun");
//! world.cut(client, Cut::new(0, 0));
//! world.run(Duration::from_secs(3600));
//! ticker.take_in(world.link_mut(client));
//! assert_eq!((&*ticker.headline, ticker.fetches), ("rain", 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authorizer;
mod clock;
mod connection;
mod direction;
mod link;
mod nodes;
mod process;
mod troubles;

use std::time::Duration;

use pushest_proto::{Config, Instant, Session};

pub use authorizer::Authorizer;
pub use connection::Cut;
pub use link::Link;
use link::unix_time;
pub use nodes::NodeFault;
use nodes::Nodes;
pub use troubles::Troubles;

use crate::protocol::{Action, Broker, ServerConfig};

/// One server, its clients, the links between them, and the time.
#[derive(Debug)]
pub struct World {
    config: ServerConfig,
    /// `None` while the server is down.
    broker: Option<Broker>,
    /// What is wrong with nodes, by their hosts.
    nodes: Nodes,
    links: Vec<Link>,
    now: Instant,
    random: fastrand::Rng,
}

impl World {
    /// Creates a world with a running server and no clients. Links delay each message by up to 50
    /// ms.
    #[must_use]
    pub fn new(config: ServerConfig, seed: u64) -> Self {
        Self {
            broker: Some(Broker::new(config.clone())),
            config,
            nodes: Nodes::default(),
            links: Vec::new(),
            now: Instant::from_micros(1_000_000),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Returns the time. A client's clock may show another one, if it was set.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Returns what the wall clock shows, since 1970 (UTC). Clients' wall clocks are right,
    /// whatever their other clock shows.
    #[must_use]
    pub fn unix_time(&self) -> Duration {
        unix_time(self.now)
    }

    /// Adds a client with a link of its own, and returns its number. It does nothing until its
    /// session gets `connect`.
    pub fn add_client(&mut self, config: Config) -> usize {
        let session = Session::new(config, self.random.u64(..), self.now);
        self.add_session(session)
    }

    /// As [`World::add_client`], and records the session
    /// ([`Session::recorded`](pushest_proto::Session::recorded)).
    pub fn add_recorded_client(
        &mut self,
        config: Config,
        sink: impl FnMut(&str) + Send + Sync + 'static,
    ) -> usize {
        let session = Session::recorded(config, self.random.u64(..), self.now, sink);
        self.add_session(session)
    }

    fn add_session(&mut self, session: Session) -> usize {
        self.links.push(Link::new(session, self.random.fork()));
        self.links.len() - 1
    }

    /// Returns the number of clients.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.links.len()
    }

    /// Returns the link of a client, and with it its session.
    ///
    /// # Panics
    /// If there is no client with this number.
    #[must_use]
    #[track_caller]
    pub fn link(&self, client: usize) -> &Link {
        self.links.get(client).expect("there is a client with this number")
    }

    /// As [`World::link`].
    ///
    /// # Panics
    /// If there is no client with this number.
    #[track_caller]
    pub fn link_mut(&mut self, client: usize) -> &mut Link {
        self.links.get_mut(client).expect("there is a client with this number")
    }

    /// Gives the session of a client a command, with the time that the client's clock shows.
    ///
    /// # Panics
    /// If there is no client with this number.
    #[track_caller]
    pub fn command<T>(
        &mut self,
        client: usize,
        command: impl FnOnce(&mut Session, Instant) -> T,
    ) -> T {
        self.links[client].command(command, self.now)
    }

    /// Returns the server, while it is up.
    #[must_use]
    pub fn broker(&self) -> Option<&Broker> {
        self.broker.as_ref()
    }

    /// As [`World::broker`].
    pub fn broker_mut(&mut self) -> Option<&mut Broker> {
        self.broker.as_mut()
    }

    /// The app's server publishes an event. Lost while the server is down.
    pub fn publish(&mut self, channel: &str, event: &str, data: &str) {
        if let Some(broker) = &mut self.broker {
            broker.publish(channel, event, data, None, self.now);
        }
    }

    /// Breaks the connection of a client, if it has one.
    ///
    /// # Panics
    /// If there is no client with this number.
    #[track_caller]
    pub fn cut(&mut self, client: usize, cut: Cut) {
        self.links[client].cut(cut, self.now);
    }

    /// Stops or resumes reading what arrives at a client, if it is connected, as a driver does
    /// whose user is slow. The next connection is read.
    ///
    /// # Panics
    /// If there is no client with this number.
    #[track_caller]
    pub fn set_reading(&mut self, client: usize, reading: bool) {
        self.links[client].set_reading(reading, self.now);
    }

    /// Stops the process of a client: until [`World::resume`] it neither reads nor writes, its
    /// session is told nothing, and what the server sends waits. It must be given no command
    /// meanwhile.
    ///
    /// # Panics
    /// If there is no client with this number.
    #[track_caller]
    pub fn stop(&mut self, client: usize) {
        self.links[client].stop(false, self.now);
    }

    /// Suspends the machine of a client: as [`World::stop`], and the clock that the session is told
    /// stands still. The wall clock does not.
    ///
    /// # Panics
    /// If there is no client with this number.
    #[track_caller]
    pub fn suspend(&mut self, client: usize) {
        self.links[client].stop(true, self.now);
    }

    /// The process of a client goes on, if it was stopped or suspended.
    ///
    /// # Panics
    /// If there is no client with this number.
    #[track_caller]
    pub fn resume(&mut self, client: usize) {
        self.links[client].resume(self.now);
    }

    /// Stops or resumes taking frames from a client, if it has a connection, as a driver does whose
    /// sink is full. The next connection takes them.
    ///
    /// # Panics
    /// If there is no client with this number.
    #[track_caller]
    pub fn set_writable(&mut self, client: usize, writable: bool) {
        self.links[client].set_writable(writable, self.now);
    }

    /// The server is gone at once: what it had sent arrives, then the connections end. Dials fail
    /// until [`World::start_server`].
    pub fn stop_server(&mut self) {
        self.broker = None;
        for link in &mut self.links {
            link.server_stopped(self.now);
        }
    }

    /// A new server takes the place of one that was stopped. It knows nothing of the former.
    pub fn start_server(&mut self) {
        if self.broker.is_none() {
            self.config.seed = self.random.u64(..);
            self.broker = Some(Broker::new(self.config.clone()));
        }
    }

    /// Something goes wrong with the node of the server at this host. Each host that clients dial is a
    /// node of the one server, and all nodes work unless told otherwise. What is wrong decides about
    /// dials; with [`NodeFault::Down`] the connections to the node end, too: what it had sent arrives
    /// before.
    pub fn fail_node(&mut self, host: &str, fault: NodeFault) {
        if matches!(fault, NodeFault::Down) {
            for link in &mut self.links {
                link.node_stopped(host, self.broker.as_mut(), self.now);
            }
        }
        self.nodes.set(host, Some(fault));
    }

    /// The node of the server at this host works again.
    pub fn heal_node(&mut self, host: &str) {
        self.nodes.set(host, None);
    }

    /// Lets time pass.
    ///
    /// # Panics
    /// If a session breaks its contract: a frame for a connection that is not there or takes none,
    /// or a deadline that is over.
    #[track_caller]
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.settle();
            match self.next_time().filter(|time| *time <= end) {
                Some(time) => self.now = self.now.max(time),
                None => break,
            }
            self.pass_time();
        }
        self.now = end;
        self.pass_time();
        self.settle();
    }

    /// Carries out everything that is to be done now.
    #[track_caller]
    fn settle(&mut self) {
        loop {
            let mut busy = false;
            for link in &mut self.links {
                busy |= link.carry_out(self.now);
            }
            while let Some(action) = self.broker.as_mut().and_then(Broker::poll_action) {
                busy = true;
                let (Action::Send { peer, .. }
                | Action::Close { peer, .. }
                | Action::Reset { peer }) = &action;
                let link = self.links.iter_mut().find(|link| link.peer() == Some(*peer));
                if let Some(link) = link {
                    link.send_or_close(action, self.now);
                }
            }
            if !busy {
                break;
            }
        }
        let now = self.now;
        // Not by a closure, which would be the caller that a panic names.
        for link in &self.links {
            link.check_deadline(now);
        }
    }

    fn pass_time(&mut self) {
        for link in &mut self.links {
            link.deliver(self.broker.as_mut(), &self.nodes, self.now);
        }
        if let Some(broker) = &mut self.broker {
            broker.handle_timeout(self.now);
        }
    }

    fn next_time(&self) -> Option<Instant> {
        let broker = self.broker.as_ref().and_then(Broker::poll_timeout);
        self.links.iter().filter_map(Link::next_time).chain(broker).min()
    }
}
