//! Finds where strings, objects and arrays end, 64 bytes at a time.
//!
//! Only quotes, backslashes and brackets are looked at, once each. It does not recurse: nesting costs a
//! counter.

use memchr::memchr2;

use super::masks::{BLOCK, between, brackets, escaped, quotes_and_backslashes};

/// Number of bytes from which on it takes less time to look for the next special one than at each block.
const LONG: usize = 4 * BLOCK;

/// A text, and what is known of the block of it that was looked at last.
pub(super) struct Blocks<'a> {
    bytes: &'a [u8],
    /// Where the block begins.
    start: usize,
    quotes: u64,
    backslashes: u64,
}

impl<'a> Blocks<'a> {
    #[inline(always)]
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut blocks = Self { bytes, start: 0, quotes: 0, backslashes: 0 };
        blocks.load(0);
        blocks
    }

    /// Returns where the quote is that ends a string. `at` is behind the quote that begins it. Escapes
    /// are skipped, not judged.
    #[inline(always)]
    pub(super) fn end_of_string(&mut self, at: usize) -> Option<usize> {
        let place = at.wrapping_sub(self.start);
        if place < BLOCK {
            // Most end in the block in which they begin.
            let from = u64::MAX << place;
            let ends = self.quotes & from & !escaped(self.backslashes & from, 0).0;
            if ends != 0 {
                return Some(self.start + ends.trailing_zeros() as usize);
            }
        }
        self.end_of_long_string(at)
    }

    fn end_of_long_string(&mut self, mut at: usize) -> Option<usize> {
        let mut carry = false;
        loop {
            let place = self.look(at)?;
            let from = u64::MAX << place;
            let backslashes = self.backslashes & from;
            let (escaped, carries) = escaped(backslashes, u64::from(carry) << place);
            let ends = self.quotes & from & !escaped;
            if ends != 0 {
                return Some(self.start + ends.trailing_zeros() as usize);
            }
            carry = carries;
            at = self.start + BLOCK;
            if backslashes == 0 && self.bytes.len() - self.start > LONG {
                // To what is next in a long text.
                at += memchr2(b'"', b'\\', &self.bytes[at..])?;
            }
        }
    }

    /// Returns what is behind the bracket that closes the object or array whose first bracket is at
    /// `start`. Which bracket closes which is not judged.
    pub(super) fn end_of_composite(&mut self, start: usize) -> Option<usize> {
        let (mut at, mut depth, mut carry, mut is_inside) = (start, 0_usize, false, false);
        loop {
            let place = self.look(at)?;
            let from = u64::MAX << place;
            let backslashes = self.backslashes & from;
            let (escaped, carries) = escaped(backslashes, u64::from(carry) << place);
            let inside = between(self.quotes & from & !escaped, is_inside);
            // Outside of strings a backslash is no JSON, and escapes nothing.
            if backslashes & !inside != 0 {
                return end_byte_by_byte(self.bytes, start);
            }
            let (opening, closing) = self.with_block(brackets);
            let mut outside = (opening | closing) & from & !inside;
            while outside != 0 {
                let bracket = outside & outside.wrapping_neg();
                outside ^= bracket;
                if opening & bracket != 0 {
                    depth += 1;
                } else if depth > 1 {
                    depth -= 1;
                } else {
                    return Some(self.start + bracket.trailing_zeros() as usize + 1);
                }
            }
            (carry, is_inside) = (carries, inside >> 63 == 1);
            at = self.start + BLOCK;
        }
    }

    /// Looks at the block that has the byte at `at`. Returns which of the block's bytes it is; `None`
    /// behind the last one.
    #[inline(always)]
    fn look(&mut self, at: usize) -> Option<usize> {
        let place = at.wrapping_sub(self.start);
        if place < BLOCK {
            return Some(place);
        }
        if at >= self.bytes.len() {
            return None;
        }
        self.load(at);
        Some(at.wrapping_sub(self.start) % BLOCK)
    }

    #[inline(always)]
    fn load(&mut self, at: usize) {
        // The last block overlaps the one before, so that it is a whole one, too.
        self.start = at.min(self.bytes.len().saturating_sub(BLOCK));
        (self.quotes, self.backslashes) = self.with_block(quotes_and_backslashes);
    }

    #[inline(always)]
    fn with_block(&self, look: impl Fn(&[u8; BLOCK]) -> (u64, u64)) -> (u64, u64) {
        let rest = &self.bytes[self.start..];
        match rest.first_chunk() {
            Some(block) => look(block),
            // The text is shorter than a block: zeros stand for nothing.
            None => {
                let mut block = [0; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                look(&block)
            }
        }
    }
}

/// As [`Blocks::end_of_composite`], for what is no JSON.
#[cold]
fn end_byte_by_byte(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += 1;
                while *bytes.get(at)? != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Byte by byte.
    fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            match bytes.get(at)? {
                b'"' => return Some(at),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }

    #[test]
    fn strings_and_brackets_end_where_they_end_byte_by_byte() {
        let mut random = fastrand::Rng::with_seed(1);
        let kinds: [&[u8]; 5] = [
            b"\"\\{}[]a",
            b"\\\\\\\\\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            b"\\\\\\\"",
            b"{}[]{}[]{{{{\"\"aaaaaaaaaaaaaaaaaaaaaaaa",
            b"#]|~;=!\"\\{}[]\0\x7f\x80\xa2\xdc\xfb\xfd",
        ];
        for round in 0..30_000 {
            let letters = kinds[round % kinds.len()];
            let length = random.usize(..300);
            let text: Vec<u8> =
                (0..length).map(|_| letters[random.usize(..letters.len())]).collect();
            let mut blocks = Blocks::new(&text);
            let mut at = 0;
            // Forth, with what was looked at last, as an object is read.
            while at <= length {
                let expected = end_of_string(&text, at);
                assert_eq!(blocks.end_of_string(at), expected, "{at} {:?}", text.escape_ascii());
                assert_eq!(Blocks::new(&text).end_of_string(at), expected);
                at = expected.unwrap_or(length) + 1 + random.usize(..3);
            }
            let brackets = (0..length).filter(|at| b"{[".contains(&text[*at]));
            for at in brackets.take(20) {
                let end = Blocks::new(&text).end_of_composite(at);
                assert_eq!(end, end_byte_by_byte(&text, at), "{at} {:?}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn an_escape_counts_wherever_it_stands_in_a_block() {
        for length in [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 7] {
            for place in 0..length {
                for run in 1..6 {
                    let mut text = Vec::from_iter(core::iter::repeat_n(b'a', place));
                    text.extend(core::iter::repeat_n(b'\\', run));
                    text.push(b'"');
                    text.resize(text.len().max(length), b'a');
                    text.push(b'"');
                    let end = if run % 2 == 0 { place + run } else { text.len() - 1 };
                    assert_eq!(Blocks::new(&text).end_of_string(0), Some(end), "{place}");
                    text.truncate(end);
                    assert_eq!(Blocks::new(&text).end_of_string(0), None, "{place} {run}");
                }
            }
        }
    }
}
