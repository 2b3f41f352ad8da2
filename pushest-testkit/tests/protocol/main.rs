//! The server's protocol part, driven by hand: no socket, and a clock that only the test moves.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod cache_channels;
mod client_events;
mod connecting;
mod faults;
mod harness;
mod heartbeat;
mod http_api;
mod presence;
mod profiles;
mod robustness;
mod sign_in;
mod subscribing;
