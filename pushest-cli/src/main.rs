//! `pushest`: a command line for the Pusher Channels protocol.
//!
//! What the commands do, their exit status and the shapes of their `--json` lines are in
//! `pushest help` and `pushest help COMMAND`. Standard output has results only; status, warnings
//! and logs go to standard error. All input is validated before anything is sent or dialled.
#![forbid(unsafe_code)]
// The printer alone writes to them: it escapes what comes from strangers, and never blocks its callers.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod app_url;
mod arguments;
mod commands;
mod connection;
#[cfg(test)]
mod documented;
mod failure;
mod faults;
mod headers;
mod http;
mod interruption;
mod misuse;
mod output;
mod proxy;
mod recording;
mod route;
mod runtime;
mod starting;
mod tls;
mod unix_socket;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::commands::{
    asking, auth_server, completions, demo, doctor, listen, manual, members, publish, replay,
    serve, sign, trigger, webhooks,
};
use crate::failure::Failure;
use crate::output::{Form, Output, without_threads};

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| misuse::refuse(&error));
    let output = Output::new(form(&arguments)).map_err(|error| error.to_string());
    let (runtime, output) = match (starting::runtime(), output) {
        (Ok(runtime), Ok(output)) => (runtime, output),
        (Err(error), _) | (_, Err(error)) => {
            without_threads(&format!("error: it cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    output.log(arguments.verbose);
    let status = runtime.block_on(async {
        let result = run(&arguments, &output).await;
        output.finish(result).await
    });
    // A name that is still being resolved must not hold the end up.
    runtime.shutdown_background();
    status
}

async fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        Command::Demo(arguments) => until_told(output, demo::run(arguments, output)).await,
        Command::Serve(serve) => serve::run(serve, arguments.verbose, output).await,
        Command::Listen(arguments) => listen::run(arguments, output).await,
        Command::Replay(arguments) => until_told(output, replay::run(arguments, output)).await,
        Command::Publish(arguments) => publish::run(arguments, output).await,
        Command::Channels(arguments) => {
            until_told(output, asking::channels(arguments, output)).await
        }
        Command::Channel(arguments) => until_told(output, asking::channel(arguments, output)).await,
        Command::Users(arguments) => until_told(output, asking::users(arguments, output)).await,
        Command::Terminate(arguments) => {
            until_told(output, asking::terminate(arguments, output)).await
        }
        Command::Trigger(arguments) => until_told(output, trigger::run(arguments, output)).await,
        Command::Members(arguments) => until_told(output, members::run(arguments, output)).await,
        Command::Doctor(arguments) => until_told(output, doctor::run(arguments, output)).await,
        Command::Sign(arguments) => sign::run(arguments, output),
        Command::AuthServer(arguments) => auth_server::run(arguments, output).await,
        Command::Webhooks(arguments) => webhooks::run(arguments, output).await,
        Command::Completions(arguments) => completions::run(arguments, output),
        Command::Manual(arguments) => manual::run(arguments, output),
    }
}

/// What the lines of the command carry.
fn form(arguments: &Arguments) -> Form {
    let is_json = arguments.json;
    let (has_times, tells_all, tells_errors) = match &arguments.command {
        Command::Listen(listen) => (is_json || listen.timestamps, true, true),
        Command::Serve(serve) => (is_json || serve.timestamps, true, true),
        Command::AuthServer(_) | Command::Webhooks(_) => (is_json, true, true),
        // The time of it is not known, and its last line is the verdict.
        Command::Replay(_) => (false, true, false),
        _ => (false, false, false),
    };
    Form { is_json, has_times, tells_all, tells_errors }
}

/// Carries a command out that has nothing to put in order at a sudden end: up to its own end, a
/// signal, or a failure of standard output.
async fn until_told(
    output: &Output,
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    tokio::select! {
        biased;
        signal = interruption::first() => Err(Failure::Interrupted(signal)),
        error = output.failed() => Err(error.into()),
        result = command => result,
    }
}
