//! The books of one client: what it was handed, against what was published.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::channels::{Channel, Kind};
use crate::lines::{Line, Told};
use crate::log::{Log, Published};

/// Events within this many numbers of the newest one may be what a cache channel's server keeps.
const CACHED: u64 = 3;

/// What one client told.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) channels: Vec<ChannelBook>,
    pub(crate) is_ready: bool,
    /// Connections that were established, as it said last, and how things stood.
    pub(crate) connections: u64,
    connections_before: u64,
    pub(crate) status: String,
    /// How often it answered that.
    pub(crate) answers: u64,
    /// How many events receivers were too slow for, since the last [`Book::turn`].
    pub(crate) lagged: u64,
    /// What is wrong.
    wrong: Vec<String>,
    names: Vec<String>,
}

/// What one channel's receiver was handed; the lists are since the last [`Book::turn`].
#[derive(Debug, Default)]
pub(crate) struct ChannelBook {
    /// Confirmations, from the beginning, and before the last turn.
    pub(crate) subscribed: u64,
    subscribed_before: u64,
    /// The highest number that was handed over, and how many there were since the last turn.
    pub(crate) newest: u64,
    events: u64,
    pub(crate) gaps: Vec<Gap>,
    /// Numbers that were skipped.
    pub(crate) skipped: Vec<RangeInclusive<u64>>,
    is_cache: bool,
    /// The server may repeat its cached event.
    may_repeat: bool,
    /// A gap must come next.
    owes_gap: bool,
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
    /// Whether an event that was published so may be lost in it. `held` is how much longer than any
    /// round trip that the client can have measured the way may have held it.
    fn holds(&self, event: &Published, held: Duration) -> bool {
        let until = self.since + self.silent_for;
        event.ended.is_some_and(|ended| ended + held >= self.since) && event.began <= until
    }
}

/// What the books say of the time since the last [`Book::turn`].
#[derive(Debug, Default, Clone)]
pub(crate) struct Verdict {
    /// Published for sure, not handed over, and in a gap.
    pub(crate) in_gaps: u64,
    /// Of these, how much earlier than the gap begins the earliest was published.
    pub(crate) early: Duration,
    /// Published for sure, and neither handed over nor in a gap: with words for the first of them.
    pub(crate) lost: u64,
    pub(crate) first_lost: Option<String>,
}

impl Book {
    pub(crate) fn new(channels: &[Channel]) -> Self {
        let book = |channel: &Channel| ChannelBook {
            is_cache: channel.kind == Kind::Cache,
            ..ChannelBook::default()
        };
        Self {
            channels: channels.iter().map(book).collect(),
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

    /// How many events were handed over since the last [`Book::turn`].
    pub(crate) fn events(&self) -> u64 {
        self.channels.iter().map(|book| book.events).sum()
    }

    /// Checks that each channel was told a gap for each time that it was confirmed anew, and no more
    /// than there were losses.
    pub(crate) fn check_gaps(&mut self) {
        let losses = self.losses();
        let mut problems = Vec::new();
        for (name, book) in self.names.iter().zip(&self.channels) {
            let (gaps, confirmed) = (book.gaps.len() as u64, book.subscribed - book.subscribed_before);
            if gaps < confirmed || gaps > losses {
                problems.push(format!(
                    "{name}: {gaps} gaps, {confirmed} confirmations, {losses} new connections"
                ));
            }
        }
        problems.into_iter().for_each(|problem| self.wrong(problem));
    }

    /// Says that something is wrong.
    pub(crate) fn wrong(&mut self, problem: String) {
        // The first few say enough.
        if self.wrong.len() < 20 {
            self.wrong.push(problem);
        }
    }

    /// What is wrong.
    pub(crate) fn problems(&self) -> &[String] {
        &self.wrong
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
            for number in book.skipped.iter().cloned().flatten() {
                let Some(event) = log.get(index, number).filter(|event| event.answered) else {
                    continue;
                };
                if let Some(gap) = book.gaps.iter().find(|gap| holds(gap, &event)) {
                    let ended = event.ended.unwrap_or_default();
                    verdict.early = verdict.early.max(gap.since.saturating_sub(ended));
                    verdict.in_gaps += 1;
                    continue;
                }
                verdict.lost += 1;
                verdict.first_lost.get_or_insert_with(|| {
                    format!("{} {}", self.names[index], book.words(number, &event))
                });
            }
        }
        verdict
    }

    /// Forgets what was judged.
    pub(crate) fn turn(&mut self) {
        self.lagged = 0;
        self.connections_before = self.connections;
        for book in &mut self.channels {
            book.subscribed_before = book.subscribed;
            book.events = 0;
            book.gaps.clear();
            book.skipped.clear();
        }
    }
}

impl ChannelBook {
    fn subscribed(&mut self) -> Result<(), String> {
        let owed = std::mem::take(&mut self.owes_gap);
        self.subscribed += 1;
        self.owes_gap = self.subscribed > 1 && !std::mem::take(&mut self.is_ahead);
        self.may_repeat = self.is_cache;
        if owed { Err("confirmed again without a gap".to_string()) } else { Ok(()) }
    }

    fn gap(&mut self, gap: Gap) -> Result<(), String> {
        self.gaps.push(gap);
        if !std::mem::take(&mut self.owes_gap) {
            self.is_ahead = true;
        }
        if self.subscribed == 0 { Err("a gap before the first confirmation".to_string()) } else { Ok(()) }
    }

    fn event(&mut self, number: u64) -> Result<(), String> {
        let owed = std::mem::take(&mut self.owes_gap);
        let newest = self.newest;
        if number <= newest {
            let is_cached = self.may_repeat && number + CACHED >= newest;
            self.may_repeat = false;
            return if is_cached {
                Ok(())
            } else {
                let what = if self.was_skipped(number) { "out of order" } else { "doubled" };
                Err(format!("number {number} came {what}, after {newest}"))
            };
        }
        if number > newest + 1 {
            self.skipped.push(newest + 1..=number - 1);
        }
        self.newest = number;
        self.events += 1;
        if owed { Err(format!("no gap between the confirmation and number {number}")) } else { Ok(()) }
    }

    fn was_skipped(&self, number: u64) -> bool {
        self.skipped.iter().any(|range| range.contains(&number))
    }

    /// Words for an event that is in no gap.
    fn words(&self, number: u64, event: &Published) -> String {
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
