//! What happens to which node in which round. All of it follows from a seed.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

use super::network::Network;

/// How many nodes there are.
pub(super) const NODES: usize = 2;

/// What is done to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeFault {
    /// SIGKILL. It is started again once all clients are on another node.
    KillForLong,
    /// SIGKILL. It is started again after this time.
    Kill { down: Duration },
    /// SIGSTOP and SIGCONT: its connections stay open, and nothing answers.
    Stop { time: Duration },
    /// Its network ends: it hears nothing of anyone, and nobody of it.
    Unplug { time: Duration },
    /// It does not reach Redis, while clients reach it.
    Isolate { time: Duration },
    /// Its network is slow.
    Slow { time: Duration },
    /// Not the node, but Redis is killed, and is back after this time: as empty as it always is.
    Redis { down: Duration },
}

impl NodeFault {
    /// Returns whether the fault ends connections at once and delays nothing.
    pub(super) fn is_kill(self) -> bool {
        matches!(self, Self::KillForLong | Self::Kill { .. })
    }

    /// Returns how long the fault may hold up what is on its way.
    pub(super) fn holds(self) -> Duration {
        match self {
            Self::KillForLong | Self::Kill { .. } => Duration::ZERO,
            Self::Stop { time }
            | Self::Unplug { time }
            | Self::Isolate { time }
            | Self::Slow { time }
            | Self::Redis { down: time } => time,
        }
    }
}

/// One round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    pub(super) node: usize,
    pub(super) fault: NodeFault,
}

/// All rounds.
#[derive(Debug)]
pub(super) struct Plan {
    random: Rng,
    kinds: Vec<u8>,
    round: usize,
}

impl Plan {
    /// Plans rounds with what the network allows.
    pub(super) fn new(seed: u64, network: &Network) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut kinds = vec![0, 1, 2, 3, 7];
        if network.can_cut() {
            kinds.extend([4, 5]);
        }
        if network.can_slow() {
            kinds.push(6);
        }
        random.shuffle(&mut kinds);
        Self { random, kinds, round: 0 }
    }

    /// The next round. Each fault comes once before one comes again.
    pub(super) fn next(&mut self) -> Round {
        let kind = self.kinds[self.round % self.kinds.len()];
        self.round += 1;
        let random = &mut self.random;
        let mut millis = |range: std::ops::Range<u64>| Duration::from_millis(random.u64(range));
        let fault = match kind {
            0 => NodeFault::KillForLong,
            1 => NodeFault::Kill { down: millis(0..800) },
            2 => NodeFault::Stop { time: millis(200..800) },
            3 => NodeFault::Stop { time: millis(3_000..5_000) },
            4 => NodeFault::Unplug { time: millis(1_000..6_000) },
            5 => NodeFault::Isolate { time: millis(1_000..5_000) },
            7 => NodeFault::Redis { down: millis(0..1_000) },
            _ => NodeFault::Slow { time: millis(2_000..5_000) },
        };
        Round { node: random.usize(..NODES), fault }
    }
}

/// The two rounds that every change must pass: each node is killed, and is back before the other goes.
pub(super) const ONCE: [Round; NODES] = [
    Round { node: 0, fault: NodeFault::KillForLong },
    Round { node: 1, fault: NodeFault::KillForLong },
];

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let NodeFault::Redis { down } = self.fault {
            return write!(f, "Redis is killed, and down for {} ms", down.as_millis());
        }
        write!(f, "node {} {}", self.node, self.fault)
    }
}

impl fmt::Display for NodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, time) = match self {
            Self::KillForLong => {
                return f.write_str("is killed, and down until all clients are on the other");
            }
            Self::Kill { down } => ("is killed, and down for", down),
            Self::Stop { time } => ("is stopped for", time),
            Self::Unplug { time } => ("is cut off from everything for", time),
            Self::Isolate { time } => ("is cut off from Redis for", time),
            Self::Slow { time } => ("has a slow network for", time),
            Self::Redis { down } => ("has no Redis for", down),
        };
        write!(f, "{words} {} ms", time.as_millis())
    }
}
