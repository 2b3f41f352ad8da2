//! `pushest`: a command line for the Pusher Channels protocol.
//!
//! What the commands do, their exit status and the shapes of their `--json` lines are in
//! `pushest help` and `pushest help COMMAND`. Standard output has results only; status, warnings
//! and logs go to standard error. All input is validated before anything is sent or dialled.
#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod connection;
mod failure;
mod headers;
mod output;
mod recording;
mod runtime;

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::filter::LevelFilter;

use crate::arguments::{Arguments, Command};
use crate::commands::{demo, doctor, listen, members, replay, serve, sign, trigger};
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log(arguments.verbose);
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    // Two threads: a reader of our output that stalls must not keep the client from its pings.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format_args!("no thread can be started: {error}")))?;
    let result = runtime.block_on(async {
        match &arguments.command {
            Command::Demo(arguments) => demo::run(arguments, &output).await,
            Command::Serve(arguments) => serve::run(arguments, &output).await,
            Command::Listen(arguments) => listen::run(arguments, &output).await,
            Command::Replay(arguments) => replay::run(arguments, &output),
            Command::Trigger(arguments) => trigger::run(arguments, &output).await,
            Command::Members(arguments) => members::run(arguments, &output).await,
            Command::Doctor(arguments) => doctor::run(arguments, &output).await,
            Command::Sign(arguments) => sign::run(arguments),
        }
    });
    // A name that is still being resolved must not hold the end up.
    runtime.shutdown_background();
    result
}

fn log(verbosity: u8) {
    let level = match verbosity {
        0 => LevelFilter::OFF,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_ansi(false).init();
}
