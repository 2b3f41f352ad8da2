//! Single values of a file.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use serde::de::{self, IgnoredAny, MapAccess, SeqAccess};
use zeroize::Zeroizing;

use super::super::backoff::MOST_PAUSES;
use super::super::endpoints::MOST_ENDPOINTS;
use super::super::url::parse_port;
use super::unquoted::{Unquoted, Wanted};

/// A value that a setting may have.
pub(super) trait Setting: Sized {
    /// What is expected.
    const WHAT: &'static str;

    /// The value that a text says. Some sources, such as the environment, know nothing but texts.
    fn of_text(_: &str) -> Option<Self> {
        None
    }

    fn of_number(_: u64) -> Option<Self> {
        None
    }

    fn of_flag(_: bool) -> Option<Self> {
        None
    }

    /// The value that a list says; `None` if it is none.
    fn of_list<'de, A: SeqAccess<'de>>(_: At<Self>, _: A) -> Result<Option<Self>, A::Error> {
        Ok(None)
    }
}

impl Setting for Zeroizing<String> {
    const WHAT: &'static str = "a text, in quotes";

    fn of_text(text: &str) -> Option<Self> {
        Some(String::from(text).into())
    }
}

impl Setting for bool {
    const WHAT: &'static str = "true or false";

    fn of_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn of_flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

impl Setting for u16 {
    const WHAT: &'static str = "a number from 1 to 65535";

    fn of_text(text: &str) -> Option<Self> {
        parse_port(text)
    }

    fn of_number(number: u64) -> Option<Self> {
        number.try_into().ok()
    }
}

impl Setting for usize {
    const WHAT: &'static str = "a whole number";

    fn of_text(text: &str) -> Option<Self> {
        u64::of_text(text).and_then(Self::of_number)
    }

    fn of_number(number: u64) -> Option<Self> {
        // As many as there can be is no limit at all, which is what a larger number means.
        Some(number.try_into().unwrap_or(Self::MAX))
    }
}

impl Setting for u64 {
    const WHAT: &'static str = "a whole number";

    fn of_text(text: &str) -> Option<Self> {
        text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
    }

    fn of_number(number: u64) -> Option<Self> {
        Some(number)
    }
}

impl Setting for Duration {
    const WHAT: &'static str = "a whole number of milliseconds";

    fn of_text(text: &str) -> Option<Self> {
        u64::of_text(text).map(Self::from_millis)
    }

    fn of_number(number: u64) -> Option<Self> {
        Some(Self::from_millis(number))
    }
}

/// How many client events may be triggered within any second; `None` for any number.
pub(super) struct Rate(pub(super) Option<u32>);

impl Setting for Rate {
    const WHAT: &'static str = "a whole number, or \"unlimited\"";

    fn of_text(text: &str) -> Option<Self> {
        if text == "unlimited" { Some(Self(None)) } else { Self::of_number(u64::of_text(text)?) }
    }

    fn of_number(number: u64) -> Option<Self> {
        number.try_into().ok().map(|rate| Self(Some(rate)))
    }
}

/// A list of pauses.
pub(super) struct Pauses(pub(super) Vec<Duration>);

impl Setting for Pauses {
    const WHAT: &'static str = "a list of whole numbers of milliseconds";

    fn of_list<'de, A: SeqAccess<'de>>(
        at: At<Self>,
        mut list: A,
    ) -> Result<Option<Self>, A::Error> {
        let mut pauses = Vec::new();
        // One more than is accepted is enough to be refused, however long the list is.
        while pauses.len() <= MOST_PAUSES {
            match list.next_element_seed(Unquoted(At::<Duration>::new(at.section, at.name)))? {
                None => return Ok(Some(Self(pauses))),
                Some(Some(pause)) => pauses.push(pause),
                Some(None) => return Ok(None),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Some(Self(pauses)))
    }
}

/// A list of texts that are no secrets.
pub(super) struct Texts(pub(super) Vec<String>);

impl Setting for Texts {
    const WHAT: &'static str = "a list of texts, in quotes";

    fn of_list<'de, A: SeqAccess<'de>>(
        at: At<Self>,
        mut list: A,
    ) -> Result<Option<Self>, A::Error> {
        let mut texts = Vec::new();
        // One more than is accepted is enough to be refused, however long the list is.
        while texts.len() <= MOST_ENDPOINTS {
            let at = At::<Zeroizing<String>>::new(at.section, at.name);
            match list.next_element_seed(Unquoted(at))? {
                None => return Ok(Some(Self(texts))),
                Some(Some(text)) => texts.push((*text).clone()),
                Some(None) => return Ok(None),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Some(Self(texts)))
    }
}

/// The name under which serde_json hands over a number, as a text, where any crate of the program
/// has switched on its feature `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

/// The place of a value in a file.
pub(super) struct At<T> {
    section: &'static str,
    name: &'static str,
    of: PhantomData<T>,
}

impl<T> At<T> {
    pub(super) fn new(section: &'static str, name: &'static str) -> Self {
        Self { section, name, of: PhantomData }
    }
}

impl<T: Setting> At<T> {
    fn checked<E: de::Error>(self, value: Option<T>) -> Result<Option<T>, E> {
        if value.is_some() { Ok(value) } else { Err(self.refused()) }
    }
}

impl<'de, T: Setting> Wanted<'de> for At<T> {
    type Output = Option<T>;

    fn rule(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}{}` must be {}", self.section, self.name, T::WHAT)
    }

    fn absent<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn text<E: de::Error>(self, text: &str) -> Result<Option<T>, E> {
        self.checked(T::of_text(text))
    }

    fn number<E: de::Error>(self, number: u64) -> Result<Option<T>, E> {
        self.checked(T::of_number(number))
    }

    fn flag<E: de::Error>(self, flag: bool) -> Result<Option<T>, E> {
        self.checked(T::of_flag(flag))
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Option<T>, A::Error> {
        let Self { section, name, .. } = self;
        let value = T::of_list(self, list)?;
        Self::new(section, name).checked(value)
    }

    // What goes wrong in here is not told: it would be quoted.
    fn table<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let is_number = matches!(map.next_key::<String>(), Ok(Some(key)) if key == NUMBER);
        let digits = is_number.then(|| map.next_value::<String>().ok()).flatten();
        let value = digits.and_then(|digits| T::of_number(u64::of_text(&digits)?));
        self.checked(value)
    }
}
