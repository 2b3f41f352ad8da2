//! Texts from strangers, kept short.

use alloc::boxed::Box;
use alloc::string::String;

use crate::escape::needs_escape;

/// How many bytes of a server's or operating system's message are kept.
pub(crate) const KEPT_BYTES: usize = 512;

/// The beginning of `text`, at most [`KEPT_BYTES`] bytes of it, cut between characters.
pub(crate) fn clip(text: &str) -> Box<str> {
    let mut end = text.len().min(KEPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}

/// Maximum number of characters of an error page that are kept.
pub(crate) const MOST_SHOWN: usize = 200;

/// The first [`MOST_SHOWN`] characters of a text, on one line: white space reduced to single spaces,
/// and characters escaped that do not show as themselves.
pub(crate) fn one_line(text: &str) -> String {
    let mut shown = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let space = (length > 0).then_some(' ');
        for character in space.into_iter().chain(word.chars()) {
            if length >= MOST_SHOWN {
                return shown;
            }
            length += 1;
            if needs_escape(character) {
                shown.extend(character.escape_unicode());
            } else {
                shown.push(character);
            }
        }
    }
    shown
}

/// A value that was refused, as errors keep it: its first 200 characters, and nothing of a URL that
/// was pasted in its place and may hold a secret.
#[cfg(feature = "api")]
pub(crate) fn quotable(value: &str) -> String {
    crate::channel::name::shown(value).chars().take(MOST_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "ä".repeat(300);
        assert_eq!(clip(&long).len(), 512);
        let odd = alloc::format!("x{long}");
        assert_eq!(clip(&odd).len(), 511);
        assert_eq!(&*clip("short"), "short");
    }
}
