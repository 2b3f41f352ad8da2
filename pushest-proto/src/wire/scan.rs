//! Finds where strings, objects and arrays end, many bytes at a time.
//!
//! Only quotes, backslashes and brackets are looked at. It does not recurse: nesting costs a counter.
//!
//! A string is looked at in two ways. Inside of it each quote follows the backslash that escapes it,
//! and two backslashes rarely stand side by side: of [`WINDOW`] bytes in which that is so it is soon
//! seen that the string goes on. Only where it is not so, at the end of the string above all, the quotes
//! and backslashes of a block become numbers, in which is seen which of them are escaped
//! ([`masks`](super::masks)).

use memchr::memchr2;

use super::masks::{BLOCK, between, brackets, escaped, quotes_and_backslashes};

/// Number of bytes of which it is seen at once whether a string goes on behind them.
const WINDOW: usize = 64;

/// Number of bytes from which on it takes less time to look for the next special one than at each window.
const LONG: usize = 256;

/// The place of a block that no text has: none was looked at yet.
const NOWHERE: usize = usize::MAX / 2;

/// Returns where the quote is that ends a name, and whether the name is plain: it has neither escapes
/// nor control characters. `at` is behind the quote that begins it. It takes few steps for a short
/// string, and too many for a long one.
#[inline(always)]
pub(super) fn end_of_name(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut is_plain = true;
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let special = special(word);
        if special == 0 {
            at += word.len();
            continue;
        }
        let bit = special.trailing_zeros() & !7;
        at += bit as usize / 8;
        match (u64::from_le_bytes(*word) >> bit) as u8 {
            b'"' => return Some((at, is_plain)),
            b'\\' => at += 2,
            _ => at += 1,
        }
        is_plain = false;
    }
    // Less than a word before the end of the text.
    loop {
        match *bytes.get(at)? {
            b'"' => return Some((at, is_plain)),
            b'\\' => (at, is_plain) = (at + 2, false),
            byte => (at, is_plain) = (at + 1, is_plain && byte >= 0x20),
        }
    }
}

/// Returns which of eight bytes are quotes, backslashes or control characters: the high bit of each that
/// is. Behind the first of them others may seem to be; what is no such byte at all has no bit.
#[inline(always)]
pub(super) fn special(word: &[u8; 8]) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_le_bytes(*word);
    let is = |byte: u8| (word ^ (ONES * u64::from(byte))).wrapping_sub(ONES);
    (word.wrapping_sub(ONES * 0x20) | is(b'"') | is(b'\\')) & !word & HIGHS
}

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
        Self { bytes, start: NOWHERE, quotes: 0, backslashes: 0 }
    }

    /// Returns where the quote is that ends a string. `at` is behind the quote that begins it. Escapes
    /// are skipped, not judged.
    #[inline(always)]
    pub(super) fn end_of_string(&mut self, at: usize) -> Option<usize> {
        let place = at.wrapping_sub(self.start);
        if place < BLOCK {
            // It may end in the block that was looked at last.
            let from = u64::MAX << place;
            let ends = self.quotes & from & !escaped(self.backslashes & from, 0).0;
            if ends != 0 {
                return Some(self.start + ends.trailing_zeros() as usize);
            }
        }
        self.end_of_long_string(at)
    }

    #[inline(never)]
    fn end_of_long_string(&mut self, mut at: usize) -> Option<usize> {
        let mut is_escaped = false;
        loop {
            // What a backslash before it escapes hangs on those before that.
            if *self.bytes.get(at - 1)? != b'\\' {
                let from = at;
                at = skipped(self.bytes, from)?;
                if let Some(end) = end_before_brace(self.bytes, from, at) {
                    return Some(end);
                }
                is_escaped = self.bytes[at - 1] == b'\\';
            }
            match self.end_in_block(at, is_escaped)? {
                Ok(end) => return Some(end),
                Err(carry) => (at, is_escaped) = (self.start + BLOCK, carry),
            }
        }
    }

    /// Looks for the end of a string from `at`, whose byte may be escaped, to the end of its block. If it is
    /// not there, returns whether the byte behind the block is escaped; `None` behind the last block.
    #[inline(never)]
    fn end_in_block(&mut self, at: usize, is_escaped: bool) -> Option<Result<usize, bool>> {
        let place = self.look(at)?;
        let from = u64::MAX << place;
        let (escaped, carry) = escaped(self.backslashes & from, u64::from(is_escaped) << place);
        let ends = self.quotes & from & !escaped;
        let end = self.start + ends.trailing_zeros() as usize;
        Some(if ends == 0 { Err(carry) } else { Ok(end) })
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

/// Skips windows in which the string that is at `at` goes on. Returns a place behind them, before which
/// there is no backslash that is escaped; `None` if the string does not end.
#[inline(always)]
fn skipped(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(window) = bytes.get(at - 1..).and_then(|rest| rest.first_chunk()) {
        if has_end(window) {
            break;
        }
        at += WINDOW;
        if bytes.len() - at > LONG && !has_backslash(window) {
            // To what is next in a long text.
            at += memchr2(b'"', b'\\', &bytes[at..])?;
        }
    }
    Some(at)
}

/// Returns where a string ends of which all from `from` to `at` was skipped, if that is before the brace
/// that ends the text: so end messages whose data comes last. The last window overlaps what was skipped.
#[inline(always)]
fn end_before_brace(bytes: &[u8], from: usize, at: usize) -> Option<usize> {
    let [rest @ .., before, b'"', b'}'] = bytes else { return None };
    let end = rest.len() + 1;
    let is_near = at <= end && end - at < WINDOW && end - from >= WINDOW;
    let window = bytes.get(end.wrapping_sub(WINDOW + 1)..end)?.first_chunk()?;
    (is_near && *before != b'\\' && !has_end(window)).then_some(end)
}

/// Returns whether a string may end among the bytes of a window, the first of which is that before them:
/// one is a quote without a backslash before it, or a backslash with one.
#[inline(always)]
fn has_end(window: &[u8; WINDOW + 1]) -> bool {
    let (Some(before), Some(bytes)) =
        (window.first_chunk::<WINDOW>(), window.last_chunk::<WINDOW>())
    else {
        return true;
    };
    let pairs = before.iter().zip(bytes);
    pairs.fold(0, |any, (before, byte)| {
        let end = if *before == b'\\' { b'\\' } else { b'"' };
        any | if *byte == end { 0xff } else { 0_u8 }
    }) != 0
}

#[inline(always)]
fn has_backslash(window: &[u8; WINDOW + 1]) -> bool {
    window[1..].iter().fold(0, |any, byte| any | if *byte == b'\\' { 0xff } else { 0_u8 }) != 0
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
            let mut text: Vec<u8> =
                (0..length).map(|_| letters[random.usize(..letters.len())]).collect();
            // Half of them end as messages do, in what has few ends before that.
            if (round / kinds.len()).is_multiple_of(2) && length > 1 {
                let whole = random.usize(..length - 1);
                for pair in text[whole..].chunks_exact_mut(2) {
                    match pair[1] {
                        b'"' => pair[0] = b'\\',
                        b'\\' => pair[1] = b'a',
                        _ => {}
                    }
                }
                text[length - 2..].copy_from_slice(b"\"}");
            }
            let mut blocks = Blocks::new(&text);
            let mut at = 1;
            // Forth, with what was looked at last, as an object is read.
            while at <= length {
                let expected = end_of_string(&text, at);
                assert_eq!(blocks.end_of_string(at), expected, "{at} {:?}", text.escape_ascii());
                assert_eq!(Blocks::new(&text).end_of_string(at), expected);
                let name = end_of_name(&text, at);
                assert_eq!(name.map(|(end, _)| end), expected);
                let special = |byte: &u8| *byte < 0x20 || *byte == b'\\';
                let is_plain = expected.map(|end| !text[at..end].iter().any(special));
                assert_eq!(name.map(|(_, is_plain)| is_plain), is_plain);
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
                    let mut text = alloc::vec![b'"'];
                    text.extend(core::iter::repeat_n(b'a', place));
                    text.extend(core::iter::repeat_n(b'\\', run));
                    text.push(b'"');
                    text.resize(text.len().max(length), b'a');
                    text.push(b'"');
                    let end = if run % 2 == 0 { 1 + place + run } else { text.len() - 1 };
                    assert_eq!(Blocks::new(&text).end_of_string(1), Some(end), "{place}");
                    text.push(b'}');
                    assert_eq!(Blocks::new(&text).end_of_string(1), Some(end), "{place} {run}");
                    text.truncate(end);
                    assert_eq!(Blocks::new(&text).end_of_string(1), None, "{place} {run}");
                }
            }
        }
    }
}
