//! The escapes of JSON strings, undone without ever failing.

use alloc::string::String;

/// Returns what stands between a string's quotes, its escapes undone. Half of a surrogate pair
/// becomes the replacement character; an escape that JSON does not know stays as it is written.
pub(crate) fn undone(content: &str) -> String {
    // Never longer than what is written, so that nothing is moved on the way: it may be a key.
    let mut text = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (character, length) = escape(rest);
        match character {
            Some(character) => text.push(character),
            None => text.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    text.push_str(rest);
    text
}

/// Decodes what stands between a string's quotes into `text`. Returns false, and leaves a part of it
/// there, if an escape is none of JSON's: halves of a surrogate pair are none.
pub(crate) fn undo_strictly(content: &str, text: &mut String) -> bool {
    text.clear();
    text.reserve(content.len());
    let mut rest = content;
    // What stands between two escapes of JSON within a string is short.
    while let Some(at) = rest.bytes().position(|byte| byte == b'\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (Some(character), length) = escape(rest) else { return false };
        let is_half =
            length == 6 && unit(rest).is_some_and(|unit| (0xd800..0xe000).contains(&unit));
        if is_half {
            return false;
        }
        text.push(character);
        rest = &rest[length..];
    }
    text.push_str(rest);
    true
}

/// Returns the character that the escape at the beginning stands for, if it is one, and how many
/// bytes of the text are done with.
fn escape(text: &str) -> (Option<char>, usize) {
    let character = match text.as_bytes().get(1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text),
        _ => return (None, 1),
    };
    (Some(character), 2)
}

/// `\uXXXX`, or two of them that are one character.
fn unicode(text: &str) -> (Option<char>, usize) {
    let Some(first) = unit(text) else { return (None, 2) };
    let pair = unit(&text[6..]).filter(|_| (0xd800..0xdc00).contains(&first));
    if let Some(second @ 0xdc00..0xe000) = pair {
        let code = 0x1_0000 + ((first - 0xd800) << 10 | (second - 0xdc00));
        return (char::from_u32(code), 12);
    }
    (Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)), 6)
}

/// Returns the number in `\uXXXX`.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.as_bytes().first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        for (content, text) in [
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"a\u00e9\u20ac\ud83d\ude00z", "aé€😀z"),
            (r"\u0000", "\0"),
            // Halves of a pair.
            (r"\ud83d", "\u{fffd}"),
            (r"\ude00\ud83dx", "\u{fffd}\u{fffd}x"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ud83d\n", "\u{fffd}\n"),
            // No escapes at all.
            (r"\q\u12\u12g4\ué\", r"\q\u12\u12g4\ué\"),
            (r"\u+123", r"\u+123"),
            ("é\\é", "é\\é"),
        ] {
            assert_eq!(undone(content), text, "{content}");
            assert!(undone(content).len() <= content.len());
            let mut strictly = String::from("of another event");
            let as_json = serde_json::from_str::<String>(&alloc::format!("\"{content}\"")).ok();
            let is_json = undo_strictly(content, &mut strictly);
            assert_eq!(Some(strictly).filter(|_| is_json), as_json, "{content}");
        }
    }
}
