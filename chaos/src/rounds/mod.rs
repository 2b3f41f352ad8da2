//! The rounds: a server that breaks under load, and then clients and ways that do.

mod judging;
mod total;
mod trouble;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bookkeeping::{Book, Order};
use crate::channels::{self, ChannelSpec};
use crate::client::{Runtime, Start};
use crate::log::Log;
use crate::peer::Peer;
use crate::plan::{Fault, Plan, Round, ServerFault, TROUBLE};
use crate::proxy::{Proxy, Way};
use crate::publisher::Publisher;
use crate::server::{Program, Server};
use total::{Total, megabytes};

/// How many channels there are.
const CHANNELS: usize = 50;
/// Each channel carries an event each.
const INTERVAL: Duration = Duration::from_millis(80);
/// How many events a receiver of one channel may leave.
const QUEUE: usize = 32;
/// Memory is measured against what it was after this round.
const WARM: u32 = 2;
/// How much longer than any measured round trip the way may hold an event: the time that processes
/// wait for their turn on a busy machine. What the books needed of it is printed.
const HELD: Duration = Duration::from_millis(50);

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) program: Program,
    pub(crate) rounds: u32,
    pub(crate) seed: u64,
    pub(crate) runtimes: Vec<Runtime>,
}

/// Runs all rounds.
pub(crate) fn run(task: &Task) -> Result<(), String> {
    println!("seed {}", task.seed);
    let begun = Instant::now();
    let mut stage = Stage::set(task)?;
    let mut plan = Plan::new(task.seed, &task.runtimes);
    for number in 1..=task.rounds {
        let round = plan.next();
        println!("round {number}: {}", plan.words(&round));
        stage.play(&round).map_err(|problem| {
            let log = stage.server.log_end();
            format!("seed {}, round {number}: {problem}\nthe server's log:\n{log}", task.seed)
        })?;
        if number == WARM.min(task.rounds) {
            stage.warm = stage.resident();
        }
    }
    let total = stage.total.clone();
    stage.end().map_err(|problem| format!("seed {}, at the end: {problem}", task.seed))?;
    println!("{} rounds in {} s: {total}", task.rounds, begun.elapsed().as_secs());
    Ok(())
}

/// Everything that plays a part.
struct Stage {
    server: Server,
    channels: Vec<ChannelSpec>,
    log: Arc<Log>,
    direct: Vec<Peer>,
    proxied: Vec<Peer>,
    proxies: Vec<Proxy>,
    publisher: Option<Publisher>,
    /// The number of each channel's last event when the books were judged last.
    judged: Vec<u64>,
    /// What each client had resident after the first rounds, in bytes.
    warm: Vec<u64>,
    total: Total,
}

impl Stage {
    fn set(task: &Task) -> Result<Self, String> {
        let settings = [("SHUTDOWN_GRACE_PERIOD", "1".to_string())];
        let server = Server::start(&task.program, &settings)?;
        let channels = channels::all(CHANNELS);
        let log = Arc::new(Log::new(CHANNELS));
        let (mut direct, mut proxied, mut proxies) = (Vec::new(), Vec::new(), Vec::new());
        for &runtime in &task.runtimes {
            let proxy = Proxy::start(server.address()).map_err(|error| error.to_string())?;
            let start = |way: &str, server: SocketAddr, waits| Start {
                runtime,
                name: format!("{runtime}-{way}"),
                servers: vec![server],
                channels: CHANNELS,
                waits,
                queue: QUEUE,
            };
            let book = || Book::new(&channels, Order::Strict);
            direct.push(Peer::start(start("direct", server.address(), true), book())?);
            proxied.push(Peer::start(start("proxied", proxy.address(), false), book())?);
            proxies.push(proxy);
        }
        let mut stage = Self {
            server,
            channels,
            log,
            direct,
            proxied,
            proxies,
            publisher: None,
            judged: vec![0; CHANNELS],
            warm: Vec::new(),
            total: Total::default(),
        };
        stage.wait(|book| book.is_ready && book.channels.iter().all(|book| book.subscribed > 0))?;
        stage.peers_mut().try_for_each(Peer::ask)?;
        stage.turn();
        // Published to clients that wait for them already, all numbers must arrive.
        let (server, channels, log) = (stage.server.address(), &stage.channels, &stage.log);
        stage.publisher = Some(Publisher::start(server, channels, log, INTERVAL));
        stage.judge("at first", |_| HELD)?.expect_answers(true)?;
        stage.expect_gaps((0, 0))?;
        stage.turn();
        Ok(stage)
    }

    fn play(&mut self, round: &Round) -> Result<(), String> {
        self.break_server(round.server)?;
        let first = self.judge("after the server's fault", |_| HELD)?;
        first.expect_answers(matches!(round.server, ServerFault::Stop { .. }))?;
        self.expect_gaps(round.server.losses())?;
        self.turn();

        self.trouble(round)?;
        let faults: Vec<Fault> = round.direct.iter().chain(&round.proxied).copied().collect();
        let second = self.judge("after the clients' faults", |index| {
            let is_slow = |way| matches!(way, Way::Trickle | Way::Delay(_));
            match faults[index] {
                // What waits on such a way is unknown to both ends.
                Fault::Way(way) | Fault::WayAndCut(way, _) if is_slow(way) => TROUBLE + HELD,
                _ => HELD,
            }
        })?;
        second.expect_answers(round.kill_after.is_none())?;
        self.expect_lags(round)?;
        self.turn();

        let most = self.resident().into_iter().max().unwrap_or_default();
        println!("    {first}\n    {second}; at most {} resident", megabytes(most));
        self.total.add(&first);
        self.total.add(&second);
        Ok(())
    }

    /// Checks memory, and that every client ends on command.
    fn end(mut self) -> Result<(), String> {
        let resident = self.resident();
        for ((peer, warm), now) in self.peers().zip(&self.warm).zip(&resident) {
            let (name, warm, now) = (&peer.start.name, *warm, *now);
            let (before, after) = (megabytes(warm), megabytes(now));
            println!("{name:>24}: {before} resident after {WARM} rounds, {after} at the end");
            // What a pause or a stop left to be read at once may have come after the first rounds.
            if now > warm + warm / 4 + 2 * 1024 * 1024 {
                return Err(format!("{name} grew from {before} to {after}"));
            }
        }
        self.publisher = None;
        self.direct.into_iter().chain(self.proxied).try_for_each(Peer::quit)
    }

    /// Returns all clients: those that are connected to the server itself first.
    fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.direct.iter().chain(&self.proxied)
    }

    fn peers_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.direct.iter_mut().chain(&mut self.proxied)
    }

    fn resident(&mut self) -> Vec<u64> {
        self.peers_mut().map(|peer| peer.process().resident()).collect()
    }

    /// Begins new pages in the books.
    fn turn(&self) {
        self.peers().for_each(|peer| peer.book().turn());
    }
}
