//! Events of one channel, or of many.

use std::hint::black_box;

use bytes::Bytes;
use pushest_proto::SubscribeOptions;
use serde::de::IgnoredAny;

use super::session::Established;
use crate::frames;

/// What an event looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A name with escapes, and as data a string that holds a number and a long text as JSON.
    Laravel,
    /// The same with a name that has no escapes.
    Plain,
    /// A name with escapes, and as data a string whose JSON has many short texts: a backslash every
    /// six bytes or so.
    Dense,
    /// The same as an object instead of a string.
    Object,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Laravel, Self::Plain, Self::Dense, Self::Object];

    /// Returns the shape's name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Laravel => "laravel",
            Self::Plain => "plain",
            Self::Dense => "dense",
            Self::Object => "object",
        }
    }

    fn text(self, channel: &str, number: u64, size: usize) -> String {
        match self {
            Self::Laravel => frames::event(channel, number, size),
            Self::Plain => frames::plain_event(channel, number, size),
            Self::Dense => frames::dense_event(channel, number, size),
            Self::Object => frames::object_event(channel, number, size),
        }
    }
}

/// The number of different events that go round where there are fewer channels.
const EVENTS: u64 = 256;

/// A session with channels, and events for them in the order in which they come. The events lie
/// one behind the other, as they would in the buffers of a socket.
#[derive(Debug)]
pub struct Channels {
    established: Established,
    events: Vec<Bytes>,
    next: usize,
}

impl Channels {
    /// Creates a session with `channels` subscriptions, and events of this size and shape. Each
    /// channel's turn comes in an order that leaps through the table.
    pub fn new(channels: u64, size: usize, shape: Shape) -> Self {
        let name = |index: u64| format!("orders-{index}");
        let mut established = Established::new(false, |session| {
            for index in 0..channels {
                let options = SubscribeOptions::default();
                let now = pushest_proto::Instant::ORIGIN;
                session.subscribe(&name(index), &options, now).expect("there is room");
            }
        });
        for index in 0..channels {
            assert_eq!(established.confirm(&name(index), r#""{}""#).emitted, 1);
        }
        let mut text = String::new();
        let mut ends = Vec::new();
        for number in 0..channels.max(EVENTS) {
            // Prime, and so coprime to every number of channels that is asked for.
            let index = number.wrapping_mul(7_368_787) % channels;
            text.push_str(&shape.text(&name(index), number, size));
            ends.push(text.len());
        }
        let buffer = Bytes::from(text);
        let begins = std::iter::once(0).chain(ends.iter().copied());
        let events = begins.zip(&ends).map(|(begin, end)| buffer.slice(begin..*end)).collect();
        let mut channels = Self { established, events, next: 0 };
        channels.route(EVENTS); // tables that are made when they are needed are there now
        channels
    }

    /// Hands in this many events, and takes out each. Panics unless each comes out.
    pub fn route(&mut self, count: u64) {
        let mut emitted = 0;
        for _ in 0..count {
            let event = self.next_event();
            emitted += self.established.message(event).emitted;
        }
        assert_eq!(emitted, count, "each event comes out");
    }

    /// Skips this many of the same events as JSON. Panics unless each is JSON.
    pub fn skip(&mut self, count: u64) {
        let mut skipped = 0;
        for _ in 0..count {
            let event = self.next_event();
            let result = serde_json::from_slice::<IgnoredAny>(black_box(&event));
            skipped += u64::from(black_box(result.is_ok()));
        }
        assert_eq!(skipped, count, "each event is JSON");
    }

    #[inline]
    fn next_event(&mut self) -> Bytes {
        let event = self.events[self.next].clone();
        self.next = if self.next + 1 == self.events.len() { 0 } else { self.next + 1 };
        event
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_channel_has_its_turn_and_every_event_comes_out() {
        for shape in Shape::ALL {
            let mut channels = Channels::new(1_000, 208, shape);
            channels.route(2_500);
            channels.skip(2_500);
            let texts: HashSet<_> = channels.events.iter().collect();
            assert_eq!(texts.len(), 1_000);
            assert!(channels.events.iter().all(|event| event.len() == 208));
        }
    }
}
