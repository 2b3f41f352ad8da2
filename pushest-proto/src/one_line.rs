//! Texts of servers on one line, without characters that do not show as themselves.

use alloc::string::String;

use crate::escape::needs_escape;
use crate::text::MOST_SHOWN;

/// Returns the first [`MOST_SHOWN`] characters of a text, on one line: white space reduced to
/// single spaces, and characters escaped that do not show as themselves.
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

/// Returns a value that was refused, as errors keep it: its first 200 characters, and nothing of a
/// URL that was pasted in its place and may hold a secret.
#[cfg(feature = "api")]
pub(crate) fn quotable(value: &str) -> String {
    crate::channel::name::shown(value).chars().take(MOST_SHOWN).collect()
}
