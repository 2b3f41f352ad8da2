//! The state of a drain.

use std::sync::{Arc, OnceLock};

use pushest_proto::{Instant, PingId};

/// A drain that is under way. While there is one, receivers are given nothing new.
#[derive(Debug)]
pub(crate) struct Draining {
    /// When the client closes whatever is left.
    pub(crate) deadline: Instant,
    /// The ping behind everything that was triggered; `None` while receivers have something to take.
    pub(crate) ping: Option<PingId>,
    pub(crate) left: Left,
}

/// The number of events that were left unread; empty while the drain goes on.
pub(crate) type Left = Arc<OnceLock<usize>>;
