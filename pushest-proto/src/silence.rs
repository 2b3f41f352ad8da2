//! Up to when everything that a connection brought is known to have been read: what was sent later
//! may have been lost with it.

use core::time::Duration;

use crate::Instant;
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
    /// have been sent so long before it.
    longest: Duration,
    held_back: Option<HeldBack>,
}

/// While the driver did not read, the server may have had to keep what it sent: after a pause that
/// comes later than a read that came back empty. So it is until a ping that was sent after the
/// pause is answered.
#[derive(Debug, Clone, Copy)]
struct HeldBack {
    /// When reading resumed.
    after: Moment,
    /// The longest pause.
    by: Duration,
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

    /// A connection was opened: no event of a channel has arrived on it.
    pub(crate) fn begin(&mut self, now: Moment) {
        *self = Self::new(now);
    }

    /// Whether [`Silence::caught_up`] would change anything.
    pub(crate) fn is_news(&self, moment: Moment) -> bool {
        self.caught_up.is_none_or(|last| moment.is_after(last))
    }

    /// Everything that had arrived at this moment was read.
    pub(crate) fn caught_up(&mut self, moment: Moment) {
        self.caught_up = Some(moment);
        self.is_counted = false;
    }

    /// Something arrived.
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

    /// Reading resumed after a pause.
    pub(crate) fn resumed(&mut self, now: Moment, pause: Duration) {
        match &mut self.held_back {
            Some(held) => held.by = held.by.max(pause),
            None => self.held_back = Some(HeldBack { after: now, by: pause }),
        }
    }

    /// A round trip that ends now was measured.
    pub(crate) fn round_trip(&mut self, time: Duration, now: Moment) {
        match &mut self.held_back {
            // It has the pause in it.
            Some(held) if !now.before(time).is_after(held.after) => held.by = held.by.max(time),
            _ => {
                self.longest = self.longest.max(time);
                self.held_back = None;
            }
        }
    }

    /// The moment before which nothing was sent that may be missing. A ping that left at
    /// `unanswered` has no pong: its round trip takes longer than what had passed when everything
    /// was read, and longer than `pong` it would be lost.
    pub(crate) fn since(&self, unanswered: Option<Moment>, pong: Duration) -> Moment {
        if self.caught_up.is_none() {
            return self.last_heard;
        }
        let under_way = unanswered.map_or(Duration::ZERO, |sent| self.read_until.since(sent));
        let held_back = match self.held_back {
            Some(held) if self.read_until.is_after(held.after) => held.by,
            _ => Duration::ZERO,
        };
        self.read_until.before(self.longest.max(under_way.min(pong)).max(held_back))
    }
}
