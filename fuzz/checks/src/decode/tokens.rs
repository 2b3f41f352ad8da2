//! A lenient reader of JSON, written another way than the core's: the text is cut into tokens
//! first, and everything else looks at these.

use serde::de::IgnoredAny;

/// A token, and where it stands.
#[derive(Debug, Clone, Copy)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open(u8),
    Close(u8),
    Comma,
    Colon,
    String,
    /// The rest of the text, after a quote that is never closed.
    Unclosed,
    /// Whatever else stands together.
    Word,
}

/// A table, for libFuzzer watches every comparison.
const ENDS_A_WORD: [bool; 256] = {
    let (ends, mut table, mut index) = (b" \t\n\r{}[],:\"", [false; 256], 0);
    while index < ends.len() {
        table[ends[index] as usize] = true;
        index += 1;
    }
    table
};

/// A text and its tokens.
pub(super) struct Tokens<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

/// Some tokens in a row: a value, or what stands in the place of one.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

/// What is read of an object or array, and how often something stood in the way.
pub(super) struct Parts<T> {
    pub(super) parts: Vec<T>,
    pub(super) lost: u64,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        // So that a string without an end does not end in white space.
        let text = text.trim_matches([' ', '\t', '\n', '\r']);
        let bytes = text.as_bytes();
        let mut tokens = Vec::with_capacity(text.len() / 4);
        let mut start = 0;
        while let Some(byte) = bytes.get(start) {
            let (kind, length) = match byte {
                b' ' | b'\t' | b'\n' | b'\r' => {
                    start += 1;
                    continue;
                }
                b'{' | b'[' => (Kind::Open(*byte), 1),
                b'}' | b']' => (Kind::Close(*byte), 1),
                b',' => (Kind::Comma, 1),
                b':' => (Kind::Colon, 1),
                b'"' => string(&bytes[start..]),
                _ => {
                    let ends = |byte: &u8| ENDS_A_WORD[usize::from(*byte)];
                    let length = bytes[start..].iter().position(ends);
                    (Kind::Word, length.unwrap_or(bytes.len() - start))
                }
            };
            tokens.push(Token { kind, start, end: start + length });
            start += length;
        }
        Self { text, tokens }
    }

    pub(super) fn value(&self) -> Value<'_> {
        Value { text: self.text, tokens: &self.tokens }
    }
}

/// Returns what begins with a quote.
fn string(bytes: &[u8]) -> (Kind, usize) {
    let mut is_escaped = false;
    for (index, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return (Kind::String, index + 1),
            _ => {}
        }
    }
    (Kind::Unclosed, bytes.len())
}

impl<'a> Value<'a> {
    pub(super) fn as_str(self) -> &'a str {
        match (self.tokens.first(), self.tokens.last()) {
            (Some(first), Some(last)) => &self.text[first.start..last.end],
            _ => "",
        }
    }

    pub(super) fn is_null(self) -> bool {
        self.as_str() == "null"
    }

    pub(super) fn is_json(self) -> bool {
        serde_json::from_str::<IgnoredAny>(self.as_str()).is_ok()
    }

    /// Returns whether it is one token, or what stands between two brackets.
    pub(super) fn is_one(self) -> bool {
        match self.tokens {
            [one] => matches!(one.kind, Kind::String | Kind::Word),
            [first, ..] => {
                matches!(first.kind, Kind::Open(_))
                    && self.end_of_first() == Some(self.tokens.len() - 1)
            }
            [] => false,
        }
    }

    /// Returns whether it stays one part wherever it is put: its brackets and quotes are closed,
    /// and no comma stands outside of them.
    pub(super) fn is_part(self) -> bool {
        let mut depth = 0_u32;
        for token in self.tokens {
            match token.kind {
                Kind::Open(_) => depth += 1,
                Kind::Close(_) if depth == 0 => return false,
                Kind::Close(_) => depth -= 1,
                Kind::Comma if depth == 0 => return false,
                Kind::Unclosed => return false,
                Kind::Comma | Kind::Colon | Kind::String | Kind::Word => {}
            }
        }
        depth == 0 && !self.tokens.is_empty()
    }

    /// Returns whether it begins with a string and a colon.
    pub(super) fn is_entry(self) -> bool {
        self.entry().is_some()
    }

    /// Returns where the bracket is closed that it begins with; brackets of both kinds are alike.
    fn end_of_first(self) -> Option<usize> {
        let mut depth = 0_u32;
        self.tokens.iter().position(|token| {
            match token.kind {
                Kind::Open(_) => depth += 1,
                Kind::Close(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })
    }

    /// Returns a string's content.
    pub(super) fn string(self) -> Option<String> {
        let [Token { kind: Kind::String, start, end }] = self.tokens else { return None };
        Some(content(&self.text[start + 1..end - 1]))
    }

    /// Returns a string's content, nothing for `null`, anything else as it stands.
    pub(super) fn text_of(self) -> String {
        if self.is_null() {
            return String::new();
        }
        self.string().unwrap_or_else(|| self.as_str().to_owned())
    }

    /// Returns the elements of an array; its kind of bracket is that of `open`.
    fn split(self, open: u8) -> Option<Parts<Self>> {
        let (close, first) = (open + 2, self.tokens.first()?);
        if first.kind != Kind::Open(open) {
            return None;
        }
        let (inner, mut lost) = match self.end_of_first() {
            Some(end) => {
                let is_sound =
                    self.tokens[end].kind == Kind::Close(close) && end + 1 == self.tokens.len();
                (&self.tokens[1..end], u64::from(!is_sound))
            }
            None => (&self.tokens[1..], 1),
        };
        let is_cut_off = lost > 0;
        let mut depth = 0_u32;
        let pieces = inner.split(|token| {
            match token.kind {
                Kind::Open(_) => depth += 1,
                Kind::Close(_) => depth -= 1,
                _ => {}
            }
            token.kind == Kind::Comma && depth == 0
        });
        let pieces: Vec<_> = pieces.collect();
        let mut parts = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            if !piece.is_empty() {
                parts.push(Self { text: self.text, tokens: piece });
            } else if pieces.len() > 1 && !(is_cut_off && index + 1 == pieces.len()) {
                lost += 1;
            }
        }
        Some(Parts { parts, lost })
    }

    /// Returns the elements of an array and their places. Where nothing stands between two commas
    /// there is a place, too.
    pub(super) fn places(self) -> Vec<(usize, Self)> {
        let end = self.end_of_first().unwrap_or(self.tokens.len());
        let mut depth = 0_u32;
        let mut places: Vec<(usize, Self)> = Vec::new();
        let mut place = 0;
        for (index, token) in self.tokens[..end].iter().enumerate().skip(1) {
            if token.kind == Kind::Comma && depth == 0 {
                place += 1;
                continue;
            }
            match token.kind {
                Kind::Open(_) => depth += 1,
                Kind::Close(_) => depth -= 1,
                _ => {}
            }
            match places.last_mut() {
                Some((last, value)) if *last == place => {
                    let start = index - value.tokens.len();
                    value.tokens = &self.tokens[start..=index];
                }
                _ => places
                    .push((place, Self { text: self.text, tokens: &self.tokens[index..=index] })),
            }
        }
        places
    }

    fn entry(self) -> Option<(String, Self)> {
        let [Token { kind: Kind::String, start, end }, colon, rest @ ..] = self.tokens else {
            return None;
        };
        let value = Self { text: self.text, tokens: rest };
        (colon.kind == Kind::Colon).then(|| (content(&self.text[start + 1..end - 1]), value))
    }

    pub(super) fn elements(self) -> Option<Parts<Self>> {
        self.split(b'[')
    }

    /// Returns the keys and values of an object; an empty array is one, too.
    pub(super) fn entries(self) -> Option<Parts<(String, Self)>> {
        if let Some(elements) = self.split(b'[') {
            let is_empty = elements.parts.is_empty() && elements.lost == 0;
            return is_empty.then_some(Parts { parts: Vec::new(), lost: 0 });
        }
        let split = self.split(b'{')?;
        let mut entries = Parts { parts: Vec::new(), lost: split.lost };
        for part in split.parts {
            match part.entry() {
                Some(entry) => entries.parts.push(entry),
                None => entries.lost += 1,
            }
        }
        Some(entries)
    }

    /// Returns the elements of an array, or the values of an object.
    pub(super) fn values(self) -> Option<Parts<Self>> {
        if let Some(elements) = self.elements() {
            return Some(elements);
        }
        let Parts { parts, lost } = self.entries()?;
        Some(Parts { parts: parts.into_iter().map(|(_, value)| value).collect(), lost })
    }

    /// Returns the entries of what is an object in its own grammar, whatever its values are.
    pub(super) fn strict_entries(self) -> Option<Vec<(&'a str, Self)>> {
        let end = self.tokens.len().checked_sub(1)?;
        if self.tokens[0].kind != Kind::Open(b'{')
            || self.tokens[end].kind != Kind::Close(b'}')
            || self.end_of_first() != Some(end)
            || self.tokens.iter().any(|token| token.kind == Kind::Unclosed)
        {
            return None;
        }
        let split = self.split(b'{')?;
        if split.lost > 0 {
            return None;
        }
        let entry = |part: Self| {
            let (_, value) = part.entry()?;
            let key = &self.text[part.tokens[0].start..part.tokens[0].end];
            value.is_one().then_some((key, value))
        };
        split.parts.into_iter().map(entry).collect()
    }
}

/// Returns the content of a string, by way of UTF-16: what JSON's escapes were made for.
fn content(escaped: &str) -> String {
    if !escaped.contains('\\') {
        return escaped.to_owned();
    }
    let mut units = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(first) = rest.chars().next() {
        let (unit, length) = match rest.as_bytes() {
            [b'\\', b'u', digits @ ..] => {
                let digits = digits.get(..4).filter(|four| four.iter().all(u8::is_ascii_hexdigit));
                let digits = digits.and_then(|four| std::str::from_utf8(four).ok());
                (digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()), 6)
            }
            [b'\\', other, ..] => {
                let known = b"\"\"\\\\//b\x08f\x0cn\nr\rt\t".chunks(2);
                let mut known = known.filter(|pair| pair[0] == *other).map(|pair| pair[1].into());
                (known.next(), 2)
            }
            _ => (None, 0),
        };
        match unit {
            Some(unit) => {
                units.push(unit);
                rest = &rest[length..];
            }
            None => {
                units.extend_from_slice(first.encode_utf16(&mut [0; 2]));
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    String::from_utf16_lossy(&units)
}
