//! One behaviour for all drivers: scenarios that every driver has to pass.

mod driver;
mod gate;
mod list;
mod patience;
mod remote;

#[doc(hidden)]
pub mod alone;
#[doc(hidden)]
pub mod anywhere;
#[doc(hidden)]
pub mod authorizing;
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
pub mod presence;
#[doc(hidden)]
pub mod reconnecting;
#[doc(hidden)]
pub mod refusals;
#[doc(hidden)]
pub mod signing_in;
#[doc(hidden)]
pub mod subscribing;

use crate::Server;

pub use driver::{Authorizer, Authorizing, Driver, DriverClient, Overflow, Settings, Unmet};
pub use remote::Remote;

/// A server for one scenario, gone with it.
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

/// The server that `PUSHEST_TEST_URL` names.
#[doc(hidden)]
#[must_use]
pub fn on_real_server() -> (Remote, ()) {
    (Remote::from_environment(), ())
}
