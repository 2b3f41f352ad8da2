//! What an event's data is read from.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserialize, DeserializeSeed};

/// One way to read the data of an event.
#[derive(Debug, Clone, Copy)]
pub(super) enum Payload<'a> {
    /// JSON.
    Json(&'a str),
    /// A text that is no JSON and is the value itself.
    Text(&'a str),
}

impl<'a> Payload<'a> {
    /// Reads a value. The whole text must be one: what stands behind it is an error.
    pub(super) fn read<S: DeserializeSeed<'a>>(
        self,
        seed: S,
    ) -> Result<S::Value, serde_json::Error> {
        match self {
            Self::Json(text) => {
                // Its limit of 128 levels is what keeps deep data from overflowing the stack.
                let mut deserializer = serde_json::Deserializer::from_str(text);
                let value = seed.deserialize(&mut deserializer)?;
                deserializer.end()?;
                Ok(value)
            }
            Self::Text(text) => seed.deserialize(BorrowedStrDeserializer::new(text)),
        }
    }

    pub(super) fn value<T: Deserialize<'a>>(self) -> Result<T, serde_json::Error> {
        self.read(core::marker::PhantomData)
    }
}
