//! What all clients met together.

use std::fmt;
use std::time::Duration;

use crate::bookkeeping::{Book, Verdict};

/// Of some time, or of all of it.
#[derive(Debug, Default, Clone)]
pub(super) struct Total {
    clients: u64,
    /// How long the last channel took to be back.
    back: Duration,
    losses: u64,
    gaps: u64,
    events: u64,
    in_gaps: u64,
    /// How much earlier than its gap the earliest of them was published; and on ways that hold what
    /// they forward.
    early: Duration,
    early_held: Duration,
    lagged: u64,
    blurred: u64,
    /// Events that the server did not say that it has.
    unanswered: u64,
}

impl Total {
    pub(super) fn new(back: Duration, unanswered: u64) -> Self {
        Self { back, unanswered, ..Self::default() }
    }

    /// Adds what one client met.
    pub(super) fn enter(&mut self, book: &Book, verdict: &Verdict, is_held: bool) {
        self.clients += 1;
        self.losses += book.losses();
        self.gaps += book.channels.iter().map(|book| book.gaps.len() as u64).sum::<u64>();
        self.events += book.events();
        self.in_gaps += verdict.in_gaps;
        let early = if is_held { &mut self.early_held } else { &mut self.early };
        *early = verdict.early.max(*early);
        self.lagged += book.lagged;
        if book.is_blurred() {
            self.blurred += verdict.lost.saturating_sub(book.lagged);
        }
    }

    /// Adds what the same clients met at another time.
    pub(super) fn add(&mut self, other: &Self) {
        self.clients = other.clients;
        self.back = self.back.max(other.back);
        self.losses += other.losses;
        self.gaps += other.gaps;
        self.events += other.events;
        self.in_gaps += other.in_gaps;
        self.early = self.early.max(other.early);
        self.early_held = self.early_held.max(other.early_held);
        self.lagged += other.lagged;
        self.blurred += other.blurred;
        self.unanswered += other.unanswered;
    }

    /// Checks that the server took every event, where nothing kept it from that: events that it did
    /// not take are not missed.
    pub(super) fn expect_answers(&self, all: bool) -> Result<(), String> {
        if all && self.unanswered > 0 {
            return Err(format!("the server did not take {} events", self.unanswered));
        }
        Ok(())
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, losses, gaps, events, in_gaps, lagged, unanswered, .. } = self;
        write!(
            f,
            "{clients} clients back within {:.1} s: {losses} losses, {gaps} gaps; {events} events \
             handed over, {in_gaps} in gaps (up to {} ms early; {} ms on slow ways), {lagged} lagged, \
             {} behind a lagged gap, 0 lost, 0 doubled; {unanswered} not taken by the server",
            self.back.as_secs_f64(),
            self.early.as_millis(),
            self.early_held.as_millis(),
            self.blurred
        )
    }
}

pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1024.0 / 1024.0)
}
