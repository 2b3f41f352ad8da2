//! The page of one channel.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::log::Published;

/// Events within this many numbers of the newest one may be what a cache channel's server keeps.
const CACHED: u64 = 3;

/// In which order numbers must come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// In their own.
    #[default]
    Strict,
    /// In any: the nodes of a cluster hand on what the others published as it comes.
    Any,
}

/// What one channel's receiver was handed; the lists are since the last [`ChannelBook::turn`].
#[derive(Debug, Default)]
pub(crate) struct ChannelBook {
    /// Confirmations, from the beginning, and before the last turn.
    pub(crate) subscribed: u64,
    subscribed_before: u64,
    /// The highest number that was handed over, and how many there were since the last turn.
    pub(crate) newest: u64,
    pub(super) events: u64,
    pub(crate) gaps: Vec<Gap>,
    /// Numbers that were skipped.
    skipped: BTreeSet<u64>,
    /// Those up to this one were judged.
    judged_to: u64,
    /// In any order: numbers that came again, and how many came after later ones.
    pub(crate) again: Vec<u64>,
    pub(crate) overtaken: u64,
    order: Order,
    is_cache: bool,
    /// The server may repeat its cached event.
    may_repeat: bool,
    /// A gap must come next.
    pub(super) owes_gap: bool,
    /// A gap came before the confirmation that it belongs to: with events that the server sent
    /// before it.
    is_ahead: bool,
}

/// A gap, as it was told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gap {
    /// When the receiver was handed it.
    pub(crate) at: Duration,
    pub(crate) silent_for: Duration,
    /// Since when to refetch.
    pub(crate) since: Duration,
}

impl Gap {
    /// Returns whether an event that was published so may be lost in it. `held` is how much longer
    /// than any round trip that the client can have measured the way may have held it.
    pub(super) fn holds(&self, event: &Published, held: Duration) -> bool {
        let until = self.since + self.silent_for;
        event.ended.is_some_and(|ended| ended + held >= self.since) && event.began <= until
    }
}

impl ChannelBook {
    pub(super) fn new(is_cache: bool, order: Order) -> Self {
        Self { is_cache, order, ..Self::default() }
    }

    /// Forgets what was judged.
    pub(super) fn turn(&mut self) {
        self.subscribed_before = self.subscribed;
        self.events = 0;
        self.gaps.clear();
        self.again.clear();
        self.overtaken = 0;
        self.judged_to = self.newest;
        if self.order == Order::Strict {
            self.skipped.clear();
        }
    }

    /// Counts all numbers up to this one as skipped, if they did not come.
    pub(super) fn close(&mut self, last: u64) {
        self.skipped.extend(self.newest + 1..=last);
        self.newest = self.newest.max(last);
    }

    /// Returns the numbers that were skipped since the last turn.
    pub(super) fn skipped(&self) -> impl Iterator<Item = u64> {
        self.skipped.range(self.judged_to + 1..).copied()
    }

    /// Returns how often it was confirmed since the last turn.
    pub(super) fn confirmed(&self) -> u64 {
        self.subscribed - self.subscribed_before
    }

    pub(super) fn subscribed(&mut self) -> Result<(), String> {
        let owed = std::mem::take(&mut self.owes_gap);
        self.subscribed += 1;
        self.owes_gap = self.subscribed > 1 && !std::mem::take(&mut self.is_ahead);
        self.may_repeat = self.is_cache;
        if owed { Err("confirmed again without a gap".to_string()) } else { Ok(()) }
    }

    pub(super) fn gap(&mut self, gap: Gap) -> Result<(), String> {
        self.gaps.push(gap);
        if !std::mem::take(&mut self.owes_gap) {
            self.is_ahead = true;
        }
        if self.subscribed == 0 {
            Err("a gap before the first confirmation".to_string())
        } else {
            Ok(())
        }
    }

    pub(super) fn event(&mut self, number: u64) -> Result<(), String> {
        let owed = std::mem::take(&mut self.owes_gap);
        if number > self.newest {
            self.skipped.extend(self.newest + 1..number);
            self.newest = number;
        } else if self.order == Order::Any && self.skipped.remove(&number) {
            self.overtaken += 1;
        } else {
            return self.repeated(number);
        }
        self.events += 1;
        if owed {
            Err(format!("no gap between the confirmation and number {number}"))
        } else {
            Ok(())
        }
    }

    fn repeated(&mut self, number: u64) -> Result<(), String> {
        // In a cluster what a server keeps may be far behind: a node that has stood still reads it late.
        let is_kept = number + CACHED >= self.newest || self.order == Order::Any;
        if std::mem::take(&mut self.may_repeat) && is_kept {
            return Ok(());
        }
        if self.order == Order::Any {
            self.again.push(number);
            return Ok(());
        }
        let what = if self.skipped.contains(&number) { "out of order" } else { "doubled" };
        Err(format!("number {number} came {what}, after {}", self.newest))
    }

    /// Words for an event that is in no gap.
    pub(super) fn words(&self, number: u64, event: &Published) -> String {
        let seconds = |time: Duration| time.as_secs_f64();
        let ended = event.ended.unwrap_or_default();
        let gaps: Vec<String> = self
            .gaps
            .iter()
            .map(|gap| {
                format!(
                    "since {:.3} (told at {:.3}, silent for {:.3} s)",
                    seconds(gap.since),
                    seconds(gap.at),
                    seconds(gap.silent_for)
                )
            })
            .collect();
        format!(
            "number {number}, published at {:.3} to {:.3}; gaps: {}",
            seconds(event.began),
            seconds(ended),
            if gaps.is_empty() { "none".to_string() } else { gaps.join(", ") }
        )
    }
}
