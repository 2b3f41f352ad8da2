//! The command line.

use std::path::PathBuf;

use crate::client::{Runtime, Start};
use crate::rounds::Order;
use crate::server::Program;

pub(crate) const USAGE: &str = "\
chaos rounds [--rounds N] [--seed N] [--runtime NAME]… --sockudo PATH --config PATH
chaos refetch [--runtime NAME]… --sockudo PATH --config PATH

The runtimes are all of tokio, tokio-threads, async-std, smol, blocking and connection, unless some
are named. `chaos/run` knows the paths.";

/// The command.
#[derive(Debug)]
pub(crate) enum Command {
    Client(Start),
    Rounds(Order),
    Refetch(Program, Vec<Runtime>),
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
                _ => return Err(format!("no option {name:?}")),
            }
        }
        Ok(options)
    }

    fn rounds(&self) -> Result<Order, String> {
        Ok(Order {
            program: self.program()?,
            rounds: self.rounds.unwrap_or(10).max(1),
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
            runtimes: self.runtimes(),
        })
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
