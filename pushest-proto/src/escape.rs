//! Text of servers and other users, made safe to print.

use core::fmt::{self, Display, Write as _};

/// Displays a value with every character escaped that [`needs_escape`] names: as `\n`, `\r`, `\t`,
/// or as `\u{…}` with the character's number.
///
/// What servers and other users send (names, data, members, reasons, errors) can hold characters
/// that move a terminal's cursor, hide or reorder what is shown, or begin a line that looks like
/// another one's. Wrap such values where they are printed or logged:
///
/// ```
/// # use pushest_proto::Escaped;
/// let reason = "bye\u{1b}[2J\nadmin  joined\u{202e}";
/// assert_eq!(Escaped(reason).to_string(), r"bye\u{1b}[2J\nadmin  joined\u{202e}");
/// ```
///
/// The backslash is not escaped, because names (`App\Events\OrderShipped`) and JSON are full of
/// them: a text that holds the characters `\n` looks the same as one that holds a line feed. It is
/// for reading; programs take the value itself.
///
/// Exhaustive on purpose: the value is all that there is to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escaped<T>(pub T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        while let Some(at) = text.find(needs_escape) {
            let (before, rest) = text.split_at(at);
            self.0.write_str(before)?;
            let mut characters = rest.chars();
            if let Some(character) = characters.next() {
                write!(self.0, "{}", character.escape_default())?;
            }
            text = characters.as_str();
        }
        self.0.write_str(text)
    }
}

/// Returns whether a character is one that a terminal or a reader's eye does not show as itself.
///
/// These are the control characters (C0, DEL and C1), the line and paragraph separators, and all
/// that are invisible by design: the characters that set the direction of text, zero-width and
/// filling characters, variation selectors and tags (Unicode's `Default_Ignorable_Code_Point`),
/// and the annotation characters. Joined emoji and some Persian and Indic spellings contain such
/// characters and are shown with escapes.
#[must_use]
pub fn needs_escape(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn each_kind_of_hidden_character_is_escaped() {
        let cases = [
            ("\0", r"\u{0}"),
            ("\t\r\n", r"\t\r\n"),
            ("\u{1b}[2J", r"\u{1b}[2J"),
            ("\u{7f}", r"\u{7f}"),
            ("\u{80}\u{9b}31m\u{9f}", r"\u{80}\u{9b}31m\u{9f}"),
            ("\u{ad}\u{34f}\u{61c}", r"\u{ad}\u{34f}\u{61c}"),
            ("\u{180e}\u{200b}\u{200d}\u{200f}", r"\u{180e}\u{200b}\u{200d}\u{200f}"),
            ("\u{2028}\u{2029}\u{202a}\u{202e}", r"\u{2028}\u{2029}\u{202a}\u{202e}"),
            ("\u{2060}\u{2066}\u{2069}\u{206f}", r"\u{2060}\u{2066}\u{2069}\u{206f}"),
            ("\u{3164}\u{fe0f}\u{feff}\u{fffb}", r"\u{3164}\u{fe0f}\u{feff}\u{fffb}"),
            ("\u{e0001}\u{e0041}\u{e0100}", r"\u{e0001}\u{e0041}\u{e0100}"),
        ];
        for (text, shown) in cases {
            assert_eq!(Escaped(text).to_string(), shown);
        }
    }

    #[test]
    fn what_reads_as_itself_stays() {
        let text = "App\\Events\\A \"b\" 'c' é ä 日本 עברית العربية 🦀 \u{a0}\u{300}";
        assert_eq!(Escaped(text).to_string(), text);
    }

    #[test]
    fn texts_that_are_written_in_pieces_are_escaped_too() {
        assert_eq!(Escaped(format_args!("{}-{}", "a\n", 7)).to_string(), r"a\n-7");
    }
}
