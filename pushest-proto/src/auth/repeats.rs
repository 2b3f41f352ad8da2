//! Whether a failure says something new. An endpoint that is out of order fails at every try, in
//! the same words but for the time and the number of the request; that is reported once.

use alloc::vec::Vec;

use super::request::AuthorizationError;
use crate::text::{KEPT_BYTES, MOST_SHOWN};

impl AuthorizationError {
    /// Returns whether this says the same as another one: the same status, and the same words,
    /// where all words with a digit count as the same.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Refused { status, message },
                Self::Refused { status: other_status, message: other },
            )
            | (
                Self::Unavailable { status, message, .. },
                Self::Unavailable { status: other_status, message: other, .. },
            ) => status == other_status && is_same(message, other),
            _ => false,
        }
    }
}

fn is_same(one: &str, other: &str) -> bool {
    let is_cut = |text: &str| text.chars().count() >= MOST_SHOWN || text.len() > KEPT_BYTES - 4;
    let are_cut = is_cut(one) && is_cut(other);
    let (one, other) = (words(one), words(other));
    if !are_cut {
        return one == other;
    }
    // How much stands in a text that was cut depends on how long its numbers are, and its last word
    // may not be whole.
    let whole = one.len().min(other.len()).saturating_sub(1);
    one[..whole] == other[..whole]
}

/// Returns the words of a text, `0` for those that hold a digit.
fn words(text: &str) -> Vec<&str> {
    let words = text.split(|character: char| !character.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(|word| if word.contains(char::is_numeric) { "0" } else { word }).collect()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_failure_repeats_another_though_its_page_tells_the_time_and_the_number_of_the_request() {
        let page = |status, text: &str| AuthorizationError::unavailable(Some(status), text);
        let first = page(500, "oops at 12:01:33, request 0b7f-9d3e");
        assert!(first.repeats(&page(500, "oops at 12:01:43, request 77-1a")));
        for other in [
            page(502, "oops at 12:01:33, request 0b7f-9d3e"),
            page(500, "ouch at 12:01:33, request 0b7f-9d3e"),
            page(500, "oops at 12:01:33"),
            AuthorizationError::refused(Some(500), "oops at 12:01:33, request 0b7f-9d3e"),
        ] {
            assert!(!first.repeats(&other), "{other:?}");
        }
        assert!(!page(500, r#"{"error":"db-1"}"#).repeats(&page(500, r#"{"code":42}"#)));
        let long = |number: u64| page(500, &format!("{number} {}", "word ".repeat(39)));
        assert!(long(7).repeats(&long(700_000)));
    }
}
