//! What happens in which round. All of it follows from a seed.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

use crate::client::Runtime;
use crate::proxy::{Answer, Cut, Way};

/// How long what is done to clients and their ways lasts.
pub(crate) const TROUBLE: Duration = Duration::from_secs(4);

/// What is done to the server, while nothing is done to the clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerFault {
    /// SIGKILL; it is back after this time.
    Kill { down: Duration },
    /// The same, and again this long after it is back.
    KillTwice { down: Duration, up: Duration },
    /// SIGTERM: it closes its connections in order, and is back after this time.
    Terminate { down: Duration },
    /// SIGSTOP and SIGCONT.
    Stop { time: Duration },
    /// SIGSTOP, and SIGKILL after this time.
    StopAndKill { time: Duration, down: Duration },
}

impl ServerFault {
    /// Returns how many connections it costs each client: from, and to.
    pub(crate) fn losses(self) -> (usize, usize) {
        match self {
            Self::Kill { .. } | Self::Terminate { .. } | Self::StopAndKill { .. } => (1, 1),
            Self::KillTwice { .. } => (1, 2),
            // Under the activity timeout no client notices; over it and the pong timeout all do.
            Self::Stop { time } if time < Duration::from_secs(1) => (0, 0),
            Self::Stop { .. } => (1, 3),
        }
    }
}

/// What is done to a client, or to the way to its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGSTOP and SIGCONT.
    Stop(Duration),
    /// Its receivers receive nothing.
    Pause,
    /// Its receivers block the threads that they run on.
    Block,
    /// The way is like that.
    Way(Way),
    /// It is like that, and then cut.
    WayAndCut(Way, Cut),
    /// It is cut, this many times.
    Cut(Cut, u32),
}

/// One round: first the server's fault; when all is well again the faults of the clients, all at the
/// same time. The clients stand in the order of the runtimes.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) server: ServerFault,
    /// Those that are connected to the server itself, and wait for slow receivers.
    pub(crate) direct: Vec<Fault>,
    /// Those behind a proxy, whose slow receivers lag.
    pub(crate) proxied: Vec<Fault>,
    /// When the server is killed meanwhile; it is back at once.
    pub(crate) kill_after: Option<Duration>,
}

/// All rounds.
#[derive(Debug)]
pub(crate) struct Plan {
    random: Rng,
    server: [u8; 6],
    direct: Vec<Fault>,
    proxied: Vec<Fault>,
    round: usize,
    runtimes: Vec<Runtime>,
}

impl Plan {
    pub(crate) fn new(seed: u64, runtimes: &[Runtime]) -> Self {
        let mut random = Rng::with_seed(seed);
        let second = Duration::from_secs(1);
        let mut server = [0, 1, 2, 3, 4, 5];
        let mut direct =
            vec![Fault::Stop(second), Fault::Stop(3 * second), Fault::Pause, Fault::Block];
        let slow = Way::Delay(Duration::from_millis(150));
        let dark = |to_client, to_server| Fault::Way(Way::Dark { to_client, to_server });
        let mut proxied = vec![
            Fault::Pause,
            Fault::Stop(2 * second),
            Fault::Cut(Cut::End, 3),
            Fault::Cut(Cut::Reset, 3),
            Fault::Cut(Cut::Garbage, 1),
            Fault::Cut(Cut::HalfClose, 1),
            Fault::Way(Way::Trickle),
            Fault::Way(slow),
            Fault::WayAndCut(slow, Cut::Reset),
            dark(true, true),
            dark(true, false),
            dark(false, true),
            Fault::WayAndCut(Way::Answer(Answer::Junk), Cut::End),
            Fault::WayAndCut(Way::Answer(Answer::Status(503)), Cut::End),
            Fault::WayAndCut(Way::Answer(Answer::Never), Cut::Reset),
            Fault::WayAndCut(Way::Answer(Answer::Close), Cut::Reset),
        ];
        random.shuffle(&mut server);
        random.shuffle(&mut direct);
        random.shuffle(&mut proxied);
        Self { random, server, direct, proxied, round: 0, runtimes: runtimes.to_vec() }
    }

    /// The next round. Every runtime meets every fault before it meets one again.
    pub(crate) fn next(&mut self) -> Round {
        let round = self.round;
        self.round += 1;
        let random = &mut self.random;
        let mut millis = |range: std::ops::Range<u64>| Duration::from_millis(random.u64(range));
        let server = match self.server[round % self.server.len()] {
            0 => ServerFault::Kill { down: millis(0..800) },
            1 => ServerFault::KillTwice { down: millis(0..300), up: millis(50..500) },
            2 => ServerFault::Terminate { down: millis(0..300) },
            3 => ServerFault::Stop { time: millis(200..600) },
            4 => ServerFault::Stop { time: millis(3_000..4_000) },
            _ => ServerFault::StopAndKill { time: millis(300..800), down: millis(0..300) },
        };
        let kill_after = millis(500..3_500);
        let kill_after = Some(kill_after).filter(|_| random.bool());
        let pick = |faults: &[Fault], step: usize| {
            let count = self.runtimes.len();
            (0..count).map(|index| faults[(round + index * step) % faults.len()]).collect()
        };
        let (direct, proxied) = (pick(&self.direct, 1), pick(&self.proxied, 5));
        Round { server, direct, proxied, kill_after }
    }

    /// Words for a round.
    pub(crate) fn words(&self, round: &Round) -> String {
        let list = |faults: &[Fault]| {
            let faults = self.runtimes.iter().zip(faults);
            let words: Vec<String> =
                faults.map(|(runtime, fault)| format!("{runtime} {fault}")).collect();
            words.join(", ")
        };
        let kill = round.kill_after.map_or_else(String::new, |time| {
            format!("; meanwhile, after {} ms, the server is killed", time.as_millis())
        });
        format!(
            "the server is {}{kill}\n    direct: {}\n    proxied: {}",
            round.server,
            list(&round.direct),
            list(&round.proxied)
        )
    }
}

impl fmt::Display for ServerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { down } => write!(f, "killed, and down for {} ms", down.as_millis()),
            Self::KillTwice { down, up } => write!(
                f,
                "killed, down for {} ms, up for {} ms and killed again",
                down.as_millis(),
                up.as_millis()
            ),
            Self::Terminate { down } => {
                write!(f, "told to end, and down for {} ms", down.as_millis())
            }
            Self::Stop { time } => write!(f, "stopped for {} ms", time.as_millis()),
            Self::StopAndKill { time, down } => write!(
                f,
                "stopped for {} ms, killed, and down for {} ms",
                time.as_millis(),
                down.as_millis()
            ),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stop(time) => write!(f, "stopped for {} s", time.as_secs()),
            Self::Pause => f.write_str("pauses"),
            Self::Block => f.write_str("blocks"),
            Self::Way(way) => way.fmt(f),
            Self::WayAndCut(way @ Way::Answer(_), cut) => write!(f, "{cut}, then {way}"),
            Self::WayAndCut(way, cut) => write!(f, "{way}, then {cut}"),
            Self::Cut(cut, times) => write!(f, "{cut} × {times}"),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear => f.write_str("clear"),
            Self::Trickle => f.write_str("trickles"),
            Self::Delay(time) => write!(f, "delayed by {} ms", time.as_millis()),
            Self::Dark { to_client: true, to_server: true } => f.write_str("dark"),
            Self::Dark { to_client: true, .. } => f.write_str("dark to the client"),
            Self::Dark { .. } => f.write_str("dark to the server"),
            Self::Answer(Answer::Junk) => f.write_str("answered with junk"),
            Self::Answer(Answer::Status(status)) => write!(f, "answered {status}"),
            Self::Answer(Answer::Never) => f.write_str("never answered"),
            Self::Answer(Answer::Close) => f.write_str("closed at once"),
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "ended in mid-frame",
            Self::Reset => "reset in mid-frame",
            Self::Garbage => "sent garbage",
            Self::HalfClose => "half closed",
        })
    }
}
