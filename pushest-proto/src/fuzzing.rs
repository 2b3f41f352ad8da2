//! A door for the fuzzer and tests, in builds with the feature `__fuzzing` only, and no part of the
//! public surface: how one message is read, without a session around it; which kinds of event there
//! are; whether a session's state is the same as before.
//!
//! A session answers most messages with an action or none, which hides how their parts were read,
//! and costs ten times what the reading does.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::hash::{BuildHasher, Hasher};
use core::time::Duration;

use bytestring::ByteString;

use crate::channel::name::ChannelName;
use crate::event::Event;
use crate::event::channel_event::ChannelEvent;
use crate::event::names::EventNames;
use crate::hash::Seeded;
use crate::presence::Member;
use crate::session::Session;
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
    let content = token.string(message).filter(|content| !envelope::has_control(content))?;
    if envelope::has_escapes(content) {
        envelope::unescaped(token.of(message)).map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(content))
    }
}

macro_rules! event_kinds {
    ($($kind:ident),+) => {
        /// The kinds of event. A new one has to be listed, and then to be measured by the tests.
        pub const EVENT_KINDS: &[&str] = &[$(stringify!($kind)),+];

        /// Returns the kind of an event.
        #[must_use]
        pub fn event_kind(event: &Event) -> &'static str {
            match event {
                $(Event::$kind { .. } => stringify!($kind)),+
            }
        }
    };
}

event_kinds!(
    Channel,
    Subscribed,
    SubscriptionFailed,
    Gap,
    SubscriptionCount,
    CacheMiss,
    Undecryptable,
    SignedIn,
    SignInFailed,
    Watchlist,
    State,
    ServerError,
    Pong,
    PingLost,
    Unrouted,
    Malformed,
    LimitReached,
    Presence,
    Lagged
);

/// A member's id and info.
pub type Pair = (String, Option<String>);

/// Who came online (`true`) and who went offline.
pub type Changes = Vec<(bool, Vec<String>)>;

/// Whose payload one is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `subscription_succeeded`, with room for this many members.
    Members(usize),
    /// `member_added`.
    Member,
    /// `member_removed`, and the data of a member that were signed.
    UserId,
    /// The data of a user.
    User,
    /// `connection_established`.
    Established,
    /// `pusher:error`.
    Error,
    /// `subscription_count`.
    Count,
    /// `signin_success`.
    SignedIn,
    /// `watchlist_events`, with room for this many ids of each change.
    Watchlist(usize),
    /// `online`, likewise.
    Online(usize),
}

/// What the decoder of a [`Kind`] makes of a payload. The last number is how many parts could not
/// be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Members, and how many are over the limit.
    Members(Option<(Vec<Pair>, u64, u64)>),
    /// One member, or a user's id and data.
    Member(Option<(Pair, u64)>),
    /// An id.
    Id(Option<String>),
    /// A socket id and a timeout.
    Established(Option<(String, Option<Duration>, u64)>),
    /// A code and a message.
    Error(Option<u16>, String),
    /// A count.
    Count(Option<(u64, u64)>),
    /// Who came and went, and how many are over the limit.
    Changes(Option<(Changes, u64, u64)>),
}

/// Reads one payload as that of a control message.
#[must_use]
pub fn decode(kind: Kind, payload: &str) -> Decoded {
    let pair =
        |member: &Member| (member.id().to_string(), member.info_json().map(ToString::to_string));
    let changes = |list: Watchlist| (list.changes, list.dropped, list.lost);
    match kind {
        Kind::Members(most) => Decoded::Members(
            lists::members(payload, most)
                .map(|list| (list.members.iter().map(pair).collect(), list.dropped, list.lost)),
        ),
        Kind::Member => {
            Decoded::Member(lists::member(payload).map(|(member, lost)| (pair(&member), lost)))
        }
        Kind::UserId => Decoded::Id(decode::user_id(payload)),
        Kind::User => Decoded::Id(decode::user_of(payload)),
        Kind::Established => Decoded::Established(
            decode::established(payload)
                .map(|data| (data.socket_id.to_string(), data.activity_timeout, data.lost)),
        ),
        Kind::Error => {
            let error = decode::error(payload);
            Decoded::Error(error.code, error.message.into())
        }
        Kind::Count => Decoded::Count(decode::subscription_count(payload)),
        Kind::SignedIn => Decoded::Member(
            decode::signed_in(payload).map(|data| ((data.id, Some(data.user_data)), data.lost)),
        ),
        Kind::Watchlist(most) => {
            Decoded::Changes(lists::watchlist_events(payload, most).map(changes))
        }
        Kind::Online(most) => {
            Decoded::Changes(lists::watchlist_event(true, payload, most).map(changes))
        }
    }
}

impl Session {
    /// A hash of the whole state, for tests that a refused command changed nothing.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        struct Text<H>(H);
        impl<H: Hasher> core::fmt::Write for Text<H> {
            fn write_str(&mut self, text: &str) -> core::fmt::Result {
                self.0.write(text.as_bytes());
                Ok(())
            }
        }
        let mut text = Text(Seeded::new(0, 0).build_hasher());
        // In the short form the table of channels does not show them.
        write!(text, "{self:#?}").expect("a hasher takes everything");
        text.0.finish()
    }
}
