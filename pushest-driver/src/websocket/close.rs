//! A server's close frame as it came, and what it says (RFC 6455, sections 5.5.1 and 7.4).

use std::borrow::Cow;

use pushest_proto::Loss;

/// Maximum number of bytes of payload that a control frame may have.
const MOST: u64 = 125;

/// Maximum number of bytes of a reason that are kept, besides the code.
const KEPT: usize = 512;

/// A close frame, whole or broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CloseFrame {
    /// The payload's length as the header says.
    length: u64,
    /// How many bytes of it have come, and the first of them.
    come: u64,
    payload: Vec<u8>,
    mask: Option<[u8; 4]>,
    is_final: bool,
    /// No reserved bit is set.
    is_plain: bool,
}

impl CloseFrame {
    pub(super) fn new(length: u64, mask: Option<[u8; 4]>, is_final: bool, is_plain: bool) -> Self {
        Self { length, come: 0, payload: Vec::new(), mask, is_final, is_plain }
    }

    /// Takes the next bytes of the payload.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.come += bytes.len() as u64;
        let room = (2 + KEPT).saturating_sub(self.payload.len());
        let kept = bytes.iter().take(room);
        for byte in kept {
            let mask = self.mask.map_or(0, |mask| mask[self.payload.len() % mask.len()]);
            self.payload.push(byte ^ mask);
        }
    }

    /// Returns whether all of the payload has come.
    pub(super) fn is_whole(&self) -> bool {
        self.come == self.length
    }

    /// Returns whether its header says that the payload has this many bytes.
    pub(super) fn has_length(&self, bytes: usize) -> bool {
        self.length == bytes as u64
    }

    /// Returns the code, if both its bytes have come.
    pub(super) fn code(&self) -> Option<u16> {
        self.payload.first_chunk().map(|code| u16::from_be_bytes(*code))
    }

    /// Returns how it ended the connection. Unless another problem is known, it is the last thing
    /// that came.
    pub(super) fn loss(&self) -> Loss {
        let reason = self.payload.get(2..).unwrap_or_default();
        let words = String::from_utf8_lossy(reason);
        let Some(problem) = self.problem(matches!(words, Cow::Owned(_))) else {
            return Loss::closed(self.code(), &words);
        };
        let text = if words.is_empty() { problem } else { format!("{problem}: {words}") };
        Loss::bad_close(self.code(), &text)
    }

    fn problem(&self, is_garbled: bool) -> Option<String> {
        let Self { length, come, .. } = self;
        Some(match self.code() {
            _ if *length == 1 => "its payload is one byte, and a code has two".to_string(),
            _ if *length > MOST => {
                format!("its payload has {length} bytes, and a control frame at most {MOST}")
            }
            _ if !self.is_whole() => format!("it ended after {come} of {length} bytes"),
            _ if !self.is_final => "it is a fragment, which no control frame may be".to_string(),
            _ if !self.is_plain => "it has a reserved bit set".to_string(),
            _ if self.mask.is_some() => "it is masked, as only a client's may be".to_string(),
            // Those between that have no meaning yet are not forbidden.
            Some(code @ (0..=999 | 1005 | 1006 | 1015 | 5000..)) => {
                format!("the code {code} must not be sent")
            }
            _ if is_garbled => "its reason is not UTF-8".to_string(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(code: u16, reason: &[u8]) -> CloseFrame {
        let payload = [&code.to_be_bytes(), reason].concat();
        let mut frame = CloseFrame::new(payload.len() as u64, None, true, true);
        payload.chunks(3).for_each(|piece| frame.push(piece));
        frame
    }

    fn bad(frame: &CloseFrame) -> (Option<u16>, String) {
        match frame.loss() {
            Loss::BadClose { code, problem } => (code, problem.into()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_frame_that_keeps_the_rules_is_what_it_says() {
        assert_eq!(frame(4001, b"no app").loss(), Loss::closed(Some(4001), "no app"));
        assert_eq!(frame(1000, b"").loss(), Loss::closed(Some(1000), ""));
        assert_eq!(CloseFrame::new(0, None, true, true).loss(), Loss::closed(None, ""));
        // Not forbidden, though tungstenite takes them for a breach of the protocol.
        for code in [1004, 1012, 1014, 1016, 2999, 3000, 3999, 4999] {
            assert_eq!(frame(code, b"x").loss(), Loss::closed(Some(code), "x"));
        }
        let longest = "x".repeat(123);
        assert_eq!(frame(4009, longest.as_bytes()).loss(), Loss::closed(Some(4009), &longest));
    }

    #[test]
    fn a_frame_that_breaks_a_rule_is_named_with_it_and_keeps_its_code() {
        for code in [0, 999, 1005, 1006, 1015, 5000, 65535] {
            let (kept, problem) = bad(&frame(code, b"why"));
            assert_eq!(kept, Some(code));
            assert_eq!(problem, format!("the code {code} must not be sent: why"));
        }
        let long = "Did you forget the cluster? ".repeat(9);
        let (code, problem) = bad(&frame(4001, long.as_bytes()));
        assert_eq!(code, Some(4001));
        assert!(problem.starts_with("its payload has 254 bytes") && problem.contains("cluster?"));
        let (code, problem) = bad(&frame(4001, b"caf\xe9"));
        assert_eq!((code, &*problem), (Some(4001), "its reason is not UTF-8: caf\u{fffd}"));
        let mut one = CloseFrame::new(1, None, true, true);
        one.push(b"\x0f");
        assert_eq!(bad(&one).0, None);
        let mut cut = CloseFrame::new(10, None, true, true);
        cut.push(b"\x0f\xa1no");
        assert_eq!(bad(&cut), (Some(4001), "it ended after 4 of 10 bytes: no".to_string()));
        let mut masked = CloseFrame::new(4, Some([1, 2, 3, 4]), true, true);
        masked.push(&[0x0f ^ 1, 0xa1 ^ 2, b'n' ^ 3]);
        masked.push(&[b'o' ^ 4]);
        let (code, problem) = bad(&masked);
        assert!(code == Some(4001) && problem.contains("masked") && problem.ends_with(": no"));
        for (is_final, is_plain) in [(false, true), (true, false)] {
            let mut odd = CloseFrame::new(2, None, is_final, is_plain);
            odd.push(b"\x0f\xa1");
            assert_eq!(bad(&odd).0, Some(4001));
        }
    }

    #[test]
    fn of_a_reason_without_end_only_the_beginning_is_kept() {
        let mut frame = CloseFrame::new(u64::MAX, None, true, true);
        for _ in 0..100 {
            frame.push(&[b'x'; 1_000]);
        }
        assert_eq!(frame.payload.len(), 2 + KEPT);
        assert!(matches!(frame.loss(), Loss::BadClose { problem, .. } if problem.len() <= 512));
    }
}
