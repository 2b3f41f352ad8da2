//! The text of a channel's name.
//!
//! Each event has a clone of its channel's name. A text in an allocation of its own costs each of them
//! two atomic operations on a counter, in memory that no cache has where there are 100,000 channels. So
//! a short text, as most names are, has its place in the value itself.

use alloc::sync::Arc;

/// Maximum number of bytes of a short text: with its length and its kind it takes 32 bytes.
const SHORT: usize = 30;

#[derive(Clone)]
pub(super) enum NameText {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Arc<str>),
}

impl NameText {
    pub(super) fn new(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long(text.into()),
        }
    }

    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(text) => text.as_bytes(),
        }
    }

    /// Returns the text. That of a short one is checked again, which takes a few nanoseconds, and
    /// cannot be left out in safe code.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Short { .. } => {
                str::from_utf8(self.as_bytes()).expect("these are the bytes of a text")
            }
            Self::Long(text) => text,
        }
    }

    /// Returns the allocation of a long text, which clones share.
    pub(super) fn allocation(&self) -> Option<&Arc<str>> {
        match self {
            Self::Short { .. } => None,
            Self::Long(text) => Some(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_is_what_it_was_made_from() {
        assert_eq!(size_of::<NameText>(), 32);
        for length in 0..300 {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            let name = NameText::new(&text);
            assert_eq!((name.as_str(), name.as_bytes()), (&*text, text.as_bytes()));
            let shared = name.clone().allocation().map(Arc::strong_count);
            assert_eq!(shared, if length > SHORT { Some(2) } else { None }, "{length}");
        }
    }
}
