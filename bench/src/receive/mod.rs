//! Receives one flood, as a floor or with one of our clients.

pub mod fan;
mod floor;
mod ours;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

pub(crate) use self::ours::counting;
use crate::Problem;
use crate::flood::{Flood, Marks};
use crate::tally::{Report, Tally};

/// The size of the buffer that is read into, in bytes: of the floors and of our clients.
pub const READ_BUFFER: usize = 8 * 1024;

/// What a receiver runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// tokio with one thread.
    Tokio,
    /// tokio with as many threads as there are processors.
    TokioThreads,
    /// async-std.
    AsyncStd,
    /// smol.
    Smol,
    /// None.
    Blocking,
}

/// How a receiver receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// The floor: a bare loop that counts frames.
    Count,
    /// The floor in which `serde_json` skips each frame.
    Skip,
    /// A subscription's `recv()`.
    Subscription,
    /// The client's `events()`.
    Events,
    /// A subscription's `on::<T>()`.
    Typed,
    /// A handler.
    Handler,
    /// `pushest_blocking::Connection`, which has no thread.
    Connection,
}

/// A receiver: its runtime, and how it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Receiver {
    /// Its runtime.
    pub runtime: Runtime,
    /// How it receives.
    pub way: Way,
}

/// What it receives, and from where.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where the server listens.
    pub address: SocketAddr,
    /// The authorities to trust, for a connection with TLS.
    pub authority: Option<String>,
    /// The flood.
    pub flood: Flood,
}

impl Runtime {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Tokio, Self::TokioThreads, Self::AsyncStd, Self::Smol, Self::Blocking];

    /// Returns the runtime's name in commands and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::TokioThreads => "tokio-threads",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
            Self::Blocking => "blocking",
        }
    }
}

impl Way {
    /// The floors.
    pub const FLOORS: [Self; 2] = [Self::Count, Self::Skip];

    /// Ours.
    pub const OURS: [Self; 5] =
        [Self::Subscription, Self::Events, Self::Typed, Self::Handler, Self::Connection];

    /// Returns whether it is a bare loop.
    pub fn is_floor(self) -> bool {
        Self::FLOORS.contains(&self)
    }

    /// Returns the way's name in commands and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Skip => "skip",
            Self::Subscription => "subscription",
            Self::Events => "events",
            Self::Typed => "typed",
            Self::Handler => "handler",
            Self::Connection => "connection",
        }
    }
}

impl Receiver {
    /// Returns all that there are: the floors of each runtime, then ours.
    pub fn all() -> impl Iterator<Item = Self> {
        Runtime::ALL.into_iter().flat_map(|runtime| {
            let ways = Way::FLOORS.into_iter().chain(Way::OURS);
            ways.map(move |way| Self { runtime, way }).filter(|receiver| receiver.exists())
        })
    }

    /// Returns whether there is this receiver: only pushest-blocking has a `Connection`.
    fn exists(self) -> bool {
        self.way != Way::Connection || self.runtime == Runtime::Blocking
    }

    /// Returns the marks for what this receiver counts: frames or events.
    pub fn marks(self, flood: Flood) -> Marks {
        if self.way.is_floor() { flood.frames_seen() } else { flood.events() }
    }

    /// Receives the whole flood, and closes the books.
    pub fn receive(self, target: &Target, tally: Tally) -> Result<Report, Problem> {
        let tally = match self.way {
            Way::Count | Way::Skip => floor::receive(self, target, tally)?,
            _ => ours::receive(self, target, tally)?,
        };
        Ok(tally.report())
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::FLOORS.into_iter().chain(Self::OURS).find(|way| way.name() == name);
        known.ok_or_else(|| format!("no way {name:?} to receive"))
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.runtime.name(), self.way.name())
    }
}

impl FromStr for Receiver {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::all().find(|known| known.to_string() == name).ok_or_else(|| {
            let known: Vec<_> = Self::all().map(|known| known.to_string()).collect();
            format!("no receiver {name:?}; there are {}", known.join(", "))
        })
    }
}
