//! What publishing an event costs: our HTTP API beside other clients, against a server that answers from
//! memory. `publishing run` starts this program again for the server and for each client, so that each is
//! a process of its own.
#![forbid(unsafe_code)]

mod measure;
mod others;
mod ours;
mod run;
mod server;

use std::net::SocketAddr;
use std::process::ExitCode;

pub(crate) type Problem = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "\
publishing run [--rounds N] [--events N] [--peer FILE.mjs] [--out FOLDER] [--budgets true|false]

and what this starts:
publishing server
publishing CLIENT --address ADDRESS --events N";

/// How many calls are in flight.
pub(crate) const IN_FLIGHT: usize = 16;

/// What is published: 208 bytes of JSON.
pub(crate) fn data(number: u64) -> String {
    let begin = format!(r#"{{"id":{number},"text":""#);
    let text = "x".repeat(208 - begin.len() - 2);
    format!(r#"{begin}{text}"}}"#)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match carry_out(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("publishing: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(arguments: &[String]) -> Result<(), Problem> {
    let (command, rest) = arguments.split_first().ok_or(USAGE)?;
    let option = |name: &str| {
        let mut pairs = rest.chunks(2);
        pairs.find(|pair| pair[0] == format!("--{name}")).and_then(|pair| pair.get(1)).cloned()
    };
    let number = |name: &str, default: u64| -> Result<u64, Problem> {
        Ok(option(name).map_or(Ok(default), |value| value.parse())?)
    };
    match command.as_str() {
        "run" => run::run(&run::Order {
            rounds: number("rounds", 5)?,
            events: number("events", 50_000)?,
            peer: option("peer"),
            out: option("out"),
            has_budgets: option("budgets").is_none_or(|value| value == "true"),
        }),
        "server" => server::serve(),
        client => {
            let address: SocketAddr = option("address").ok_or(USAGE)?.parse()?;
            let events = number("events", 50_000)?;
            let measured = match client {
                "tokio" => ours::on_tokio(address, events, false)?,
                "tokio-threads" => ours::on_tokio(address, events, true)?,
                "smol" => ours::on_smol(address, events)?,
                "blocking" => ours::blocking(address, events)?,
                "hyper" => others::hyper(address, events)?,
                "ureq" => others::ureq(address, events)?,
                "sockudo-http" => others::sockudo_http(address, events)?,
                "signing" => ours::signing(address, events)?,
                _ => return Err(USAGE.into()),
            };
            println!("{}", serde_json::to_string(&measured)?);
            Ok(())
        }
    }
}
