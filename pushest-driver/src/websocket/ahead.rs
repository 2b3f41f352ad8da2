//! What was read of a server's bytes ahead of tungstenite, and the messages that are whole in it.
//!
//! Nearly all that a server sends is text in single frames. Such messages are cut out of what was read
//! as they stand there. Everything else, and whatever is wrong with a frame, is tungstenite's
//! matter: it gets the bytes from the beginning of that frame to its end, so that nothing of a later one
//! is ever in its buffer.

use std::io;

use bytes::BytesMut;
use tungstenite::Bytes;

/// The first byte of a text message in one frame: final, no reserved bit, not a continuation (RFC 6455,
/// section 5.2).
const TEXT: u8 = 0x81;

/// What stands at the beginning of what was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// A text message in one frame, whole: the lengths of its header and of its text, in bytes.
    Text { header: usize, length: usize },
    /// The beginning of a frame that may be one: so many bytes are missing, or more.
    Missing(usize),
    /// Something else.
    Other,
}

/// Bytes that were read and not handed out.
pub(super) struct Ahead {
    bytes: BytesMut,
    /// The most that is read at one go, in bytes.
    size: usize,
    /// The longest message that is cut out, in bytes.
    longest: usize,
    /// Why reading failed. It is told in its turn.
    pub(super) error: Option<io::Error>,
}

impl Ahead {
    pub(super) fn new(beginning: &[u8], size: usize, longest: usize) -> Self {
        let mut bytes = BytesMut::new();
        if !beginning.is_empty() {
            // Later buffers are as large as the first.
            bytes = BytesMut::with_capacity(size.max(beginning.len()));
            bytes.extend_from_slice(beginning);
        }
        Self { bytes, size, longest, error: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns all that is there.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns what stands at the beginning.
    #[inline]
    pub(super) fn front(&self) -> Front {
        let bytes = &*self.bytes;
        let (header, length) = match bytes {
            [TEXT, length @ 0..126, ..] => (2, u64::from(*length)),
            [TEXT, 126, high, low, ..] => (4, u64::from(u16::from_be_bytes([*high, *low]))),
            [TEXT, 127, rest @ ..] => match rest.first_chunk() {
                Some(length) => (10, u64::from_be_bytes(*length)),
                None => return Front::Missing(8 - rest.len()),
            },
            [] | [TEXT] => return Front::Missing(2 - bytes.len()),
            [TEXT, 126, ..] => return Front::Missing(4 - bytes.len()),
            _ => return Front::Other,
        };
        // Also one that is larger than what can be addressed.
        let Some(length) = usize::try_from(length).ok().filter(|it| *it <= self.longest) else {
            return Front::Other;
        };
        match (header + length).checked_sub(bytes.len()) {
            None | Some(0) if std::str::from_utf8(&bytes[header..header + length]).is_err() => {
                Front::Other
            }
            None | Some(0) => Front::Text { header, length },
            Some(missing) => Front::Missing(missing),
        }
    }

    /// Cuts a message out that stands at the beginning: a view, without its header.
    #[inline]
    pub(super) fn cut(&mut self, header: usize, length: usize) -> Bytes {
        let mut frame = self.bytes.split_to(header + length).freeze();
        bytes::Buf::advance(&mut frame, header);
        frame
    }

    /// Takes bytes from the beginning, at most these.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let length = buffer.len().min(self.bytes.len());
        buffer[..length].copy_from_slice(&self.bytes[..length]);
        bytes::Buf::advance(&mut self.bytes, length);
        length
    }

    /// Reads more, for a frame of which so many bytes are missing. Returns how many have come.
    pub(super) fn fill<E>(
        &mut self,
        missing: usize,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        if self.bytes.is_empty() && self.bytes.capacity() > 2 * self.size {
            // It has grown for a frame, and no more frames like that have come.
            self.bytes = BytesMut::new();
        }
        if self.bytes.capacity() == 0 {
            self.bytes = BytesMut::with_capacity(self.size);
        }
        let length = self.bytes.len();
        if self.bytes.capacity() - length < missing.max(self.size / 8) {
            self.bytes.reserve(missing.max(self.size / 8));
        }
        let room = (self.bytes.capacity() - length).min(self.size.max(missing));
        self.bytes.resize(length + room, 0);
        let read = read(&mut self.bytes[length..]);
        self.bytes.truncate(length + read.as_ref().copied().unwrap_or(0));
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(bytes: &[u8]) -> Front {
        Ahead::new(bytes, 100, 300).front()
    }

    #[test]
    fn only_text_in_one_frame_is_cut_out() {
        assert_eq!(front(b"\x81\x02hi..."), Front::Text { header: 2, length: 2 });
        assert_eq!(front(b"\x81\x7e\0\x02hi"), Front::Text { header: 4, length: 2 });
        assert_eq!(front(b"\x81\x7f\0\0\0\0\0\0\0\x02hi"), Front::Text { header: 10, length: 2 });
        assert_eq!(front(b"\x81\0"), Front::Text { header: 2, length: 0 });
        // Fragments, bytes, pings, a close frame, a reserved bit, a mask, no UTF-8, one that is too long.
        for other in [
            &b"\x01\x02hi"[..],
            b"\x80\x02hi",
            b"\x82\x02hi",
            b"\x89\0",
            b"\x88\0",
            b"\xc1\x02hi",
            b"\x81\x82mask..",
            b"\x81\x02h\xff",
            b"\x81\x7e\x01\x2d",
            b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(front(other), Front::Other, "{other:?}");
        }
    }

    #[test]
    fn what_is_missing_is_never_more_than_the_frame_needs() {
        for frame in [&b"\x81\x03yes"[..], b"\x81\x7e\0\x03yes", b"\x81\x7f\0\0\0\0\0\0\0\x03yes"] {
            for cut in 0..frame.len() {
                let Front::Missing(missing) = front(&frame[..cut]) else { panic!("{cut}") };
                assert!((1..=frame.len() - cut).contains(&missing), "{missing} at {cut}");
            }
            assert!(matches!(front(frame), Front::Text { length: 3, .. }));
        }
    }

    #[test]
    fn buffers_are_as_large_as_is_to_be_read_whatever_came_before_and_shrink_after_a_large_frame() {
        for beginning in [&b""[..], b"\x81\x02hi"] {
            let mut ahead = Ahead::new(beginning, 4_096, 64 * 1024);
            let mut kept = Vec::new();
            let mut smallest = usize::MAX;
            for round in 0..100 {
                while let Front::Text { header, length } = ahead.front() {
                    kept.push(ahead.cut(header, length));
                }
                let Front::Missing(missing) = ahead.front() else { panic!("it is text") };
                let filled: Result<usize, ()> = ahead.fill(missing, |buffer| {
                    smallest = smallest.min(buffer.len());
                    let frame: &[u8] =
                        if round == 50 { &[TEXT, 126, 200, 0] } else { b"\x81\x02hi" };
                    let bytes = frame.iter().chain(std::iter::repeat(&b'x'));
                    let length = if round == 50 { 4 } else { 4.min(buffer.len()) };
                    buffer.iter_mut().zip(bytes).take(length).for_each(|(to, from)| *to = *from);
                    Ok(length)
                });
                filled.expect("it reads");
                if round == 50 {
                    let rest = |buffer: &mut [u8]| -> Result<usize, ()> {
                        buffer.fill(b'x');
                        Ok(buffer.len().min(200 << 8))
                    };
                    ahead.fill(200 << 8, rest).expect("it reads");
                }
            }
            assert!(smallest >= 512, "{smallest} bytes");
            assert!(ahead.bytes.capacity() <= 2 * 4_096, "{}", ahead.bytes.capacity());
        }
    }
}
