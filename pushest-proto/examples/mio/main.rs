//! A driver of one's own: one thread, one `mio` loop, a thousand connections.
//!
//! Each connection has a session of its own. All subscribe to a public channel and, every fourth,
//! to a private one; all hear what the server publishes; all answer and send pings; then the server
//! drops every one of them, and all come back with a `Gap`. It prints what a connection costs in
//! memory, and exits with 1 if anything is missing.
//!
//! The server is this program again, in a process of its own, so that the memory is the clients'
//! alone.
//!
//! `cargo run --release -p pushest-proto --example mio`

#![forbid(unsafe_code)]

mod client;
mod crowd;
mod server;
mod socket;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use client::Client;
use crowd::Crowd;
use server::ServerProcess;

const CLIENTS: usize = 1_000;

/// What a process needs beside one file for each connection: the standard streams, pipes, polls.
const OTHER_FILES: usize = 20;

/// The server tells clients to ping after so long a silence. Seconds; a session takes no less.
const ACTIVITY: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some("server") => server::run(),
        _ => run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    check_file_limit()?;
    let mut server = ServerProcess::start()?;
    let began = Instant::now();
    let before = resident_bytes();
    let mut crowd = Crowd::new(server.address())?;
    for number in 0..CLIENTS {
        crowd.add(number, plan(number))?;
    }

    crowd.run_until("subscribed", |client| client.seen.subscribed == client.channels())?;
    println!("{CLIENTS} subscribed on one thread, after {:.1?}", began.elapsed());

    server.order("publish")?;
    crowd.run_until("with every event", |client| client.seen.events == client.channels())?;
    println!("{CLIENTS} received what was published, {} of it private", CLIENTS.div_ceil(4));
    report_memory(before);

    // Nothing is published: only pings and pongs tell that the other side lives.
    crowd.run_until("with a ping answered", |client| client.round_trip().is_some())?;
    crowd.run_for(3 * ACTIVITY)?;
    crowd.check("never lost", |client| client.seen.losses == 0)?;
    println!("{CLIENTS} kept alive through a silence, longest round trip {:.1?}", crowd.slowest());

    server.order("drop")?;
    crowd.run_until("back with a gap", |client| client.seen.gaps == client.channels())?;
    crowd.check("lost once", |client| client.seen.losses == 1)?;
    server.order("publish")?;
    crowd.run_until("with every event", |client| client.seen.events == 2 * client.channels())?;
    println!("{CLIENTS} dropped by the server, and back with a gap for each channel");
    report_memory(before);

    crowd.disconnect();
    crowd.run_until("closed", Client::is_closed)?;
    server.end()?;
    println!("{CLIENTS} closed in order; {:.1?} in all", began.elapsed());
    Ok(())
}

/// Who client number `number` is: every fourth wants the private channel, too. Of those, one half
/// knows the secret, the other asks for its authorizations.
fn plan(number: usize) -> client::Plan {
    client::Plan { wants_private: number.is_multiple_of(4), knows_secret: number.is_multiple_of(8) }
}

/// One connection is one open file, here and in the server's process, which inherits the limit.
fn check_file_limit() -> Result<(), String> {
    let Ok(limits) = std::fs::read_to_string("/proc/self/limits") else { return Ok(()) };
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let Some(Ok(limit)) = line.and_then(|line| line.split_whitespace().next()).map(str::parse)
    else {
        return Ok(()); // "unlimited", or a system that says it otherwise
    };
    let wanted: usize = CLIENTS + OTHER_FILES;
    if wanted <= limit {
        return Ok(());
    }
    Err(format!(
        "this system lets a process have {limit} files open, and {CLIENTS} connections need \
         {wanted}: raise it with `ulimit -n {wanted}` and start again"
    ))
}

/// The memory of this process that is in RAM (`VmRSS`); `None` where there is no `/proc`.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: usize = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn report_memory(before: Option<usize>) {
    if let (Some(before), Some(now)) = (before, resident_bytes()) {
        let each = now.saturating_sub(before) as f64 / CLIENTS as f64 / 1024.0;
        println!(
            "memory: {each:.1} KiB for each connection (VmRSS of this process now, less what it \
             was before the first, by {CLIENTS}; the kernel's socket buffers are not in it)"
        );
    }
}
