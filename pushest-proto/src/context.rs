//! What channels and the sign-in need of the session: the time, the secrets, and where to report.

use alloc::string::String;

use crate::auth::Signer;
use crate::backoff::Backoff;
use crate::config::Settings;
use crate::hash::Seeded;
use crate::id::{ConnectionId, SocketId, Ticket};
use crate::pending::Pending;
use crate::statistics::Statistics;
use crate::time::Instant;
use crate::trace::mode::Trace;
use crate::wall_clock::{Moment, WallClock};

/// What a channel needs to know of the session, and where it reports.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) wall_clock: &'a WallClock,
    pub(crate) config: &'a Settings,
    pub(crate) pending: &'a mut Pending,
    pub(crate) statistics: &'a mut Statistics,
    pub(crate) backoff: &'a mut Backoff,
    pub(crate) last_ticket: &'a mut u64,
    pub(crate) trace: Option<&'a mut Trace>,
    /// The hasher for tables whose keys servers choose.
    pub(crate) hash: Seeded,
    /// The connection, while it is established.
    pub(crate) established: Option<Established<'a>>,
}

impl Context<'_> {
    pub(crate) fn moment(&self) -> Moment {
        self.wall_clock.moment(self.now)
    }

    /// Signs for the connection with the app's secret, if it is known.
    pub(crate) fn signed(
        &mut self,
        sign: impl FnOnce(&Signer, &SocketId) -> String,
    ) -> Option<String> {
        let (signer, socket_id) = (self.config.signer.as_ref()?, self.established?.socket_id);
        Some(match self.trace.as_deref_mut() {
            None => sign(signer, socket_id),
            Some(trace) => trace.signed(|| sign(signer, socket_id)),
        })
    }

    pub(crate) fn next_ticket(&mut self, connection: ConnectionId) -> Ticket {
        *self.last_ticket += 1;
        Ticket { connection, number: *self.last_ticket }
    }
}

/// The established connection that channels and the sign-in need things on.
#[derive(Clone, Copy)]
pub(crate) struct Established<'a> {
    pub(crate) connection: ConnectionId,
    pub(crate) socket_id: &'a SocketId,
}
