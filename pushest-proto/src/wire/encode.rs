//! Messages to the server ([protocol, client to server](crate::protocol#client-to-server)).

use alloc::string::String;

use serde::Serialize;
use serde_json::value::RawValue;

/// The reply to `pusher:ping`.
pub(crate) const PONG: &str = r#"{"event":"pusher:pong","data":{}}"#;

/// The message that asks for a sign of life.
pub(crate) const PING: &str = r#"{"event":"pusher:ping","data":{}}"#;

#[derive(Serialize)]
struct Message<'a, D> {
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    data: D,
}

#[derive(Serialize)]
struct Subscription<'a> {
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_data: Option<&'a str>,
}

pub(crate) fn subscribe(channel: &str, auth: Option<&str>, channel_data: Option<&str>) -> String {
    write("pusher:subscribe", None, Subscription { channel, auth, channel_data })
}

pub(crate) fn unsubscribe(channel: &str) -> String {
    let data = Subscription { channel, auth: None, channel_data: None };
    write("pusher:unsubscribe", None, data)
}

pub(crate) fn sign_in(auth: &str, user_data: &str) -> String {
    #[derive(Serialize)]
    struct SignIn<'a> {
        auth: &'a str,
        user_data: &'a str,
    }
    write("pusher:signin", None, SignIn { auth, user_data })
}

/// Encodes a client event; `data` goes out as the JSON that it is.
pub(crate) fn client_event(event: &str, channel: &str, data: &RawValue) -> String {
    let mut text = write(event, Some(channel), data);
    // It may wait, and then with all that it has.
    text.shrink_to_fit();
    text
}

fn write<D: Serialize>(event: &str, channel: Option<&str>, data: D) -> String {
    serde_json::to_string(&Message { event, channel, data })
        .expect("strings and checked JSON can always be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_protocols_shape() {
        assert_eq!(
            subscribe("private-x", Some("key:sig"), None),
            r#"{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"key:sig"}}"#
        );
        assert_eq!(
            subscribe("presence-x", Some("key:sig"), Some(r#"{"user_id":"1"}"#)),
            r#"{"event":"pusher:subscribe","data":{"channel":"presence-x","auth":"key:sig","channel_data":"{\"user_id\":\"1\"}"}}"#
        );
        assert_eq!(unsubscribe("x"), r#"{"event":"pusher:unsubscribe","data":{"channel":"x"}}"#);
        let data = RawValue::from_string(r#"{"a":1}"#.into()).unwrap();
        assert_eq!(
            client_event("client-x", "private-x", &data),
            r#"{"event":"client-x","channel":"private-x","data":{"a":1}}"#
        );
    }
}
