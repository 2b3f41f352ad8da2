//! One behaviour for all drivers: scenarios that every driver has to pass.
//!
//! A driver carries the protocol's state machine, [`pushest_proto::Session`], over sockets and
//! timers. Whether it does so faithfully is the same question for all of them, so that the same
//! scenarios ask it: servers that refuse, fall silent, close or send junk, receivers that are slow,
//! authorizations that come late, and what a client leaves behind. Driver authors implement
//! [`Driver`] and [`DriverClient`] for theirs, in the tests of their crate, and
//! [`conformance!`](crate::conformance!) makes a test of each scenario:
//!
//! ```
//! use pushest_testkit::conformance::{Driver, DriverClient, Settings};
//! # use pushest_testkit::conformance::Unmet;
//! # use pushest_proto::*;
//! # use std::time::Duration;
//!
//! /// Your own client, its one receiver, and what it holds for each channel.
//! struct Adapter {
//!     // …
//! }
//!
//! struct MyDriver;
//!
//! impl Driver for MyDriver {
//!     type Client = Adapter;
//!
//!     fn client(config: pushest_proto::Config, settings: Settings) -> Adapter {
//!         // A client that does not connect yet, with these settings as its options.
//! #       drop((config, settings));
//!         Adapter { /* … */ }
//!     }
//! }
//!
//! impl DriverClient for Adapter {
//!     fn connect(&mut self) {
//!         // …
//!     }
//!
//!     // … and the others, each of which is one call of the client's.
//! #   fn disconnect(&mut self) {}
//! #   fn set_endpoint(&mut self, _: Endpoint) {}
//! #   fn network_changed(&mut self) {}
//! #   fn subscribe(&mut self, _: &str, _: &SubscribeOptions) -> Result<(), String> { Ok(()) }
//! #   fn unsubscribe(&mut self, _: &str) -> Result<(), CommandError> { Ok(()) }
//! #   fn retry(&mut self, _: &str) -> Result<(), CommandError> { Ok(()) }
//! #   fn trigger(
//! #       &mut self, _: &str, _: &str, _: &serde_json::Value,
//! #   ) -> Result<(), CommandError> { Ok(()) }
//! #   fn sign_in(&mut self, _: Option<&str>) -> Result<(), String> { Ok(()) }
//! #   fn signed_in_user(&self) -> Option<String> { None }
//! #   fn status(&self) -> Status { unimplemented!() }
//! #   fn channel_state(&self, _: &str) -> Option<ChannelState> { None }
//! #   fn members(&self, _: &str) -> Vec<Member> { Vec::new() }
//! #   fn members_known(&self, _: &str) -> bool { false }
//! #   fn me(&self, _: &str) -> Option<Member> { None }
//! #   fn statistics(&self) -> Statistics { unimplemented!() }
//! #   fn connected(&mut self, _: Duration) -> Result<SocketId, Unmet> { Err(Unmet::TimedOut) }
//! #   fn subscribed(&mut self, _: &str, _: Duration) -> Result<(), Unmet> { Ok(()) }
//! #   fn signed_in(&mut self, _: Duration) -> Result<String, Unmet> { Err(Unmet::TimedOut) }
//! #   fn flush(&mut self, _: Duration) -> Result<Duration, Unmet> { Err(Unmet::TimedOut) }
//! #   fn recv_or_end(&mut self, _: Duration) -> Result<Option<Event>, Unmet> { Ok(None) }
//! #   fn sleep(&mut self, _: Duration) {}
//! #   fn shutdown(&mut self, _: Duration) -> Result<(), Unmet> { Ok(()) }
//! #   fn drain(&mut self, _: Duration) -> usize { 0 }
//! }
//!
//! pushest_testkit::conformance!(MyDriver);
//! # fn main() {}
//! ```
//!
//! The methods block, also for clients whose own are futures, and a scenario lets time pass by a
//! method of the client's: a client without a thread of its own makes progress only there. Several
//! drivers in one crate have a module each around the macro.
//!
//! [`conformance_over_tls!`](crate::conformance_over_tls!) adds what `wss://` needs, and
//! [`conformance_of_endpoints!`](crate::conformance_of_endpoints!) what the app's HTTP endpoint for
//! authorizations does, for builds that have it. [`conformance_on_real_server!`](crate::conformance_on_real_server!) runs the scenarios
//! that need nothing but a server of the protocol against one that listens somewhere.
//!
//! [`conformance_of_own_streams!`](crate::conformance_of_own_streams!) is for drivers whose users can give
//! connected streams.
//!
//! Drivers that carry the HTTP API, too, implement [`ApiDriver`], for the scenarios of
//! [`conformance_of_api!`](crate::conformance_of_api!).

mod api_driver;
mod driver;
mod gate;
mod list;
mod list_of_own_streams;
mod own_streams;
mod patience;
mod remote;

#[doc(hidden)]
pub mod alone;
#[doc(hidden)]
pub mod anywhere;
#[doc(hidden)]
pub mod api;
#[doc(hidden)]
pub mod authorizing;
#[doc(hidden)]
pub mod client_certificates;
#[doc(hidden)]
pub mod client_events;
#[doc(hidden)]
pub mod connecting;
#[doc(hidden)]
pub mod encrypted;
#[doc(hidden)]
pub mod heartbeat;
#[doc(hidden)]
pub mod lifetime;
#[doc(hidden)]
pub mod messages;
#[doc(hidden)]
pub mod over_tls;
#[doc(hidden)]
pub mod overflow;
#[doc(hidden)]
pub mod partly_received;
#[doc(hidden)]
pub mod presence;
#[doc(hidden)]
pub mod proxy;
#[doc(hidden)]
pub mod reconnecting;
#[doc(hidden)]
pub mod refusals;
#[doc(hidden)]
pub mod seams;
#[doc(hidden)]
pub mod signing_in;
#[doc(hidden)]
pub mod subscribing;
#[doc(hidden)]
pub mod variables;

use crate::Server;

#[doc(hidden)]
pub use api::{
    anywhere as api_anywhere, bad_input as api_bad_input,
    client_certificates as api_client_certificates, connections as api_connections,
    endless as api_endless, faults as api_faults, futures as api_futures, idle as api_idle,
    over_tls as api_over_tls, own_streams as api_own_streams, proxies as api_proxies,
    repeats as api_repeats, silence as api_silence, variables as api_variables,
};
pub use api_driver::{ApiClient, ApiDriver, ApiFailure, ApiFutures, ApiSettings};
pub use driver::{
    Authorizer, Authorizing, Driver, DriverClient, HeaderProvider, Overflow, Settings, TimeOfDay,
    TlsLibrary, Unmet,
};
pub use own_streams::{Connector, Connects, Purpose, Wanted};
pub use remote::Remote;

/// How a scenario's client and its server speak.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Over TCP.
    Ws,
    /// Over TLS.
    Wss,
}

impl Scheme {
    /// Returns a server in the process that speaks so.
    fn in_process(self) -> (Remote, Server) {
        match self {
            Self::Ws => in_process(),
            Self::Wss => {
                let server = Server::start_tls().expect("a server with a certificate");
                (Remote::of(&server), server)
            }
        }
    }
}

/// Returns a server for one scenario, gone with it.
fn server() -> Server {
    Server::start().expect("a server on a free port")
}

/// The same for scenarios that know only where it is.
#[doc(hidden)]
#[must_use]
pub fn in_process() -> (Remote, Server) {
    let server = server();
    (Remote::of(&server), server)
}

/// Returns the server that `PUSHEST_TEST_URL` names.
#[doc(hidden)]
#[must_use]
pub fn on_real_server() -> (Remote, ()) {
    (Remote::from_environment(), ())
}
