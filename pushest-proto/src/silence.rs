//! Up to when everything that a connection brought is known to have been read: what was sent later
//! may have been lost with it.

use core::time::Duration;

use crate::time::Instant;
use crate::wall_clock::{Moment, WallClock};

/// What is known of one connection at a time.
#[derive(Debug)]
pub(crate) struct Silence {
    /// Everything that had arrived at this moment was read. It counts once something arrives after
    /// it: a path that has gone dark brings nothing to read, too.
    caught_up: Option<Moment>,
    /// The last such moment before the last message: what was sent before that message has
    /// arrived, since a connection is ordered, and it did not arrive before this.
    read_until: Moment,
    /// Something arrived after `caught_up`.
    is_counted: bool,
    /// When the last message came, as long as nothing is known of what was read.
    last_heard: Moment,
    /// The longest round trip that was measured on the connection: what arrived at some moment may
    /// have been sent this long before it.
    longest: Duration,
    held_back: Option<HeldBack>,
}

/// While the driver did not read, or the machine was suspended, the server may have had to keep
/// what it sent: after a pause that comes later than a read that came back empty. So it is until a
/// ping that was sent after the pause is answered.
#[derive(Debug, Clone, Copy)]
struct HeldBack {
    /// When reading resumed first: what was read to its end before was not held back.
    from: Moment,
    /// When reading resumed last.
    after: Moment,
    /// A ping was unanswered then.
    pinged: bool,
    /// A suspension is among the pauses.
    suspended: bool,
    /// Maximum age of what is still held back: that of the pauses together, as long as the server
    /// had less time to send it than it had to keep it.
    by: Duration,
}

impl HeldBack {
    /// Returns whether it was over when something was asked at `asked`. A clock that stood still,
    /// or that has long ticks, shows the same time before and after the pause.
    fn is_before(&self, asked: Moment, is_ping: bool) -> bool {
        let is_same = !self.after.is_after(asked);
        asked.is_after(self.after) || is_same && is_ping && !self.pinged
    }
}

impl Silence {
    pub(crate) fn new(now: Moment) -> Self {
        Self {
            caught_up: None,
            read_until: now,
            is_counted: true,
            last_heard: now,
            longest: Duration::ZERO,
            held_back: None,
        }
    }

    /// Begins with a new connection, on which no event of a channel has arrived.
    pub(crate) fn begin(&mut self, now: Moment) {
        *self = Self::new(now);
    }

    /// Returns whether [`Silence::caught_up`] would change anything.
    pub(crate) fn is_news(&self, moment: Moment) -> bool {
        self.caught_up.is_none_or(|last| moment.is_after(last))
    }

    /// Everything that had arrived at this moment was read.
    pub(crate) fn caught_up(&mut self, moment: Moment) {
        self.caught_up = Some(moment);
        self.is_counted = false;
    }

    /// Notes that something arrived.
    pub(crate) fn heard(&mut self, now: Instant, clock: &WallClock) {
        match self.caught_up {
            None => self.last_heard = clock.moment(now),
            Some(moment) if !self.is_counted => {
                self.is_counted = true;
                // What has just come arrived after it, so that it cannot lie in the future.
                self.read_until = moment.min(clock.moment(now));
            }
            Some(_) => {}
        }
    }

    /// Notes that reading resumed after a pause. `pinged` says whether a ping was unanswered then.
    pub(crate) fn resumed(&mut self, now: Moment, pause: Duration, pinged: bool) {
        self.hold_back(now, pause, pinged, false);
    }

    /// Notes that the machine was suspended for this time, in which it neither read nor confirmed
    /// what arrived.
    pub(crate) fn suspended(&mut self, now: Moment, suspension: Duration, pinged: bool) {
        self.hold_back(now, suspension, pinged, true);
    }

    fn hold_back(&mut self, now: Moment, pause: Duration, pinged: bool, suspended: bool) {
        let next = HeldBack { from: now, after: now, pinged, suspended, by: pause };
        self.held_back = Some(match self.held_back {
            None => next,
            Some(held) => {
                let has_drained = self.read_until.since(held.after) > held.by;
                let by =
                    if has_drained { held.by.max(pause) } else { held.by.saturating_add(pause) };
                HeldBack { from: held.from, suspended: held.suspended || suspended, by, ..next }
            }
        });
    }

    /// Notes that what was asked `time` ago is answered now. `is_ping` is false for a subscription.
    pub(crate) fn round_trip(&mut self, time: Duration, now: Moment, is_ping: bool) {
        let asked = now.before(time);
        match &mut self.held_back {
            Some(held) if !held.is_before(asked, is_ping) => {
                // All that the server sent before it was asked has come, and the rest is younger;
                // but no clock tells how much of a suspension lies in between.
                held.by = if held.suspended { held.by.max(time) } else { time };
            }
            _ => {
                self.held_back = None;
                self.longest = self.longest.max(time);
            }
        }
    }

    /// Notes an upper bound of a round trip of which it is not known when it began.
    pub(crate) fn round_trip_within(&mut self, time: Duration) {
        self.longest = self.longest.max(time);
    }

    /// Returns the moment before which nothing was sent that may be missing. A ping that left at
    /// `unanswered` has no pong: its round trip takes longer than what had passed when everything
    /// was read, and longer than `pong` it would be lost.
    pub(crate) fn since(&self, unanswered: Option<Moment>, pong: Duration) -> Moment {
        if self.caught_up.is_none() {
            return self.last_heard;
        }
        let under_way = unanswered.map_or(Duration::ZERO, |sent| self.read_until.since(sent));
        let held_back = match self.held_back {
            Some(held) if self.read_until.is_after(held.from) => held.by,
            _ => Duration::ZERO,
        };
        // What was held back is under way after that.
        let under_way = self.longest.max(under_way.min(pong));
        self.read_until.before(under_way.saturating_add(held_back))
    }
}
