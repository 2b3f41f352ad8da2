//! What clients and channels allocate, counted by the allocator: exact, whatever else runs.
//!
//! ```text
//! weigh clients bare|ours ADDRESS CONNECTIONS BUFFER      ADDRESS is that of `bench crowd-server`
//! weigh channels core - COUNT
//! weigh channels detached|held ADDRESS COUNT              ADDRESS is that of `bench answering-server`
//! ```
#![forbid(unsafe_code)]

use std::alloc::System;
use std::process::ExitCode;
use std::time::Duration;

use pushest_bench::weight::{self, Each};
use pushest_bench::{Problem, crowd};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = weigh(&words).and_then(|each| Ok(serde_json::to_string(&each)?));
    match printed {
        Ok(line) => {
            println!("{line}");
            // Thousands of sockets need not be closed one by one.
            std::process::exit(0)
        }
        Err(problem) => {
            eprintln!("weigh: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn weigh(words: &[&str]) -> Result<Each, Problem> {
    match *words {
        ["clients", who @ ("bare" | "ours"), address, connections, buffer] => {
            let order = crowd::Order {
                is_ours: who == "ours",
                address: address.parse()?,
                connections: connections.parse()?,
                buffer: buffer.parse()?,
                idle: Duration::ZERO,
                events: 0,
            };
            weight::of_clients(order, live)
        }
        ["channels", "core", _, count] => Ok(weight::of_channels_in_core(count.parse()?, live)),
        ["channels", how @ ("detached" | "held"), address, count] => {
            weight::of_channels(address.parse()?, count.parse()?, how == "held", live)
        }
        _ => Err("what is to be weighed? The source says it".into()),
    }
}

/// Returns how many bytes are allocated.
fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}
