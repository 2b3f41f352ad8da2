//! The lines that wait for the two streams, in their order.

use std::collections::VecDeque;
use std::io;

use tokio::time::Instant;

/// Maximum number of lines that wait for one stream, and of their bytes. A line that is longer than
/// that waits alone.
pub(super) const LINES: usize = 1024;
pub(super) const BYTES: usize = 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Out => Self::Err,
            Self::Err => Self::Out,
        }
    }
}

/// The queues of both streams.
#[derive(Default)]
pub(super) struct Queues {
    out: Queue,
    err: Queue,
    /// How many lines were queued.
    count: u64,
    /// From here on nothing waits for room.
    pub(super) deadline: Option<Instant>,
}

/// The lines of one stream that are not written as a whole yet.
#[derive(Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Bytes of the first line that are written.
    begun: usize,
    /// Lines that found no room.
    pub(super) missed: u64,
    /// Writing failed: nothing more is written.
    failure: Option<io::Error>,
}

struct Entry {
    /// Its place among the lines of both streams.
    order: u64,
    text: String,
    /// How many lines it counts for if it cannot be printed.
    weight: u64,
}

impl Queues {
    pub(super) fn of(&mut self, stream: Stream) -> &mut Queue {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        }
    }

    pub(super) fn push(&mut self, stream: Stream, text: String, weight: u64) {
        let order = self.count;
        self.count += 1;
        let queue = self.of(stream);
        queue.bytes += text.len();
        queue.entries.push_back(Entry { order, text, weight });
    }
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns whether another line fits into `times` the usual room.
    pub(super) fn has_room(&self, bytes: usize, times: usize) -> bool {
        self.entries.is_empty()
            || self.entries.len() < LINES * times
                && self.bytes.saturating_add(bytes) <= BYTES * times
    }

    /// Returns the place of the first line.
    pub(super) fn first(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.order)
    }

    /// Returns the first line, and those after it up to this number of bytes and before this place.
    pub(super) fn batch(&self, bytes: usize, barrier: Option<u64>) -> Vec<u8> {
        let mut batch = Vec::new();
        for entry in &self.entries {
            let is_over = batch.len() + entry.text.len() > bytes
                || barrier.is_some_and(|barrier| entry.order > barrier);
            if is_over && !batch.is_empty() {
                break;
            }
            batch.extend_from_slice(entry.text.as_bytes());
        }
        batch
    }

    /// Takes away this many bytes of the first lines, which were written.
    pub(super) fn written(&mut self, bytes: usize) {
        self.begun += bytes;
        while let Some(first) = self.entries.front()
            && first.text.len() <= self.begun
        {
            self.begun -= first.text.len();
            self.bytes -= first.text.len();
            self.entries.pop_front();
        }
    }

    /// Nothing more can be written. The lines count for nothing: the reader is gone.
    pub(super) fn fail(&mut self, error: io::Error) {
        self.failure = Some(error);
        self.entries.clear();
        self.bytes = 0;
    }

    pub(super) fn unprinted(&self) -> u64 {
        self.missed + self.entries.iter().map(|entry| entry.weight).sum::<u64>()
    }

    /// # Errors
    /// Why writing failed, if it did.
    pub(super) fn check(&self) -> io::Result<()> {
        match &self.failure {
            Some(error) => Err(match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => error.kind().into(),
            }),
            None => Ok(()),
        }
    }
}
