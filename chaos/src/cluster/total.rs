//! What all clients met together.

use std::fmt;
use std::time::Duration;

/// Of some time, or of all of it.
#[derive(Debug, Default, Clone)]
pub(super) struct Total {
    /// How long the last channel took to be back.
    pub(super) back: Duration,
    pub(super) losses: u64,
    pub(super) gaps: u64,
    pub(super) events: u64,
    /// Events that came after later ones.
    pub(super) overtaken: u64,
    pub(super) in_gaps: u64,
    /// How much earlier than its gap the earliest of them was published: where nothing was held up, and
    /// where something was.
    pub(super) early: Duration,
    pub(super) early_held: Duration,
    /// Events that came before the connection was lost, and again after it.
    pub(super) across: u64,
    /// Events that the API took and a node did not send, by what a bare WebSocket to that node shows:
    /// those that were not in Redis, and those that were.
    pub(super) not_in_redis: u64,
    pub(super) not_sent: u64,
    /// Events that the servers published twice: in Redis, or to a bare WebSocket.
    pub(super) sent_twice: u64,
    /// Events that the API did not say that it has.
    pub(super) unanswered: u64,
}

impl Total {
    /// Adds what was met at another time.
    pub(super) fn add(&mut self, other: &Self) {
        self.back = self.back.max(other.back);
        self.losses += other.losses;
        self.gaps += other.gaps;
        self.events += other.events;
        self.overtaken += other.overtaken;
        self.in_gaps += other.in_gaps;
        self.early = self.early.max(other.early);
        self.early_held = self.early_held.max(other.early_held);
        self.across += other.across;
        self.not_in_redis += other.not_in_redis;
        self.not_sent += other.not_sent;
        self.sent_twice += other.sent_twice;
        self.unanswered += other.unanswered;
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "back within {:.1} s: {} losses, {} gaps; {} events handed over, {} after later ones, {} in \
             gaps (up to {} ms early; {} ms where something was held up), {} again across a gap, 0 \
             lost, 0 doubled; the servers': {} not in Redis, {} not sent by a node, {} sent twice; {} \
             not taken",
            self.back.as_secs_f64(),
            self.losses,
            self.gaps,
            self.events,
            self.overtaken,
            self.in_gaps,
            self.early.as_millis(),
            self.early_held.as_millis(),
            self.across,
            self.not_in_redis,
            self.not_sent,
            self.sent_twice,
            self.unanswered
        )
    }
}
