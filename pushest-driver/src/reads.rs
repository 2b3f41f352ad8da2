//! What the reads of a TCP socket tell: up to when everything that had arrived has been read.
//!
//! After a loss the client has missed at most what was sent since such a moment, so that a wrong
//! one costs the user data. Two things look like one and are none. A stream that has nothing to
//! give may not have looked: tokio does not ask the operating system again before its own loop has
//! been told by it, and that stands still while a task blocks the thread. And a socket that has just
//! been read empty after it was full says nothing about what its sender could not send meanwhile:
//! that is old, and still to come.

use std::time::Duration;

use pushest_proto::Instant;

/// As many unread bytes may fill a receive buffer, whose owner counts what surrounds them, too: the
/// smallest default is 64 KiB, of which small segments use up a multiple of their size.
const WINDOW: usize = 16 * 1024;

/// How long a sender is given at least to send what it had to hold back. It has as long as it had to
/// hold it, up to the longest.
const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);

/// Follows the reads of one TCP socket, for [`ByteStream::caught_up`]: the runtime's stream tells it
/// about each of them.
///
/// ```
/// use std::io::{self, ErrorKind, Read};
/// use pushest_driver::proto::Instant;
/// use pushest_driver::unstable::Reads;
///
/// /// Reads a socket that returns `WouldBlock` instead of waiting.
/// fn read(
///     socket: &mut impl Read,
///     reads: &mut Reads,
///     now: impl Fn() -> Instant,
///     buffer: &mut [u8],
/// ) -> io::Result<usize> {
///     let before = now();
///     let read = socket.read(buffer);
///     match &read {
///         Ok(length) => reads.read(before, buffer.len(), *length),
///         Err(error) if error.kind() == ErrorKind::WouldBlock => reads.found_nothing(before),
///         Err(_) => {}
///     }
///     read
/// }
/// ```
///
/// [`ByteStream::caught_up`]: super::unstable::ByteStream::caught_up
#[derive(Debug, Clone)]
pub struct Reads {
    /// Everything that had arrived by then was read.
    emptied: Instant,
    /// Bytes read since.
    bytes: usize,
    /// Since when the sender may have had to hold something back that has not come yet: the oldest
    /// time of this span, and of the one before it. It counts to the end of the next span.
    held: Option<Instant>,
    held_before: Option<Instant>,
    span_began: Instant,
    span: Duration,
}

impl Reads {
    /// Creates the state of a socket that was not connected yet at `now`, on the clock of
    /// [`Runtime::now`](super::unstable::Runtime::now), as all times here.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            emptied: now,
            bytes: 0,
            held: None,
            held_before: None,
            span_began: now,
            span: SHORTEST,
        }
    }

    /// Takes note of a read by the operating system that returned `length` of at most `asked` bytes
    /// and began at `before` or later. If it returned fewer than it was asked for, there were no
    /// more.
    pub fn read(&mut self, before: Instant, asked: usize, length: usize) {
        self.bytes = self.bytes.saturating_add(length);
        if length < asked {
            self.found_nothing(before);
        }
    }

    /// Takes note that the operating system, asked at `before` or later, has nothing to read
    /// (`WouldBlock`). Not for a stream that returns `Pending` without having asked.
    pub fn found_nothing(&mut self, before: Instant) {
        self.end_span(before);
        if self.bytes > WINDOW {
            let stalled = before.saturating_duration_since(self.emptied).min(LONGEST);
            if stalled > self.span {
                (self.span_began, self.span) = (before, stalled);
            }
            self.held.get_or_insert(self.emptied);
        }
        self.emptied = self.emptied.max(before);
        self.bytes = 0;
    }

    /// Returns a time such that everything that had arrived by then, and everything that the sender
    /// would have liked to send by then, has been read.
    #[must_use]
    pub fn caught_up(&self) -> Instant {
        self.held_before.or(self.held).unwrap_or(self.emptied)
    }

    fn end_span(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.span_began);
        if elapsed < self.span {
            return;
        }
        self.held_before = self.held.take().filter(|_| elapsed < self.span * 2);
        self.span_began = now;
        if self.held_before.is_none() {
            self.span = SHORTEST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ORIGIN + Duration::from_millis(millis)
    }

    #[test]
    fn a_short_read_and_a_refusal_are_moments_and_a_full_read_is_none() {
        let mut reads = Reads::new(at(0));
        assert_eq!(reads.caught_up(), at(0));
        reads.read(at(10), 100, 100);
        assert_eq!(reads.caught_up(), at(0));
        reads.read(at(20), 100, 99);
        assert_eq!(reads.caught_up(), at(20));
        reads.read(at(30), 100, 100);
        reads.found_nothing(at(40));
        assert_eq!(reads.caught_up(), at(40));
        // The end of the stream is one, too.
        reads.read(at(50), 100, 0);
        assert_eq!(reads.caught_up(), at(50));
    }

    /// Reads a number of bytes, in pieces, until there are no more.
    fn drain(reads: &mut Reads, now: Instant, bytes: usize) {
        for _ in 0..bytes / 4096 {
            reads.read(now, 4096, 4096);
        }
        reads.read(now, 4096, bytes % 4096);
    }

    #[test]
    fn after_a_full_buffer_the_sender_has_as_long_as_it_had_to_wait() {
        for (stall, patience) in [(100, 2_000), (15_000, 15_000), (600_000, 60_000)] {
            let mut reads = Reads::new(at(0));
            drain(&mut reads, at(1_000), 10);
            let resumed = 1_000 + stall;
            drain(&mut reads, at(resumed), 1_000_000);
            let mut now = resumed;
            while now < resumed + patience {
                assert_eq!(reads.caught_up(), at(1_000), "{stall}: {now}");
                now += 100;
                drain(&mut reads, at(now), 1_000);
            }
            now += 2 * patience;
            drain(&mut reads, at(now), 1_000);
            assert_eq!(reads.caught_up(), at(now), "{stall}");
        }
    }

    #[test]
    fn a_second_stall_is_waited_for_as_long_as_the_first() {
        let mut reads = Reads::new(at(0));
        drain(&mut reads, at(1_000), 10);
        drain(&mut reads, at(16_000), 1_000_000);
        drain(&mut reads, at(20_000), 10);
        // Within the first span, and at its very end.
        drain(&mut reads, at(30_900), 1_000_000);
        for now in (31_000..45_900).step_by(100) {
            drain(&mut reads, at(now), 10);
            assert!(reads.caught_up() <= at(20_000), "{now}: {reads:?}");
        }
    }

    #[test]
    fn a_stream_that_never_pauses_is_caught_up_with_within_seconds() {
        let mut reads = Reads::new(at(0));
        for now in (0..100_000).step_by(10) {
            drain(&mut reads, at(now), 100_000);
            let behind = at(now).saturating_duration_since(reads.caught_up());
            assert!(behind <= SHORTEST * 2 + Duration::from_millis(20), "{now}: {behind:?}");
        }
    }

    #[test]
    fn no_moment_is_taken_back() {
        let mut reads = Reads::new(at(0));
        let (mut last, mut now, mut seed) = (at(0), 0, 1_u64);
        for _ in 0..100_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (pause, bytes) = (seed >> 50, (seed >> 20) % 40_000);
            now += pause / 4;
            let length = usize::try_from(bytes).unwrap();
            reads.read(at(now), length + usize::from(seed.is_multiple_of(3)), length);
            assert!(reads.caught_up() >= last && reads.caught_up() <= at(now));
            last = reads.caught_up();
        }
    }
}
