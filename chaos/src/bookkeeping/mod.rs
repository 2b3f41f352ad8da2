//! The books of one client: what it was handed, against what was published.

mod channel;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::channels::{ChannelSpec, Kind};
use crate::lines::{Line, Told};
use crate::log::{Log, Published};
use channel::{ChannelBook, Gap};

pub(crate) use channel::Order;

/// What one client told.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) channels: Vec<ChannelBook>,
    pub(crate) is_ready: bool,
    /// Connections that were established, as it said last, and how things stood.
    pub(crate) connections: u64,
    connections_before: u64,
    status: String,
    /// How often it answered that.
    pub(crate) answers: u64,
    /// How many events receivers were too slow for, since the last [`Book::turn`].
    pub(crate) lagged: u64,
    /// What is wrong.
    wrong: Vec<String>,
    names: Vec<String>,
}

/// What the books say of the time since the last [`Book::turn`].
#[derive(Debug, Default, Clone)]
pub(crate) struct Verdict {
    /// Published for sure, not handed over, and in a gap.
    pub(crate) in_gaps: u64,
    /// Of these, how much earlier than the gap begins the earliest was published.
    pub(crate) early: Duration,
    /// Words for that one.
    pub(crate) earliest: Option<String>,
    /// Published for sure, and neither handed over nor in a gap: with words for the first of them.
    pub(crate) lost: u64,
    pub(crate) first_lost: Option<String>,
    /// The channels and numbers of these.
    pub(crate) lost_numbers: Vec<(usize, u64)>,
}

impl Book {
    pub(crate) fn new(channels: &[ChannelSpec], order: Order) -> Self {
        let is_cache = |channel: &ChannelSpec| channel.kind == Kind::Cache;
        let books = channels.iter().map(|channel| ChannelBook::new(is_cache(channel), order));
        Self {
            channels: books.collect(),
            is_ready: false,
            connections: 0,
            connections_before: 0,
            status: String::new(),
            answers: 0,
            lagged: 0,
            wrong: Vec::new(),
            names: channels.iter().map(|channel| channel.name.clone()).collect(),
        }
    }

    /// Takes down what the client told.
    pub(crate) fn enter(&mut self, line: Line) {
        let Line { at, told } = line;
        let (channel, result) = match told {
            Told::Ready => {
                self.is_ready = true;
                return;
            }
            Told::Status { connections, text } => {
                (self.connections, self.status) = (connections, text);
                self.answers += 1;
                return;
            }
            Told::Lagged { channel, count } => {
                self.lagged += count;
                // What it was too slow for may have been a gap.
                let of = |index: usize| channel.is_none_or(|channel| channel == index);
                let books = self.channels.iter_mut().enumerate();
                books.filter(|(index, _)| of(*index)).for_each(|(_, book)| book.owes_gap = false);
                return;
            }
            Told::Odd { text } => return self.wrong(text),
            Told::Subscribed { channel } => (channel, self.channels[channel].subscribed()),
            Told::Gap { channel, silent_for, since } => {
                let gap = Gap { at, silent_for, since };
                (channel, self.channels[channel].gap(gap))
            }
            Told::Event { channel, number } => (channel, self.channels[channel].event(number)),
        };
        if let Err(problem) = result {
            let name = &self.names[channel];
            self.wrong(format!("{name}: {problem} (at {:.3})", at.as_secs_f64()));
        }
    }

    /// Connections that were established anew since the last [`Book::turn`].
    pub(crate) fn losses(&self) -> u64 {
        self.connections - self.connections_before
    }

    /// Returns how many events were handed over since the last [`Book::turn`].
    pub(crate) fn events(&self) -> u64 {
        self.channels.iter().map(|book| book.events).sum()
    }

    /// Returns whether a gap may be among what a receiver dropped, so that what else is missing
    /// cannot be attributed.
    pub(crate) fn is_blurred(&self) -> bool {
        let gaps = |book: &ChannelBook| book.gaps.len() as u64;
        self.lagged > 0 && self.channels.iter().any(|book| gaps(book) < self.losses())
    }

    /// Checks that each channel was told a gap for each time that it was confirmed anew, and no more
    /// than there were losses.
    pub(crate) fn check_gaps(&mut self) {
        let losses = self.losses();
        let mut problems = Vec::new();
        for (name, book) in self.names.iter().zip(&self.channels) {
            let (gaps, confirmed) = (book.gaps.len() as u64, book.confirmed());
            if gaps < confirmed || gaps > losses {
                problems.push(format!(
                    "{name}: {gaps} gaps, {confirmed} confirmations, {losses} new connections"
                ));
            }
        }
        problems.into_iter().for_each(|problem| self.wrong(problem));
    }

    /// Words for how things stood when the client said so last, and for how far its channels are.
    pub(crate) fn standing(&self) -> String {
        let mut newest: Vec<(u64, &str)> = self
            .channels
            .iter()
            .zip(&self.names)
            .map(|(book, name)| (book.newest, &**name))
            .collect();
        newest.sort_unstable();
        let (last, first) = (newest.first(), newest.last());
        let words = |place: Option<&(u64, &str)>| {
            place.map_or_else(String::new, |(number, name)| format!("{name} at number {number}"))
        };
        format!(
            "{}; {} connections; {} is behind, {} is not",
            self.status,
            self.connections,
            words(last),
            words(first)
        )
    }

    /// Says that something is wrong.
    pub(crate) fn wrong(&mut self, problem: String) {
        // The first few say enough.
        if self.wrong.len() < 20 {
            self.wrong.push(problem);
        }
    }

    /// Returns what is wrong.
    pub(crate) fn problems(&self) -> &[String] {
        &self.wrong
    }

    /// Counts all numbers up to these as skipped, if they did not come.
    pub(crate) fn close(&mut self, last: &[u64]) {
        self.channels.iter_mut().zip(last).for_each(|(book, last)| book.close(*last));
    }

    /// Returns whether the event was published within a gap that the channel was told.
    pub(crate) fn is_in_gap(&self, channel: usize, event: &Published, held: Duration) -> bool {
        self.channels[channel].gaps.iter().any(|gap| gap.holds(event, held))
    }

    /// Words for an event and the channel's gaps.
    pub(crate) fn words(&self, channel: usize, number: u64, event: &Published) -> String {
        format!("{} {}", self.names[channel], self.channels[channel].words(number, event))
    }

    /// Looks for every number that was skipped.
    pub(crate) fn verdict(&self, log: &Log, held: Duration) -> Verdict {
        self.judge(log, |gap, event| gap.holds(event, held))
    }

    /// Looks whether what was skipped comes back by refetching everything that was sent since the
    /// gap says.
    pub(crate) fn refetched(&self, log: &Log) -> Verdict {
        self.judge(log, |gap, event| event.ended.is_some_and(|ended| ended >= gap.since))
    }

    /// The same by refetching the last `silent_for` at the time when the gap was handed over.
    pub(crate) fn refetched_by_silence(&self, log: &Log) -> Verdict {
        self.judge(log, |gap, event| {
            event.ended.is_some_and(|ended| ended + gap.silent_for >= gap.at)
        })
    }

    fn judge(&self, log: &Log, holds: impl Fn(&Gap, &Published) -> bool) -> Verdict {
        let mut verdict = Verdict::default();
        for (index, book) in self.channels.iter().enumerate() {
            for number in book.skipped() {
                let Some(event) = log.get(index, number).filter(|event| event.answered) else {
                    continue;
                };
                if let Some(gap) = book.gaps.iter().find(|gap| holds(gap, &event)) {
                    let early = gap.since.saturating_sub(event.ended.unwrap_or_default());
                    if early > verdict.early {
                        let words = self.words(index, number, &event);
                        (verdict.early, verdict.earliest) = (early, Some(words));
                    }
                    verdict.in_gaps += 1;
                    continue;
                }
                verdict.lost += 1;
                verdict.lost_numbers.push((index, number));
                verdict.first_lost.get_or_insert_with(|| self.words(index, number, &event));
            }
        }
        verdict
    }

    /// Forgets what was judged.
    pub(crate) fn turn(&mut self) {
        self.lagged = 0;
        self.connections_before = self.connections;
        self.channels.iter_mut().for_each(ChannelBook::turn);
    }
}
