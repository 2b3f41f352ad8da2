//! Measures the clients beside a bare loop, and beside other libraries. `README.md` says how.
#![forbid(unsafe_code)]

pub mod clocks;
pub mod core;
pub mod crowd;
pub mod flood;
pub mod frames;
pub mod instructions;
pub mod latency;
pub mod outgoing;
pub mod receive;
pub mod results;
pub mod run;
pub mod server;
pub mod tally;
pub mod weight;

/// What went wrong, in words: it ends the program.
pub type Problem = Box<dyn std::error::Error + Send + Sync>;
