//! Thousands of idle connections in one process: what is resident for each, the time to connect all, and
//! the processor time of doing nothing. And what clients and channels allocate, to the byte.

use std::time::Duration;

use super::Order;
use super::machine;
use super::programs::{Beside, Server, answer, this_program, weigh};
use crate::Problem;
use crate::crowd::{Connected, Done};
use crate::results::{Crowd, Weight};
use crate::weight::Each;

/// The size of each read buffer in bytes: that of a client unless it is told otherwise.
const BUFFER: usize = 4 * 1024;

/// The connections of a crowd, as far as the system lets a process have so many.
const MOST: u64 = 10_000;

/// Whose crowds: the bare loops' is what ours is compared with.
const CROWDS: [&str; 2] = ["bare", "ours"];

/// The time in which everything is connected.
const PATIENCE: Duration = Duration::from_secs(120);

/// Returns whether anything of it is to be measured.
pub(super) fn is_any(order: &Order) -> bool {
    order.wants("crowd") || order.wants("weight")
}

/// Measures the crowds once a round, the idle time once, and weighs once: that does not vary.
pub(super) fn measure(order: &Order) -> Result<(Vec<Crowd>, Vec<Weight>), Problem> {
    let crowds = if order.wants("crowd") { crowds(order)? } else { Vec::new() };
    let weights = if order.wants("weight") { weights(order)? } else { Vec::new() };
    Ok((crowds, weights))
}

fn crowds(order: &Order) -> Result<Vec<Crowd>, Problem> {
    let most = if order.is_small() { 100 } else { MOST };
    let connections = most.min(machine::open_files().saturating_sub(100));
    let mut crowds = CROWDS.map(|name| Crowd {
        name: name.to_owned(),
        connections,
        connected: Vec::new(),
        idle: None,
    });
    for round in 1..=order.rounds {
        // All are idle in the same minute, the last one.
        let idle = match (round == order.rounds, order.is_small()) {
            (false, _) => Duration::ZERO,
            (true, true) => Duration::from_secs(1),
            (true, false) => Duration::from_secs(60),
        };
        let mut running = Vec::new();
        for crowd in &mut crowds {
            eprintln!("round {round}: crowd/{}", crowd.name);
            let (server, program) = start(crowd, idle)?;
            let connected: Connected = serde_json::from_str(&program.line(PATIENCE)?)?;
            crowd.connected.push(connected);
            if idle.is_zero() {
                end(server, program)?;
            } else {
                running.push((server, program));
            }
        }
        for ((server, program), crowd) in running.into_iter().zip(&mut crowds) {
            crowd.idle = Some(end(server, program)?.idle);
        }
    }
    Ok(crowds.into())
}

fn start(crowd: &Crowd, idle: Duration) -> Result<(Server, Beside), Problem> {
    let server = Server::crowd()?;
    let mut command = this_program()?;
    command.args(["crowd", &crowd.name, "--address", server.address()]);
    command.args(["--connections", &crowd.connections.to_string()]);
    command.args(["--buffer", &BUFFER.to_string()]);
    command.args(["--idle", &idle.as_millis().to_string()]);
    Ok((server, Beside::start("crowd", command)?))
}

fn end(server: Server, program: Beside) -> Result<Done, Problem> {
    let done = serde_json::from_str(&program.line(PATIENCE)?)?;
    program.end()?;
    server.end()?;
    Ok(done)
}

fn weights(order: &Order) -> Result<Vec<Weight>, Problem> {
    let (clients, channels) = if order.is_small() { (100, 1_000) } else { (1_000, 100_000) };
    let mut weights = Vec::new();
    let mut weighed = |name: &str, words: &[&str]| -> Result<(), Problem> {
        eprintln!("weight/{name}");
        let mut command = weigh()?;
        command.args(words);
        let each: Each = serde_json::from_str(&answer(command)?)?;
        weights.push(Weight { name: name.to_owned(), each });
        Ok(())
    };
    let (clients, channels, buffer) =
        (clients.to_string(), channels.to_string(), BUFFER.to_string());
    for who in CROWDS {
        let server = Server::crowd()?;
        let words = ["clients", who, server.address(), &clients, &buffer];
        weighed(&format!("connection/{who}"), &words)?;
        server.end()?;
    }
    weighed("channel/core", &["channels", "core", "-", &channels])?;
    for how in ["detached", "held"] {
        let server = Server::answering()?;
        weighed(&format!("channel/{how}"), &["channels", how, server.address(), &channels])?;
        // What came over the connection is of no interest, and may not be told before this ends.
        drop(server);
    }
    Ok(weights)
}
