//! The model's gaps: since when something may be missing on each channel.
//!
//! The model knows the moment at which everything was read, and bounds what the session takes from
//! it for what may be under way: from nothing to all the time since the first frame, and the
//! longest pause.

use std::collections::BTreeMap;
use std::time::Duration;

use pushest_proto::{ConnectionState, Event, Instant};

/// Microseconds since 1970, of whole milliseconds, beyond which no wall clock is believed.
const LATEST: i128 = (u64::MAX / 4) as i128;

const SUSPENDED: i128 = 5_000_000;

/// Everything that decides when gaps begin. All times are microseconds; those of the log have the
/// suspensions in them that were known when they were written down.
#[derive(Default)]
pub(super) struct Gaps {
    wall: Wall,
    /// What happened on the present connection, in order.
    log: Vec<Entry>,
    first_frame: Option<i128>,
    paused: Option<i128>,
    longest_pause: i128,
    channels: BTreeMap<String, ChannelGap>,
}

enum Entry {
    Opened(i128),
    Heard(i128),
    Read(i128),
}

#[derive(Default)]
struct ChannelGap {
    /// The first subscribe on the present connection.
    asked: Option<i128>,
    /// Something was told of it since it was wanted, or since its gap began.
    is_told: bool,
    /// The earliest and the latest beginning.
    gap: Option<(i128, i128)>,
    /// It was unsubscribed from although it is wanted: the bounds of when first, since the last
    /// confirmation.
    renewed: Option<(i128, i128)>,
    /// When the subscription that came then was confirmed, unless that was an answer to the former.
    confirmed: Option<i128>,
    /// The gap must follow at once.
    owes_gap: bool,
}

/// The last reading of the wall clock, and what readings told of.
#[derive(Default)]
struct Wall {
    last: Option<(i128, i128)>,
    suspended: i128,
    noticed: Option<i128>,
}

impl Gaps {
    pub(super) fn opened(&mut self, now: Instant) {
        self.log = vec![Entry::Opened(self.wall.elapsed(now))];
        self.first_frame = None;
        self.paused = None;
        self.longest_pause = 0;
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.log.push(Entry::Heard(self.wall.elapsed(now)));
    }

    pub(super) fn caught_up(&mut self, at: Instant) {
        if self.wall.noticed.is_none_or(|noticed| micros(at) > noticed) {
            self.log.push(Entry::Read(self.wall.elapsed(at)));
        }
    }

    /// The driver stopped reading, or resumed.
    pub(super) fn reading(&mut self, reading: bool, now: Instant) {
        let now = self.wall.elapsed(now);
        if !reading {
            self.paused.get_or_insert(now);
        } else if let Some(paused) = self.paused.take() {
            self.longest_pause = self.longest_pause.max(now - paused);
        }
    }

    /// A frame was sent to which there may be an answer.
    pub(super) fn sends(&mut self, now: Instant) {
        self.first_frame.get_or_insert(self.wall.elapsed(now));
    }

    /// The wall clock was read. Returns whether it shows that the machine was suspended.
    pub(super) fn wall_clock(&mut self, unix: Duration, at: Instant) -> bool {
        self.wall.read(unix, micros(at))
    }

    pub(super) fn subscribes(&mut self, channel: &str, now: Instant) {
        self.sends(now);
        let now = self.wall.elapsed(now);
        self.channels.entry(channel.to_owned()).or_default().asked.get_or_insert(now);
    }

    /// A wanted channel is unsubscribed from, to be subscribed to with other member data.
    pub(super) fn renews(&mut self, channel: &str, now: Instant) {
        let now = self.wall.elapsed(now);
        let channel = self.channels.entry(channel.to_owned()).or_default();
        let confirmed = channel.confirmed.take();
        channel.renewed.get_or_insert((confirmed.unwrap_or(now), now));
    }

    /// Everything was polled. Forgets channels that are no longer wanted.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.channels.retain(|name, _| is_wanted(name));
        for (name, channel) in &self.channels {
            assert!(!channel.owes_gap, "{name} was subscribed without its gap");
        }
    }

    /// Compares what is told.
    pub(super) fn told(&mut self, event: &Event, now: Instant) {
        if let Event::State(change) = event {
            if change.from == ConnectionState::Connected {
                self.lost();
            }
            return;
        }
        let Some(name) = event.channel() else { return };
        let channel = self.channels.entry(name.to_string()).or_default();
        match event {
            Event::Gap { silent_for, since, .. } => {
                let (earliest, latest) =
                    channel.gap.take().unwrap_or_else(|| panic!("{name} has no gap"));
                channel.owes_gap = false;
                let (elapsed, now_elapsed) =
                    (silent_for.as_micros() as i128, self.wall.elapsed(now));
                let bounds = (now_elapsed - latest).max(0)..=(now_elapsed - earliest).max(0);
                assert!(bounds.contains(&elapsed), "{elapsed} µs, and not {bounds:?}, of {name}");
                let latest = self.wall.last.map(|(unix, at)| unix + micros(now) - at - elapsed);
                let since = since.map(|since| since.as_micros() as i128);
                assert_eq!(since.is_some(), latest.is_some(), "of {name}");
                assert!(since <= latest.map(|latest| latest.max(0)), "{since:?} of {name}");
            }
            Event::Subscribed { .. } => {
                let confirmed = channel.confirmed.take().map(|at| (at, at));
                let renewed = channel.renewed.take().or(confirmed);
                if channel.is_told && channel.gap.is_none() {
                    channel.gap = renewed;
                }
                channel.confirmed = renewed.map(|_| self.wall.elapsed(now));
                channel.owes_gap = channel.gap.is_some();
                channel.is_told = true;
            }
            Event::Channel(_)
            | Event::Undecryptable { .. }
            | Event::SubscriptionCount { .. }
            | Event::CacheMiss { .. } => {
                let gap = channel.gap.filter(|_| channel.renewed.is_none());
                assert_eq!(gap, None, "{name} has a gap that was not told");
                channel.is_told = true;
            }
            _ => {}
        }
    }

    fn lost(&mut self) {
        let (earliest, latest) = self.began();
        for channel in self.channels.values_mut() {
            let asked = channel.asked.take();
            let confirmed = channel.confirmed.take().map(|at| (at, i128::MAX));
            let renewed = channel.renewed.take().or(confirmed).unwrap_or((i128::MAX, i128::MAX));
            if std::mem::take(&mut channel.is_told) && channel.gap.is_none() {
                let asked = asked.unwrap_or(i128::MIN);
                let (earliest, latest) = (asked.max(earliest), asked.max(latest));
                channel.gap = Some((earliest.min(renewed.0), latest.min(renewed.1)));
            }
        }
    }

    /// Returns the bounds of the latest time, before the last message, at which everything was
    /// read; not after the first message behind it. The last message, if nothing was said of
    /// reading.
    fn began(&self) -> (i128, i128) {
        let is_said = self.log.iter().any(|entry| matches!(entry, Entry::Read(_)));
        let (mut latest, mut counted, mut heard) = (None, 0, 0);
        for entry in &self.log {
            match entry {
                Entry::Opened(at) => (counted, heard) = (*at, *at),
                Entry::Read(at) => {
                    if latest.is_none_or(|(latest, _)| *at > latest) {
                        latest = Some((*at, false));
                    }
                }
                Entry::Heard(at) => {
                    heard = *at;
                    if let Some((read, is_counted @ false)) = &mut latest {
                        *is_counted = true;
                        counted = *at.min(read);
                    }
                }
            }
        }
        if !is_said {
            return (heard, heard);
        }
        let under_way = self.first_frame.map_or(0, |sent| heard - sent);
        (counted - under_way.max(self.longest_pause), counted)
    }
}

impl Wall {
    fn elapsed(&self, time: Instant) -> i128 {
        micros(time) + self.suspended
    }

    fn read(&mut self, unix: Duration, at: i128) -> bool {
        let unix = i128::try_from(unix.as_micros()).unwrap_or(LATEST).min(LATEST) / 1000 * 1000;
        let Some((last, last_at)) = self.last else {
            self.last = Some((unix, at));
            return false;
        };
        let (passed, ahead) = (at - last_at, unix - last - (at - last_at));
        if passed < 0 || (passed < 60_000_000 && ahead.abs() < 2_000) {
            return false;
        }
        self.last = Some((unix, at));
        let is_noticed = ahead >= SUSPENDED;
        if is_noticed {
            self.suspended = (self.suspended + ahead).min(LATEST);
            self.noticed = Some(at);
        }
        is_noticed
    }
}

fn micros(time: Instant) -> i128 {
    // Beyond this the session's clock does not go.
    time.as_micros().min(u64::MAX / 2).into()
}
