//! The server over real sockets, driven by blocking clients. Nothing here sleeps.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod accepting;
mod authorization;
mod client;
mod faults;
mod http;
mod many;
mod sockets;
mod starting;
mod tls;
mod waiting;
mod watching;
mod webhooks;
