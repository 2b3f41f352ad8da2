//! The command line.

use std::path::PathBuf;

use crate::client::{Runtime, Start};
use crate::cluster;
use crate::rounds;
use crate::server::Program;

pub(crate) const USAGE: &str = "\
chaos rounds [--rounds N] [--seed N] [--runtime NAME]… --sockudo PATH --config PATH
chaos refetch [--runtime NAME]… --sockudo PATH --config PATH
chaos cluster [--rounds N] [--seed N] [--runtime NAME]… [--network own] --redis PATH --sockudo PATH
    --config PATH

The runtimes are all of tokio, tokio-threads, async-std, smol, blocking and connection, unless some
are named. A cluster without a number of rounds loses each node once. `chaos/run` knows the paths, and
whether there can be a network of its own.";

/// The command.
#[derive(Debug)]
pub(crate) enum Command {
    Client(Start),
    Rounds(rounds::Task),
    Refetch(Program, Vec<Runtime>),
    Cluster(cluster::Task),
}

impl Command {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let Some((command, options)) = arguments.split_first() else {
            return Err("what is to be done?".to_string());
        };
        match command.as_str() {
            "client" => Start::from_arguments(options).map(Self::Client),
            "rounds" => Options::parse(options)?.rounds().map(Self::Rounds),
            "refetch" => {
                let options = Options::parse(options)?;
                if options.rounds.is_some() || options.seed.is_some() {
                    return Err("refetch has neither rounds nor a seed".to_string());
                }
                Ok(Self::Refetch(options.program()?, options.runtimes()))
            }
            "cluster" => Options::parse(options)?.cluster().map(Self::Cluster),
            other => Err(format!("no command {other:?}")),
        }
    }
}

#[derive(Debug, Default)]
struct Options {
    rounds: Option<u32>,
    seed: Option<u64>,
    runtimes: Vec<Runtime>,
    sockudo: Option<PathBuf>,
    config: Option<PathBuf>,
    redis: Option<PathBuf>,
    has_network: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        for pair in arguments.chunks(2) {
            let [name, value] = pair else {
                return Err(format!("{} needs a value", pair[0]));
            };
            let broken = |_| format!("{name} cannot be {value:?}");
            match name.as_str() {
                "--rounds" => options.rounds = Some(value.parse().map_err(broken)?),
                "--seed" => options.seed = Some(value.parse().map_err(broken)?),
                "--runtime" => options.runtimes.push(value.parse()?),
                "--sockudo" => options.sockudo = Some(value.into()),
                "--config" => options.config = Some(value.into()),
                "--redis" => options.redis = Some(value.into()),
                "--network" if value == "own" => options.has_network = true,
                _ => return Err(format!("no option {name:?}")),
            }
        }
        Ok(options)
    }

    fn rounds(&self) -> Result<rounds::Task, String> {
        Ok(rounds::Task {
            program: self.program()?,
            rounds: self.rounds.unwrap_or(10).max(1),
            seed: self.seed(),
            runtimes: self.runtimes(),
        })
    }

    fn cluster(&self) -> Result<cluster::Task, String> {
        Ok(cluster::Task {
            program: self.program()?,
            redis: self.redis.clone().ok_or("--redis PATH is missing")?,
            rounds: self.rounds,
            seed: self.seed(),
            runtimes: self.runtimes(),
            has_network: self.has_network,
        })
    }

    fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| fastrand::u64(..1_000_000))
    }

    fn program(&self) -> Result<Program, String> {
        let path = self.sockudo.clone().ok_or("--sockudo PATH is missing")?;
        let config = self.config.clone().ok_or("--config PATH is missing")?;
        Ok(Program { path, config })
    }

    fn runtimes(&self) -> Vec<Runtime> {
        if self.runtimes.is_empty() { Runtime::ALL.to_vec() } else { self.runtimes.clone() }
    }
}
