//! What the core sends, read back.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A message to the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Subscribe(String),
    Unsubscribe(String),
    SignIn,
    Ping,
    /// A pong or a client event: no answer comes to it.
    Other,
}

impl Frame {
    pub(crate) fn read(text: &str) -> Self {
        #[derive(Deserialize)]
        struct Message<'a> {
            event: &'a str,
            #[serde(borrow)]
            data: &'a RawValue,
        }
        #[derive(Deserialize)]
        struct Subscription {
            channel: String,
        }
        let message: Message<'_> = serde_json::from_str(text).expect("the core sends JSON");
        let channel = || {
            let data = serde_json::from_str::<Subscription>(message.data.get());
            data.expect("it names a channel").channel
        };
        match message.event {
            "pusher:subscribe" => Self::Subscribe(channel()),
            "pusher:unsubscribe" => Self::Unsubscribe(channel()),
            "pusher:signin" => Self::SignIn,
            "pusher:ping" => Self::Ping,
            _ => Self::Other,
        }
    }
}
