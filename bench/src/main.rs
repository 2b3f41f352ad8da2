//! One program for all parts of the benchmark: `run` starts it again for each of the others, so that
//! every server and every receiver is a process of its own.
#![forbid(unsafe_code)]

mod arguments;

use std::io::Read;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use arguments::Command;
use pushest_bench::receive::{Target, fan};
use pushest_bench::server::{self, Identity, Server};
use pushest_bench::tally::Tally;
use pushest_bench::{Problem, core, crowd, instructions, latency, outgoing, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = match Command::parse(&arguments) {
        Ok(command) => command,
        Err(problem) => {
            eprintln!("{problem}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    match carry_out(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command) -> Result<(), Problem> {
    match command {
        Command::Run(order) => run::run(&order),
        Command::Draw { json, picture, is_growth } => run::draw(&json, &picture, is_growth),
        Command::Instructions { accept: true, counted, figures } => {
            instructions::accept(&counted, &figures)
        }
        Command::Instructions { accept: false, counted, figures } => {
            instructions::check(&counted, &figures)
        }
        Command::FloodServer { authority } => flood_server(authority.as_deref()),
        Command::Receive { receiver, address, flood, authority, whole } => {
            let authority = authority.map(std::fs::read_to_string).transpose()?;
            let target = Target { address, authority, flood };
            let mut marks = receiver.marks(flood);
            marks.begin = if whole { 0 } else { marks.begin };
            print(&receiver.receive(&target, Tally::new(marks))?)
        }
        Command::Latency { receiver, flood } => print(&latency::measure(receiver, flood)?),
        Command::Fan { way, address, flood, receivers } => {
            let target = Target { address, authority: None, flood };
            print(&fan::receive(way, &target, receivers)?)
        }
        Command::CrowdServer => crowd_server(),
        Command::Crowd(order) => {
            print(&crowd::measure(order, |connected| print(&connected))?)?;
            // Thousands of sockets need not be closed one by one.
            std::process::exit(0)
        }
        Command::AnsweringServer => answering_server(),
        Command::Outgoing(order) => print(&outgoing::measure(order)?),
        Command::Core(order) => print(&core::run(order)),
    }
}

/// Prints where it listens, then a line for each flood, until its standard input ends.
fn flood_server(authority: Option<&Path>) -> Result<(), Problem> {
    let identity = authority.map(|_| Identity::new()).transpose()?;
    if let (Some(path), Some(identity)) = (authority, &identity) {
        std::fs::write(path, identity.authority())?;
    }
    let server = Server::bind(identity.as_ref())?;
    println!("{}", server.address()?);
    std::thread::spawn(move || {
        let served = server.serve(|written| {
            if let Err(problem) = written.and_then(|written| print(&written)) {
                eprintln!("flood server: {problem}");
            }
        });
        if let Err(problem) = served {
            eprintln!("flood server: {problem}");
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// How long a client of a crowd may be without a message before it sends a ping.
const ACTIVITY_TIMEOUT: Duration = Duration::from_secs(30);

/// Prints where it listens, and serves until its standard input ends.
fn crowd_server() -> Result<(), Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(move || {
        if let Err(problem) = runtime.block_on(server::crowd::serve(listener, ACTIVITY_TIMEOUT)) {
            eprintln!("crowd server: {problem}");
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    std::process::exit(0)
}

/// Prints where it listens, then a line for each connection, until its standard input ends.
fn answering_server() -> Result<(), Problem> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(move || {
        let served = server::answering::serve(&listener, |came| {
            if let Err(problem) = came.and_then(|came| print(&came)) {
                eprintln!("answering server: {problem}");
            }
        });
        if let Err(problem) = served {
            eprintln!("answering server: {problem}");
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn print(what: &impl serde::Serialize) -> Result<(), Problem> {
    println!("{}", serde_json::to_string(what)?);
    Ok(())
}
