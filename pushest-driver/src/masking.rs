//! Hides in a server's text what had been sent to it: error pages repeat requests, tokens included.
//!
//! A repeated value rarely stands as it was sent: pages escape it for HTML, JSON or URLs, once or
//! several times, in other letters' case, or cut it off. Text and values are therefore compared in
//! every stage of being unescaped, and hidden is what the found part was made of.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pushest_proto::needs_escape;

/// What stands for a hidden value.
const STARS: &str = "***";

/// A shorter value is hidden only where it stands as a word: it would be found in any text.
const ANYWHERE: usize = 4;

/// Of a value of at least this many bytes any part of this length is hidden: pages cut off and wrap.
const PART: usize = 16;

/// How often text and values are unescaped: the most layers that are looked through.
const LAYERS: usize = 8;

/// First words of header values that are no secret.
const SCHEMES: [&str; 5] = ["basic", "bearer", "digest", "negotiate", "token"];

/// The values that no text may show. Its own `Debug` shows none either.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    /// Folded and unescaped; each once, none of them empty.
    needles: Vec<Vec<u8>>,
    /// Every part of the long ones.
    parts: HashSet<[u8; PART]>,
}

impl Mask {
    /// Hides a value, however it is escaped.
    pub(crate) fn hide(&mut self, value: &str) {
        let mut units = folded(value.as_bytes());
        for _ in 0..LAYERS {
            let bytes: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
            let needle = bytes.trim_ascii();
            if !needle.is_empty() && !self.needles.iter().any(|known| known == needle) {
                self.needles.push(needle.to_vec());
                let parts =
                    needle.windows(PART).filter_map(|part| part.first_chunk::<PART>().copied());
                self.parts.extend(parts);
            }
            match unescaped(&units) {
                Some(next) => units = next,
                None => break,
            }
        }
    }

    /// Hides the value of a header, the words in it and what stands behind `=`, and of
    /// `Basic` credentials the user and the password.
    pub(crate) fn hide_header(&mut self, value: &str) {
        self.hide(value);
        let words = value.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
        for word in words.filter(|word| word.len() >= ANYWHERE) {
            if SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(word)) {
                continue;
            }
            self.hide(word);
            let assigned = word.split_once('=').map_or("", |(_, value)| value.trim_matches('"'));
            if assigned.len() >= ANYWHERE {
                self.hide(assigned);
            }
        }
        let is_basic = |(scheme, _): &(&str, &str)| scheme.eq_ignore_ascii_case("basic");
        if let Some((_, credentials)) = value.trim().split_once(' ').filter(is_basic)
            && let Ok(credentials) = STANDARD.decode(credentials.trim())
        {
            let credentials = String::from_utf8_lossy(&credentials);
            self.hide(&credentials);
            credentials.splitn(2, ':').for_each(|part| self.hide(part));
        }
    }

    /// Returns the beginning of a text, at most `most` bytes: without the values, and with every
    /// character escaped that [`needs_escape`] names. Bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn shown(&self, text: &[u8], most: usize) -> Box<str> {
        let hidden = self.hidden_in(text);
        let mut shown = String::new();
        let mut was_hidden = false;
        let mut push = |position: usize, piece: &str| {
            let is_hidden = hidden[position];
            let piece = if is_hidden { STARS } else { piece };
            if is_hidden && std::mem::replace(&mut was_hidden, is_hidden) {
                return true;
            }
            was_hidden = is_hidden;
            let has_room = shown.len() + piece.len() <= most;
            if has_room {
                shown.push_str(piece);
            }
            has_room
        };
        let mut position = 0;
        'text: for chunk in text.utf8_chunks() {
            for character in chunk.valid().chars() {
                if !push(position, &visible(character)) {
                    break 'text;
                }
                position += character.len_utf8();
            }
            if !chunk.invalid().is_empty() && !push(position, "\u{fffd}") {
                break 'text;
            }
            position += chunk.invalid().len();
        }
        shown.into()
    }

    /// Returns which bytes of the text belong to a value.
    fn hidden_in(&self, text: &[u8]) -> Vec<bool> {
        let mut hidden = vec![false; text.len()];
        if self.needles.is_empty() {
            return hidden;
        }
        let mut units = folded(text);
        for _ in 0..LAYERS {
            let bytes: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
            self.find(&bytes, |start, end| {
                hidden[units[start].start..units[end - 1].end].fill(true);
            });
            match unescaped(&units) {
                Some(next) => units = next,
                None => break,
            }
        }
        hidden
    }

    /// Tells where values stand in folded bytes.
    fn find(&self, bytes: &[u8], mut found: impl FnMut(usize, usize)) {
        for (start, window) in bytes.windows(PART).enumerate() {
            if self.parts.contains(window) {
                found(start, start + PART);
            }
        }
        // The text may have been cut off in the middle of a value, or of an escape within it.
        let last = &bytes[bytes.len().saturating_sub(10)..];
        let escape = last.iter().rposition(|byte| b"%&\\".contains(byte));
        let whole = escape.map_or(bytes.len(), |at| bytes.len() - last.len() + at);
        for (start, byte) in bytes.iter().enumerate() {
            // Most values differ at once; longer ones are found by their parts.
            for needle in self.needles.iter().filter(|one| one[0] == *byte && one.len() < PART) {
                let is_there = bytes[start..].starts_with(needle);
                if is_there && (needle.len() >= ANYWHERE || is_word(bytes, start, needle.len())) {
                    found(start, start + needle.len());
                }
            }
        }
        for end in [bytes.len(), whole] {
            let last = end.checked_sub(PART).map(|start| &bytes[start..end]);
            if last.is_some_and(|part| self.parts.contains(part)) {
                found(end - PART, bytes.len());
            }
            for needle in &self.needles {
                // What is longer was found as a part.
                let longest = needle.len().min(end + 1).min(PART);
                let cut = (ANYWHERE..longest).rev().find(|&n| bytes[..end].ends_with(&needle[..n]));
                if let Some(length) = cut {
                    found(end - length, bytes.len());
                }
            }
        }
    }
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mask").field("values", &self.needles.len()).finish_non_exhaustive()
    }
}

/// Returns whether neither a letter nor a digit stands beside it.
fn is_word(bytes: &[u8], start: usize, length: usize) -> bool {
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let after = bytes.get(start + length).copied();
    ![before, after].into_iter().flatten().any(|byte| byte.is_ascii_alphanumeric())
}

/// A byte to compare, and which bytes of the text it was made of.
#[derive(Clone, Copy)]
struct Unit {
    byte: u8,
    start: usize,
    end: usize,
}

/// Returns the text as it is compared: in lower case, with every white space a space, and `+`,
/// which is one in forms; without the zeros of UTF-16 and other controls.
fn folded(text: &[u8]) -> Vec<Unit> {
    let units = text.iter().enumerate();
    let units = units.map(|(at, &byte)| Unit { byte, start: at, end: at + 1 });
    units.filter_map(fold).collect()
}

fn fold(unit: Unit) -> Option<Unit> {
    let byte = match unit.byte {
        b'\t' | b'\n' | b'\r' | b'+' => b' ',
        byte if byte.is_ascii_control() => return None,
        byte => byte.to_ascii_lowercase(),
    };
    Some(Unit { byte, ..unit })
}

/// Returns the text with one layer of escapes taken away; `None` if there is none.
fn unescaped(units: &[Unit]) -> Option<Vec<Unit>> {
    let mut plain = Vec::with_capacity(units.len());
    let mut is_changed = false;
    let mut rest = units;
    while let Some(first) = rest.first() {
        let mut window = [0; LONGEST_ESCAPE];
        let length = rest.len().min(window.len());
        for (byte, unit) in window.iter_mut().zip(rest) {
            *byte = unit.byte;
        }
        let Some((escaped, length)) = escape(&window[..length]) else {
            plain.push(*first);
            rest = &rest[1..];
            continue;
        };
        is_changed = true;
        let (start, end) = (first.start, rest[length - 1].end);
        let mut buffer = [0; 4];
        let bytes = match escaped {
            Escaped::Byte(byte) => {
                buffer[0] = byte;
                &buffer[..1]
            }
            Escaped::Char(character) => character.encode_utf8(&mut buffer).as_bytes(),
        };
        plain.extend(bytes.iter().filter_map(|&byte| fold(Unit { byte, start, end })));
        rest = &rest[length..];
    }
    is_changed.then_some(plain)
}

/// Two escapes of JSON that make one character.
const LONGEST_ESCAPE: usize = "\\ud83d\\ude00".len();

/// What HTML calls the characters that are no letters and digits.
const ENTITIES: [(&str, char); 37] = [
    ("amp", '&'),
    ("apos", '\''),
    ("ast", '*'),
    ("bsol", '\\'),
    ("colon", ':'),
    ("comma", ','),
    ("commat", '@'),
    ("dollar", '$'),
    ("equals", '='),
    ("excl", '!'),
    ("grave", '`'),
    ("gt", '>'),
    ("hat", '^'),
    ("lbrace", '{'),
    ("lbrack", '['),
    ("lcub", '{'),
    ("lowbar", '_'),
    ("lpar", '('),
    ("lsqb", '['),
    ("lt", '<'),
    ("nbsp", ' '),
    ("newline", ' '),
    ("num", '#'),
    ("percnt", '%'),
    ("period", '.'),
    ("plus", '+'),
    ("quest", '?'),
    ("quot", '"'),
    ("rbrace", '}'),
    ("rbrack", ']'),
    ("rcub", '}'),
    ("rpar", ')'),
    ("rsqb", ']'),
    ("semi", ';'),
    ("sol", '/'),
    ("tab", ' '),
    ("vert", '|'),
];

enum Escaped {
    /// One of a character, perhaps.
    Byte(u8),
    Char(char),
}

/// Returns what the escape at the beginning stands for, and how long it is. Letters are in lower
/// case.
fn escape(text: &[u8]) -> Option<(Escaped, usize)> {
    let hex = |digits: Option<&[u8]>| {
        let digits = std::str::from_utf8(digits?).ok()?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)
    };
    let character = |code: u32| char::from_u32(code).map(Escaped::Char);
    match text {
        [b'\\', b'u', b'{', rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == b'}').filter(|end| *end > 0)?;
            Some((character(hex(rest.get(..end))?)?, end + 4))
        }
        // What JavaScript's `escape` writes.
        [b'%', b'u', rest @ ..] => Some((character(hex(rest.get(..4))?)?, 6)),
        [b'%', rest @ ..] => {
            let byte = hex(rest.get(..2))?;
            Some((Escaped::Byte(u8::try_from(byte).ok()?), 3))
        }
        [b'\\', b'u', rest @ ..] => {
            let code = hex(rest.get(..4))?;
            if let Some(character) = character(code) {
                return Some((character, 6));
            }
            let low = rest.get(4..6).filter(|next| *next == b"\\u").and(hex(rest.get(6..10)))?;
            let pair = [u16::try_from(code).ok()?, u16::try_from(low).ok()?];
            let character = char::decode_utf16(pair).next()?.ok()?;
            Some((Escaped::Char(character), 12))
        }
        [b'\\', b'x', rest @ ..] => Some((character(hex(rest.get(..2))?)?, 4)),
        [b'\\', b'n' | b'r' | b't', ..] => Some((Escaped::Byte(b' '), 2)),
        [b'\\', byte, ..] if byte.is_ascii_punctuation() => Some((Escaped::Byte(*byte), 2)),
        [b'&', rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == b';')?;
            let code = match &rest[..end] {
                [b'#', b'x', digits @ ..] => hex(Some(digits))?,
                [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok()?,
                name => ENTITIES.iter().find(|(known, _)| known.as_bytes() == name)?.1.into(),
            };
            Some((character(code)?, end + 2))
        }
        _ => None,
    }
}

/// Returns a character as a line of text may hold it: as [`pushest_proto::Escaped`] shows it.
fn visible(character: char) -> String {
    if needs_escape(character) {
        character.escape_default().to_string()
    } else {
        character.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "s3ntin3l/+ &\"<tok\\en>='x'";

    fn shown(mask: &Mask, text: &str) -> String {
        mask.shown(text.as_bytes(), 512).into()
    }

    fn mask(value: &str) -> Mask {
        let mut mask = Mask::default();
        mask.hide_header(value);
        mask
    }

    #[test]
    fn a_value_is_hidden_however_it_is_escaped() {
        let mask = mask(TOKEN);
        let percent = "s3ntin3l%2F%2B%20%26%22%3Ctok%5Cen%3E%3D%27x%27";
        for spelling in [
            TOKEN.to_string(),
            TOKEN.to_uppercase(),
            "s3ntin3l/+ &amp;&quot;&lt;tok\\en&gt;=&#39;x&#x27;".to_string(),
            percent.to_string(),
            percent.to_lowercase().replace("%20", "+"),
            percent.replace('%', "%25"),
            percent.replace('%', "&#37;"),
            r#"s3ntin3l\/+ &\"<tok\\en>='x'"#.to_string(),
            r"s3ntin3l/\u002b \u0026\u0022\u003ctok\u005cen\u003E\u003d\x27x\x27".to_string(),
            "s3ntin3l&sol;&plus; &amp;&quot;&lt;tok&bsol;en&gt;&equals;&apos;x&apos;".to_string(),
            r"s3ntin3l%u002F%u002b%20%u0026%22%3ctok%5Cen%3e%3d'x'".to_string(),
            r#"s3ntin3l\u{2f}\u{2b} \&\"\<tok\\en\>\=\'x\'"#.to_string(),
            TOKEN.chars().flat_map(|c| [c, '\0']).collect(),
        ] {
            let text = shown(&mask, &format!("before ({spelling}) after"));
            assert!(text.starts_with("before (***"), "{spelling}: {text}");
            assert!(text.ends_with(") after"), "{spelling}: {text}");
            assert!(!text.contains("tok") && !text.contains("TOK"), "{spelling}: {text}");
        }
    }

    #[test]
    fn parts_of_headers_are_hidden_by_themselves() {
        let mask = mask("Bearer t0ken-abc");
        assert_eq!(shown(&mask, "the bearer's t0ken-abc is bad"), "the bearer's *** is bad");
        let mask = self::mask("session=abcdef; theme=\"dark\"");
        assert_eq!(shown(&mask, "no session 'ABCDEF', dark"), "no session '***', ***");
        let mask = self::mask("Basic YWxpY2U6aHVudGVyMg==");
        assert_eq!(shown(&mask, "alice:hunter2 and hunter2"), "*** and ***");
    }

    #[test]
    fn what_is_cut_off_is_hidden_and_short_words_only_as_words() {
        let mask = mask("0123456789abcdefghijklmnop");
        assert_eq!(shown(&mask, "token 0123456789abcdefgh… is bad"), "token ***… is bad");
        assert_eq!(shown(&mask, "token 01234567"), "token ***");
        assert_eq!(shown(&mask, "token 01234567%"), "token ***");
        let mask = self::mask("key");
        assert_eq!(
            shown(&mask, "no key of this keyring: \"key\""),
            "no *** of this keyring: \"***\""
        );
    }

    #[test]
    fn an_escape_made_by_the_texts_around_a_value_hides_nothing_less() {
        let mask = mask("nacho-libre");
        assert_eq!(shown(&mask, "C:\\nacho-libre"), "C:\\***");
        let mask = self::mask("41secret");
        assert_eq!(shown(&mask, "100%41secret"), "100%***");
    }

    #[test]
    fn what_cannot_be_seen_is_escaped_and_the_rest_cut_between_characters() {
        let mask = Mask::default();
        assert_eq!(shown(&mask, "a\r\n\tb\u{1b}[2J\u{202e}c"), r"a\r\n\tb\u{1b}[2J\u{202e}c");
        // One list says what cannot be seen, also of what takes no room.
        assert_eq!(shown(&mask, "a\u{3164}b\u{e0100}"), r"a\u{3164}b\u{e0100}");
        assert_eq!(&*mask.shown(b"a\xffb\xe2\x82", 512), "a\u{fffd}b\u{fffd}");
        assert_eq!(&*mask.shown("ääää".as_bytes(), 5), "ää");
        assert_eq!(&*mask.shown(b"1234\n", 5), "1234");
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", mask("hunter2")), "Mask { values: 1, .. }");
    }
}
