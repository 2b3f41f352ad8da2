//! A door for the fuzzer, and no part of the public surface: how one message is read, without a
//! session around it.
//!
//! A session answers most messages with an action or none, which hides how their parts were read,
//! and costs ten times what the reading does.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use bytestring::ByteString;

use crate::channel::{ChannelName, Member};
use crate::event::{ChannelEvent, EventNames};
use crate::hash::Seeded;
use crate::wire::envelope::{self, Token};
use crate::wire::lists::Watchlist;
use crate::wire::{decode, lists};

/// One message as a session reads it.
#[derive(Debug)]
pub struct Reading {
    /// The event; absent if the message has no name that could be read. The channel in it is no
    /// real one.
    pub event: Option<ChannelEvent>,
    /// The channel's name; absent if there is none that could be read.
    pub channel: Option<String>,
    /// The JSON that the data is or holds.
    pub payload: String,
}

/// Reads one message; `None` if it is not an object.
#[must_use]
pub fn read(message: &str) -> Option<Reading> {
    let envelope = envelope::scan(message).ok()?;
    let payload = decode::payload(envelope.data, message).into_owned();
    let mut names = EventNames::new(Seeded::new(0, 0));
    let name = envelope.event.and_then(|token| names.name(token, message));
    let event = name.map(|name| {
        let (channel, message) = (ChannelName::of_user(""), ByteString::from(message));
        ChannelEvent::new(channel, message, name, envelope.data, envelope.user_id)
    });
    let channel = envelope.channel.and_then(|token| string(token, message));
    Some(Reading { event, channel: channel.map(Cow::into_owned), payload })
}

fn string(token: Token, message: &str) -> Option<Cow<'_, str>> {
    let content = token.string(message).filter(|_| !token.control)?;
    if token.escaped {
        envelope::unescaped(token.of(message)).map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(content))
    }
}

/// A member's id and info.
pub type Pair = (String, Option<String>);

/// Who came online (`true`) and who went offline.
pub type Changes = Vec<(bool, Vec<String>)>;

/// What the decoders of all control messages make of one payload. What could be read comes with
/// how many parts could not.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The list of `subscription_succeeded`, and how many members it had over the limit.
    pub members: Option<(Vec<Pair>, u64, u64)>,
    /// `member_added`.
    pub member: Option<(Pair, u64)>,
    /// `member_removed`, and the data of a member that were signed.
    pub user_id: Option<String>,
    /// The id in a user's data.
    pub user: Option<String>,
    /// `connection_established`: the socket id and the timeout.
    pub established: Option<(String, Option<Duration>, u64)>,
    /// `pusher:error`: the code and the message.
    pub error: (Option<u16>, String),
    /// `subscription_count`.
    pub count: Option<(u64, u64)>,
    /// `signin_success`: the user's id and data.
    pub signed_in: Option<(Pair, u64)>,
    /// `watchlist_events`.
    pub watchlist: Option<(Changes, u64)>,
    /// `online`.
    pub online: Option<(Changes, u64)>,
}

/// Reads one payload as that of each control message.
#[must_use]
pub fn decode(payload: &str, most_members: usize) -> Decoded {
    let pair =
        |member: &Member| (member.id().to_string(), member.info_json().map(ToString::to_string));
    let changes = |list: Watchlist| (list.changes, list.lost);
    let error = decode::error(payload);
    Decoded {
        members: lists::members(payload, most_members)
            .map(|list| (list.members.iter().map(pair).collect(), list.dropped, list.lost)),
        member: lists::member(payload).map(|(member, lost)| (pair(&member), lost)),
        user_id: decode::user_id(payload),
        user: decode::user_of(payload),
        established: decode::established(payload)
            .map(|data| (data.socket_id.to_string(), data.activity_timeout, data.lost)),
        error: (error.code, error.message.into()),
        count: decode::subscription_count(payload),
        signed_in: decode::signed_in(payload)
            .map(|data| ((data.id, Some(data.user_data)), data.lost)),
        watchlist: lists::watchlist_events(payload).map(changes),
        online: lists::watchlist_event(true, payload).map(changes),
    }
}
