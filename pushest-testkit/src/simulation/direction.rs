//! One direction of a connection: what was sent arrives in order, each after a delay.

use std::collections::VecDeque;
use std::time::Duration;

use pushest_proto::Instant;

/// The messages on their way.
#[derive(Debug)]
pub(super) struct Direction<T> {
    packets: VecDeque<(Instant, T)>,
    /// Nothing that is sent from now on arrives.
    broken: bool,
}

impl<T> Direction<T> {
    pub(super) fn new() -> Self {
        Self { packets: VecDeque::new(), broken: false }
    }

    /// Sends a packet, which arrives after `delay`, and not before what was sent before it.
    pub(super) fn send(&mut self, packet: T, now: Instant, delay: Duration) {
        if !self.broken {
            let last = self.packets.back().map_or(now, |(arrival, _)| *arrival);
            self.packets.push_back((last.max(now + delay), packet));
        }
    }

    /// Breaks the direction: the first `kept` packets still arrive, the others and all later ones
    /// are lost. Returns how many of those that were on their way are lost.
    pub(super) fn cut(&mut self, kept: usize) -> u64 {
        let lost = self.packets.len().saturating_sub(kept) as u64;
        self.packets.truncate(kept);
        self.broken = true;
        lost
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Returns how many packets are on their way.
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    pub(super) fn next_arrival(&self) -> Option<Instant> {
        self.packets.front().map(|(arrival, _)| *arrival)
    }

    /// Returns when the last packet will have arrived.
    pub(super) fn last_arrival(&self) -> Option<Instant> {
        self.packets.back().map(|(arrival, _)| *arrival)
    }

    /// Takes the next packet that has arrived.
    pub(super) fn receive(&mut self, now: Instant) -> Option<T> {
        self.receive_with_time(now).map(|(_, packet)| packet)
    }

    /// The same with the time of its arrival.
    pub(super) fn receive_with_time(&mut self, now: Instant) -> Option<(Instant, T)> {
        if self.next_arrival()? > now {
            return None;
        }
        self.packets.pop_front()
    }
}
