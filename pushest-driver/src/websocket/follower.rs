//! Follows the frames in a server's bytes by their headers (RFC 6455, section 5.2), for what
//! tungstenite does not tell: where messages end, and what stands in a close frame that breaks a
//! rule.

use super::close::CloseFrame;

/// The first byte of a text message in one frame.
const WHOLE_TEXT: u8 = 0x81;
const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const CONTROL: u8 = 0x08;
const CLOSE: u8 = 0x08;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;

/// Is shown every byte before tungstenite is.
#[derive(Debug)]
pub(super) struct Follower {
    /// What is there of a frame's header: two bytes, at most eight of length, and four of a mask.
    header: [u8; 14],
    filled: usize,
    /// Missing bytes of the present frame's payload. At zero the next header begins.
    left: u64,
    /// A message or a control frame ends with the present frame.
    is_last: bool,
    /// The present frame is the close frame.
    is_close: bool,
    /// A message in several frames has begun, and its last frame has not.
    is_within_message: bool,
    bytes: u64,
    messages: u64,
    /// Boxed, since most connections never have one.
    close: Option<Box<CloseFrame>>,
    /// The messages that had ended when the close frame began.
    before_close: u64,
    large: u64,
    has_met_large: bool,
}

impl Follower {
    /// A payload over `large` bytes makes a large frame.
    pub(super) fn new(large: usize) -> Self {
        Self {
            header: [0; 14],
            filled: 0,
            left: 0,
            is_last: false,
            is_close: false,
            is_within_message: false,
            bytes: 0,
            messages: 0,
            close: None,
            before_close: 0,
            large: large as u64,
            has_met_large: false,
        }
    }

    /// Returns the bytes that were followed so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the messages and control frames that have ended so far.
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// Returns whether the next byte begins a frame, and no message is in the midst of its frames.
    pub(super) fn is_between_messages(&self) -> bool {
        self.left == 0 && self.filled == 0 && !self.is_within_message
    }

    /// Returns the first close frame, as far as it has come.
    pub(super) fn close(&self) -> Option<&CloseFrame> {
        self.close.as_deref()
    }

    /// Returns the messages and control frames that had ended before the close frame began.
    pub(super) fn before_close(&self) -> u64 {
        self.before_close
    }

    /// Returns whether a large frame has begun since this was last forgotten.
    pub(super) fn has_met_large(&self) -> bool {
        self.has_met_large
    }

    pub(super) fn forget_large(&mut self) {
        self.has_met_large = false;
    }

    /// At least one: how many bytes may come without any being of the next frame but one.
    pub(super) fn missing(&self) -> usize {
        match self.left {
            0 => header_length(&self.header[..self.filled]) - self.filled,
            _ => self.left_here(),
        }
    }

    /// Takes the next bytes.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        loop {
            let (payload, rest) = bytes.split_at(bytes.len().min(self.left_here()));
            if !payload.is_empty() {
                self.follow_payload(payload);
            }
            bytes = if self.filled == 0 { self.skip_whole(rest) } else { rest };
            if bytes.is_empty() {
                return;
            }
            bytes = self.follow_header(bytes);
        }
    }

    fn left_here(&self) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX)
    }

    fn follow_payload(&mut self, payload: &[u8]) {
        if self.is_close
            && let Some(close) = &mut self.close
        {
            close.push(payload);
        }
        self.left -= payload.len() as u64;
        if self.left == 0 {
            self.messages += u64::from(self.is_last);
        }
    }

    /// Skips messages of one frame that are wholly here and not large: nearly all of a flood.
    fn skip_whole<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        loop {
            let (length, rest) = match bytes {
                [WHOLE_TEXT, length @ 0..126, rest @ ..] => (usize::from(*length), rest),
                [WHOLE_TEXT, 126, high, low, rest @ ..] => {
                    (usize::from(u16::from_be_bytes([*high, *low])), rest)
                }
                _ => return bytes,
            };
            if length > rest.len() || length as u64 > self.large {
                return bytes;
            }
            self.is_within_message = false;
            self.messages += 1;
            bytes = &rest[length..];
        }
    }

    /// Takes bytes of a header, at least one; returns those behind it.
    fn follow_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (byte, rest) = (bytes[0], &bytes[1..]);
        self.header[self.filled] = byte;
        self.filled += 1;
        let header = &self.header[..self.filled];
        if header.len() == header_length(header) {
            let mask = (header[1] & MASKED != 0).then(|| header.last_chunk().copied());
            let mask: Option<[u8; 4]> = mask.flatten();
            let extended = &header[2..header.len() - mask.map_or(0, |mask| mask.len())];
            let length = match header[1] & LENGTH {
                126 | 127 => extended.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
                length => u64::from(length),
            };
            self.filled = 0;
            self.begin(self.header[0], length, mask);
        }
        rest
    }

    fn begin(&mut self, first: u8, length: u64, mask: Option<[u8; 4]>) {
        let (opcode, is_final) = (first & OPCODE, first & FINAL != 0);
        let is_control = opcode & CONTROL != 0;
        self.left = length;
        self.is_last = is_final || is_control;
        self.is_within_message = if is_control { self.is_within_message } else { !is_final };
        self.has_met_large |= length > self.large;
        self.is_close = opcode == CLOSE && self.close.is_none();
        if self.is_close {
            let is_plain = first & RESERVED == 0;
            let close = CloseFrame::new(length, mask, is_final, is_plain);
            self.close = Some(Box::new(close));
            self.before_close = self.messages;
        } else if matches!(opcode, 0x3..=0x7 | 0xb..=0xf) {
            // There are no such frames: what follows is not one either.
            self.left = u64::MAX;
        }
        if self.left == 0 {
            self.messages += u64::from(self.is_last);
        }
    }
}

/// Returns how long a header is, as far as its beginning tells.
fn header_length(header: &[u8]) -> usize {
    let Some(second) = header.get(1) else { return 2 };
    let extended = match second & LENGTH {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + extended + if second & MASKED != 0 { 4 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a frame with this first byte, its length written in one of the three ways.
    fn frame(first: u8, length_form: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match length_form {
            0 => bytes.push(payload.len().try_into().expect("short")),
            1 => {
                bytes.push(126);
                bytes.extend(u16::try_from(payload.len()).expect("not long").to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend((payload.len() as u64).to_be_bytes());
            }
        }
        bytes.extend(payload);
        bytes
    }

    /// Returns what a follower knows.
    fn known(follower: &Follower) -> (u64, bool, bool, Option<CloseFrame>) {
        let close = follower.close().cloned();
        (follower.messages(), follower.is_between_messages(), follower.has_met_large(), close)
    }

    fn followed(pieces: &[&[u8]]) -> Follower {
        let mut follower = Follower::new(300);
        for piece in pieces {
            follower.follow(piece);
        }
        follower
    }

    fn stream() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (first, form, length) in [
            (0x81, 0, 0),
            (0x81, 0, 5),
            (0x01, 1, 200), // the first of three frames
            (0x89, 0, 3),   // a ping between them
            (0x00, 2, 0),
            (0x80, 2, 301), // a large one
            (0x8a, 0, 0),
            (0x82, 1, 40),
        ] {
            bytes.extend(frame(first, form, &vec![0x88; length]));
        }
        // Masked, which a server must not do, with a length in the long form.
        bytes.extend([0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 3, 4, 0x88, 0x88]);
        bytes.extend(frame(0x88, 0, &[0x0f, 0xa1, b'n', b'o']));
        bytes
    }

    #[test]
    fn it_makes_no_difference_where_the_bytes_are_cut() {
        let bytes = stream();
        let whole = known(&followed(&[&bytes]));
        assert_eq!((whole.0, whole.1, whole.2), (8, true, true));
        assert_eq!(whole.3.as_ref().and_then(CloseFrame::code), Some(4001));
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(known(&followed(&bytewise)), whole);
        for cut in 0..=bytes.len() {
            let (start, end) = bytes.split_at(cut);
            assert_eq!(known(&followed(&[start, end])), whole, "cut at {cut}");
            let (middle, end) = end.split_at(end.len().min(3));
            assert_eq!(known(&followed(&[start, middle, end])), whole, "cut at {cut}, and 3 on");
        }
    }

    #[test]
    fn what_is_missing_never_reaches_into_the_next_frame() {
        let bytes = stream();
        let (mut follower, mut at, mut ends) = (Follower::new(300), 0, 0);
        while at < bytes.len() {
            let missing = follower.missing();
            assert!(missing > 0 && at + missing <= bytes.len(), "{missing} at {at}");
            follower.follow(&bytes[at..at + missing]);
            at += missing;
            ends += usize::from(follower.left == 0 && follower.filled == 0);
        }
        assert_eq!(ends, 10, "it stops at the end of each frame");
    }

    #[test]
    fn within_a_message_there_is_no_end_and_a_ping_does_not_change_that() {
        let steps: [(Vec<u8>, u64, bool); 5] = [
            (frame(0x01, 0, b"a"), 0, false),
            (frame(0x89, 0, b""), 1, false),
            (frame(0x00, 0, b""), 1, false),
            (frame(0x88, 0, b""), 2, false),
            (frame(0x80, 0, b"b"), 3, true),
        ];
        let mut follower = Follower::new(300);
        for (bytes, messages, is_between) in steps {
            follower.follow(&bytes);
            assert_eq!(
                (follower.messages(), follower.is_between_messages()),
                (messages, is_between)
            );
        }
    }

    #[test]
    fn what_is_no_frame_is_not_followed() {
        for first in [0x83_u8, 0x87, 0x8b, 0x8f, 0xff] {
            let mut bytes = frame(first, 0, b"");
            bytes.extend(frame(0x88, 0, &[0x0f, 0xa1]));
            let follower = followed(&[&bytes]);
            assert!(follower.close().is_none() && !follower.is_between_messages(), "{first}");
        }
    }

    #[test]
    fn the_longest_length_overflows_nothing() {
        let mut follower = followed(&[&[0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255]]);
        assert_eq!(follower.missing(), usize::try_from(u64::MAX).unwrap_or(usize::MAX));
        follower.follow(&[0; 1_000]);
        assert!(follower.has_met_large() && follower.messages() == 0);
        follower.forget_large();
        assert!(!follower.has_met_large());
    }
}
