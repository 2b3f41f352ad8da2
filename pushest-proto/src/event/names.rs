//! Names of events, unescaped once.
//!
//! A plain name is read where it stands in the message. A name with JSON escapes, as Laravel's
//! class names always have, is unescaped into a small table and shared from there.

use alloc::sync::Arc;

use hashbrown::HashMap;

use crate::hash::Seeded;
use crate::memory;
use crate::wire::decode::Control;
use crate::wire::envelope::{self, Token};

/// When the table has this many names or bytes, it starts anew: an app has few names, and an
/// attacker's endless new ones must not stay.
const MOST_NAMES: usize = 1024;
const MOST_BYTES: usize = 128 * 1024;

/// Where an event's name is.
#[derive(Debug, Clone)]
pub(crate) enum EventName {
    /// In the message, between the quotes of this string.
    Plain(Token),
    /// In the table.
    Unescaped(Arc<str>),
}

impl EventName {
    #[inline]
    pub(crate) fn of<'a>(&'a self, message: &'a str) -> &'a str {
        match self {
            Self::Plain(token) => token.string(message).unwrap_or_default(),
            Self::Unescaped(name) => name,
        }
    }

    /// Returns what the name means to the protocol; `None` for one of an app's own.
    #[inline(always)]
    pub(crate) fn control(&self, message: &str) -> Option<Control> {
        let bytes = match self {
            Self::Plain(token) => token.plain_bytes(message),
            Self::Unescaped(_) => None,
        };
        // Nearly all names are told apart by their first bytes.
        if bytes.is_some_and(|bytes| !bytes.starts_with(Control::PREFIX.as_bytes())) {
            return None;
        }
        Control::named(self.of(message))
    }

    /// Returns what it keeps alive, in bytes.
    #[inline(always)]
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Plain(_) => 0,
            Self::Unescaped(name) => memory::shared_text(name),
        }
    }
}

/// The table.
#[derive(Debug)]
pub(crate) struct EventNames {
    names: HashMap<Arc<str>, Arc<str>, Seeded>,
    /// The name that was read last, in both forms: the next event often has the same.
    last: Option<(Arc<str>, Arc<str>)>,
    bytes: usize,
}

impl EventNames {
    pub(crate) fn new(hash: Seeded) -> Self {
        Self { names: HashMap::with_hasher(hash), last: None, bytes: 0 }
    }

    /// The name that a token stands for, unless the token is not a JSON string.
    #[inline]
    pub(crate) fn name(&mut self, token: Token, message: &str) -> Option<EventName> {
        if token.is_plain() {
            return Some(EventName::Plain(token));
        }
        let content = token.string(message)?;
        if let Some((written, name)) = &self.last
            && **written == *content
        {
            return Some(EventName::Unescaped(name.clone()));
        }
        if envelope::is_plain(content) {
            return Some(EventName::Plain(token));
        }
        self.unescaped(content, token.of(message)).map(EventName::Unescaped)
    }

    /// The name with this content, which has escapes.
    fn unescaped(&mut self, content: &str, string: &str) -> Option<Arc<str>> {
        if let Some((written, name)) = self.names.get_key_value(content) {
            self.last = Some((written.clone(), name.clone()));
            return Some(name.clone());
        }
        let name: Arc<str> = envelope::unescaped(string)?.into();
        let bytes = content.len() + name.len();
        if self.names.len() >= MOST_NAMES || self.bytes + bytes > MOST_BYTES {
            self.names.clear();
            self.last = None;
            self.bytes = 0;
        }
        if bytes <= MOST_BYTES {
            self.names.insert(content.into(), name.clone());
            self.bytes += bytes;
        }
        Some(name)
    }

    /// Returns the bytes of the table with all its names.
    pub(crate) fn memory(&self) -> usize {
        // Each with its allocation and counters, in its two forms.
        self.names.allocation_size() + self.bytes + 2 * self.names.len() * memory::shared(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(names: &mut EventNames, message: &str) -> EventName {
        let token = envelope::scan(message).unwrap().event.unwrap();
        names.name(token, message).unwrap()
    }

    #[test]
    fn an_escaped_name_is_shared_and_a_plain_one_is_not_kept() {
        let mut names = EventNames::new(Seeded::new(1, 2));
        let message = r#"{"event":"App\\Events\\OrderShipped"}"#;
        let EventName::Unescaped(first) = name_of(&mut names, message) else { panic!() };
        let EventName::Unescaped(second) = name_of(&mut names, message) else { panic!() };
        assert_eq!(&*first, "App\\Events\\OrderShipped");
        assert!(Arc::ptr_eq(&first, &second));
        let plain = r#"{"event":"plain"}"#;
        assert_eq!(name_of(&mut names, plain).of(plain), "plain");
        assert_eq!(names.names.len(), 1);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut names = EventNames::new(Seeded::new(1, 2));
        for number in 0..5_000 {
            let message = alloc::format!("{{\"event\":\"{}\\n{number}\"}}", "x".repeat(100));
            name_of(&mut names, &message);
            assert!(names.names.len() <= MOST_NAMES && names.bytes <= MOST_BYTES);
        }
        let huge = alloc::format!("{{\"event\":\"\\n{}\"}}", "x".repeat(MOST_BYTES));
        assert_eq!(name_of(&mut names, &huge).of(&huge).len(), MOST_BYTES + 1);
        assert!(names.bytes <= MOST_BYTES);
    }
}
