//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use pushest_bench::flood::Flood;
use pushest_bench::receive::{Receiver, Way};
use pushest_bench::{core, crowd, outgoing, run};

pub(crate) const USAGE: &str = "\
bench run [--rounds N] [--events N] [--only TEXT]… [--peers FOLDER] [--out FOLDER] [--name NAME]
bench draw RESULTS.json PICTURE.svg [--what speed|growth]
bench instructions check|accept --counted FOLDER --figures FILE

and what these start:
bench flood-server [--authority FILE]
bench receive RUNTIME/WAY --address ADDRESS --channel CHANNEL [--authority FILE] [--whole true]
bench latency RUNTIME/WAY --channel CHANNEL
bench fan WAY --address ADDRESS --channel CHANNEL --receivers N
bench crowd-server
bench crowd bare|ours --address ADDRESS --connections N --buffer BYTES [--idle MS] [--events N]
bench answering-server
bench outgoing trigger|public|private bare|ours --address ADDRESS --count N
bench core [--rounds N] [--events N] [--most N]

The scripts `bench/run` and `bench/instructions` build everything first.";

/// The command.
#[derive(Debug)]
pub(crate) enum Command {
    Run(run::Order),
    Draw {
        json: PathBuf,
        picture: PathBuf,
        is_growth: bool,
    },
    Instructions {
        accept: bool,
        counted: PathBuf,
        figures: PathBuf,
    },
    FloodServer {
        authority: Option<PathBuf>,
    },
    Receive {
        receiver: Receiver,
        address: SocketAddr,
        flood: Flood,
        authority: Option<PathBuf>,
        /// The clocks start before the connection.
        whole: bool,
    },
    Latency {
        receiver: Receiver,
        flood: Flood,
    },
    Fan {
        way: Way,
        address: SocketAddr,
        flood: Flood,
        receivers: u64,
    },
    CrowdServer,
    Crowd(crowd::Order),
    AnsweringServer,
    Outgoing(outgoing::Order),
    Core(core::Order),
}

impl Command {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let (command, rest) = arguments.split_first().ok_or("what is to be done?")?;
        let mut given = Given::new(rest)?;
        let command = match command.as_str() {
            "run" => Self::Run(run::Order {
                rounds: given.take("rounds")?.unwrap_or(5),
                events: given.take("events")?.unwrap_or(2_000_000),
                only: given.all("only"),
                peers: given.take("peers")?,
                out: given.take("out")?.unwrap_or_else(|| ".".into()),
                name: given.take("name")?.unwrap_or_else(|| "bench".into()),
            }),
            "draw" => Self::Draw {
                json: given.word()?.into(),
                picture: given.word()?.into(),
                is_growth: match given.take::<String>("what")?.as_deref() {
                    None | Some("speed") => false,
                    Some("growth") => true,
                    Some(other) => return Err(format!("{other:?} cannot be drawn")),
                },
            },
            "instructions" => Self::Instructions {
                accept: match given.word()?.as_str() {
                    "check" => false,
                    "accept" => true,
                    other => return Err(format!("instructions cannot be {other:?}")),
                },
                counted: given.need("counted")?,
                figures: given.need("figures")?,
            },
            "flood-server" => Self::FloodServer { authority: given.take("authority")? },
            "receive" => Self::Receive {
                receiver: given.word()?.parse()?,
                address: given.need("address")?,
                flood: given.need("channel")?,
                authority: given.take("authority")?,
                whole: given.take("whole")?.unwrap_or(false),
            },
            "latency" => {
                Self::Latency { receiver: given.word()?.parse()?, flood: given.need("channel")? }
            }
            "fan" => Self::Fan {
                way: given.word()?.parse()?,
                address: given.need("address")?,
                flood: given.need("channel")?,
                receivers: given.need("receivers")?,
            },
            "crowd-server" => Self::CrowdServer,
            "crowd" => Self::Crowd(crowd::Order {
                is_ours: given.is_ours()?,
                address: given.need("address")?,
                connections: given.need("connections")?,
                buffer: given.need("buffer")?,
                idle: Duration::from_millis(given.take("idle")?.unwrap_or(0)),
                events: given.take("events")?.unwrap_or(0),
            }),
            "answering-server" => Self::AnsweringServer,
            "outgoing" => Self::Outgoing(outgoing::Order {
                task: given.word()?.parse()?,
                is_ours: given.is_ours()?,
                address: given.need("address")?,
                count: given.need("count")?,
            }),
            "core" => Self::Core(core::Order {
                rounds: given.take("rounds")?.unwrap_or(5),
                events: given.take("events")?.unwrap_or(500_000),
                most: given.take("most")?.unwrap_or(100_000),
            }),
            other => return Err(format!("no command {other:?}")),
        };
        given.nothing_left()?;
        Ok(command)
    }
}

/// Words, and options with a value.
struct Given {
    words: Vec<String>,
    options: Vec<(String, String)>,
}

impl Given {
    fn new(arguments: &[String]) -> Result<Self, String> {
        let (mut words, mut options) = (Vec::new(), Vec::new());
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.strip_prefix("--") {
                None => words.push(argument.clone()),
                Some(name) => {
                    let value = arguments.next().ok_or(format!("--{name} needs a value"))?;
                    options.push((name.to_owned(), value.clone()));
                }
            }
        }
        Ok(Self { words, options })
    }

    fn word(&mut self) -> Result<String, String> {
        if self.words.is_empty() {
            Err("a word is missing".into())
        } else {
            Ok(self.words.remove(0))
        }
    }

    fn is_ours(&mut self) -> Result<bool, String> {
        match self.word()?.as_str() {
            "bare" => Ok(false),
            "ours" => Ok(true),
            other => Err(format!("{other:?} is neither bare nor ours")),
        }
    }

    fn all(&mut self, name: &str) -> Vec<String> {
        let (taken, left) = self.options.drain(..).partition(|(its, _)| its == name);
        self.options = left;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    fn take<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        match self.all(name).as_slice() {
            [] => Ok(None),
            [value] => match value.parse() {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(format!("--{name} cannot be {value:?}")),
            },
            _ => Err(format!("--{name} stands twice")),
        }
    }

    fn need<T: FromStr>(&mut self, name: &str) -> Result<T, String> {
        self.take(name)?.ok_or_else(|| format!("--{name} is missing"))
    }

    fn nothing_left(&self) -> Result<(), String> {
        let words = self.words.iter().map(String::as_str);
        match words.chain(self.options.iter().map(|(name, _)| name.as_str())).next() {
            None => Ok(()),
            Some(left) => Err(format!("what is {left:?} for?")),
        }
    }
}
