//! Texts of servers and endpoints, kept short.

use alloc::boxed::Box;

/// Maximum number of bytes of a server's or operating system's message that are kept.
pub(crate) const KEPT_BYTES: usize = 512;

/// Returns the beginning of `text`, at most [`KEPT_BYTES`] bytes of it, cut between characters.
pub(crate) fn clip(text: &str) -> Box<str> {
    let mut end = text.len().min(KEPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}

/// Maximum number of characters of an error page that are kept.
pub(crate) const MOST_SHOWN: usize = 200;

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
