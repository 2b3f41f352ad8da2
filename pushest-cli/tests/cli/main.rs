//! The program itself, run as users run it, against a server in the test's process.
#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod auth_server;
mod bad_input;
mod calling;
mod channels;
mod client_certificates;
mod crowd;
mod demo;
mod doctor;
mod doctor_publishing;
mod endpoint;
#[cfg(unix)]
mod frames;
mod given;
mod headers;
mod http;
mod json;
mod listen;
mod members;
mod proxies;
mod publishing;
mod refusals;
mod replay;
mod restart;
mod runtime;
mod serve;
mod several_hosts;
mod shells;
mod sign;
mod sign_in;
#[cfg(target_os = "linux")]
mod starting;
mod support;
mod terminal;
mod tls;
mod trigger;
#[cfg(unix)]
mod unix_socket;
mod unpublished;
#[cfg(unix)]
mod unread;
#[cfg(target_os = "linux")]
mod watch_network;
mod webhooks;
