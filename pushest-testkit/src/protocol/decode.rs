//! What a client says. Total: any text is a [`ClientMessage`].

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One message of a client ([protocol, client to
/// server](pushest_proto::protocol#client-to-server)).
#[derive(Debug)]
pub(super) enum ClientMessage<'a> {
    Subscribe(Subscribe<'a>),
    Unsubscribe {
        channel: Cow<'a, str>,
    },
    SignIn(SignIn<'a>),
    ClientEvent {
        event: Cow<'a, str>,
        channel: Cow<'a, str>,
        data: Option<&'a RawValue>,
    },
    Ping,
    Pong,
    /// Not understood; the text says what is wrong with it.
    Unknown(String),
    /// Understood, but no event that a client has.
    UnknownEvent,
}

#[derive(Debug, Deserialize)]
pub(super) struct Subscribe<'a> {
    #[serde(borrow)]
    pub(super) channel: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) auth: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) channel_data: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SignIn<'a> {
    #[serde(borrow)]
    pub(super) auth: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) user_data: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Unsubscribe<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    /// `null` is data, too: a client event's is handed on as it is.
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> ClientMessage<'a> {
    pub(super) fn decode(text: &'a str) -> Self {
        let envelope: Envelope<'a> = match serde_json::from_str(text) {
            Ok(envelope) => envelope,
            Err(error) => return Self::Unknown(format!("not a message: {error}")),
        };
        let Envelope { event, data, channel } = envelope;
        match &*event {
            "pusher:ping" => Self::Ping,
            "pusher:pong" => Self::Pong,
            "pusher:subscribe" => content(data, "pusher:subscribe", Self::Subscribe),
            "pusher:unsubscribe" => {
                content(data, "pusher:unsubscribe", |wanted: Unsubscribe<'a>| Self::Unsubscribe {
                    channel: wanted.channel,
                })
            }
            "pusher:signin" => content(data, "pusher:signin", Self::SignIn),
            name if name.starts_with("client-") => match channel {
                Some(channel) => Self::ClientEvent { event, channel, data },
                None => Self::Unknown("a client event must name its channel".to_owned()),
            },
            _ => Self::UnknownEvent,
        }
    }
}

/// Returns the typed content of a control message: `data` is an object here, never a string.
fn content<'a, T: Deserialize<'a>>(
    data: Option<&'a RawValue>,
    event: &str,
    wrap: impl FnOnce(T) -> ClientMessage<'a>,
) -> ClientMessage<'a> {
    let Some(data) = data else {
        return ClientMessage::Unknown(format!("{event} carries no data"));
    };
    match serde_json::from_str(data.get()) {
        Ok(content) => wrap(content),
        Err(error) => ClientMessage::Unknown(format!("data of {event}: {error}")),
    }
}

/// What `channel_data` of a presence subscription says ([protocol,
/// signing](pushest_proto::protocol#signing)).
#[derive(Debug, Deserialize)]
pub(super) struct ChannelData<'a> {
    #[serde(borrow)]
    pub(super) user_id: &'a RawValue,
    #[serde(borrow, default)]
    pub(super) user_info: Option<&'a RawValue>,
}

/// What `user_data` of a sign-in says.
#[derive(Debug, Deserialize)]
pub(super) struct UserData {
    pub(super) id: String,
    #[serde(default)]
    pub(super) watchlist: Option<Vec<String>>,
}

/// Returns the text of a user id that is a JSON string or number; nothing else is an id.
pub(super) fn user_id_text(token: &RawValue) -> Option<String> {
    let token = token.get();
    if token.starts_with('"') {
        serde_json::from_str(token).ok()
    } else if token.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        Some(token.to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_unknown(text: &str) -> bool {
        matches!(ClientMessage::decode(text), ClientMessage::Unknown(_))
    }

    #[test]
    fn junk_is_unknown_and_never_a_panic() {
        let deep = format!("{{\"event\":{}", "[".repeat(100_000));
        let deep_data =
            format!("{{\"event\":\"pusher:subscribe\",\"data\":{}", "{\"a\":".repeat(100_000));
        for text in
            ["", "{", "null", "[]", "{}", "7", "{\"event\":null}", "\u{0}", &deep, &deep_data]
        {
            assert!(is_unknown(text), "{text:.40}");
        }
        assert!(is_unknown(r#"{"event":"pusher:subscribe"}"#));
        assert!(is_unknown(r#"{"event":"pusher:subscribe","data":"x"}"#));
        assert!(is_unknown(r#"{"event":"pusher:subscribe","data":{"channel":7}}"#));
        assert!(is_unknown(r#"{"event":"client-x","data":{}}"#));
    }

    #[test]
    fn escapes_in_names_are_read() {
        let text = r#"{"event":"pusher:subscribe","data":{"channel":"caf\u00e9"}}"#;
        let ClientMessage::Subscribe(wanted) = ClientMessage::decode(text) else {
            panic!("a subscription")
        };
        assert_eq!(wanted.channel, "café");
    }

    #[test]
    fn user_ids_are_strings_or_numbers() {
        let text = |json: &str| user_id_text(&RawValue::from_string(json.to_owned()).unwrap());
        assert_eq!(text("\"a\\u0062\"").as_deref(), Some("ab"));
        assert_eq!(text("10").as_deref(), Some("10"));
        assert_eq!(text("null"), None);
        assert_eq!(text("{}"), None);
        assert_eq!(text("[1]"), None);
        assert_eq!(text("true"), None);
    }
}
