//! The driver's middle: the pump and the wire, the hub and the queues, and the way to a connection,
//! over a runtime that belongs to the test. Its sockets follow a script, its clock moves only when
//! the test says so, and futures are polled by hand: there is no executor, no thread and no socket
//! of the system, so that each call can be counted and each order tried.
//!
//! [`Rig`](rig::Rig) holds the parts together; the modules below it are the tests, by subject.

mod chance;
mod clock;
mod frames;
mod rig;
mod runtime;
mod server;
mod stream;
mod wakes;
mod world;

mod dialling;
mod dropping;
mod ending;
mod errors;
#[cfg(all(feature = "__fuzzing", feature = "network-watch", target_os = "linux"))]
mod networks;
mod overflow;
mod random;
mod reading;
mod registry;
mod turns;
mod waking;
mod writing;
