//! One behaviour for all drivers: scenarios that every driver has to pass.

mod driver;
mod list;
mod patience;
mod remote;

#[doc(hidden)]
pub mod anywhere;

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
