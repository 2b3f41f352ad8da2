//! A cluster: two nodes joined by Redis, and fifty clients that must live with the loss of one.

mod balancer;
mod judging;
mod network;
mod plan;
mod publisher;
mod redis;
mod total;
mod witness;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::app;
use crate::bookkeeping::{Book, Order};
use crate::channels;
use crate::client::{Runtime, Start};
use crate::log::Log;
use crate::peer::Peer;
use crate::server::{Program, Server};
use balancer::Balancer;
use network::Network;
use plan::{NODES, NodeFault, ONCE, Plan, Round};
use publisher::Publisher;
use redis::{Observer, Redis};
use total::Total;
use witness::Witness;

const CLIENTS: usize = 50;
/// How many channels there are, two of each kind.
const CHANNELS: usize = 10;
/// Each channel carries an event each.
const INTERVAL: Duration = Duration::from_millis(150);
/// How many events a receiver of one channel may leave.
const QUEUE: usize = 64;
/// How long events flow before a node is broken, and after it was mended.
const FLOW: Duration = Duration::from_secs(1);
/// How long until every channel must be back after the last disturbance.
const BACK: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) program: Program,
    pub(crate) redis: PathBuf,
    /// None for each node's death, once.
    pub(crate) rounds: Option<u32>,
    pub(crate) seed: u64,
    pub(crate) runtimes: Vec<Runtime>,
    /// Whether this process is in a network namespace of its own.
    pub(crate) has_network: bool,
}

/// Runs all rounds.
pub(crate) fn run(task: &Task) -> Result<(), String> {
    let begun = Instant::now();
    let mut stage = Stage::set(task)?;
    let mut total = Total::default();
    let mut plan = Plan::new(task.seed, &stage.network);
    let planned = (0..task.rounds.unwrap_or_default()).map(|_| plan.next());
    let rounds: Vec<Round> = if task.rounds.is_some() {
        println!("seed {}", task.seed);
        planned.collect()
    } else {
        ONCE.to_vec()
    };
    for (number, round) in (1..).zip(&rounds) {
        println!("round {number}: {round}");
        let met = stage.play(round, task.rounds.is_some()).map_err(|problem| {
            let logs: Vec<String> = stage.nodes.iter().map(Server::log_end).collect();
            let logs = logs.join("\n-- and of the other node:\n");
            format!("seed {}, round {number}: {problem}\nthe nodes' logs:\n{logs}", task.seed)
        })?;
        println!("    {met}");
        total.add(&met);
    }
    stage.end()?;
    println!("{} rounds in {} s: {total}", rounds.len(), begun.elapsed().as_secs());
    Ok(())
}

/// Everything that plays a part. What depends on another comes before it: it is dropped first.
struct Stage {
    publisher: Publisher,
    peers: Vec<Peer>,
    balancer: Balancer,
    witnesses: Vec<Witness>,
    observer: Observer,
    nodes: Vec<Server>,
    redis: Redis,
    network: Network,
    log: Arc<Log>,
    /// The number of each channel's last event when the books were judged last.
    judged: Vec<u64>,
}

impl Stage {
    fn set(task: &Task) -> Result<Self, String> {
        let failed = |error: std::io::Error| error.to_string();
        let network = match task.rounds {
            Some(_) => Network::lay(task.has_network, NODES),
            None => Network::Loopback,
        };
        let redis = Redis::start(&task.redis, network.redis())?;
        let channels = channels::all(CHANNELS);
        let observer = Observer::start(redis.address(), &channels).map_err(failed)?;
        let settings = settings(redis.address());
        let start = |node| Server::start_at(network.node(node), &task.program, &settings);
        let nodes = (0..NODES).map(start).collect::<Result<Vec<_>, _>>()?;
        let addresses: Vec<SocketAddr> = nodes.iter().map(Server::address).collect();
        let witness = |node: &SocketAddr| Witness::start(*node, &channels);
        let witnesses: Vec<Witness> = addresses.iter().map(witness).collect();
        let balancer = Balancer::start(addresses.clone(), CLIENTS, knows_nodes).map_err(failed)?;
        for (node, witness) in witnesses.iter().enumerate() {
            witness.wait(Duration::ZERO, BACK)?;
            balancer.set_ready(node, true);
        }
        let runtimes = task.runtimes.iter().cycle();
        let peers = (0..CLIENTS).zip(runtimes).map(|(client, &runtime)| {
            let start = Start {
                runtime,
                name: format!("{runtime}-{client}"),
                servers: balancer.addresses(client).to_vec(),
                channels: CHANNELS,
                waits: true,
                queue: QUEUE,
            };
            Peer::start(start, Book::new(&channels, Order::Any))
        });
        let mut peers = peers.collect::<Result<Vec<_>, _>>()?;
        wait(&mut peers, |book| {
            book.is_ready && book.channels.iter().all(|book| book.subscribed > 0)
        })?;
        spread(&balancer, &mut peers)?;
        peers.iter_mut().try_for_each(Peer::ask)?;
        peers.iter().for_each(|peer| peer.book().turn());
        // Published to clients that wait for them already, all numbers must arrive.
        let log = Arc::new(Log::new(CHANNELS));
        let publisher = Publisher::start(&addresses, &channels, &log, INTERVAL);
        let mut stage = Self {
            publisher: publisher.map_err(|error| error.to_string())?,
            peers,
            balancer,
            witnesses,
            observer,
            nodes,
            redis,
            network,
            log,
            judged: vec![0; CHANNELS],
        };
        stage.expect_everywhere()?;
        let met = stage.judge(None, Duration::ZERO, &[])?;
        println!("at first: {met}");
        Ok(stage)
    }

    /// Checks that each node has its half of the clients.
    fn expect_everywhere(&self) -> Result<(), String> {
        let on = |node: usize| {
            let clients = 0..CLIENTS;
            clients
                .filter(|client| self.balancer.node_of(*client, app::now()) == Some(node))
                .count()
        };
        let counts: Vec<usize> = (0..NODES).map(on).collect();
        let choosing = (0..CLIENTS).filter(|client| self.balancer.knows_nodes(*client)).count();
        println!("{CLIENTS} clients, {counts:?} on the nodes; {choosing} choose by themselves");
        if counts.iter().any(|count| *count != CLIENTS / NODES) {
            return Err(format!("{counts:?} clients are on the nodes"));
        }
        Ok(())
    }

    fn play(&mut self, round: &Round, is_spread: bool) -> Result<Total, String> {
        let begun = app::now();
        let mut moved = Vec::new();
        if is_spread {
            moved = self.balancer.spread();
            self.back("after clients were moved")?;
            self.expect_everywhere()?;
        }
        thread::sleep(FLOW);
        let broken = app::now();
        let back = self.break_node(round)?;
        thread::sleep(FLOW);
        let met = self.judge(Some((round, broken)), begun, &moved)?;
        Ok(Total { back: met.back.max(back), ..met })
    }

    /// Breaks a node, and mends it. Returns how long clients took to be back, where that was waited for.
    fn break_node(&mut self, round: &Round) -> Result<Duration, String> {
        let node = round.node;
        let mut back = Duration::ZERO;
        match round.fault {
            NodeFault::KillForLong | NodeFault::Kill { .. } => {
                self.balancer.set_ready(node, false);
                self.nodes[node].kill();
                if let NodeFault::Kill { down } = round.fault {
                    thread::sleep(down);
                } else {
                    back = self.back("while the node is down")?;
                }
                let begun = app::now();
                self.nodes[node].restart()?;
                self.witnesses[node].wait(begun, BACK)?;
                self.balancer.set_ready(node, true);
            }
            NodeFault::Stop { time } => {
                self.nodes[node].stop();
                thread::sleep(time);
                self.nodes[node].resume();
            }
            NodeFault::Unplug { time } => {
                self.network.unplug(node, true)?;
                thread::sleep(time);
                self.network.unplug(node, false)?;
            }
            NodeFault::Isolate { time } => {
                self.network.isolate(node, true)?;
                thread::sleep(time);
                self.network.isolate(node, false)?;
            }
            NodeFault::Slow { time } => {
                self.network.slow(node, true)?;
                thread::sleep(time);
                self.network.slow(node, false)?;
            }
            NodeFault::Redis { down } => {
                self.redis.kill();
                thread::sleep(down);
                self.redis.restart()?;
                // Until a node is subscribed again its clients miss what is published on the others.
                self.redis.wait(NODES, BACK)?;
            }
        }
        if !round.fault.is_kill() {
            self.wait_for_hand_over(node)?;
        }
        Ok(back)
    }

    /// Waits until a node hands on again what is published through the other one. Before that it may still have to
    /// read what was held up, and would send that to clients that come to it meanwhile, for a second time.
    fn wait_for_hand_over(&self, node: usize) -> Result<(), String> {
        let before: Vec<u64> = (0..CHANNELS).map(|channel| self.log.last(channel)).collect();
        let deadline = Instant::now() + BACK;
        let hands_on =
            |(channel, number): (usize, &u64)| self.witnesses[node].has_two_after(channel, *number);
        while !before.iter().enumerate().all(hands_on) {
            if Instant::now() > deadline {
                return Err(format!("node {node} does not hand on what the other one is told"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Waits until every channel of every client has events that are published from now on.
    fn back(&mut self, when: &str) -> Result<Duration, String> {
        let begun = Instant::now();
        let before: Vec<u64> = (0..CHANNELS).map(|channel| self.log.last(channel)).collect();
        wait(&mut self.peers, |book| {
            book.channels.iter().zip(&before).all(|(book, before)| book.newest > *before)
        })
        .map_err(|problem| format!("{when}, {problem}"))?;
        Ok(begun.elapsed())
    }

    /// Checks that every client ends on command.
    fn end(self) -> Result<(), String> {
        drop(self.publisher);
        self.peers.into_iter().try_for_each(Peer::quit)
    }
}

/// Returns whether a client has both nodes in its configuration, so that the library moves it to the other
/// one, and not the balancer: about half of each runtime's do.
fn knows_nodes(client: usize) -> bool {
    client / Runtime::ALL.len() % 2 == 1
}

/// Ends the connections of clients that begin on another node than theirs, which is as chance has it for
/// those that choose by themselves, and waits until these have moved.
fn spread(balancer: &Balancer, peers: &mut [Peer]) -> Result<(), String> {
    let standing = |book: &Book| -> Vec<(u64, usize)> {
        book.channels.iter().map(|page| (page.subscribed, page.gaps.len())).collect()
    };
    let before: Vec<_> = peers.iter().map(|peer| standing(&peer.book())).collect();
    let deadline = Instant::now() + BACK;
    balancer.spread().into_iter().try_for_each(|client| {
        peers[client].wait(deadline, |book| {
            let mut pairs = standing(book).into_iter().zip(&before[client]);
            pairs.all(|(now, before)| now.0 > before.0 && now.1 > before.1)
        })
    })
}

/// Returns what makes a node of a server.
fn settings(redis: SocketAddr) -> Vec<(&'static str, String)> {
    vec![
        ("ADAPTER_DRIVER", "redis".to_string()),
        // By default a node that does not find Redis goes on alone, and says so in its log only.
        ("ADAPTER_FALLBACK_TO_LOCAL", "false".to_string()),
        ("CACHE_DRIVER", "redis".to_string()),
        ("REDIS_URL", format!("redis://{redis}")),
        ("DATABASE_REDIS_HOST", redis.ip().to_string()),
        ("DATABASE_REDIS_PORT", redis.port().to_string()),
    ]
}

/// Waits until every client's books are like that.
fn wait(peers: &mut [Peer], is_met: impl Fn(&Book) -> bool) -> Result<(), String> {
    let deadline = Instant::now() + BACK;
    peers.iter_mut().try_for_each(|peer| peer.wait(deadline, &is_met))
}
