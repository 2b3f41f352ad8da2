//! What is logged and exported, as serde's data model: see the page
//! [`serialized`](crate::serialized).
//!
//! The forms stand here, apart from the types, because they are promises of their own: a name of Rust
//! may change, and what operators search their logs for may not.

mod event;
mod failure;
mod state;

use core::time::Duration;

use serde::{Serialize, Serializer};

use crate::channel::name::ChannelName;
use crate::config::endpoint::Endpoint;
use crate::id::{PingId, SocketId};

/// A pause or a span in milliseconds, rounded up: who waits for it, or looks back for it, must not be
/// early.
pub fn ms_up(duration: Duration) -> u64 {
    duration.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u64::MAX)
}

/// A point in time in milliseconds, rounded down: who fetches from there on must not begin late.
fn ms_down(since: Duration) -> u64 {
    since.as_millis().try_into().unwrap_or(u64::MAX)
}

pub(crate) fn us(duration: Duration) -> u64 {
    duration.as_micros().try_into().unwrap_or(u64::MAX)
}

impl Serialize for ChannelName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl Serialize for SocketId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// The URL without the app: it is public, and so is this.
impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for PingId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(self.0)
    }
}
