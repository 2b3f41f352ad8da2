//! A message of the protocol, made safe to log.

use alloc::string::String;
use core::fmt::{self, Display};

use crate::escape::Escaped;

/// Displays a message without what must stay secret: signatures and keys are shown as `***`, and
/// every character that [`needs_escape`](crate::needs_escape) names is escaped as by [`Escaped`].
///
/// Hidden are the values of the members `auth` and `shared_secret` wherever they stand, also inside
/// of strings that hold JSON, and every number of 64 or more hexadecimal digits, which is how a
/// signature is written ([protocol, signing](crate::protocol#signing)); another hash of that
/// length is hidden as well. Everything else is shown, the data of members and users included.
///
/// Exhaustive on purpose: it is a way to display a text, and holds nothing but that text.
///
/// ```
/// use pushest_proto::Masked;
///
/// let frame = r#"{"event":"pusher:subscribe","data":{"channel":"private-a","auth":"key:5f0c"}}"#;
/// assert_eq!(
///     Masked(frame).to_string(),
///     r#"{"event":"pusher:subscribe","data":{"channel":"private-a","auth":"***"}}"#
/// );
/// assert_eq!(Masked(frame).secrets().collect::<Vec<_>>(), ["key:5f0c"]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Masked<'a>(pub &'a str);

/// What stands for a hidden value.
const STARS: &str = "***";

/// The members whose values are hidden.
const NAMES: [&str; 2] = ["auth", "shared_secret"];

/// The length of an HMAC-SHA256 in hexadecimal digits.
const SIGNATURE: usize = 64;

impl<'a> Masked<'a> {
    /// Returns what is hidden, in the order in which it stands in the message: as it is written
    /// there, with the escapes of JSON, and without the quotation marks of a string.
    ///
    /// A server may repeat what it was sent. Who logs what it says hides these values there, too.
    pub fn secrets(self) -> impl Iterator<Item = &'a str> {
        Parts { rest: self.0, secret: None }.filter_map(|part| match part {
            Part::Secret(secret) => Some(secret),
            Part::Plain(_) => None,
        })
    }
}

impl Masked<'_> {
    /// Returns the message with `***` for what is hidden, and without any escapes: for programs.
    #[must_use]
    pub fn unescaped(self) -> String {
        let parts = Parts { rest: self.0, secret: None };
        parts.map(|part| if let Part::Plain(text) = part { text } else { STARS }).collect()
    }
}

impl Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in (Parts { rest: self.0, secret: None }) {
            match part {
                Part::Plain(text) => write!(f, "{}", Escaped(text))?,
                Part::Secret(_) => f.write_str(STARS)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masked({self})")
    }
}

enum Part<'a> {
    Plain(&'a str),
    Secret(&'a str),
}

/// A message, taken apart from its beginning on.
struct Parts<'a> {
    rest: &'a str,
    /// Found behind what was returned last; where it ends, `rest` begins.
    secret: Option<&'a str>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if let Some(secret) = self.secret.take() {
            return Some(Part::Secret(secret));
        }
        if self.rest.is_empty() {
            return None;
        }
        let (start, end) = first_secret(self.rest).unwrap_or((self.rest.len(), self.rest.len()));
        let (plain, from) = self.rest.split_at(start);
        let (secret, rest) = from.split_at(end - start);
        self.rest = rest;
        if plain.is_empty() {
            return Some(Part::Secret(secret));
        }
        self.secret = Some(secret).filter(|secret| !secret.is_empty());
        Some(Part::Plain(plain))
    }
}

/// Returns where the first secret begins and ends; it is never empty.
fn first_secret(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut digits = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if byte.is_ascii_hexdigit() {
            digits += 1;
        } else {
            if digits >= SIGNATURE {
                return Some((at - digits, at));
            }
            digits = 0;
        }
        // A name ends with a quotation mark, which is no part of any value.
        if *byte == b'"'
            && let Some(value) = value_behind_name(bytes, at)
        {
            return Some(value);
        }
    }
    (digits >= SIGNATURE).then(|| (bytes.len() - digits, bytes.len()))
}

/// Returns where the value begins and ends, if the quotation mark at `quote` ends the name of a
/// member that is secret, and the value is not empty.
///
/// In a string within strings each quotation mark stands behind some backslashes, as many for every
/// mark of the same JSON: those of the name tell where the value ends.
fn value_behind_name(bytes: &[u8], quote: usize) -> Option<(usize, usize)> {
    let level = backslashes_before(bytes, quote);
    let name = &bytes[..quote - level];
    let is_secret = |secret: &&str| {
        let before = name.strip_suffix(secret.as_bytes()).and_then(|it| it.strip_suffix(b"\""));
        // The quotation mark before the name is of the same level as the one behind it.
        before.is_some_and(|before| backslashes_before(bytes, before.len()) == level)
    };
    if !NAMES.iter().any(is_secret) {
        return None;
    }
    let colon = skip_space(bytes, quote + 1);
    if bytes.get(colon) != Some(&b':') {
        return None;
    }
    let start = skip_space(bytes, colon + 1);
    let mark = start + level;
    let is_string = bytes.get(mark) == Some(&b'"')
        && bytes.get(start..mark).is_some_and(|marks| marks.iter().all(|byte| *byte == b'\\'));
    let (start, end) = if is_string {
        (mark + 1, end_of_string(bytes, mark + 1, level))
    } else {
        (start, end_of_other(bytes, start))
    };
    (start < end).then_some((start, end))
}

/// Returns where the string ends that began at `start`: before the backslashes of its last mark. A
/// string that does not end is secret up to the end of the message.
fn end_of_string(bytes: &[u8], start: usize, level: usize) -> usize {
    // A backslash of the value itself is written as this many.
    let backslash = level + 1;
    let mut run = 0;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'\\' => run += 1,
            b'"' if run % (2 * backslash) == level => return at - level,
            _ => run = 0,
        }
    }
    bytes.len()
}

/// A number or a word ends where the next member begins; of an array or an object nothing is shown,
/// nor of what follows.
fn end_of_other(bytes: &[u8], start: usize) -> usize {
    if matches!(bytes.get(start), Some(b'[' | b'{')) {
        return bytes.len();
    }
    let mut rest = bytes.iter().skip(start);
    let end = rest.position(|byte| matches!(byte, b',' | b'}' | b']'));
    end.map_or(bytes.len(), |length| start + length)
}

fn backslashes_before(bytes: &[u8], end: usize) -> usize {
    bytes[..end].iter().rev().take_while(|byte| **byte == b'\\').count()
}

fn skip_space(bytes: &[u8], start: usize) -> usize {
    let space = bytes.iter().skip(start).take_while(|byte| byte.is_ascii_whitespace()).count();
    start + space
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString as _};
    use alloc::vec::Vec;
    use alloc::{format, vec};

    use super::*;

    const SIGNATURE: &str = "48dac51d2d7569e1e9c0f48c227d4b26f238fa68e5c0bb04222c966909c4f7c4";

    fn shown(text: &str) -> String {
        Masked(text).to_string()
    }

    #[test]
    fn signatures_and_keys_are_hidden_wherever_they_stand_and_nothing_else() {
        for (text, wanted) in [
            (
                r#"{"auth":"k:5f","channel_data":"{\"user_id\":\"7\"}"}"#,
                r#"{"auth":"***","channel_data":"{\"user_id\":\"7\"}"}"#,
            ),
            (r#"{ "shared_secret" : "bWFz" , "a":1}"#, r#"{ "shared_secret" : "***" , "a":1}"#),
            (
                r#"{"data":"{\"auth\":\"k:5f\",\"a\":1}"}"#,
                r#"{"data":"{\"auth\":\"***\",\"a\":1}"}"#,
            ),
            (r#""[\"{\\\"auth\\\": \\\"k:5f\\\"}\"]""#, r#""[\"{\\\"auth\\\": \\\"***\\\"}\"]""#),
            (r#"{"auth":"a\"b\\","c":1}"#, r#"{"auth":"***","c":1}"#),
            (
                r#"{"d":"{\"auth\":\"a\\\"b\\\\\",\"c\":1}"}"#,
                r#"{"d":"{\"auth\":\"***\",\"c\":1}"}"#,
            ),
            (r#"{"auth":7,"shared_secret":null}"#, r#"{"auth":***,"shared_secret":***}"#),
            (r#"{"auth":{"a":1,"b":"s3cret"},"c":1}"#, r#"{"auth":***"#),
            (r#"{"auth":"k:5f"#, r#"{"auth":"***"#),
            (
                r#"{"auth":"","author":"k","data":"auth"}"#,
                r#"{"auth":"","author":"k","data":"auth"}"#,
            ),
            (r#"{"data":"\"auth\" is missing"}"#, r#"{"data":"\"auth\" is missing"}"#),
            ("", ""),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_signature_is_hidden_without_its_name_too() {
        assert_eq!(shown(&format!("got k:{SIGNATURE}, sorry")), "got k:***, sorry");
        assert_eq!(shown(SIGNATURE), "***");
        assert_eq!(shown(&SIGNATURE[1..]), &SIGNATURE[1..]);
    }

    #[test]
    fn what_is_hidden_can_be_told() {
        let text = format!(r#"{{"auth":"k:5f","data":"{{\"auth\":\"x\"}} {SIGNATURE}"}}"#);
        let secrets: Vec<&str> = Masked(&text).secrets().collect();
        assert_eq!(secrets, vec!["k:5f", "x", SIGNATURE]);
        assert_eq!(format!("{:?}", Masked(r#"{"auth":"s3cret"}"#)), r#"Masked({"auth":"***"})"#);
    }

    #[test]
    fn what_commands_a_terminal_is_escaped() {
        let text = "a\u{1b}[2J\n\u{202e}";
        assert_eq!(shown(text), r"a\u{1b}[2J\n\u{202e}");
        assert_eq!(Masked(text).unescaped(), text);
    }

    #[test]
    fn no_text_however_broken_ends_it() {
        let pieces = ["\"", "\\", "auth", ":", "{", " ", "é", "5", "shared_secret", "}"];
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push_str(pieces[(seed >> 33) as usize % pieces.len()]);
            }
            let hidden = Masked(&text).secrets().map(str::len).sum::<usize>();
            assert!(hidden <= text.len(), "{text}");
            let _ = shown(&text);
        }
    }
}
