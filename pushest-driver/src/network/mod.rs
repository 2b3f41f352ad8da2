//! Watches the networks of the machine (Linux), and tells each client what concerns it.
//!
//! One thread of the process reads the kernel's notices about addresses, links and routes, over a netlink
//! socket (rtnetlink(7)). It never judges by a notice alone: notices come in bursts, get lost when there are
//! many, and mostly concern others. They make it look, once a burst is over: whether the local address of
//! each connection is still there, and which way packets to its peer take. What differs from the last look
//! is told. Of the notices only that is used which a look afterwards cannot see: that a link was down, or an
//! address gone, in between.
//!
//! Here is decided what concerns a connection, since that takes its addresses, which the core has no word
//! for. What follows from it is the core's.

mod burst;
mod entry;
mod lookup;
#[cfg(feature = "__fuzzing")]
pub(crate) mod made_up;
mod message;
mod path;
mod socket;
mod watch;
mod watcher;
mod watching;

pub(crate) use self::watch::{NetworkWatch, WatchOption};
#[cfg(feature = "__fuzzing")]
pub(crate) use self::watching::Watching;
