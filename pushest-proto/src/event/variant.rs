//! An event as the variant of a user's enum that has the event's name.
//!
//! To serde an event looks like `{"NAME":DATA}`, externally tagged, which is what an enum is by
//! default. A type that asks for a map, as enums with `#[serde(tag = "event", content = "data")]` do,
//! is given `{"event":"NAME","data":DATA}`.

use core::fmt::{self, Display};

use serde::Deserializer;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, EnumAccess, MapAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::payload::Payload;

/// Why an event is no value of a type.
#[derive(Debug)]
pub(super) enum Failure {
    /// The type knows no event of this name.
    UnknownName,
    /// It does, and the data has another shape.
    Data(serde_json::Error),
}

/// Reads an event of this name.
pub(super) fn read<'de, E: Deserialize<'de>>(
    name: &'de str,
    payload: Option<Payload<'de>>,
) -> Result<E, Failure> {
    E::deserialize(Named { name, payload })
}

/// An event; without a payload if it has no data.
#[derive(Clone, Copy)]
struct Named<'de> {
    name: &'de str,
    payload: Option<Payload<'de>>,
}

impl<'de> Named<'de> {
    fn read_name<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        Ok(seed.deserialize(BorrowedStrDeserializer::<NameFailure>::new(self.name))?)
    }

    fn read_data<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        self.payload.unwrap_or(Payload::Json("null")).read(seed).map_err(Failure::Data)
    }
}

impl<'de> Deserializer<'de> for Named<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Fields { event: self, next: Field::Event })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Named<'de> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        Ok((self.read_name(seed)?, self))
    }
}

impl<'de> VariantAccess<'de> for Named<'de> {
    type Error = Failure;

    /// A variant without content leaves the data alone: servers send `{}`, `[]`, `""` or `null` where
    /// there is nothing to say, and `#[serde(other)]` stands for events of every shape.
    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        self.read_data(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Failure> {
        self.read_data(Tuple { len, visitor })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.read_data(Struct { fields, visitor })
    }
}

/// The content of a variant with several unnamed fields.
struct Tuple<V> {
    len: usize,
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Tuple<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        from.deserialize_tuple(self.len, self.visitor)
    }
}

/// The content of a variant with named fields.
struct Struct<V> {
    fields: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Struct<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        from.deserialize_struct("", self.fields, self.visitor)
    }
}

/// An event as a map: its name, and then its data, if it has any.
struct Fields<'de> {
    event: Named<'de>,
    next: Field,
}

enum Field {
    Event,
    Data,
    End,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let key = match self.next {
            Field::Event => "event",
            Field::Data if self.event.payload.is_some() => "data",
            Field::Data | Field::End => return Ok(None),
        };
        seed.deserialize(BorrowedStrDeserializer::<Failure>::new(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        match self.next {
            Field::Event => {
                self.next = Field::Data;
                self.event.read_name(seed)
            }
            Field::Data | Field::End => {
                self.next = Field::End;
                self.event.read_data(seed)
            }
        }
    }
}

impl de::Error for Failure {
    fn custom<T: Display>(message: T) -> Self {
        Self::Data(de::Error::custom(message))
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownName => f.write_str("no variant has the event's name"),
            Self::Data(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Failure {}

/// Why a name is none of a type's. It tells apart by its type what fails at the name and what fails
/// at the data, where an enum within the data may miss a variant, too.
#[derive(Debug)]
enum NameFailure {
    Unknown,
    Other(serde_json::Error),
}

impl de::Error for NameFailure {
    fn custom<T: Display>(message: T) -> Self {
        Self::Other(de::Error::custom(message))
    }

    /// Says nothing about the name, so that an event that is not known costs no allocation.
    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::Unknown
    }
}

impl Display for NameFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => Failure::UnknownName.fmt(f),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for NameFailure {}

impl From<NameFailure> for Failure {
    fn from(failure: NameFailure) -> Self {
        match failure {
            NameFailure::Unknown => Self::UnknownName,
            NameFailure::Other(error) => Self::Data(error),
        }
    }
}
