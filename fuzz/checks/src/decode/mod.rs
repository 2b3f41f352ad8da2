//! Target `decode`: any bytes. The core and other readers read the same message.
//!
//! What serde_json takes for an object is read alike: name, channel, data and user id, of
//! duplicate keys the last. What the core takes beyond that is an object whose values alone are
//! odd, and each of these is what a lenient reader over tokens finds, too; `json()` says so if the
//! data is no JSON.
//!
//! What the data says is decoded as that of every control message, and again by a reference over
//! the tokens; and as a part of well-formed messages: whatever it is, it leaves the others equal.

mod breaking;
mod numbers;
mod reference;
mod tokens;

use std::borrow::Cow;
use std::fmt;

use pushest_proto::fuzzing::{self, Kind, Reading};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use serde_json::value::RawValue;

use tokens::Tokens;

/// How many members are listed at most: all, and hardly any.
const MANY: usize = 1_000;
const FEW: usize = 1;

/// Checks one input.
///
/// # Panics
/// If the two readers differ.
pub fn check(bytes: &[u8]) {
    let Ok(message) = std::str::from_utf8(bytes) else { return };
    let reading = fuzzing::read(message);
    let tokens = Tokens::of(message);
    let found = lenient(&tokens);
    assert_eq!(reading.is_some(), found.is_some(), "whether it is an object");
    match (serde_json::from_str::<Envelope<'_>>(message), &reading) {
        (Ok(envelope), Some(reading)) => alike(&envelope, reading),
        (Ok(_), None) => panic!("refused what serde_json reads"),
        (Err(_), _) => {}
    }
    if let (Some(found), Some(reading)) = (found, &reading) {
        alike_leniently(found, reading);
        assert_eq!(reading.payload, payload_of(found[3]), "payload");
        let event = reading.event.as_ref().map(|event| event.name());
        decoded_alike(event, &reading.payload);
    }
    if reading.is_none_or(|reading| reading.event.is_none()) {
        // It may be a payload itself.
        decoded_alike(None, message);
    }
    breaking::one_part_leaves_the_others_equal(message, &tokens);
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
    let user_id = envelope.user_id.and_then(|value| id(value.get()));
    assert_eq!(event.user_id().as_deref(), user_id.as_deref(), "user_id");
    let value = match envelope.data {
        None => Ok(Value::Null),
        Some(data) if data.get().starts_with('"') => {
            serde_json::from_str(&text(data)).or_else(|_| serde_json::from_str(data.get()))
        }
        Some(data) => serde_json::from_str(data.get()),
    };
    assert_eq!(event.json::<Value>().ok(), value.ok(), "data as a value");
}

/// Returns the four members in a message that is JSON but for what its values are.
fn lenient<'a>(message: &'a Tokens<'a>) -> Option<[Option<&'a str>; 4]> {
    let mut found = [None; 4];
    for (key, value) in message.value().strict_entries()? {
        let key: Option<String> = serde_json::from_str(key).ok();
        let keys = ["event", "channel", "user_id", "data"];
        let Some(index) = keys.iter().position(|name| key.as_deref() == Some(name)) else {
            continue;
        };
        let is_absent = value.is_null() && index != 3;
        found[index] = Some(value.as_str()).filter(|_| !is_absent);
    }
    Some(found)
}

/// The parts of a message that is not JSON are read as the other reader finds them.
fn alike_leniently([name, channel, user_id, data]: [Option<&str>; 4], reading: &Reading) {
    let string = |token: Option<&str>| serde_json::from_str::<String>(token?).ok();
    assert_eq!(reading.channel, string(channel), "channel");
    let Some(event) = &reading.event else {
        assert_eq!(string(name), None, "event");
        return;
    };
    assert_eq!(Some(event.name()), string(name).as_deref(), "event");
    assert_eq!(event.raw(), data.unwrap_or_default(), "data");
    assert_eq!(event.user_id().as_deref(), user_id.and_then(id).as_deref(), "user_id");
    let is_json = data.is_none_or(|data| serde_json::from_str::<IgnoredAny>(data).is_ok());
    if !is_json {
        assert!(event.json::<IgnoredAny>().is_err(), "json() says nothing of {:?}", event.raw());
    }
}

/// Returns the payload: what the data is, or what it holds as a string.
fn payload_of(data: Option<&str>) -> String {
    let data = data.unwrap_or("null");
    let text = Tokens::of(data).value().string();
    let text = text.unwrap_or_else(|| data.to_owned());
    if text.is_empty() { "null".to_owned() } else { text }
}

/// Returns an id as the other reader reads it.
fn id(token: &str) -> Option<String> {
    reference::id(Tokens::of(token).value())
}

/// Both readers make the same of a payload, taken for that of the event that it came with, or of
/// one that its length chooses: so each input costs little, and all are tried.
fn decoded_alike(event: Option<&str>, payload: &str) {
    let most_members = if payload.len() % 16 < 12 { MANY } else { FEW };
    let kinds = [
        Kind::Members(most_members),
        Kind::Member,
        Kind::UserId,
        Kind::User,
        Kind::Established,
        Kind::Error,
        Kind::Count,
        Kind::SignedIn,
        Kind::Watchlist(most_members),
        Kind::Online(most_members),
    ];
    let own = event.and_then(|event| match event {
        "pusher_internal:subscription_succeeded" => Some(kinds[0]),
        "pusher_internal:member_added" => Some(kinds[1]),
        "pusher_internal:member_removed" => Some(kinds[2]),
        "pusher:connection_established" => Some(kinds[4]),
        "pusher:error" => Some(kinds[5]),
        "pusher_internal:subscription_count" => Some(kinds[6]),
        "pusher:signin_success" => Some(kinds[7]),
        "pusher_internal:watchlist_events" => Some(kinds[8]),
        "online" => Some(kinds[9]),
        _ => None,
    });
    let kind = own.unwrap_or(kinds[payload.len() % kinds.len()]);
    let (ours, other) = (fuzzing::decode(kind, payload), reference::decode(kind, payload));
    assert_eq!(ours, other, "{kind:?} of {payload:?}");
}

/// Returns a string's content, if the value is a string that can be read.
fn string(value: &RawValue) -> Option<String> {
    value.get().starts_with('"').then(|| serde_json::from_str(value.get()).ok()).flatten()
}

/// Returns a string's content, what stands between its quotes if its escapes are no text, or any
/// other value as it stands.
fn text(value: &RawValue) -> Cow<'_, str> {
    let token = value.get();
    match token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        None => Cow::Borrowed(token),
        Some(content) => string(value).map_or(Cow::Borrowed(content), Cow::Owned),
    }
}
