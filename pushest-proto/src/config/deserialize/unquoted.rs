//! A visitor that accepts what is wanted, and quotes nothing of anything else.

use core::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// What stands at some place of a file; by default it is refused, whatever it is.
pub(super) trait Wanted<'de>: Sized {
    /// What is made of it.
    type Output;

    /// Writes what must stand there.
    fn rule(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    fn refused<E: de::Error>(self) -> E {
        E::custom(Rule(&self))
    }

    /// Nothing, or `null`.
    fn absent<E: de::Error>(self) -> Result<Self::Output, E>;

    fn text<E: de::Error>(self, _: &str) -> Result<Self::Output, E> {
        Err(self.refused())
    }

    fn number<E: de::Error>(self, _: u64) -> Result<Self::Output, E> {
        Err(self.refused())
    }

    fn flag<E: de::Error>(self, _: bool) -> Result<Self::Output, E> {
        Err(self.refused())
    }

    fn list<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Output, A::Error> {
        Err(self.refused())
    }

    fn table<A: MapAccess<'de>>(self, _: A) -> Result<Self::Output, A::Error> {
        Err(self.refused())
    }
}

struct Rule<'a, W>(&'a W);

impl<'de, W: Wanted<'de>> fmt::Display for Rule<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.rule(f)
    }
}

/// Reads what is wanted.
pub(super) struct Unquoted<W>(pub(super) W);

impl<'de, W: Wanted<'de>> DeserializeSeed<'de> for Unquoted<W> {
    type Value = W::Output;

    // Whatever a format finds it hands over: one that is asked for a number refuses a text by itself,
    // and quotes it.
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<W::Output, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, W: Wanted<'de>> Unquoted<W> {
    fn number<E: de::Error>(self, number: Option<u64>) -> Result<W::Output, E> {
        match number {
            Some(number) => self.0.number(number),
            None => Err(self.0.refused()),
        }
    }
}

impl<'de, W: Wanted<'de>> Visitor<'de> for Unquoted<W> {
    type Value = W::Output;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.rule(f)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<W::Output, E> {
        self.0.text(text)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<W::Output, E> {
        self.0.flag(flag)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<W::Output, E> {
        self.number(Some(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<W::Output, E> {
        self.number(number.try_into().ok())
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<W::Output, E> {
        self.number(number.try_into().ok())
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<W::Output, E> {
        self.number(number.try_into().ok())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<W::Output, E> {
        Err(self.0.refused())
    }

    fn visit_bytes<E: de::Error>(self, _: &[u8]) -> Result<W::Output, E> {
        Err(self.0.refused())
    }

    fn visit_unit<E: de::Error>(self) -> Result<W::Output, E> {
        self.0.absent()
    }

    fn visit_none<E: de::Error>(self) -> Result<W::Output, E> {
        self.0.absent()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<W::Output, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<W::Output, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<W::Output, A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<W::Output, A::Error> {
        self.0.table(map)
    }
}
