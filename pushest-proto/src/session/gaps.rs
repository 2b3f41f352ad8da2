//! What bounds the gaps that losses leave: how far a connection was read, and the time in which the
//! machine was suspended.

use core::time::Duration;

use super::{LATEST, Session};
use crate::id::ConnectionId;
use crate::time::Instant;
use crate::trace::line::Line;
use crate::wall_clock::{Moment, Reading};

/// What else happened. These cannot fail either.
impl Session {
    /// Everything that had arrived at `at` has been handed to the session. That bounds what may
    /// be missing after a loss: [`Event::Gap`](crate::Event::Gap) begins at the last such moment
    /// before the last message that arrived. A moment behind which no message comes moves nothing:
    /// a path that has gone dark reads empty, too.
    ///
    /// The driver calls this when a read came back empty, or shorter than what was asked for, and
    /// everything of that read and of those before it has been handed in. `at` is the time just
    /// *before* that read, however long ago that is: when messages of it waited for a receiver,
    /// other inputs may have had later times meanwhile. Once for each batch is enough, and so is a
    /// call before the driver goes to sleep. A driver that cannot say must not call it: then the
    /// gap begins with the last message, and is too short by what arrived and was not read.
    ///
    /// This makes no action, and moves neither a timer nor the session's clock. It is ignored
    /// before [`Session::handle_open`], and when `at` lies before the last such moment or before a
    /// suspension of the machine that is known already.
    pub fn handle_caught_up(&mut self, connection: ConnectionId, at: Instant) {
        // No time of the connection lies behind the end of time, either.
        let Some(moment) = self.wall_clock.past_moment(at.min(LATEST)) else { return };
        if self.is_open(connection) && self.silence.is_news(moment) {
            self.note(|| Line::CaughtUp { at: at.as_micros(), connection: connection.0 });
            self.silence.caught_up(moment);
        }
    }

    /// The wall clock shows `unix`, the time since 1970 (UTC), of which whole milliseconds count.
    /// Optional: the session reads no clock, and tells no time from this other than
    /// [`Event::Gap`](crate::Event::Gap)'s `since`.
    ///
    /// On many systems the clock behind [`Instant`] stands still while the machine is suspended. A
    /// wall clock that has advanced by at least 5 s more than that clock since the last call tells
    /// of it: the difference is added to what every [`Event::Gap`](crate::Event::Gap) says from
    /// then on of the time before, and the network may have changed, so that a connected session
    /// asks for a sign of life at once ([`Session::handle_network_change`]). A smaller difference,
    /// and a wall clock that was set back, change nothing, however often they occur.
    ///
    /// The driver reads both clocks together whenever it wakes up, and calls this before it tells
    /// anything else; calls that say nothing new are cheap, and are not recorded. A `now` before
    /// that of the last call is ignored.
    pub fn handle_wall_clock(&mut self, unix: Duration, now: Instant) {
        let reading = Reading::new(unix, now.min(LATEST));
        if !self.wall_clock.is_news(reading) {
            return;
        }
        self.note(|| Line::WallClock { at: now.as_micros(), unix_ms: reading.unix_ms() });
        self.advance(now);
        if let Some(suspension) = self.wall_clock.read(reading) {
            let pinged = self.heartbeat.oldest_unanswered().is_some();
            self.silence.suspended(self.wall_clock.moment(self.now), suspension, pinged);
            self.network_changed();
        }
    }

    /// The moment before which nothing was sent that the present connection may have lost.
    pub(super) fn read_until(&self) -> Moment {
        let unanswered = self.heartbeat.oldest_unanswered().map(|at| self.wall_clock.moment(at));
        self.silence.since(unanswered, self.config.timeouts.pong)
    }
}
