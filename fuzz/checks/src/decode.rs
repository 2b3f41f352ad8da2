//! Target `decode`: any bytes. The core's own scanner and serde_json read the same message.
//!
//! What serde_json takes for an object is read alike: name, channel, data and user id, of
//! duplicate keys the last. What the scanner takes beyond that differs inside `data` alone, and
//! there `json()` says so.

use std::borrow::Cow;
use std::fmt;

use pushest_proto::fuzzing::{self, Reading};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use serde_json::value::RawValue;

/// Checks one input.
///
/// # Panics
/// If the two readers differ.
pub fn check(bytes: &[u8]) {
    let Ok(message) = std::str::from_utf8(bytes) else { return };
    let reading = fuzzing::read(message);
    match (serde_json::from_str::<Envelope<'_>>(message), reading) {
        (Ok(envelope), Some(reading)) => alike(&envelope, &reading),
        (Ok(_), None) => panic!("refused what serde_json reads"),
        (Err(_), None) => {}
        (Err(error), Some(reading)) => differs_inside_data(message, &reading, &error),
    }
}

/// The four members as serde_json finds them; `null` counts as absent for all but `data`.
#[derive(Default)]
struct Envelope<'a> {
    event: Option<&'a RawValue>,
    channel: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
    user_id: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LastWins;

        impl<'de> Visitor<'de> for LastWins {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = Envelope::default();
                while let Some(Key(key)) = map.next_key()? {
                    let value: &RawValue = map.next_value()?;
                    let present = Some(value).filter(|value| value.get() != "null");
                    match &*key {
                        "event" => envelope.event = present,
                        "channel" => envelope.channel = present,
                        "data" => envelope.data = Some(value),
                        "user_id" => envelope.user_id = present,
                        _ => {}
                    }
                }
                Ok(envelope)
            }
        }

        deserializer.deserialize_map(LastWins)
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

fn alike(envelope: &Envelope<'_>, reading: &Reading) {
    assert_eq!(reading.channel, envelope.channel.and_then(string), "channel");
    let name = envelope.event.and_then(string);
    let Some(event) = &reading.event else {
        assert_eq!(name, None, "event");
        return;
    };
    assert_eq!(Some(event.name()), name.as_deref(), "event");
    assert_eq!(event.raw(), envelope.data.map_or("", RawValue::get), "data");
    assert_eq!(event.text(), envelope.data.map_or(Cow::Borrowed(""), text), "data as text");
    assert_eq!(event.user_id(), envelope.user_id.map(text), "user_id");
    let value = match envelope.data {
        None => Ok(Value::Null),
        Some(data) if data.get().starts_with('"') => {
            serde_json::from_str(&text(data)).or_else(|_| serde_json::from_str(data.get()))
        }
        Some(data) => serde_json::from_str(data.get()),
    };
    assert_eq!(event.json::<Value>().ok(), value.ok(), "data as a value");
}

fn differs_inside_data(message: &str, reading: &Reading, error: &serde_json::Error) {
    let Some(event) = &reading.event else { return };
    let data = event.raw();
    assert!(!data.is_empty(), "read what is not JSON, and has no data: {error}");
    assert!(event.json::<IgnoredAny>().is_err(), "json() says nothing of this data: {data}");
    // With other data in its place the message is JSON, and the rest of it is read alike.
    let start = data.as_ptr() as usize - event.message().as_ptr() as usize;
    let mended = [&message[..start], "0", &message[start + data.len()..]].concat();
    let envelope = serde_json::from_str::<Envelope<'_>>(&mended);
    let envelope = envelope.expect("only the data is no JSON");
    assert_eq!(Some(event.name()), envelope.event.and_then(string).as_deref(), "event");
    assert_eq!(reading.channel, envelope.channel.and_then(string), "channel");
    assert_eq!(event.user_id(), envelope.user_id.map(text), "user_id");
}

/// A string's content, if the value is a string that can be read.
fn string(value: &RawValue) -> Option<String> {
    value.get().starts_with('"').then(|| serde_json::from_str(value.get()).ok()).flatten()
}

/// A string's content, what stands between its quotes if its escapes are no text, or any other
/// value as it stands.
fn text(value: &RawValue) -> Cow<'_, str> {
    let token = value.get();
    match token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        None => Cow::Borrowed(token),
        Some(content) => string(value).map_or(Cow::Borrowed(content), Cow::Owned),
    }
}
