//! Which address is tried when: the next one beside those that are still silent, so that a dead
//! address does not delay the connection. Without I/O, so that the WebSocket's sockets, which do not
//! block, and those of the authorization endpoint, which do, race alike.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use pushest_proto::Instant;

/// How long one address may be silent before the next one is tried beside it (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// The least that RFC 8305 recommends.
const LEAST_STAGGER: Duration = Duration::from_millis(100);

/// Many addresses follow each other faster, so that all of them are tried within this time, as far
/// as [`LEAST_STAGGER`] allows: four silent ones cost less than a second.
const ALL_TRIED: Duration = Duration::from_millis(750);

/// The addresses of one dial.
#[derive(Debug)]
pub(crate) struct Race {
    waiting: VecDeque<SocketAddr>,
    /// Attempts that have neither succeeded nor failed.
    running: usize,
    stagger: Duration,
    /// When the next address is tried if nothing fails before; `None` for at once.
    next_at: Option<Instant>,
    failures: Vec<String>,
}

impl Race {
    /// A race of these addresses, tried in this order.
    pub(crate) fn new(addresses: Vec<SocketAddr>) -> Self {
        let pauses = u32::try_from(addresses.len().saturating_sub(1)).unwrap_or(u32::MAX).max(1);
        let stagger = (ALL_TRIED / pauses).clamp(LEAST_STAGGER, STAGGER);
        Self { waiting: addresses.into(), running: 0, stagger, next_at: None, failures: Vec::new() }
    }

    /// Returns the next address, once its time has come. Its attempt is on its way from then on.
    pub(crate) fn next(&mut self, now: Instant) -> Option<SocketAddr> {
        if self.next_at.is_some_and(|at| at > now) {
            return None;
        }
        let address = self.waiting.pop_front()?;
        self.running += 1;
        self.next_at = Some(now + self.stagger);
        Some(address)
    }

    /// Returns when [`Race::next`] has another address; `None` if there is no other one.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.next_at.filter(|_| !self.waiting.is_empty())
    }

    /// An attempt has failed: the next address need not wait for its time.
    pub(crate) fn failed(&mut self, address: SocketAddr, error: &io::Error) {
        self.running -= 1;
        self.next_at = None;
        self.failures.push(format!("{address}: {error}"));
    }

    /// Returns why there is no connection, once every address has failed.
    pub(crate) fn lost(&self) -> Option<String> {
        (self.running == 0 && self.waiting.is_empty()).then(|| self.failures.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(count: u8) -> Vec<SocketAddr> {
        (0..count).map(|last| SocketAddr::from(([127, 0, 0, last], 1))).collect()
    }

    /// Returns when each address is tried, in milliseconds, if none of them ever answers.
    fn times(count: u8) -> Vec<u64> {
        let (mut race, mut now, mut times) =
            (Race::new(addresses(count)), Instant::ORIGIN, Vec::new());
        loop {
            while race.next(now).is_some() {
                times.push(now.as_micros() / 1_000);
            }
            let Some(next) = race.next_at() else { return times };
            assert!(next > now);
            now = next;
        }
    }

    #[test]
    fn silent_addresses_are_passed_by_one_after_the_other_and_four_cost_less_than_a_second() {
        assert_eq!(times(1), [0]);
        assert_eq!(times(2), [0, 250]);
        assert_eq!(times(3), [0, 250, 500]);
        assert_eq!(times(5), [0, 187, 375, 562, 750]);
        assert_eq!(times(16).last(), Some(&1_500));
    }

    #[test]
    fn an_address_that_fails_is_followed_at_once_and_all_failures_are_named() {
        let mut race = Race::new(addresses(2));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let first = race.next(Instant::ORIGIN).expect("it begins at once");
        assert_eq!(race.next(Instant::ORIGIN), None);
        race.failed(first, &refused);
        let second = race.next(Instant::ORIGIN).expect("it need not wait");
        assert_eq!((race.lost(), race.next_at()), (None, None));
        race.failed(second, &refused);
        let lost = race.lost().expect("there is no other");
        assert!(lost.contains("127.0.0.0:1: ") && lost.contains("127.0.0.1:1: "), "{lost}");
    }
}
