//! What was read of a stream beyond what its reader had room for.

use std::io;
use std::task::{Context, Poll};

use crate::byte_stream::ByteStream;

/// The most that is read with one call, in buffers of the reader's.
const TIMES: usize = 4;

/// The same in bytes, unless one such buffer is larger.
const MOST: usize = 32 * 1024;

/// Reads a stream in as few calls of the system as there can be.
///
/// tungstenite reads into what its buffer has left: while events hold on to the rest of it, that is
/// mostly a small piece, and then the beginning of the next buffer. A stream that fills what it is
/// given has more, so that from then on it is read a whole buffer at a time, then two and four, until it has
/// none: each call costs the same beside the copy, and may wake the sender. A stream that is mostly idle costs
/// no memory for this.
#[derive(Debug)]
pub(super) struct Ahead {
    /// Room for what is read; the first `filled` bytes of it were, and the first `given` of these given out.
    bytes: Vec<u8>,
    filled: usize,
    given: usize,
    /// The size of its reader's buffer, in bytes.
    buffer: usize,
    /// The last read brought a whole buffer, or all that it had room for.
    is_more_there: bool,
}

impl Ahead {
    /// Begins with what was read before, for a reader whose buffer has this size in bytes.
    pub(super) fn new(bytes: Vec<u8>, buffer: usize) -> Self {
        Self { filled: bytes.len(), bytes, given: 0, buffer, is_more_there: false }
    }

    /// Reads what was read before, and then the stream, as [`ByteStream::poll_read`] does.
    pub(super) fn poll_read<S: ByteStream>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.given == self.filled {
            let was_full = self.filled == self.bytes.len();
            (self.given, self.filled) = (0, 0);
            if !self.is_more_there {
                // Its room is needed again only if much comes at once.
                self.bytes = Vec::new();
            }
            if !self.is_more_there || buffer.len() >= self.most() {
                return self.poll_stream(stream, context, buffer);
            }
            let mut bytes = std::mem::take(&mut self.bytes);
            let times = if was_full { 2 } else { 1 };
            let size = (times * bytes.len()).clamp(self.buffer, self.most());
            if bytes.len() != size {
                bytes = vec![0; size];
            }
            let read = self.poll_stream(stream, context, &mut bytes);
            let Poll::Ready(Ok(length)) = read else { return read };
            (self.bytes, self.filled) = (bytes, length);
        }
        let left = &self.bytes[self.given..self.filled];
        let length = left.len().min(buffer.len());
        buffer[..length].copy_from_slice(&left[..length]);
        self.given += length;
        Poll::Ready(Ok(length))
    }

    /// Returns how much is read at a time, at most, in bytes.
    fn most(&self) -> usize {
        self.buffer.saturating_mul(TIMES).min(MOST).max(self.buffer)
    }

    fn poll_stream<S: ByteStream>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = stream.poll_read(context, buffer);
        let whole = buffer.len().min(self.buffer);
        self.is_more_there = matches!(read, Poll::Ready(Ok(length)) if length >= whole);
        read
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// A stream that has this many bytes, and tells how much each read asked for.
    #[derive(Default)]
    struct Stream {
        left: usize,
        asked: Vec<usize>,
    }

    impl ByteStream for Stream {
        fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            self.asked.push(buffer.len());
            let length = self.left.min(buffer.len());
            self.left -= length;
            buffer[..length].fill(b's');
            if length == 0 { Poll::Pending } else { Poll::Ready(Ok(length)) }
        }

        fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Reads at most so many bytes; returns what was read, if anything was.
    fn read(ahead: &mut Ahead, stream: &mut Stream, most: usize) -> Option<String> {
        let mut buffer = vec![0; most];
        match ahead.poll_read(stream, &mut Context::from_waker(Waker::noop()), &mut buffer) {
            Poll::Ready(Ok(length)) => Some(String::from_utf8_lossy(&buffer[..length]).into()),
            Poll::Ready(Err(error)) => panic!("{error}"),
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_was_read_before_comes_first() {
        let mut stream = Stream { left: 3, ..Stream::default() };
        let mut ahead = Ahead::new(b"begin".to_vec(), 8);
        let pieces: Vec<_> = std::iter::from_fn(|| read(&mut ahead, &mut stream, 4)).collect();
        assert_eq!(pieces, ["begi", "n", "sss"]);
    }

    #[test]
    fn a_stream_that_has_much_is_read_buffers_at_a_time_however_small_the_pieces() {
        let mut stream = Stream { left: 24, ..Stream::default() };
        let mut ahead = Ahead::new(Vec::new(), 8);
        let mut length = 0;
        while let Some(piece) = read(&mut ahead, &mut stream, 2) {
            length += piece.len();
        }
        assert_eq!(length, 24);
        // The first read fills its two bytes, that of 16 has less but much, and then there is nothing.
        assert_eq!(stream.asked, [2, 8, 16, 16]);
        assert_eq!(ahead.bytes.capacity(), 0, "an idle stream keeps memory");
    }

    #[test]
    fn a_stream_that_has_just_as_much_as_was_asked_for_is_idle_behind_it() {
        let mut stream = Stream { left: 10, ..Stream::default() };
        let mut ahead = Ahead::new(Vec::new(), 8);
        while read(&mut ahead, &mut stream, 2).is_some() {}
        assert_eq!(stream.asked, [2, 8, 16]);
        assert_eq!(ahead.bytes.capacity(), 0, "an idle stream keeps memory");
        stream.left = 2;
        assert_eq!(read(&mut ahead, &mut stream, 2).as_deref(), Some("ss"));
        assert_eq!(read(&mut ahead, &mut stream, 2), None);
        assert_eq!(ahead.bytes.capacity(), 0, "an idle stream keeps memory");
    }

    #[test]
    fn no_more_is_read_at_a_time_than_four_buffers_and_32_kib() {
        let sizes = [(8, 32), (12_000, 32 * 1024), (16 * 1024, 32 * 1024), (64_000, 64_000)];
        for (buffer, most) in sizes {
            let mut stream = Stream { left: 1024 * 1024, ..Stream::default() };
            let mut ahead = Ahead::new(Vec::new(), buffer);
            for _ in 0..30 {
                read(&mut ahead, &mut stream, buffer / 2).expect("there is more");
            }
            assert!(stream.asked.contains(&most), "{:?}", stream.asked);
            assert!(stream.asked.iter().all(|asked| *asked <= most), "{:?}", stream.asked);
            assert!(ahead.bytes.capacity() <= most);
        }
    }

    #[test]
    fn a_reader_that_has_room_for_as_much_is_given_it_at_once() {
        let mut stream = Stream { left: 1_000, ..Stream::default() };
        let mut ahead = Ahead::new(Vec::new(), 8);
        assert_eq!(read(&mut ahead, &mut stream, 100).map(|piece| piece.len()), Some(100));
        assert_eq!(read(&mut ahead, &mut stream, 100).map(|piece| piece.len()), Some(100));
        assert_eq!((stream.asked, ahead.bytes.capacity()), (vec![100, 100], 0));
    }

    #[test]
    fn a_stream_that_has_little_is_read_as_it_is() {
        let mut stream = Stream { left: 3, ..Stream::default() };
        let mut ahead = Ahead::new(Vec::new(), 8);
        assert_eq!(read(&mut ahead, &mut stream, 8).as_deref(), Some("sss"));
        stream.left = 4;
        assert_eq!(read(&mut ahead, &mut stream, 5).as_deref(), Some("ssss"));
        assert_eq!(read(&mut ahead, &mut stream, 8), None);
        assert_eq!(stream.asked, [8, 5, 8]);
        assert_eq!(ahead.bytes.capacity(), 0);
    }
}
