//! The client against a server in the process, which misbehaves on demand.

mod authorizing;
mod bad_messages;
mod client_events;
#[path = "../common/mod.rs"]
mod common;
mod dialling;
mod encrypted;
#[cfg(feature = "http")]
mod endpoint;
mod handling;
mod knowing;
mod lifetime;
mod profiles;
mod receiving;
mod reconnecting;
mod recording;
mod signing_in;
#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
mod tls;

use common::Target;
use pushest_testkit::Server;

fn target_of(server: &Server) -> Target {
    Target {
        key: server.app().key.clone(),
        secret: server.app().secret().to_string(),
        host: server.addr().ip().to_string(),
        port: server.port(),
    }
}

fn start() -> (Target, Server) {
    let server = Server::start().expect("a server");
    (target_of(&server), server)
}

scenarios!(start);
