//! What channels and the sign-in need of the session: the time, the secrets, and where to report.

use alloc::string::String;
use core::time::Duration;

use crate::auth::Signer;
use crate::auth::request::Denied;
use crate::backoff::Backoff;
use crate::config::Config;
use crate::id::{ConnectionId, SocketId, Ticket};
use crate::pending::Pending;
use crate::time::Instant;
use crate::trace::mode::Trace;
use crate::wall_clock::WallClock;

/// A `Retry-After` beyond this is taken as this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What a channel needs to know of the session, and where it reports.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) wall_clock: &'a WallClock,
    pub(crate) config: &'a Config,
    pub(crate) pending: &'a mut Pending,
    pub(crate) backoff: &'a mut Backoff,
    pub(crate) last_ticket: &'a mut u64,
    pub(crate) trace: Option<&'a mut Trace>,
}

impl Context<'_> {
    /// Signs with the app's secret, if it is known.
    pub(crate) fn signed(&mut self, sign: impl FnOnce(&Signer) -> String) -> Option<String> {
        let signer = self.config.signer.as_ref()?;
        Some(match self.trace.as_deref_mut() {
            None => sign(signer),
            Some(trace) => trace.signed(|| sign(signer)),
        })
    }

    pub(crate) fn next_ticket(&mut self, connection: ConnectionId) -> Ticket {
        *self.last_ticket += 1;
        Ticket { connection, number: *self.last_ticket }
    }

    /// How long to wait after so many authorizations that were not to be had.
    pub(crate) fn delay_after(&mut self, denied: &Denied, authorizations: u32) -> Duration {
        let at_least = match denied {
            Denied::Unavailable { retry_after, .. } => retry_after.unwrap_or_default(),
            Denied::Refused { .. } => Duration::ZERO,
        };
        // No `Retry-After`, however long, takes a channel away for good. The jitter comes on top:
        // clients that were told the same pause must not come back at the same time.
        at_least.min(LONGEST_RETRY_AFTER) + self.backoff.delay_of(authorizations)
    }
}

/// The connection that channels need things on.
#[derive(Clone, Copy)]
pub(crate) struct Wire<'a> {
    pub(crate) connection: ConnectionId,
    pub(crate) socket_id: &'a SocketId,
}
