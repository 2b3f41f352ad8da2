//! JSON read part by part: whatever is wrong with one part costs that part only.
//!
//! The parts of an object or array are what stands between the commas of its own level. Strings
//! and brackets are followed to find these commas; nothing else is judged until a part is
//! asked what it is. So an odd number, an unknown word or a broken value inside a part leaves its
//! neighbours as they are, and of a text that was cut off the parts before the cut are read.
//!
//! It does not recurse, and allocates only where escapes are undone. One pass over an object or
//! array reads its text once.

use alloc::borrow::Cow;

use serde::de::IgnoredAny;

use super::{escapes, number};

/// A value as it stands in a text, perhaps broken inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part<'a>(&'a str);

/// What stands in the place of a part, or of the end of an object or array, and is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

/// Some of an object's values, by their keys.
#[derive(Debug)]
pub(crate) struct Fields<'a, const N: usize> {
    /// In the order of the keys that were asked for. Of duplicate keys the last counts; `null` is
    /// like an absent key.
    pub(crate) values: [Option<Part<'a>>; N],
    /// How many parts of the object could not be read as a key with a value.
    pub(crate) lost: u64,
}

impl<'a> Part<'a> {
    /// Takes a whole text as one value.
    pub(crate) fn new(text: &'a str) -> Self {
        // A closure is compiled for its one caller. What an array of characters becomes is shared with
        // others, and takes twice as many instructions.
        Self(text.trim_matches(|letter| matches!(letter, ' ' | '\t' | '\n' | '\r')))
    }

    /// Returns the value as it stands.
    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }

    /// Returns whether the value says that there is none.
    pub(crate) fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Returns whether the value is JSON in every detail.
    pub(crate) fn is_json(self) -> bool {
        // This skips without recursion, whatever the nesting.
        serde_json::from_str::<IgnoredAny>(self.0).is_ok()
    }

    /// Returns a string's content. Escapes that stand for nothing are lenient, see [`escapes`].
    pub(crate) fn string(self) -> Option<Cow<'a, str>> {
        let rest = self.0.strip_prefix('"')?;
        let (end, is_escaped) = closing_quote(rest.as_bytes())?;
        if end + 1 != rest.len() {
            return None;
        }
        let content = &rest[..end];
        Some(if is_escaped { escapes::undone(content).into() } else { content.into() })
    }

    /// Returns a string's content, nothing for `null`, and any other value as it stands.
    pub(crate) fn text(self) -> Cow<'a, str> {
        if self.is_null() {
            return Cow::Borrowed("");
        }
        self.string().unwrap_or(Cow::Borrowed(self.0))
    }

    /// Returns an id as text: a string's content, or a number ([protocol,
    /// tolerance](crate::protocol#tolerance)). A whole number of at most 20 digits is the same id
    /// however it is spelled. Nothing else is an id.
    pub(crate) fn id(self) -> Option<Cow<'a, str>> {
        self.string().or_else(|| number::canonical(self.0))
    }

    /// Returns a number without its fraction, also one that a string holds; at most [`u64::MAX`],
    /// and no negative one.
    pub(crate) fn number(self) -> Option<u64> {
        match self.string() {
            Some(text) => number::whole(&text),
            None => number::whole(self.0),
        }
    }

    /// Returns a code, also one that a string holds. It is whole and in range or it is none: a
    /// connection may be given up for it.
    pub(crate) fn code(self) -> Option<u16> {
        number::canonical(&self.text())?.parse().ok()
    }

    /// Returns the values of an object under these keys.
    pub(crate) fn fields<const N: usize>(self, keys: [&str; N]) -> Option<Fields<'a, N>> {
        let mut fields = Fields { values: [None; N], lost: 0 };
        for entry in self.entries()? {
            match entry {
                Ok((key, value)) => {
                    if let Some(index) = keys.iter().position(|name| *name == key) {
                        fields.values[index] = Some(value).filter(|value| !value.is_null());
                    }
                }
                Err(Broken) => fields.lost += 1,
            }
        }
        Some(fields)
    }

    /// Returns the keys and values of an object. PHP writes an object without any as `[]`.
    pub(crate) fn entries(self) -> Option<Entries<'a>> {
        let parts = match self.0.as_bytes().first()? {
            b'{' => Split::new(self.0, b'}'),
            b'[' if Split::new(self.0, b']').next().is_none() => Split::ended(),
            _ => return None,
        };
        Some(Entries(parts))
    }

    /// Returns the elements of an array.
    pub(crate) fn elements(self) -> Option<Elements<'a>> {
        self.0.starts_with('[').then(|| Elements(Split::new(self.0, b']')))
    }

    /// Returns the elements of an array, or the values of an object: PHP writes an array whose keys
    /// have gaps as an object.
    pub(crate) fn values(self) -> Option<impl Iterator<Item = Result<Part<'a>, Broken>> + use<'a>> {
        let elements = self.elements();
        let entries = if elements.is_none() { Some(self.entries()?) } else { None };
        let values = entries.into_iter().flatten().map(|entry| entry.map(|(_, value)| value));
        Some(elements.into_iter().flatten().chain(values))
    }
}

/// The elements of an array, in order.
#[derive(Debug)]
pub(crate) struct Elements<'a>(Split<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Part<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// The keys and values of an object, in order, duplicates and all.
#[derive(Debug)]
pub(crate) struct Entries<'a>(Split<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = Result<(Cow<'a, str>, Part<'a>), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.and_then(|part| entry(part.0).ok_or(Broken)))
    }
}

/// `"key": value`.
fn entry(part: &str) -> Option<(Cow<'_, str>, Part<'_>)> {
    let (end, _) = closing_quote(part.strip_prefix('"')?.as_bytes())?;
    let (key, rest) = part.split_at(end + 2);
    let value = Part::new(rest).0.strip_prefix(':')?;
    Some((Part(key).string()?, Part::new(value)))
}

/// The parts of an object or array.
#[derive(Debug)]
struct Split<'a> {
    text: &'a str,
    /// The bracket that ought to end it.
    close: u8,
    next: Next,
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// The part that begins here.
    Part(usize),
    /// The end, which is not as it ought to be.
    BrokenEnd,
    Nothing,
}

impl<'a> Split<'a> {
    /// The parts of what begins with a bracket.
    fn new(text: &'a str, close: u8) -> Self {
        Self { text, close, next: Next::Part(1) }
    }

    fn ended() -> Self {
        Self { text: "", close: 0, next: Next::Nothing }
    }

    /// Returns where the part ends that begins at `start`: before a comma, the last bracket, or the
    /// end of the text.
    fn end_of(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        let mut at = start;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let rest = &bytes[at + 1..];
                    // Without its closing quote a string is the rest of the text.
                    at += 1 + closing_quote(rest).map_or(rest.len(), |(end, _)| end + 1);
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b',' | b'}' | b']' if depth == 0 => return at,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        bytes.len()
    }
}

impl<'a> Iterator for Split<'a> {
    type Item = Result<Part<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = match self.next {
            Next::Part(start) => start,
            Next::BrokenEnd => {
                self.next = Next::Nothing;
                return Some(Err(Broken));
            }
            Next::Nothing => return None,
        };
        let end = self.end_of(start);
        let part = Part::new(&self.text[start..end]);
        let is_last = self.text.as_bytes().get(end) != Some(&b',');
        self.next = if !is_last {
            Next::Part(end + 1)
        } else if self.text.as_bytes().get(end) == Some(&self.close) && end + 1 == self.text.len() {
            Next::Nothing
        } else {
            Next::BrokenEnd
        };
        if !part.0.is_empty() {
            return Some(Ok(part));
        }
        if is_last && start == 1 {
            // Nothing stands between the brackets.
            return self.next();
        }
        // What was cut off behind a comma is one loss, not two.
        if is_last {
            self.next = Next::Nothing;
        }
        Some(Err(Broken))
    }
}

/// Returns where a string's closing quote is, its opening one left out, and whether there are
/// escapes before it.
fn closing_quote(bytes: &[u8]) -> Option<(usize, bool)> {
    let mut is_escaped = false;
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((at, is_escaped)),
            b'\\' => {
                is_escaped = true;
                at += 2;
            }
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;
    use alloc::{format, vec};

    use super::*;

    /// Returns the values of an array or object, a cross for what is broken.
    fn values(text: &str) -> Vec<&str> {
        let values = Part::new(text).values().expect("an object or array");
        values.map(|value| value.map_or("✗", Part::as_str)).collect()
    }

    #[test]
    fn parts_stand_between_the_commas_of_their_own_level() {
        assert_eq!(
            values(r#"[1, "a,]" ,[2,[3]], {"b":[","]}]"#),
            ["1", r#""a,]""#, "[2,[3]]", r#"{"b":[","]}"#]
        );
        assert_eq!(values(r#" {"a" : 1,"b":{"c":2} } "#), ["1", r#"{"c":2}"#]);
        for empty in ["[]", "{}", "[ ]", "{\n}"] {
            assert_eq!(values(empty), [""; 0], "{empty}");
        }
        for other in ["", "7", "null", "\"[]\"", "x[]"] {
            assert!(Part::new(other).values().is_none(), "{other}");
        }
    }

    #[test]
    fn what_is_broken_costs_itself_only() {
        assert_eq!(values("[1,nope,01,2]"), ["1", "nope", "01", "2"]);
        assert_eq!(values("[1,,2]"), ["1", "✗", "2"]);
        assert_eq!(values(r#"{"a":1,b:2,"c" 3,"d":4,7,"e":}"#), ["1", "✗", "✗", "4", "✗", ""]);
        // Cut off.
        assert_eq!(values("[1,2"), ["1", "2", "✗"]);
        assert_eq!(values("[1,"), ["1", "✗"]);
        assert_eq!(values("["), ["✗"]);
        assert_eq!(values(r#"["a","b"#), [r#""a""#, r#""b"#, "✗"]);
        assert_eq!(values(r#"["a\"#), [r#""a\"#, "✗"]);
        // Ended by another bracket, or too early.
        assert_eq!(values("[1,2}"), ["1", "2", "✗"]);
        assert_eq!(values("[1,2]]"), ["1", "2", "✗"]);
        assert_eq!(values("[1,[}],2]"), ["1", "[}", "✗"]);
    }

    #[test]
    fn of_duplicate_keys_the_last_counts() {
        let read = |text| Part::new(text).fields(["a", "b"]).expect("an object");
        let fields = read(r#"{"a":1,"\u0061":2,"b":3,"b":null,"c":4}"#);
        assert_eq!(fields.values, [Some(Part("2")), None]);
        assert_eq!(fields.lost, 0);
        let fields = read(r#"{"b":1,junk,"a":"#);
        assert_eq!(fields.values, [Some(Part("")), Some(Part("1"))]);
        assert_eq!(fields.lost, 2);
        assert_eq!(read("[]").values, [None, None]);
        assert!(Part::new("[1]").fields(["a"]).is_none());
    }

    #[test]
    fn ids_are_strings_and_numbers() {
        let id = |text| Part::new(text).id();
        assert_eq!(id(r#""a\/\u00e9""#).as_deref(), Some("a/é"));
        assert_eq!(id(r#""2.0""#).as_deref(), Some("2.0"));
        assert_eq!(id("2.0").as_deref(), Some("2"));
        for none in ["", "null", "true", "{}", "[1]", "01", "-", "\"a", "\"a\" \"b\"", "a"] {
            assert_eq!(id(none), None, "{none}");
        }
    }

    #[test]
    fn a_megabyte_of_any_kind_is_read_in_a_moment() {
        let million = 1_000_000;
        for text in [
            "[".repeat(million),
            format!("[{}]", "[],".repeat(million / 3)),
            format!("{{{}", r#""a":1,"#.repeat(million / 6)),
            format!("[{}", ",".repeat(million)),
            format!("[\"{}", r#"\""#.repeat(million / 2)),
            format!("[{}{}]", "[".repeat(million / 2), "]".repeat(million / 2)),
        ] {
            let values: Vec<_> = Part::new(&text).values().expect("begins as one").collect();
            assert!(!values.is_empty());
            let strings: Vec<String> =
                values.iter().flatten().map(|part| part.text().into()).collect();
            assert!(strings.iter().map(String::len).sum::<usize>() <= text.len());
        }
        let text = vec!["\"a\":1"; million / 6].join(",");
        let fields = Part(&format!("{{{text}}}")).fields(["a"]).map(|fields| fields.lost);
        assert_eq!(fields, Some(0));
    }
}
