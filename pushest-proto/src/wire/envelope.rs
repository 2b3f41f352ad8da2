//! The scanner of the one outer object, `{event, channel, data, user_id, …}`.
//!
//! It finds where each value stands and decodes none of them. The object itself is held to JSON's
//! grammar; of its values only the brackets and quotes are followed, and the rest is judged when it is
//! read. So a value that is not needed does not cost the message, whatever it is ([protocol,
//! tolerance](crate::protocol#tolerance)).

use alloc::string::String;
use core::ops::Range;

use super::scan::Blocks;

/// Where a value stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    start: u32,
    end: u32,
    /// It is a string with at least one escape.
    pub(crate) escaped: bool,
}

impl Token {
    /// Returns the value as it stands, a string with its quotes.
    pub(crate) fn of<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start as usize..self.end as usize]
    }

    /// Returns where the content of a string stands, without the quotes.
    pub(crate) fn content_range(&self) -> Range<u32> {
        self.start + 1..self.end - 1
    }

    /// Returns what stands between the quotes, escapes and all, if the value is a string.
    #[inline]
    pub(crate) fn string<'a>(&self, text: &'a str) -> Option<&'a str> {
        // Only a string begins with a quote, and then it ends with another one.
        let is_string = text.as_bytes().get(self.start as usize) == Some(&b'"');
        if is_string { text.get(self.start as usize + 1..self.end as usize - 1) } else { None }
    }
}

/// Returns whether the content of a string has a control character, which JSON wants escaped (RFC 8259,
/// section 7).
#[inline]
pub(crate) fn has_control(content: &str) -> bool {
    // To the end, so that many are looked at together.
    content.bytes().fold(false, |has, byte| has | (byte < 0x20))
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
    scanner.object(&mut envelope).ok_or(NotAnObject)?;
    let is_all = scanner.next().is_none() && scanner.at == text.len();
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

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    blocks: Blocks<'a>,
}

impl<'a> Scanner<'a> {
    #[inline(always)]
    fn new(text: &'a str) -> Self {
        // Places in a token are `u32`. No message is larger, by far; one that is does not end here.
        let bytes = text.as_bytes().get(..u32::MAX as usize).unwrap_or(text.as_bytes());
        Self { bytes, at: 0, blocks: Blocks::new(bytes) }
    }

    #[inline(always)]
    fn object(&mut self, envelope: &mut Envelope) -> Option<()> {
        if self.next()? != b'{' {
            return None;
        }
        let mut next = self.next()?;
        if next == b'}' {
            return Some(());
        }
        loop {
            if next != b'"' {
                return None;
            }
            let key = self.key()?;
            let value = match self.next()? {
                b'"' => self.string()?,
                b'{' | b'[' => self.composite()?,
                b'}' | b']' | b',' | b':' => return None,
                _ => self.scalar(),
            };
            match key {
                Key::Data => envelope.data = Some(value),
                Key::Event => envelope.event = self.present(value),
                Key::Channel => envelope.channel = self.present(value),
                Key::UserId => envelope.user_id = self.present(value),
                Key::Other => {}
            }
            match self.next()? {
                b',' => next = self.next()?,
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Reads a key, whose first quote was the last byte, and the colon behind it.
    #[inline(always)]
    fn key(&mut self) -> Option<Key> {
        // As servers write the most frequent ones: eight bytes at once.
        for (text, key) in [("event\":", Key::Event), ("data\":", Key::Data), ("channel\":", Key::Channel)] {
            if self.bytes[self.at..].starts_with(text.as_bytes()) {
                self.at += text.len();
                return Some(key);
            }
        }
        let key = self.string()?;
        if self.next()? != b':' {
            return None;
        }
        if key.escaped {
            // Escapes that are none are not in any name that the protocol knows.
            let name = serde_json::from_slice::<String>(self.token(key));
            return Some(name.map_or(Key::Other, |name| Key::named(name.as_bytes())));
        }
        Some(Key::named(&self.bytes[key.start as usize + 1..key.end as usize - 1]))
    }

    /// Returns a value, unless it is `null`.
    #[inline(always)]
    fn present(&self, value: Token) -> Option<Token> {
        Some(value).filter(|value| self.token(*value) != b"null")
    }

    /// A string, whose first quote was the last byte.
    #[inline(always)]
    fn string(&mut self) -> Option<Token> {
        let start = self.at - 1;
        let (end, escaped) = self.blocks.end_of_string(self.at)?;
        self.at = end + 1;
        Some(Token { escaped, ..self.since(start) })
    }

    /// An object or an array, whose first bracket was the last byte.
    fn composite(&mut self) -> Option<Token> {
        let start = self.at - 1;
        self.at = self.blocks.end_of_composite(start)?;
        Some(self.since(start))
    }

    /// A number, `true`, `false`, `null`, or what stands in the place of one: from the last byte up to
    /// what ends it.
    fn scalar(&mut self) -> Token {
        let start = self.at - 1;
        let ends = |byte: &u8| b",}]\"{[: \t\n\r".contains(byte);
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
        self.since(start)
    }

    #[inline(always)]
    fn since(&self, start: usize) -> Token {
        Token { start: start as u32, end: self.at as u32, escaped: false }
    }

    fn token(&self, token: Token) -> &[u8] {
        &self.bytes[token.start as usize..token.end as usize]
    }

    /// The next byte that is no white space.
    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }
}

/// Returns the content of a JSON string (with its quotes), or nothing if its escapes are not JSON.
pub(crate) fn unescaped(string: &str) -> Option<String> {
    serde_json::from_str(string).ok()
}

#[cfg(test)]
mod tests {
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
