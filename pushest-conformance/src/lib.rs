//! What the crates of the runtimes have in common in their tests: how their clients are put into the
//! [conformance suite](mod@pushest_testkit::conformance) of the testkit, and what else all of them
//! must do.
//!
//! A crate says how its clients are made and waited for: by [`Waits`], or, where their methods are
//! futures, by [`Start`] only. [`impl_features!`] tells which features it is built with, and [`suite!`]
//! makes the tests:
//!
//! ```text
//! struct MyRuntime;
//!
//! impl Start for MyRuntime {
//!     type Client = Client;
//!
//!     fn start(config: Config, options: Options) -> Client {
//!         Client::with_options(config, options)
//!     }
//!
//!     fn driver(client: &Client) -> &pushest_driver::unstable::Client {
//!         client.__driver()
//!     }
//! }
//!
//! pushest_conformance::impl_features!(MyRuntime; connector: my_connector);
//!
//! mod on_my_runtime {
//!     pushest_conformance::suite!(pushest_conformance::Futures<super::MyRuntime>);
//! }
//! ```
//!
//! Beside the suite are [`clients!`], [`programs_end!`] and [`first_programs!`], tests of whole programs,
//! [`counting_allocator!`] for tests of memory, [`on_real_server!`] for tests that need another server, and
//! [`in_networks!`] for tests that change networks.
#![forbid(unsafe_code)]

mod adapter;
pub mod callbacks;
pub mod clients;
pub mod ending;
mod features;
pub mod first_programs;
mod futures;
mod memory;
#[cfg(feature = "networks")]
pub mod networks;
mod publishing;
mod real_server;
pub mod receivers;
mod suite;
pub mod typed;
pub mod watching;

pub use adapter::{
    Adapted, OverNativeTls, Waits, authority_of_real_server, connector_of_real_server,
    identity_of_real_server, met, proxy_of_real_server,
};
pub use features::{Features, no_connector, wanted};
pub use futures::{Futures, On, Start, block_on};
pub use memory::live_bytes;
pub use publishing::{Publishes, all};

// For the macros, wherever they are used.
#[doc(hidden)]
pub use pushest_driver as driver;
#[doc(hidden)]
pub use pushest_testkit as testkit;
#[doc(hidden)]
pub use stats_alloc;
