//! A door for the fuzzer, and no part of the public surface: how one message is read, without a
//! session around it.
//!
//! A session answers most messages with an action or none, which hides how their parts were read,
//! and costs ten times what the reading does.

use alloc::borrow::Cow;
use alloc::string::String;

use bytestring::ByteString;

use crate::channel::ChannelName;
use crate::event::{ChannelEvent, EventNames};
use crate::hash::Seeded;
use crate::wire::envelope::{self, Token};

/// One message as a session reads it.
#[derive(Debug)]
pub struct Reading {
    /// The event; absent if the message has no name that could be read. The channel in it is no
    /// real one.
    pub event: Option<ChannelEvent>,
    /// The channel's name; absent if there is none that could be read.
    pub channel: Option<String>,
}

/// Reads one message; `None` if it is not an object.
#[must_use]
pub fn read(message: &str) -> Option<Reading> {
    let envelope = envelope::scan(message).ok()?;
    let mut names = EventNames::new(Seeded::new(0, 0));
    let name = envelope.event.and_then(|token| names.name(token, message));
    let event = name.map(|name| {
        let (channel, message) = (ChannelName::of_user(""), ByteString::from(message));
        ChannelEvent::new(channel, message, name, envelope.data, envelope.user_id)
    });
    let channel = envelope.channel.and_then(|token| string(token, message));
    Some(Reading { event, channel: channel.map(Cow::into_owned) })
}

fn string(token: Token, message: &str) -> Option<Cow<'_, str>> {
    let content = token.string(message)?;
    if token.escaped {
        envelope::unescaped(token.of(message)).map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(content))
    }
}
