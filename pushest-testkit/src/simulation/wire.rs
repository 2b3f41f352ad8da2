//! One direction of a connection: what was sent arrives in order, each after a delay.

use std::collections::VecDeque;
use std::time::Duration;

use pushest_proto::Instant;

/// What is on its way.
#[derive(Debug)]
pub(super) struct Wire<T> {
    packets: VecDeque<(Instant, T)>,
    /// Nothing that is sent from now on arrives.
    broken: bool,
}

impl<T> Wire<T> {
    pub(super) fn new() -> Self {
        Self { packets: VecDeque::new(), broken: false }
    }

    /// Sends: it arrives after `delay`, and not before what was sent before it.
    pub(super) fn send(&mut self, packet: T, now: Instant, delay: Duration) {
        if !self.broken {
            let last = self.packets.back().map_or(now, |(arrival, _)| *arrival);
            self.packets.push_back((last.max(now + delay), packet));
        }
    }

    /// Breaks: the first `kept` packets still arrive, the others and all later ones are lost.
    pub(super) fn cut(&mut self, kept: usize) {
        self.packets.truncate(kept);
        self.broken = true;
    }

    /// How many packets are on their way.
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    pub(super) fn next_arrival(&self) -> Option<Instant> {
        self.packets.front().map(|(arrival, _)| *arrival)
    }

    /// When the last packet will have arrived.
    pub(super) fn last_arrival(&self) -> Option<Instant> {
        self.packets.back().map(|(arrival, _)| *arrival)
    }

    /// Takes the next packet that has arrived.
    pub(super) fn receive(&mut self, now: Instant) -> Option<T> {
        if self.next_arrival()? > now {
            return None;
        }
        self.packets.pop_front().map(|(_, packet)| packet)
    }
}
