//! The scanner of the one outer object, `{event, channel, data, user_id, …}`.
//!
//! It finds where each value stands and decodes none of them. The object itself is held to JSON's
//! grammar; of its values only the brackets and quotes are followed, and the rest is judged when it is
//! read. So a value that is not needed does not cost the message, whatever it is ([protocol,
//! tolerance](crate::protocol#tolerance)).
//!
//! A member that is written as servers write it takes a short way ([`Scanner::usual_member`]): the three
//! usual keys are compared as one number each; a name is read eight bytes at a time, and judged
//! meanwhile; and of data that is a string only the end is looked for. Whatever is written in another way,
//! or is another member, is read byte by byte up to its value, and means the same.

use alloc::string::String;
use core::fmt;
use core::num::NonZeroU64;
use core::ops::Range;

use memchr::memchr;

use super::scan::{Blocks, end_of_name, special};

/// Where a value stands in the message: its end in the lower half, its start in the upper one, and in
/// the highest bit whether it is known to be plain. All is one number, since reading as one what was
/// written as two takes a processor longer than all the rest of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token(NonZeroU64);

/// No place in a message reaches this bit.
const PLAIN: u64 = 1 << 63;

/// The longest message of which all places fit. None is longer, by far; one that is does not end here.
const LONGEST: usize = i32::MAX as usize;

impl Token {
    #[inline(always)]
    fn new(range: Range<usize>) -> Option<Self> {
        NonZeroU64::new((range.start as u64) << 32 | range.end as u64).map(Self)
    }

    #[inline(always)]
    fn range(self) -> Range<usize> {
        ((self.0.get() & !PLAIN) >> 32) as usize..self.0.get() as u32 as usize
    }

    /// Says that the value is a string whose content [is plain](is_plain).
    #[inline(always)]
    fn plain(self, is_plain: bool) -> Self {
        if is_plain { Self(self.0 | PLAIN) } else { self }
    }

    /// Returns whether the value is known to be a string whose content [`is_plain`]. One that is not
    /// known to be may be plain, too.
    #[inline(always)]
    pub(crate) fn is_plain(self) -> bool {
        self.0.get() & PLAIN != 0
    }

    /// Returns the value as it stands, a string with its quotes.
    pub(crate) fn of(self, text: &str) -> &str {
        &text[self.range()]
    }

    /// Returns the bytes between the quotes, if the value is known to be plain: where they are compared
    /// alone, it need not be seen again that they are a text.
    #[inline(always)]
    pub(crate) fn plain_bytes(self, text: &str) -> Option<&[u8]> {
        let Range { start, end } = self.range();
        if self.is_plain() { text.as_bytes().get(start + 1..end - 1) } else { None }
    }

    /// Returns what stands between the quotes, escapes and all, if the value is a string.
    #[inline]
    pub(crate) fn string(self, text: &str) -> Option<&str> {
        let Range { start, end } = self.range();
        // Only a string begins with a quote, and then it ends with another one.
        let is_string = text.as_bytes().get(start) == Some(&b'"');
        if is_string { text.get(start + 1..end - 1) } else { None }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.range().fmt(f)
    }
}

/// Returns whether the content of a string has a control character, which JSON wants escaped (RFC 8259,
/// section 7).
pub(crate) fn has_control(content: &str) -> bool {
    // To the end, so that many are looked at together.
    content.bytes().fold(false, |has, byte| has | (byte < 0x20))
}

/// Returns whether the content of a string has escapes.
pub(crate) fn has_escapes(content: &str) -> bool {
    memchr(b'\\', content.as_bytes()).is_some()
}

/// Returns whether the content of a string, a short one, stands for itself: it has no escapes, and
/// nothing that ought to be escaped.
pub(crate) fn is_plain(content: &str) -> bool {
    let bytes = content.as_bytes();
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().all(|byte| *byte >= 0x20 && *byte != b'\\');
    };
    // The last word overlaps the one before.
    bytes.as_chunks().0.iter().fold(special(last), |all, word| all | special(word)) == 0
}

/// The members of the outer object that the protocol knows; `null` counts as absent for all but
/// `data`. Of duplicate keys the last wins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) event: Option<Token>,
    pub(crate) channel: Option<Token>,
    pub(crate) data: Option<Token>,
    pub(crate) user_id: Option<Token>,
}

/// The message is not a JSON object with an object's grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAnObject;

/// Scans a message.
#[inline(always)]
pub(crate) fn scan(text: &str) -> Result<Envelope, NotAnObject> {
    let mut scanner = Scanner::new(text);
    let mut envelope = Envelope::default();
    let end = scanner.object(&mut envelope).ok_or(NotAnObject)?;
    let is_all = next(scanner.bytes, end).is_none() && scanner.bytes.len() == text.len();
    if is_all { Ok(envelope) } else { Err(NotAnObject) }
}

/// Returns what the beginning of a message shows of it: the members that stand in it whole. Of
/// duplicate keys the last of these wins; the rest of the message might say otherwise.
pub(crate) fn scan_beginning(text: &str) -> Envelope {
    let mut envelope = Envelope::default();
    // Ends at the first member that is cut off, or is no JSON.
    let _ = Scanner::new(text).object(&mut envelope);
    envelope
}

/// What a member is.
#[derive(Clone, Copy)]
enum Key {
    Event,
    Channel,
    Data,
    UserId,
    Other,
}

impl Key {
    fn named(name: &[u8]) -> Self {
        match name {
            b"event" => Self::Event,
            b"channel" => Self::Channel,
            b"data" => Self::Data,
            b"user_id" => Self::UserId,
            _ => Self::Other,
        }
    }
}

/// The keys that nearly every message has, with as much of what servers write around them as makes one
/// number of each.
const EVENT: u64 = u64::from_le_bytes(*b"event\":\"");
const DATA: u64 = u64::from_le_bytes(*b"\0\0data\":");
const CHANNEL: u64 = u64::from_le_bytes(*b"channel\"");

/// What reads the object. Each step is told where it begins and returns what it has found with the place
/// behind that: kept in here, that place would be written to memory at every step.
struct Scanner<'a> {
    bytes: &'a [u8],
    blocks: Blocks<'a>,
}

impl<'a> Scanner<'a> {
    #[inline(always)]
    fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes().get(..LONGEST).unwrap_or(text.as_bytes());
        Self { bytes, blocks: Blocks::new(bytes) }
    }

    /// Reads the object. Returns the place behind it.
    #[inline(always)]
    fn object(&mut self, envelope: &mut Envelope) -> Option<usize> {
        let (b'{', at) = next(self.bytes, 0)? else { return None };
        let (byte, mut at) = next(self.bytes, at)?;
        if byte == b'}' {
            return Some(at);
        }
        if byte != b'"' {
            return None;
        }
        loop {
            at = match self.usual_member(envelope, at) {
                Some(at) => at,
                None => self.any_member(envelope, at)?,
            };
            at = match next(self.bytes, at)? {
                (b',', behind) => match next(self.bytes, behind)? {
                    (b'"', behind) => behind,
                    _ => return None,
                },
                (b'}', behind) => return Some(behind),
                _ => return None,
            };
        }
    }

    /// Reads a member as servers write those that nearly every message has. Its first quote was the last
    /// byte. Returns the place behind it; `None` if it is any other, or written in another way.
    #[inline(always)]
    fn usual_member(&mut self, envelope: &mut Envelope, at: usize) -> Option<usize> {
        let rest = self.bytes.get(at..)?;
        let word = u64::from_le_bytes(*rest.first_chunk()?);
        let (value, end);
        if word == EVENT {
            (value, end) = self.name(at + 8)?;
            envelope.event = Some(value);
        } else if word == CHANNEL && rest[8..].starts_with(b":\"") {
            (value, end) = self.name(at + 10)?;
            envelope.channel = Some(value);
        } else if word << 16 == DATA {
            (value, end) = match rest[6] {
                b'"' => self.string(at + 7)?,
                b'{' | b'[' => self.composite(at + 7)?,
                _ => return None,
            };
            envelope.data = Some(value);
        } else {
            return None;
        }
        Some(end)
    }

    /// Reads a member, whose first quote was the last byte. Returns the place behind it.
    #[inline(never)]
    fn any_member(&mut self, envelope: &mut Envelope, at: usize) -> Option<usize> {
        let (key, at) = self.any_key(at)?;
        let (byte, at) = next(self.bytes, at)?;
        let (value, end) = match byte {
            b'"' => self.string(at)?,
            b'{' | b'[' => self.composite(at)?,
            b'}' | b']' | b',' | b':' => return None,
            _ => self.scalar(at)?,
        };
        match key {
            Key::Data => envelope.data = Some(value),
            Key::Event => envelope.event = self.present(value),
            Key::Channel => envelope.channel = self.present(value),
            Key::UserId => envelope.user_id = self.present(value),
            Key::Other => {}
        }
        Some(end)
    }

    /// Reads a key, whose first quote was the last byte, and the colon behind it.
    fn any_key(&mut self, start: usize) -> Option<(Key, usize)> {
        let end = self.blocks.end_of_string(start)?;
        let (b':', at) = next(self.bytes, end + 1)? else { return None };
        let name = &self.bytes[start..end];
        if !name.contains(&b'\\') {
            return Some((Key::named(name), at));
        }
        // Escapes that are none are not in any name that the protocol knows.
        let name = serde_json::from_slice::<String>(&self.bytes[start - 1..=end]);
        Some((name.map_or(Key::Other, |name| Key::named(name.as_bytes())), at))
    }

    /// Reads a string that is short, and will be needed: whether it is plain is seen on the way.
    #[inline(always)]
    fn name(&mut self, at: usize) -> Option<(Token, usize)> {
        let (end, is_plain) = end_of_name(self.bytes, at)?;
        Some((Token::new(at - 1..end + 1)?.plain(is_plain), end + 1))
    }

    /// Reads a string, whose first quote was the last byte.
    #[inline(always)]
    fn string(&mut self, at: usize) -> Option<(Token, usize)> {
        let end = self.blocks.end_of_string(at)? + 1;
        Some((Token::new(at - 1..end)?, end))
    }

    /// Reads an object or an array, whose first bracket was the last byte.
    #[inline(never)]
    fn composite(&mut self, at: usize) -> Option<(Token, usize)> {
        let end = self.blocks.end_of_composite(at - 1)?;
        Some((Token::new(at - 1..end)?, end))
    }

    /// Reads a number, `true`, `false`, `null`, or what stands in the place of one: from the last byte
    /// up to what ends it.
    fn scalar(&self, at: usize) -> Option<(Token, usize)> {
        let ends = |byte: &u8| b",}]\"{[: \t\n\r".contains(byte);
        let rest = &self.bytes[at..];
        let end = at + rest.iter().position(ends).unwrap_or(rest.len());
        Some((Token::new(at - 1..end)?, end))
    }

    /// Returns a value, unless it is `null`.
    fn present(&self, value: Token) -> Option<Token> {
        Some(value).filter(|value| self.bytes[value.range()] != *b"null")
    }
}

/// Returns the next byte that is no white space, and the place behind it.
#[inline(always)]
fn next(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            return Some((byte, at));
        }
    }
}

/// Returns the content of a JSON string (with its quotes), or nothing if its escapes are not JSON.
pub(crate) fn unescaped(string: &str) -> Option<String> {
    serde_json::from_str(string).ok()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    fn values(text: &str) -> [Option<&str>; 4] {
        let envelope = scan(text).unwrap();
        [envelope.event, envelope.channel, envelope.data, envelope.user_id]
            .map(|token| token.map(|token| token.of(text)))
    }

    #[test]
    fn values_are_found_where_they_stand() {
        assert_eq!(
            values(
                r#" {"event":"x","channel" : "c" ,"data":{"a":[1,"]}"]},"user_id":7,"z":null} "#
            ),
            [Some("\"x\""), Some("\"c\""), Some(r#"{"a":[1,"]}"]}"#), Some("7")]
        );
        assert_eq!(values("{}"), [None; 4]);
    }

    #[test]
    fn the_last_duplicate_wins_and_escaped_keys_count() {
        assert_eq!(
            values(r#"{"event":"a","\u0065vent":"b","data":1,"data":null,"channel":null}"#),
            [Some("\"b\""), None, Some("null"), None]
        );
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for text in [
            "",
            " ",
            "null",
            "[]",
            "{",
            "{]",
            "{}}",
            "{} x",
            r#"{"event"}"#,
            r#"{"event":}"#,
            r#"{"event":"x",}"#,
            r#"{"event":"x" "data":1}"#,
            r#"{event:"x"}"#,
            r#"{,"event":"x"}"#,
            r#"{"event":,}"#,
            r#"{"event"::"x"}"#,
            r#"{"event":"x"}}"#,
            r#"{"event":"x"#,
            r#"{"event":"\"#,
            r#"{"x":1 2}"#,
            r#"{"x":a"b"}"#,
            r#"{"x":]}"#,
            r#"{"data":[1"#,
        ] {
            assert_eq!(scan(text), Err(NotAnObject), "{text}");
        }
    }

    #[test]
    fn a_value_that_is_no_json_costs_itself_only() {
        for odd in ["01", "NaN", "[}", "[1,]", r#""\q""#, "\"\n\"", r#""\ud800""#, "{]"] {
            let text = alloc::format!(
                r#"{{"x":{odd},"event":"a","\q":{odd},"data":{odd},"user_id":{odd},"data":{odd}}}"#
            );
            assert_eq!(values(&text), [Some("\"a\""), None, Some(odd), Some(odd)], "{odd}");
        }
    }

    #[test]
    fn a_beginning_shows_the_members_that_stand_in_it_whole() {
        let channel = |text: &'static str| scan_beginning(text).channel.map(|token| token.of(text));
        let c = Some(r#""c""#);
        assert_eq!(channel(r#"{"event":"e","channel":"c","data":"cut o"#), c);
        assert_eq!(channel(r#"{"channel":"c""#), c);
        assert_eq!(channel(r#"{"data":"{\"channel\":\"x\"}","channel":"c","event":"cut o"#), c);
        assert_eq!(channel(r#" {"a":{"channel":"x"},"channel":"c","channel":"x"#), c);
        for hidden in [
            "",
            "[",
            r#"{"channel":"c"#,
            r#"{"channel""#,
            r#"{"data":{"channel":"c","#,
            r#"{"data":"{\"channel\":\"c\","#,
            r#"["channel","c"#,
        ] {
            assert_eq!(channel(hidden), None, "{hidden}");
        }
    }

    #[test]
    fn what_stands_for_itself_has_neither_escapes_nor_control_characters() {
        for length in 0..20 {
            let plain = "é~".repeat(10)[..2 + 3 * (length / 3)].to_string();
            assert!(is_plain(&plain) && !has_escapes(&plain) && !has_control(&plain));
            for at in 0..length {
                for special in ['\\', '\0', '\n', '\x1f'] {
                    let mut text = "a".repeat(length);
                    text.insert(at, special);
                    assert!(!is_plain(&text), "{text:?}");
                    assert_eq!(has_escapes(&text), special == '\\');
                    assert_eq!(has_control(&text), special != '\\');
                }
                for other in [' ', '[', ']', '\x7f', '\u{80}', '\u{5c5c}', '\u{10ffff}'] {
                    let mut text = "a".repeat(length);
                    text.insert(at, other);
                    assert!(is_plain(&text), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn a_backslash_outside_of_a_string_escapes_nothing() {
        assert_eq!(values(r#"{"data":[\"a"],"event":"b"}"#)[2], Some(r#"[\"a"]"#));
        assert_eq!(scan(r#"{"x":\"a"}"#), Err(NotAnObject));
        assert_eq!(scan(r#"{\"event":"a"}"#), Err(NotAnObject));
        assert_eq!(values(r#"{"data":[\],"event":"a"}"#)[0], Some(r#""a""#));
    }

    #[test]
    fn nesting_costs_no_stack() {
        let deep = alloc::format!("{{\"data\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(scan(&deep).unwrap().data.unwrap().of(&deep).len(), 1_000_000);
    }
}
