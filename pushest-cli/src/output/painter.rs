//! Lines in the making, for people and for programs.

use std::fmt::{Display, Write as _};

use anstyle::Style;
use pushest_proto::{Escaped, needs_escape};

/// A text for people. Whatever is added is escaped: colours and ends of lines are set by methods of
/// their own, and by nothing that stands in a text.
pub(super) struct Painter {
    text: String,
    has_colours: bool,
}

impl Painter {
    pub(super) fn new(has_colours: bool) -> Self {
        Self { text: String::new(), has_colours }
    }

    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        write!(self.text, "{}", Escaped(text)).expect("a String takes everything");
        self
    }

    pub(super) fn styled(&mut self, style: Style, text: impl Display) -> &mut Self {
        if !self.has_colours {
            return self.text(text);
        }
        let text = Escaped(text);
        write!(self.text, "{style}{text}{style:#}").expect("a String takes everything");
        self
    }

    pub(super) fn new_line(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}

/// The same JSON, in which the characters that [`needs_escape`] names stand as `\u` and four digits.
/// It has the same value: beyond ASCII, and beyond what JSON escapes by itself, there is nothing
/// outside of strings.
pub(crate) fn escaped_json(mut json: String) -> String {
    let is_plain = |byte: u8| (b' '..0x7f).contains(&byte);
    if json.bytes().all(is_plain) {
        return json;
    }
    let text = std::mem::take(&mut json);
    for character in text.chars() {
        if needs_escape(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(json, "\\u{unit:04x}").expect("a String takes everything");
            }
        } else {
            json.push(character);
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    #[test]
    fn a_text_cannot_set_colours_or_end_lines() {
        let mut painter = Painter::new(true);
        let evil = "a\u{1b}[0m\nb";
        painter.text(evil).styled(AnsiColor::Red.on_default(), evil).new_line();
        let wanted = "a\\u{1b}[0m\\nb\u{1b}[31ma\\u{1b}[0m\\nb\u{1b}[0m\n\n";
        assert_eq!(painter.finish(), wanted);
    }

    #[test]
    fn json_keeps_its_value() {
        let value = "\u{7f}\u{9b}\u{2028}\u{202e}\u{feff}\u{e0041} \u{1b} é \\ \"";
        let json = serde_json::to_string(value).unwrap();
        let escaped = escaped_json(json);
        assert_eq!(escaped, r#""\u007f\u009b\u2028\u202e\ufeff\udb40\udc41 \u001b é \\ \"""#);
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), value);
    }
}
