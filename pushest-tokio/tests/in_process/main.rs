//! What the conformance suite does not show of the client: several receivers, handlers, typed
//! events, endpoints, and what is tokio's alone. Against a server in the process.

mod all_queues;
mod authorizing;
mod client_events;
#[path = "../common/mod.rs"]
mod common;
mod dialling;
#[cfg(feature = "http")]
mod endpoint;
mod handling;
mod knowing;
mod lifetime;
mod profiles;
mod receiving;
mod recording;
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
