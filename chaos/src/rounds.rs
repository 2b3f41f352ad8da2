//! The rounds: a server that breaks under load, and then clients and ways that do.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::bookkeeping::Verdict;
use crate::channels::{self, Channel};
use crate::client::{Runtime, Start};
use crate::log::Log;
use crate::peer::Peer;
use crate::plan::{Fault, Plan, Round, ServerFault, TROUBLE};
use crate::proxy::{Proxy, Way};
use crate::publisher::Publisher;
use crate::server::{Program, Server};

/// How many channels there are.
const CHANNELS: usize = 50;
/// Each channel carries an event each.
const INTERVAL: Duration = Duration::from_millis(80);
/// How many events a receiver of one channel may leave.
const QUEUE: usize = 32;
/// How long until every channel must be back after the last disturbance.
const BACK: Duration = Duration::from_secs(20);
/// Memory is measured against what it was after this round.
const WARM: u32 = 2;
/// How much longer than any measured round trip the way may hold an event: the time that processes
/// wait for their turn on a busy machine. What the books needed of it is printed.
const HELD: Duration = Duration::from_millis(250);

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) program: Program,
    pub(crate) rounds: u32,
    pub(crate) seed: u64,
    pub(crate) runtimes: Vec<Runtime>,
}

/// Runs all rounds.
pub(crate) fn run(order: &Order) -> Result<(), String> {
    println!("seed {}", order.seed);
    let begun = Instant::now();
    let mut stage = Stage::set(order)?;
    let mut plan = Plan::new(order.seed, &order.runtimes);
    for number in 1..=order.rounds {
        let round = plan.next();
        println!("round {number}: {}", plan.words(&round));
        stage.play(&round).map_err(|problem| {
            let log = stage.server.log_end();
            format!("seed {}, round {number}: {problem}\nthe server's log:\n{log}", order.seed)
        })?;
        if number == WARM.min(order.rounds) {
            stage.warm = stage.resident();
        }
    }
    let total = stage.total.clone();
    stage.end().map_err(|problem| format!("seed {}, at the end: {problem}", order.seed))?;
    println!(
        "{} rounds in {} s: {total}",
        order.rounds,
        begun.elapsed().as_secs()
    );
    Ok(())
}

/// Everything that plays a part.
struct Stage {
    server: Server,
    channels: Vec<Channel>,
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
    fn set(order: &Order) -> Result<Self, String> {
        let settings = [("SHUTDOWN_GRACE_PERIOD", "1".to_string())];
        let server = Server::start(&order.program, &settings)?;
        let channels = channels::all(CHANNELS);
        let log = Arc::new(Log::new(CHANNELS));
        let (mut direct, mut proxied, mut proxies) = (Vec::new(), Vec::new(), Vec::new());
        for &runtime in &order.runtimes {
            let proxy = Proxy::start(server.address()).map_err(|error| error.to_string())?;
            let start = |way: &str, port, waits| Start {
                runtime,
                name: format!("{runtime}-{way}"),
                port,
                channels: CHANNELS,
                waits,
                queue: QUEUE,
            };
            direct.push(Peer::start(start("direct", server.port(), true), &channels)?);
            proxied.push(Peer::start(start("proxied", proxy.port(), false), &channels)?);
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
        stage.direct.iter_mut().chain(&mut stage.proxied).try_for_each(Peer::ask)?;
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
        let slow = |peer: &Peer| {
            let runtimes = self.proxied.iter().position(|other| other.start.name == peer.start.name);
            let fault = runtimes.map(|index| round.proxied[index]);
            let is_slow = |way| matches!(way, Way::Trickle | Way::Delay(_));
            match fault {
                Some(Fault::Way(way) | Fault::WayAndCut(way, _)) if is_slow(way) => TROUBLE + HELD,
                _ => HELD,
            }
        };
        let held: Vec<(String, Duration)> = self
            .direct
            .iter()
            .chain(&self.proxied)
            .map(|peer| (peer.start.name.clone(), slow(peer)))
            .collect();
        let second = self.judge("after the clients' faults", |peer| {
            held.iter().find(|(name, _)| *name == peer.start.name).map_or(HELD, |(_, held)| *held)
        })?;
        second.expect_answers(round.kill_after.is_none())?;
        self.expect_lags(round)?;
        self.turn();
        let resident = self.resident();
        let most = resident.iter().max().copied().unwrap_or_default();
        println!("    {first}\n    {second}; at most {} resident", megabytes(most));
        self.total.add(&first);
        self.total.add(&second);
        self.total.resident = most;
        Ok(())
    }

    fn break_server(&mut self, fault: ServerFault) -> Result<(), String> {
        let server = &mut self.server;
        match fault {
            ServerFault::Kill { down } => {
                server.kill();
                thread::sleep(down);
                server.restart()
            }
            ServerFault::KillTwice { down, up } => {
                server.kill();
                thread::sleep(down);
                server.restart()?;
                thread::sleep(up);
                server.kill();
                server.restart()
            }
            ServerFault::Terminate { down } => {
                server.terminate();
                thread::sleep(down);
                server.restart()
            }
            ServerFault::Stop { time } => {
                server.stop();
                thread::sleep(time);
                server.resume();
                Ok(())
            }
            ServerFault::StopAndKill { time, down } => {
                server.stop();
                thread::sleep(time);
                server.kill();
                thread::sleep(down);
                server.restart()
            }
        }
    }

    /// Does what the round does to the clients, and mends all of it.
    fn trouble(&mut self, round: &Round) -> Result<(), String> {
        let begun = Instant::now();
        let mut steps = Vec::new();
        let faults = round.direct.iter().chain(&round.proxied);
        for (index, fault) in faults.enumerate() {
            steps.extend(steps_of(*fault).into_iter().map(|(after, step)| (after, index, step)));
        }
        if let Some(after) = round.kill_after {
            steps.push((after, 0, Step::KillServer));
        }
        steps.sort_by_key(|(after, ..)| *after);
        for (after, index, step) in steps {
            thread::sleep(after.saturating_sub(begun.elapsed()));
            let directs = self.direct.len();
            let peer = self.direct.iter_mut().chain(&mut self.proxied).nth(index);
            let peer = peer.expect("there is a fault for each client");
            match step {
                Step::Tell(command) => peer.tell(command),
                Step::Stop => peer.process().stop(),
                Step::Resume => peer.process().resume(),
                Step::Set(way) => self.proxies[index - directs].set(way),
                Step::Cut(cut) => self.proxies[index - directs].cut(cut),
                Step::KillServer => {
                    self.server.kill();
                    self.server.restart()?;
                }
            }
        }
        Ok(())
    }

    /// Waits until every channel is back, and looks whether everything arrived that had to.
    fn judge(&mut self, when: &str, held: impl Fn(&Peer) -> Duration) -> Result<Total, String> {
        let failed = |problem: String| format!("{when}, {problem}");
        let before: Vec<u64> = (0..CHANNELS).map(|channel| self.log.last(channel)).collect();
        let begun = Instant::now();
        self.wait(|book| {
            book.channels.iter().zip(&before).all(|(book, before)| book.newest > *before)
        })
        .map_err(failed)?;
        let back = begun.elapsed();
        let unanswered = self.log.unanswered(&self.judged, &before);
        self.judged = before;
        let mut total = Total { back, unanswered, ..Total::default() };
        let mut problems = Vec::new();
        for peer in self.direct.iter_mut().chain(&mut self.proxied) {
            peer.ask().map_err(failed)?;
            let mut book = peer.book();
            if book.lagged == 0 {
                book.check_gaps();
            }
            let Verdict { in_gaps, early, lost, first_lost } = book.verdict(&self.log, held(peer));
            let name = &peer.start.name;
            problems.extend(book.problems().iter().map(|problem| format!("{name}: {problem}")));
            if peer.start.waits && book.lagged > 0 {
                problems.push(format!("{name}: {} lagged, though it waits", book.lagged));
            }
            // A gap may be among what a receiver was too slow for.
            let is_blurred = book.lagged > 0 && book.losses() > 0;
            if lost > book.lagged && !is_blurred {
                let lost = lost - book.lagged;
                let first = first_lost.unwrap_or_default();
                problems.push(format!("{name}: {lost} events lost outside of gaps: {first}"));
            }
            total.clients += 1;
            total.losses += book.losses();
            total.in_gaps += in_gaps;
            total.lagged += book.lagged;
            total.early = total.early.max(early);
            total.gaps += book.channels.iter().map(|book| book.gaps.len() as u64).sum::<u64>();
            total.events += book.events();
        }
        if problems.is_empty() {
            return Ok(total);
        }
        problems.truncate(20);
        Err(failed(problems.join("\n    ")))
    }

    /// Checks how many gaps each channel was told, where nothing was done to the clients.
    fn expect_gaps(&self, (from, to): (usize, usize)) -> Result<(), String> {
        for peer in self.direct.iter().chain(&self.proxied) {
            let book = peer.book();
            // What a receiver was too slow for may have been a gap.
            let from = if book.lagged == 0 { from } else { 0 };
            for (channel, book) in self.channels.iter().zip(&book.channels) {
                let gaps = book.gaps.len();
                if !(from..=to).contains(&gaps) {
                    let (client, channel) = (&peer.start.name, &channel.name);
                    return Err(format!("{client}: {channel} was told {gaps} gaps, not {from} to {to}"));
                }
            }
        }
        Ok(())
    }

    /// Checks that receivers which paused while everything else went on were told that they lagged.
    fn expect_lags(&self, round: &Round) -> Result<(), String> {
        for (peer, fault) in self.proxied.iter().zip(&round.proxied) {
            // Nothing is read where the receiver itself carries the connection.
            let is_carried = peer.start.runtime != Runtime::Connection;
            let is_paused = *fault == Fault::Pause && round.kill_after.is_none() && is_carried;
            if is_paused && peer.book().lagged == 0 {
                return Err(format!("{}: nothing lagged behind a pause", peer.start.name));
            }
        }
        Ok(())
    }

    /// Waits until every client's books are like that.
    fn wait(&mut self, is_met: impl Fn(&crate::bookkeeping::Book) -> bool) -> Result<(), String> {
        let deadline = Instant::now() + BACK;
        for peer in self.direct.iter_mut().chain(&mut self.proxied) {
            loop {
                if is_met(&peer.book()) {
                    break;
                }
                let name = peer.start.name.clone();
                if let Some(status) = peer.process().ended() {
                    return Err(format!("{name} ended with {status}"));
                }
                if Instant::now() > deadline {
                    peer.ask()?;
                    let book = peer.book();
                    let missing = self.channels.iter().zip(&book.channels);
                    let words: Vec<String> = missing
                        .take(5)
                        .map(|(channel, book)| format!("{} at {}", channel.name, book.newest))
                        .collect();
                    return Err(format!(
                        "not all channels of {name} are back after {} s: {}, {} connections, {}",
                        BACK.as_secs(),
                        book.status,
                        book.connections,
                        words.join(", ")
                    ));
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    }

    fn turn(&self) {
        self.direct.iter().chain(&self.proxied).for_each(|peer| peer.book().turn());
    }

    fn resident(&mut self) -> Vec<u64> {
        let peers = self.direct.iter_mut().chain(&mut self.proxied);
        peers.map(|peer| peer.process().resident()).collect()
    }

    /// Checks memory, and that every client ends when it is told to.
    fn end(mut self) -> Result<(), String> {
        let resident = self.resident();
        let peers = self.direct.iter().chain(&self.proxied);
        for ((peer, warm), now) in peers.zip(&self.warm).zip(&resident) {
            let (name, warm, now) = (&peer.start.name, *warm, *now);
            println!("{name:>24}: {} resident after {WARM} rounds, {} now", megabytes(warm), megabytes(now));
            // What a pause or a stop left to be read at once may have come after the first rounds.
            if now > warm + warm / 4 + 2 * 1024 * 1024 {
                return Err(format!("{name} grew from {} to {}", megabytes(warm), megabytes(now)));
            }
        }
        self.publisher = None;
        self.direct.into_iter().chain(self.proxied).try_for_each(Peer::quit)
    }
}

/// One thing that is done at a point in time.
#[derive(Debug, Clone, Copy)]
enum Step {
    Tell(&'static str),
    Stop,
    Resume,
    Set(Way),
    Cut(crate::proxy::Cut),
    KillServer,
}

/// What is done for a fault, and when, to its mending.
fn steps_of(fault: Fault) -> Vec<(Duration, Step)> {
    let start = Duration::ZERO;
    match fault {
        Fault::Stop(time) => vec![(start, Step::Stop), (time, Step::Resume)],
        Fault::Pause => vec![(start, Step::Tell("pause")), (TROUBLE, Step::Tell("resume"))],
        Fault::Block => vec![(start, Step::Tell("block")), (TROUBLE, Step::Tell("resume"))],
        Fault::Way(way) => vec![(start, Step::Set(way)), (TROUBLE, Step::Set(Way::Clear))],
        // Upgrades take place once the connection is gone.
        Fault::WayAndCut(way @ Way::Answer(_), cut) => {
            vec![(start, Step::Set(way)), (start, Step::Cut(cut)), (TROUBLE, Step::Set(Way::Clear))]
        }
        Fault::WayAndCut(way, cut) => {
            vec![(start, Step::Set(way)), (TROUBLE, Step::Cut(cut)), (TROUBLE, Step::Set(Way::Clear))]
        }
        Fault::Cut(cut, times) => {
            (0..times).map(|time| (TROUBLE * time / times, Step::Cut(cut))).collect()
        }
    }
}

/// What all clients met together.
#[derive(Debug, Default, Clone)]
struct Total {
    clients: u64,
    back: Duration,
    losses: u64,
    gaps: u64,
    events: u64,
    in_gaps: u64,
    unanswered: u64,
    lagged: u64,
    early: Duration,
    resident: u64,
}

impl Total {
    /// Checks that the server took every event, where nothing kept it from that: what it did not
    /// take, nobody has to be handed.
    fn expect_answers(&self, all: bool) -> Result<(), String> {
        if all && self.unanswered > 0 {
            return Err(format!("the server did not take {} events", self.unanswered));
        }
        Ok(())
    }

    fn add(&mut self, other: &Self) {
        self.clients = other.clients;
        self.back = self.back.max(other.back);
        self.losses += other.losses;
        self.gaps += other.gaps;
        self.events += other.events;
        self.in_gaps += other.in_gaps;
        self.unanswered += other.unanswered;
        self.lagged += other.lagged;
        self.early = self.early.max(other.early);
    }
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} clients back within {:.1} s; {} losses, {} gaps; {} events handed over, {} in gaps \
             (at most {} ms early), {} lagged; 0 lost, 0 doubled; {} unanswered",
            self.clients,
            self.back.as_secs_f64(),
            self.losses,
            self.gaps,
            self.events,
            self.in_gaps,
            self.early.as_millis(),
            self.lagged,
            self.unanswered
        )
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1024.0 / 1024.0)
}
