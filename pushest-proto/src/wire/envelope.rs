//! The scanner of the one outer object, `{event, channel, data, user_id, …}`.
//!
//! It finds where each value stands and decodes none of them. It does not recurse: nesting costs a
//! counter. The object itself is held to JSON's grammar; of its values only the brackets and quotes
//! are followed, and the rest is judged when it is read. So a value that is not needed does not
//! cost the message, whatever it is ([protocol, tolerance](crate::protocol#tolerance)).

use core::ops::Range;

/// Where a value stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    start: u32,
    end: u32,
    /// It is a string with at least one escape.
    pub(crate) escaped: bool,
    /// It is a string with a control character, which JSON wants escaped (RFC 8259, section 7).
    pub(crate) control: bool,
}

impl Token {
    fn new(start: usize, end: usize) -> Option<Self> {
        let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
        Some(Self { start, end, escaped: false, control: false })
    }

    /// Returns the value as it stands, a string with its quotes.
    pub(crate) fn of<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start as usize..self.end as usize]
    }

    /// Returns where the content of a string stands, without the quotes.
    pub(crate) fn content_range(&self) -> Range<u32> {
        self.start + 1..self.end - 1
    }

    /// Returns what stands between the quotes, escapes and all, if the value is a string.
    pub(crate) fn string<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.of(text).strip_prefix('"')?.strip_suffix('"')
    }
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
pub(crate) fn scan(text: &str) -> Result<Envelope, NotAnObject> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
    let envelope = scanner.object().ok_or(NotAnObject)?;
    scanner.white_space();
    if scanner.at == text.len() { Ok(envelope) } else { Err(NotAnObject) }
}

/// Returns what the beginning of a message shows of it: the members that stand in it whole. Of
/// duplicate keys the last of these wins; the rest of the message might say otherwise.
pub(crate) fn scan_beginning(text: &str) -> Envelope {
    let mut envelope = Envelope::default();
    // Ends at the first member that is cut off, or is no JSON.
    let _ = Scanner { text, bytes: text.as_bytes(), at: 0 }.object_into(&mut envelope);
    envelope
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn object(&mut self) -> Option<Envelope> {
        let mut envelope = Envelope::default();
        self.object_into(&mut envelope)?;
        Some(envelope)
    }

    fn object_into(&mut self, envelope: &mut Envelope) -> Option<()> {
        self.white_space();
        self.expect(b'{')?;
        self.white_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Some(());
        }
        loop {
            self.white_space();
            let key = self.string()?;
            self.white_space();
            self.expect(b':')?;
            self.white_space();
            let value = self.value()?;
            self.keep(envelope, key, value);
            self.white_space();
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn keep(&self, envelope: &mut Envelope, key: Token, value: Token) {
        // Escapes that are none are not in any name that the protocol knows.
        let unescaped = if key.escaped { unescaped(key.of(self.text)) } else { None };
        let name = match &unescaped {
            Some(name) => name.as_bytes(),
            None => &self.bytes[key.start as usize + 1..key.end as usize - 1],
        };
        let present = Some(value).filter(|value| value.of(self.text) != "null");
        match name {
            b"data" => envelope.data = Some(value),
            b"event" => envelope.event = present,
            b"channel" => envelope.channel = present,
            b"user_id" => envelope.user_id = present,
            _ => {}
        }
    }

    fn value(&mut self) -> Option<Token> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' | b'[' => self.composite(),
            _ => self.scalar(),
        }
    }

    /// A string; its escapes are skipped, not judged.
    fn string(&mut self) -> Option<Token> {
        let start = self.at;
        self.expect(b'"')?;
        let (mut escaped, mut control) = (false, false);
        loop {
            self.skip_plain();
            match self.next()? {
                b'"' => {
                    let token = Token::new(start, self.at)?;
                    return Some(Token { escaped, control, ..token });
                }
                b'\\' => {
                    escaped = true;
                    self.next()?;
                }
                byte => control |= byte < 0x20,
            }
        }
    }

    /// Skips what is neither a quote, a backslash nor a control character, eight bytes at a time
    /// while it can. Stopping early, before a plain byte, does no harm.
    fn skip_plain(&mut self) {
        const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
        const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
        // The high bit of each byte that is zero, and of some after the first such byte.
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        while let Some(chunk) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            let word = u64::from_le_bytes(*chunk);
            let quotes = zeros(word ^ (ONES * b'"' as u64));
            let backslashes = zeros(word ^ (ONES * b'\\' as u64));
            let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
            let special = quotes | backslashes | controls;
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
    }

    /// An object or an array: up to the bracket that closes the first.
    fn composite(&mut self) -> Option<Token> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Token::new(start, self.at);
            }
        }
    }

    /// A number, `true`, `false`, `null`, or what stands in the place of one: up to what ends it.
    fn scalar(&mut self) -> Option<Token> {
        let start = self.at;
        let ends = |byte: &u8| b",}]\"{[: \t\n\r".contains(byte);
        let rest = &self.bytes[start..];
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
        if self.at == start { None } else { Token::new(start, self.at) }
    }

    fn white_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

/// Returns the content of a JSON string (with its quotes), or nothing if its escapes are not JSON.
pub(crate) fn unescaped(string: &str) -> Option<alloc::string::String> {
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
    fn nesting_costs_no_stack() {
        let deep = alloc::format!("{{\"data\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(scan(&deep).unwrap().data.unwrap().of(&deep).len(), 1_000_000);
    }
}
