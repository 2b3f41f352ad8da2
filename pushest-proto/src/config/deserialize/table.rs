//! Tables of settings.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use zeroize::Zeroizing;

use super::super::error::shown;
use super::unquoted::{Unquoted, Wanted};
use super::value::{At, Setting};

/// Longest name of an unknown setting that is shown, in characters.
const SHOWN: usize = 60;

/// What a table of settings fills.
pub(super) trait Section: Sized {
    /// The names of the settings; at most 32.
    const NAMES: &'static [&'static str];

    /// Reads the value of the setting with this name, which is one of them.
    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        name: &'static str,
        at: &mut Reader<'_, A>,
    ) -> Result<(), A::Error>;

    /// Ends with what stands in several settings.
    fn end<E: de::Error>(self) -> Result<Self, E> {
        Ok(self)
    }
}

/// Reads a table over what is there; `section` stands before the names in errors.
pub(super) fn read<'de, S: Section, D: Deserializer<'de>>(
    from: D,
    section: &'static str,
    settings: S,
) -> Result<S, D::Error> {
    Unquoted(Table { section, settings }).deserialize(from)
}

struct Table<S> {
    section: &'static str,
    settings: S,
}

impl<'de, S: Section> Wanted<'de> for Table<S> {
    type Output = S;

    fn rule(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.section.strip_suffix('.') {
            Some(section) => write!(f, "`{section}` must be a table of settings"),
            None => f.write_str("a configuration must be a table of settings"),
        }
    }

    fn absent<E: de::Error>(self) -> Result<S, E> {
        self.settings.end()
    }

    fn table<A: MapAccess<'de>>(mut self, mut map: A) -> Result<S, A::Error> {
        let section = self.section;
        let mut seen = 0_u32;
        while let Some(index) = map.next_key_seed(Name::<S> { section, of: PhantomData })? {
            let name = S::NAMES[index];
            if seen & 1 << index != 0 {
                return Err(A::Error::duplicate_field(name));
            }
            seen |= 1 << index;
            self.settings.read(name, &mut Reader { section, name, map: &mut map })?;
        }
        self.settings.end()
    }
}

/// The name of a setting, as its place among those of its table.
struct Name<S> {
    section: &'static str,
    of: PhantomData<S>,
}

impl<'de, S: Section> DeserializeSeed<'de> for Name<S> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<usize, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl<S: Section> Visitor<'_> for Name<S> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a setting")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        S::NAMES.iter().position(|known| *known == name).ok_or_else(|| {
            let shown: String = shown(name).chars().take(SHOWN).collect();
            E::unknown_field(&format!("{}{shown}", self.section), S::NAMES)
        })
    }
}

/// Reads the value of one setting, whose name was read.
pub(super) struct Reader<'a, A> {
    section: &'static str,
    name: &'static str,
    map: &'a mut A,
}

impl<'de, A: MapAccess<'de>> Reader<'_, A> {
    /// Reads a value; `None` where it is `null`.
    pub(super) fn value<T: Setting>(&mut self) -> Result<Option<T>, A::Error> {
        self.map.next_value_seed(Unquoted(At::new(self.section, self.name)))
    }

    /// Reads a text that is no secret.
    pub(super) fn plain(&mut self) -> Result<Option<String>, A::Error> {
        Ok(self.value::<Zeroizing<String>>()?.map(|text| (*text).clone()))
    }

    /// Replaces what is there, if there is a value.
    pub(super) fn replace<T: Setting>(&mut self, place: &mut T) -> Result<(), A::Error> {
        if let Some(value) = self.value()? {
            *place = value;
        }
        Ok(())
    }

    /// Reads a table within the table.
    pub(super) fn section<S: Section + Default>(
        &mut self,
        section: &'static str,
        place: &mut S,
    ) -> Result<(), A::Error> {
        let settings = core::mem::take(place);
        *place = self.map.next_value_seed(Unquoted(Table { section, settings }))?;
        Ok(())
    }
}
