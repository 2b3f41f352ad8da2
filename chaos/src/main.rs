//! Breaks a real Sockudo, the way to it and its clients, and keeps exact books of what arrives.
//!
//! `README.md` says what is done and what must hold. This is one program for all parts: the runner
//! starts itself as `chaos client …` for each client, so that clients can be stopped and measured.
#![forbid(unsafe_code)]

mod app;
mod arguments;
mod bookkeeping;
mod channels;
mod client;
mod cluster;
mod http;
mod lines;
mod log;
mod peer;
mod plan;
mod process;
mod proxy;
mod publisher;
mod refetch;
mod rounds;
mod server;

use std::process::ExitCode;

use arguments::Command;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = match Command::parse(&arguments) {
        Ok(command) => command,
        Err(problem) => {
            eprintln!("{problem}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    let result = match command {
        Command::Client(start) => client::run(&start).map_err(|error| error.to_string()),
        Command::Rounds(task) => rounds::run(&task),
        Command::Cluster(task) => cluster::run(&task),
        Command::Refetch(program, runtimes) => refetch::run(&program, &runtimes),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("FAILED: {problem}");
            ExitCode::FAILURE
        }
    }
}
