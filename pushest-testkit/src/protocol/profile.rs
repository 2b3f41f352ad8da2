//! The server whose behaviour is taken on: every deviation of a real server is one field of one
//! table.

use std::time::Duration;

/// Which server to behave like, where servers differ ([protocol,
/// servers](pushest_proto::protocol#servers)).
///
/// A profile decides how things are *said* and which features exist; sizes and timeouts are the
/// matter of [`ServerConfig`](super::ServerConfig), which [`ServerConfig::new`] fills in to match.
///
/// [`ServerConfig::new`]: super::ServerConfig::new
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Profile {
    /// The protocol as documented, every feature on, every refusal naming its channel and carrying
    /// a code. The default: what most clients understand best.
    #[default]
    Standard,
    /// The hosted service: refusals are a `pusher:error` without a channel and with code null, a
    /// second subscription to a channel is an error, client events are limited to 10 a second.
    Hosted,
    /// Soketi: `pusher:subscription_error`, no server pings (a connection that was sent nothing
    /// for 120 s is closed with 4201), no data in `subscription_succeeded` of non-presence
    /// channels, unknown messages ignored, user ids as they were given.
    Soketi,
    /// Laravel Reverb: errors are JSON strings, unknown messages are answered with a 4200 error on
    /// a socket that stays open, no sign-in, no watchlist. A refused handshake is an error: with an
    /// unknown key the socket is then closed without a code, and stays open otherwise (4009 for an
    /// origin that is not allowed, 4004 when full).
    Reverb,
    /// Sockudo speaking protocol 7, as seen with 5.2: a wrong signature is 4009 without any word of
    /// the channel, other refusals 4300; another key just ends the connection; user ids must be
    /// strings; missing `user_info` becomes `{}`; client events lose their `user_id`; watchlists
    /// are plain `online` and `offline` events, come before the sign-in's answer, and tell only of
    /// users who have a watchlist of their own.
    Sockudo,
    /// Poxa: empty objects as data, a refused subscription is a bare `pusher:subscription_error`,
    /// client events lose their `user_id`, no server pings, no sign-in.
    Poxa,
    /// pusher-fake: `pusher_internal:subscription_error`, presence without `ids`, `member_removed`
    /// with `user_info`, `cache_miss` with data `"null"`, no server pings, no sign-in.
    PusherFake,
}

impl Profile {
    /// Every profile, for tests that run through all of them.
    pub const ALL: [Self; 7] = [
        Self::Standard,
        Self::Hosted,
        Self::Soketi,
        Self::Reverb,
        Self::Sockudo,
        Self::Poxa,
        Self::PusherFake,
    ];

    /// Returns the profile's name in lower case, as a command line would spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Hosted => "hosted",
            Self::Soketi => "soketi",
            Self::Reverb => "reverb",
            Self::Sockudo => "sockudo",
            Self::Poxa => "poxa",
            Self::PusherFake => "pusher-fake",
        }
    }

    /// Returns the profile with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// Returns whether `pusher:signin` is answered.
    #[must_use]
    pub const fn signs_in(self) -> bool {
        self.dialect().sign_in.is_some()
    }

    /// Returns whether users are told who of their watchlist comes and goes.
    #[must_use]
    pub const fn has_watchlists(self) -> bool {
        !matches!(self.dialect().watchlist, Watchlist::None)
    }

    pub(super) const fn dialect(self) -> Dialect {
        let standard = Dialect {
            errors_are_strings: false,
            refusal: Refusal::Error {
                code: Some(4009),
                otherwise: Some(4009),
                names_channel: true,
            },
            vague_refusals: false,
            numeric_ids: true,
            succeeded: Empty::Text,
            heartbeat_data: Empty::Object,
            cache_miss: Empty::Text,
            sign_in: Some(SignInAnswer::Text),
            watchlist: Watchlist::Internal,
            presence_ids: true,
            ids_as_given: false,
            php_hash: false,
            missing_info: MissingInfo::Null,
            removed_carries_info: false,
            client_event_user_id: true,
            client_event_refusal: ClientEventRefusal::NamesChannel,
            second_subscription_is_error: false,
            unknown_message: UnknownMessage::Error { code: None },
            unknown_event: UnknownMessage::Error { code: None },
            heartbeat: Heartbeat::Ping,
            refused_connection: RefusedConnection::ErrorAndClose,
            refused_key: RefusedConnection::ErrorAndClose,
            unknown_key: None,
            full: (4100, "Over capacity"),
            channel_characters: "",
        };
        match self {
            Self::Standard => standard,
            Self::Hosted => Dialect {
                refusal: Refusal::Error { code: None, otherwise: None, names_channel: false },
                client_event_refusal: ClientEventRefusal::Bare,
                second_subscription_is_error: true,
                ..standard
            },
            Self::Soketi => Dialect {
                refusal: Refusal::SubscriptionError(SubscriptionError::Described),
                succeeded: Empty::Absent,
                ids_as_given: true,
                unknown_message: UnknownMessage::Ignore,
                unknown_event: UnknownMessage::Ignore,
                heartbeat: Heartbeat::CloseWhenSilent(Duration::from_secs(120)),
                missing_info: MissingInfo::Absent,
                ..standard
            },
            Self::Reverb => Dialect {
                errors_are_strings: true,
                refusal: Refusal::Error {
                    code: Some(4009),
                    otherwise: Some(4009),
                    names_channel: false,
                },
                heartbeat_data: Empty::Absent,
                cache_miss: Empty::Absent,
                sign_in: None,
                watchlist: Watchlist::None,
                ids_as_given: true,
                php_hash: true,
                client_event_refusal: ClientEventRefusal::Bare,
                unknown_message: UnknownMessage::Error { code: Some(4200) },
                unknown_event: UnknownMessage::Error { code: Some(4200) },
                refused_connection: RefusedConnection::ErrorOnly,
                refused_key: RefusedConnection::ErrorAndCloseWithoutCode,
                unknown_key: Some("Application does not exist"),
                full: (4004, "Application is over connection quota"),
                ..standard
            },
            Self::Sockudo => Dialect {
                refusal: Refusal::Error {
                    code: Some(4009),
                    otherwise: Some(4300),
                    names_channel: false,
                },
                vague_refusals: true,
                numeric_ids: false,
                heartbeat_data: Empty::Absent,
                sign_in: Some(SignInAnswer::Object),
                watchlist: Watchlist::Plain,
                missing_info: MissingInfo::Object,
                client_event_refusal: ClientEventRefusal::Bare,
                client_event_user_id: false,
                unknown_message: UnknownMessage::Error { code: Some(4000) },
                unknown_event: UnknownMessage::Ignore,
                refused_connection: RefusedConnection::Drop,
                refused_key: RefusedConnection::Drop,
                channel_characters: ":#",
                ..standard
            },
            Self::Poxa => Dialect {
                refusal: Refusal::SubscriptionError(SubscriptionError::Bare),
                succeeded: Empty::Object,
                sign_in: None,
                watchlist: Watchlist::None,
                client_event_user_id: false,
                client_event_refusal: ClientEventRefusal::Silent,
                unknown_message: UnknownMessage::Ignore,
                unknown_event: UnknownMessage::Ignore,
                heartbeat: Heartbeat::None,
                refused_connection: RefusedConnection::CloseOnly,
                refused_key: RefusedConnection::CloseOnly,
                ..standard
            },
            Self::PusherFake => Dialect {
                refusal: Refusal::SubscriptionError(SubscriptionError::Internal),
                cache_miss: Empty::NullText,
                sign_in: None,
                watchlist: Watchlist::None,
                presence_ids: false,
                ids_as_given: true,
                removed_carries_info: true,
                client_event_refusal: ClientEventRefusal::Silent,
                unknown_message: UnknownMessage::Ignore,
                unknown_event: UnknownMessage::Ignore,
                heartbeat: Heartbeat::None,
                ..standard
            },
        }
    }
}

/// How one server says things. All of it is data, so that a server's habits can be read at a glance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// `pusher:error` carries a JSON string instead of an object.
    pub(super) errors_are_strings: bool,
    pub(super) refusal: Refusal,
    /// A wrong signature is refused in a sentence from which the channel cannot be told.
    pub(super) vague_refusals: bool,
    /// Whether a `user_id` may be a number at all.
    pub(super) numeric_ids: bool,
    /// Data of `subscription_succeeded` on other than presence channels.
    pub(super) succeeded: Empty,
    /// Data of `pusher:ping` and `pusher:pong`.
    pub(super) heartbeat_data: Empty,
    pub(super) cache_miss: Empty,
    /// `None`: the server knows no sign-in.
    pub(super) sign_in: Option<SignInAnswer>,
    pub(super) watchlist: Watchlist,
    /// Whether presence data lists `ids` beside `hash`.
    pub(super) presence_ids: bool,
    /// A numeric `user_id` stays a number.
    pub(super) ids_as_given: bool,
    /// A PHP array: ids 0, 1, 2 … make a JSON list of the hash.
    pub(super) php_hash: bool,
    pub(super) missing_info: MissingInfo,
    pub(super) removed_carries_info: bool,
    pub(super) client_event_user_id: bool,
    pub(super) client_event_refusal: ClientEventRefusal,
    /// Otherwise a second subscription succeeds again.
    pub(super) second_subscription_is_error: bool,
    /// What is no message of the protocol.
    pub(super) unknown_message: UnknownMessage,
    /// A message with an event that no client has.
    pub(super) unknown_event: UnknownMessage,
    pub(super) heartbeat: Heartbeat,
    pub(super) refused_connection: RefusedConnection,
    /// The same where the app's key is not known, which some servers look at elsewhere.
    pub(super) refused_key: RefusedConnection,
    /// What is said of an unknown key; `None`: a sentence with the key in it.
    pub(super) unknown_key: Option<&'static str>,
    /// The code and the message when there are too many connections.
    pub(super) full: (u16, &'static str),
    /// Characters allowed in channel names beyond the documented ones.
    pub(super) channel_characters: &'static str,
}

impl Dialect {
    /// Returns whether watchers hear only of users who have a watchlist themselves.
    pub(super) const fn hides_the_unwatching(&self) -> bool {
        matches!(self.watchlist, Watchlist::Plain)
    }
}

/// How a subscription or a sign-in is refused.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal {
    /// A `pusher:error`; `code` is for signatures, `otherwise` for names, data and limits.
    Error { code: Option<u16>, otherwise: Option<u16>, names_channel: bool },
    /// An event of its own.
    SubscriptionError(SubscriptionError),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum SubscriptionError {
    /// `pusher:subscription_error`, channel, `{type, error, status}`.
    Described,
    /// `pusher:subscription_error` with empty data and no channel.
    Bare,
    /// `pusher_internal:subscription_error`, channel, empty data.
    Internal,
}

/// What stands for "no data".
#[derive(Debug, Clone, Copy)]
pub(super) enum Empty {
    /// The string `"{}"`.
    Text,
    /// The object `{}`.
    Object,
    /// No `data` key.
    Absent,
    /// The string `"null"`.
    NullText,
}

/// The form of the data of `pusher:signin_success`.
#[derive(Debug, Clone, Copy)]
pub(super) enum SignInAnswer {
    Text,
    Object,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Watchlist {
    None,
    /// `pusher_internal:watchlist_events`.
    Internal,
    /// `online` and `offline`, no channel; as Sockudo does it.
    Plain,
}

/// What members are told of one that came without `user_info`.
#[derive(Debug, Clone, Copy)]
pub(super) enum MissingInfo {
    /// `null` in the hash, absent in `member_added`.
    Null,
    /// `{}` in both.
    Object,
    /// `{}` in the hash, absent in `member_added`.
    Absent,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum ClientEventRefusal {
    NamesChannel,
    Bare,
    /// The event is dropped without a word.
    Silent,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum UnknownMessage {
    Ignore,
    Error { code: Option<u16> },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Heartbeat {
    /// Ping a client that is silent, and close with 4201 if no answer comes.
    Ping,
    /// Close with 4201 a client that was sent nothing for this long.
    CloseWhenSilent(Duration),
    None,
}

/// What a connection sees that is refused before it is established.
#[derive(Debug, Clone, Copy)]
pub(super) enum RefusedConnection {
    ErrorAndClose,
    /// The close frame has no code.
    ErrorAndCloseWithoutCode,
    ErrorOnly,
    CloseOnly,
    /// The end, without an error or a close frame.
    Drop,
}
