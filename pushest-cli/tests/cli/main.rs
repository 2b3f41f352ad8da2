//! The program itself, run as users run it, against a server in the test's process.
#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod bad_input;
mod demo;
mod listen;
mod members;
mod refusals;
mod restart;
mod sign;
mod support;
mod tls;
mod trigger;
