//! What bounds the gaps that losses leave: how far a connection was read, and the time in which the
//! machine was suspended.

use core::time::Duration;

use super::{LATEST, Session};
use crate::id::ConnectionId;
use crate::input::Input;
use crate::time::Instant;
use crate::wall_clock::{Moment, Reading};

/// Further inputs. These cannot fail either.
impl Session {
    /// Tells the session that everything that had arrived at `at` has been handed to it. That
    /// bounds what may be missing after a loss: [`Event::Gap`](crate::Event::Gap) begins at the
    /// last such moment before the last message that arrived. A moment behind which no message
    /// comes moves nothing: a path that has gone dark reads empty, too.
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
        self.tell(Input::CaughtUp { connection }, at);
    }

    /// Tells the session what the wall clock shows: `unix` since 1970 (UTC), of which whole
    /// milliseconds count. Optional: the session reads no clock, and tells no time from this other
    /// than [`Event::Gap`](crate::Event::Gap)'s `since`.
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
        self.tell(Input::WallClock { unix }, now);
    }
}

impl Session {
    /// Returns whether an input repeats what the session knows. Drivers say these two at every turn
    /// of their loop, so that they are not recorded then.
    pub(super) fn says_nothing_new(&self, input: &Input<'_>, now: Instant) -> bool {
        match input {
            Input::CaughtUp { connection } => {
                !self.is_open(*connection) || {
                    let moment = self.moment_of_reading(now);
                    moment.is_none_or(|moment| !self.silence.is_news(moment))
                }
            }
            Input::WallClock { unix } => !self.wall_clock.is_news(reading(*unix, now)),
            _ => false,
        }
    }

    pub(super) fn on_caught_up(&mut self, connection: ConnectionId, at: Instant) {
        debug_assert!(self.is_open(connection), "otherwise it is no news");
        if let Some(moment) = self.moment_of_reading(at) {
            self.silence.caught_up(moment);
        }
    }

    pub(super) fn on_wall_clock(&mut self, unix: Duration, now: Instant) {
        self.advance(now);
        if let Some(suspension) = self.wall_clock.read(reading(unix, now)) {
            let pinged = self.heartbeat.oldest_unanswered().is_some();
            self.silence.suspended(self.wall_clock.moment(self.now), suspension, pinged);
            self.network_changed();
        }
    }

    /// Returns the moment of a read, if no suspension of the machine lies behind it.
    fn moment_of_reading(&self, at: Instant) -> Option<Moment> {
        // No time of the connection lies behind the end of time, either.
        self.wall_clock.past_moment(at.min(LATEST))
    }

    /// Returns the moment before which nothing was sent that the present connection may have lost.
    pub(super) fn read_until(&self) -> Moment {
        let unanswered = self.heartbeat.oldest_unanswered().map(|at| self.wall_clock.moment(at));
        self.silence.since(unanswered, self.config.timeouts.pong)
    }
}

fn reading(unix: Duration, now: Instant) -> Reading {
    Reading::new(unix, now.min(LATEST))
}
