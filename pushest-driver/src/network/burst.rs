//! Notices that come in a burst, and what a look after it could not see.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::message::Message;

/// How long no further notice may come before a burst is over: what is done to an interface is told in
/// many notices.
const QUIET: Duration = Duration::from_millis(100);

/// The longest that a burst may last: notices that never end must not put everything off.
const LONGEST: Duration = Duration::from_millis(500);

/// Maximum number of interfaces and of addresses that are kept apart; what comes to more is seen by the look
/// alone.
const MOST: usize = 256;

/// What was told since the last look.
#[derive(Debug, Default)]
pub(super) struct Burst {
    times: Option<(Instant, Instant)>,
    /// Interfaces that carried nothing in between.
    stopped: BTreeSet<u32>,
    /// Addresses that were gone in between.
    gone: BTreeSet<IpAddr>,
    /// Something came that connections may be made with.
    pub(super) came: bool,
    /// Something went that connections may have been made with.
    pub(super) went: bool,
}

impl Burst {
    /// Takes a notice.
    pub(super) fn note(&mut self, message: &Message, now: Instant) {
        match message {
            Message::Link { is_running: true, .. } => self.came = true,
            Message::Link { interface, is_running: false } => {
                self.went = true;
                keep(&mut self.stopped, *interface);
            }
            // Nothing can be sent from one that may yet be found to be another machine's.
            Message::Address { is_there: true, is_tentative, .. } => self.came |= !is_tentative,
            Message::Address { is_there: false, address, .. } => {
                self.went = true;
                keep(&mut self.gone, *address);
            }
            Message::Route { is_there, is_to_others: true, .. } => {
                self.came |= is_there;
                self.went |= !is_there;
            }
            Message::Rule => (self.came, self.went) = (true, true),
            Message::Route { is_to_others: false, .. } | Message::Failed | Message::Done => return,
        }
        self.begin(now);
    }

    /// Takes note that notices are lost.
    pub(super) fn note_lost(&mut self, now: Instant) {
        (self.came, self.went) = (true, true);
        self.begin(now);
    }

    fn begin(&mut self, now: Instant) {
        let first = self.times.map_or(now, |(first, _)| first);
        self.times = Some((first, now));
    }

    /// Returns how long it is until the burst is over; `None` before the first notice.
    pub(super) fn due_in(&self, now: Instant) -> Option<Duration> {
        let (first, last) = self.times?;
        let due = (first + LONGEST).min(last + QUIET);
        Some(due.saturating_duration_since(now))
    }

    /// Returns whether packets from this address on this interface may have been lost in between.
    pub(super) fn concerns(&self, interface: Option<u32>, address: IpAddr) -> bool {
        interface.is_some_and(|index| self.stopped.contains(&index)) || self.gone.contains(&address)
    }
}

fn keep<T: Ord>(kept: &mut BTreeSet<T>, value: T) {
    if kept.len() < MOST {
        kept.insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn link(interface: u32, is_running: bool) -> Message {
        Message::Link { interface, is_running }
    }

    #[test]
    fn a_burst_is_over_after_a_tenth_of_a_second_and_after_half_a_second_in_any_case() {
        let begun = Instant::now();
        let mut burst = Burst::default();
        assert_eq!(burst.due_in(begun), None);
        burst.note(&link(1, true), begun);
        assert_eq!(burst.due_in(begun), Some(100 * MS));
        for tenth in 1..10_u32 {
            let now = begun + 50 * MS * tenth;
            burst.note(&link(1, true), now);
            assert_eq!(burst.due_in(now), Some((100 * MS).min(500 * MS - 50 * MS * tenth)));
        }
        assert_eq!(burst.due_in(begun + 600 * MS), Some(Duration::ZERO));
    }

    #[test]
    fn what_went_and_is_back_concerns_those_that_it_belongs_to() {
        let now = Instant::now();
        let own: IpAddr = "192.0.2.7".parse().unwrap();
        let other: IpAddr = "192.0.2.8".parse().unwrap();
        let mut burst = Burst::default();
        for is_there in [false, true] {
            let is_tentative = false;
            burst.note(
                &Message::Address { is_there, interface: 2, address: own, is_tentative },
                now,
            );
        }
        for is_running in [false, true] {
            burst.note(&link(3, is_running), now);
        }
        assert!(burst.concerns(Some(2), own) && burst.concerns(None, own));
        assert!(burst.concerns(Some(3), other));
        assert!(!burst.concerns(Some(2), other) && !burst.concerns(None, other));
        assert!(burst.came && burst.went);
    }

    #[test]
    fn however_much_is_told_only_so_much_is_kept() {
        let mut burst = Burst::default();
        for interface in 0..10_000 {
            burst.note(&link(interface, false), Instant::now());
        }
        assert_eq!(burst.stopped.len(), MOST);
    }

    #[test]
    fn answers_and_routes_of_the_machines_own_addresses_begin_no_burst() {
        let mut burst = Burst::default();
        let route = super::super::message::Route { interface: Some(1), gateway: None };
        for message in [
            Message::Route { is_there: true, is_to_others: false, route },
            Message::Failed,
            Message::Done,
        ] {
            burst.note(&message, Instant::now());
        }
        assert_eq!(burst.due_in(Instant::now()), None);
        assert!(!burst.came && !burst.went);
    }
}
