//! The loop: all clients, one poll, and the deadlines of all in one ordered set.

use std::collections::BTreeSet;
use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Poll, Token};
use pushest_proto::{Config, ConfigBuilder, Instant, Limits, Signer};

use super::client::{Client, Plan, Turn};
use super::server::{KEY, SECRET};
use super::socket::LARGEST_MESSAGE;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    /// When which client needs a turn without any news.
    deadlines: BTreeSet<(Instant, usize)>,
    /// Each client's entry there.
    deadline_of: Vec<Option<Instant>>,
    /// Clients with more to read; the poll will not name them again.
    again: Vec<usize>,
    /// Clients whose turn it is; kept for its memory.
    awake: Vec<usize>,
    clock: std::time::Instant,
    random: RandomState,
    with_secret: Config,
    without: Config,
    signer: Signer,
}

impl Crowd {
    pub(crate) fn new(server: SocketAddr) -> Result<Self, Box<dyn Error>> {
        // Only ceilings: a session allocates what it needs.
        let limits =
            Limits::default().message(LARGEST_MESSAGE).outgoing(LARGEST_MESSAGE).channels(16);
        let config = || -> ConfigBuilder {
            Config::builder(KEY)
                .host(&server.ip().to_string())
                .port(server.port())
                .limits(limits.clone())
        };
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            clients: Vec::new(),
            deadlines: BTreeSet::new(),
            deadline_of: Vec::new(),
            again: Vec::new(),
            awake: Vec::new(),
            clock: std::time::Instant::now(),
            random: RandomState::new(),
            with_secret: config().secret(SECRET).build()?,
            without: config().build()?,
            signer: Signer::new(KEY, SECRET),
        })
    }

    pub(crate) fn add(&mut self, number: usize, plan: Plan) -> Result<(), Box<dyn Error>> {
        let config = if plan.knows_secret { &self.with_secret } else { &self.without };
        // The keys of std's hash tables come from the system's randomness.
        let seed = self.random.hash_one(number);
        let token = Token(self.clients.len());
        let client = Client::new(plan, token, config.clone(), seed, self.now())?;
        self.clients.push(client);
        self.deadline_of.push(None);
        self.note_deadline(token.0);
        Ok(())
    }

    pub(crate) fn disconnect(&mut self) {
        let now = self.now();
        for index in 0..self.clients.len() {
            self.clients[index].disconnect(now);
            self.note_deadline(index);
        }
    }

    /// Runs until all clients are so.
    pub(crate) fn run_until(
        &mut self,
        what: &str,
        is_so: impl Fn(&Client) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        let until = self.now() + PATIENCE;
        while !self.clients.iter().all(&is_so) {
            if self.now() >= until {
                return self.check(what, is_so);
            }
            self.turn(until)?;
        }
        Ok(())
    }

    /// Runs for so long.
    pub(crate) fn run_for(&mut self, duration: Duration) -> Result<(), Box<dyn Error>> {
        let until = self.now() + duration;
        while self.now() < until {
            self.turn(until)?;
        }
        Ok(())
    }

    /// An error unless all clients are so.
    pub(crate) fn check(
        &self,
        what: &str,
        is_so: impl Fn(&Client) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        let (wanted, found) =
            (self.clients.len(), self.clients.iter().filter(|c| is_so(c)).count());
        if found == wanted {
            return Ok(());
        }
        Err(format!("{wanted} clients should be {what}, {found} are").into())
    }

    /// The longest of the last round trips.
    pub(crate) fn slowest(&self) -> Duration {
        self.clients.iter().filter_map(Client::round_trip).max().unwrap_or_default()
    }

    /// Waits for news, for the first deadline, or until then; and gives a turn to whoever has
    /// anything to do.
    fn turn(&mut self, until: Instant) -> Result<(), Box<dyn Error>> {
        let now = self.now();
        let wait = if self.again.is_empty() {
            let first = self.deadlines.first().map_or(until, |(deadline, _)| *deadline);
            first.min(until).saturating_duration_since(now)
        } else {
            Duration::ZERO
        };
        ignore_interruption(self.poll.poll(&mut self.events, Some(wait)))?;

        let now = self.now();
        self.awake.append(&mut self.again);
        self.awake.extend(self.events.iter().map(|event| event.token().0));
        let due = self.deadlines.iter().take_while(|(deadline, _)| *deadline <= now);
        self.awake.extend(due.map(|(_, index)| *index));
        self.awake.sort_unstable();
        self.awake.dedup();
        let awake = std::mem::take(&mut self.awake);
        for &index in &awake {
            let client = &mut self.clients[index];
            let turn = Turn { registry: self.poll.registry(), signer: &self.signer, now };
            if client.turn(&turn) {
                self.again.push(index);
            }
            if let Some(failure) = client.seen.failure.take() {
                return Err(format!("client {index}: {failure}").into());
            }
            self.note_deadline(index);
        }
        self.awake = awake;
        self.awake.clear();
        Ok(())
    }

    fn note_deadline(&mut self, index: usize) {
        let deadline = self.clients[index].deadline();
        if self.deadline_of[index] == deadline {
            return;
        }
        if let Some(former) = self.deadline_of[index] {
            self.deadlines.remove(&(former, index));
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, index));
        }
        self.deadline_of[index] = deadline;
    }

    fn now(&self) -> Instant {
        let micros = self.clock.elapsed().as_micros();
        Instant::from_micros(u64::try_from(micros).expect("584,000 years have not passed"))
    }
}

/// A signal may end a wait early; that is no failure.
fn ignore_interruption(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
        other => other,
    }
}
