//! A network of the run's own, where the machine allows one: Redis and each node live in a network
//! namespace, and a bridge joins them with the one of this process.
//!
//! This process must be in a network namespace of its own already (`unshare --net`, which `chaos/run`
//! tries), so that nothing of the machine's network is touched, and nothing is left behind.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::process::Process;
use crate::server::Place;

const BRIDGE: &str = "chaos";
/// Where everything listens in its namespace.
const PORT: u16 = 6001;

/// Where Redis and the nodes are, and what can be done to their network.
#[derive(Debug)]
pub(super) enum Network {
    /// All on the loopback interface: no network can be broken.
    Loopback,
    Own(Own),
}

/// A network with namespaces.
#[derive(Debug)]
pub(super) struct Own {
    redis: Namespace,
    nodes: Vec<Namespace>,
    slowness: Option<Slowness>,
}

/// How the network is slowed down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slowness {
    /// Packets are delayed, reordered and lost.
    Netem,
    /// There is less room than the traffic needs.
    Narrow,
}

impl Slowness {
    /// What `tc qdisc replace dev … root` is told.
    fn words(self) -> &'static str {
        match self {
            Self::Netem => "netem delay 60ms 30ms loss 1%",
            Self::Narrow => "tbf rate 1mbit burst 16kb latency 500ms",
        }
    }
}

impl Network {
    /// Lays a network for this many nodes. Says on standard output what is left out, and why.
    pub(super) fn lay(is_own: bool, nodes: usize) -> Self {
        if !is_own {
            println!("left out: cut and slow networks: there are no network namespaces");
            return Self::Loopback;
        }
        match Own::lay(nodes) {
            Ok(own) => Self::Own(own),
            Err(problem) => {
                println!("left out: cut and slow networks: {problem}");
                Self::Loopback
            }
        }
    }

    pub(super) fn redis(&self) -> Place {
        match self {
            Self::Loopback => Place::free(),
            Self::Own(own) => own.redis.place(),
        }
    }

    pub(super) fn node(&self, node: usize) -> Place {
        match self {
            Self::Loopback => Place::free(),
            Self::Own(own) => own.nodes[node].place(),
        }
    }

    /// Returns whether nodes can be cut off.
    pub(super) fn can_cut(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// Returns whether the network can be slowed down.
    pub(super) fn can_slow(&self) -> bool {
        matches!(self, Self::Own(Own { slowness: Some(_), .. }))
    }

    /// Cuts a node off from everything, or joins it again. Both sides keep their connections, and hear
    /// nothing.
    pub(super) fn unplug(&self, node: usize, is_cut: bool) -> Result<(), String> {
        let Self::Own(own) = self else { return Err("there is nothing to unplug".to_string()) };
        let state = if is_cut { "down" } else { "up" };
        run(&["ip", "link", "set", &own.nodes[node].port, state])
    }

    /// Cuts a node off from Redis, or joins the two again. Clients reach the node as before.
    pub(super) fn isolate(&self, node: usize, is_cut: bool) -> Result<(), String> {
        let Self::Own(own) = self else { return Err("there is nothing to isolate".to_string()) };
        let state = if is_cut { "on" } else { "off" };
        // Two isolated ports of a bridge do not reach each other. That of Redis always is.
        run(&["bridge", "link", "set", "dev", &own.nodes[node].port, "isolated", state])
    }

    /// Slows down all that a node sends and is sent, or no longer.
    pub(super) fn slow(&self, node: usize, is_slow: bool) -> Result<(), String> {
        let Self::Own(Own { nodes, slowness: Some(slowness), .. }) = self else {
            return Err("there is nothing to slow down".to_string());
        };
        nodes[node].shape(is_slow.then_some(*slowness))
    }
}

impl Own {
    fn lay(nodes: usize) -> Result<Self, String> {
        run(&["ip", "link", "set", "lo", "up"])?;
        run(&["ip", "link", "add", BRIDGE, "type", "bridge"])?;
        run(&["ip", "addr", "add", "10.77.0.1/24", "dev", BRIDGE])?;
        run(&["ip", "link", "set", BRIDGE, "up"])?;
        let redis = Namespace::make("redis", Ipv4Addr::new(10, 77, 0, 10))?;
        run(&["bridge", "link", "set", "dev", &redis.port, "isolated", "on"])?;
        let nodes = (0..nodes)
            .map(|node| {
                let last = 11 + u8::try_from(node).map_err(|_| "too many nodes".to_string())?;
                Namespace::make(&format!("node{node}"), Ipv4Addr::new(10, 77, 0, last))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let slowness = [Slowness::Netem, Slowness::Narrow].into_iter().find(|slowness| {
            let tried = nodes[0].shape(Some(*slowness)).and_then(|()| nodes[0].shape(None));
            if let Err(problem) = &tried {
                println!("left out: `tc qdisc … {}`: {problem}", slowness.words());
            }
            tried.is_ok()
        });
        if let Some(slowness) = slowness {
            println!("a slow network is one with `tc qdisc … {}`", slowness.words());
        }
        Ok(Self { redis, nodes, slowness })
    }
}

/// A network namespace with one interface, whose other end is a port of the bridge. It is gone when this is
/// dropped, or this process ends.
#[derive(Debug)]
struct Namespace {
    /// Does nothing until its standard input ends.
    holder: Process,
    port: String,
    address: Ipv4Addr,
}

impl Namespace {
    fn make(name: &str, address: Ipv4Addr) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("unshare: {error}");
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo; exec cat"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = Process::start(&mut command).map_err(failed)?;
        // It says something once it is in a namespace of its own.
        let output = holder.child().stdout.as_mut().expect("it was asked for");
        output.read_exact(&mut [0]).map_err(failed)?;
        let namespace = Self { holder, port: format!("{BRIDGE}-{name}"), address };
        let (port, pid) = (&namespace.port, namespace.holder.id().to_string());
        let ends = ["type", "veth", "peer", "name", "eth0", "netns", &pid];
        run(&[&["ip", "link", "add", port][..], &ends].concat())?;
        run(&["ip", "link", "set", port, "master", BRIDGE])?;
        run(&["ip", "link", "set", port, "up"])?;
        namespace.run(&["ip", "link", "set", "lo", "up"])?;
        namespace.run(&["ip", "addr", "add", &format!("{address}/24"), "dev", "eth0"])?;
        namespace.run(&["ip", "link", "set", "eth0", "up"])?;
        Ok(namespace)
    }

    fn place(&self) -> Place {
        let address = SocketAddr::from((self.address, PORT));
        Place { address, namespace: Some(self.holder.id()) }
    }

    /// Shapes both directions like that, or neither.
    fn shape(&self, slowness: Option<Slowness>) -> Result<(), String> {
        let words: Vec<&str> = match slowness {
            Some(slowness) => {
                ["replace", "root"].into_iter().chain(slowness.words().split(' ')).collect()
            }
            None => vec!["del", "root"],
        };
        let (action, rest) = (words[0], &words[1..]);
        let at = |device| [&["tc", "qdisc", action, "dev", device][..], rest].concat();
        run(&at(self.port.as_str()))?;
        self.run(&at("eth0"))
    }

    /// Runs a command in the namespace.
    fn run(&self, command: &[&str]) -> Result<(), String> {
        let holder = self.holder.id().to_string();
        run(&[&["nsenter", "--net", "--target", &holder, "--"][..], command].concat())
    }
}

fn run(command: &[&str]) -> Result<(), String> {
    let output = Command::new(command[0]).args(&command[1..]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{}: {error}", command[0]))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{}`: {}", command.join(" "), said.trim()))
}

/// How long after a network was mended TCP may wait until it sends again: as long as it was cut.
pub(super) fn recovery(cut: Duration) -> Duration {
    cut * 2
}
