//! What may be wrong with a call, and with an answer. No secret and no signature stands in any of
//! it.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::channel::name::NameError;

/// A call that breaks a rule. Nothing is sent, and but for [`RequestError::TargetTooLong`] nothing was
/// signed.
///
/// Of values that were refused it holds at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not a channel's name.
    #[error(transparent)]
    ChannelName(#[from] NameError),
    /// The list of channels is empty.
    #[error("an event needs a channel")]
    NoChannels,
    /// There are more channels than one event may have.
    #[error("an event can go to {limit} channels at once, not to {count}")]
    TooManyChannels {
        /// The number of channels that the event has.
        count: usize,
        /// What [`ApiLimits::channels`](super::ApiLimits::channels) allows.
        limit: usize,
    },
    /// A channel stands twice among those of an event. Servers differ about whether its subscribers get
    /// the event twice.
    #[error("{channel} is named twice: an event goes to a channel once")]
    ChannelTwice {
        /// The name of the first channel that comes again.
        channel: String,
    },
    /// The batch has no event in it.
    #[error("a batch needs an event")]
    NoEvents,
    /// There are more events than one batch may have.
    #[error("a batch can hold {limit} events, not {count}")]
    TooManyEvents {
        /// The number of events that the batch has.
        count: usize,
        /// What [`ApiLimits::batch`](super::ApiLimits::batch) allows.
        limit: usize,
    },
    /// An event of a batch with more or fewer channels than one.
    #[error("an event of a batch goes to one channel, not to {count}")]
    BatchChannels {
        /// The number of channels that the event has.
        count: usize,
    },
    /// An event of a batch breaks a rule that holds for single events, too.
    #[error("event {position} of the batch: {problem}")]
    InBatch {
        /// The place of the event in the batch, counted from 1.
        position: usize,
        /// The rule that it breaks.
        #[source]
        problem: Box<RequestError>,
    },
    /// Not an event's name.
    #[error(
        "{name:?} is not an event's name: it has {length} characters, 1 to {limit} are allowed"
    )]
    EventName {
        /// The name, at most its first 200 characters.
        name: String,
        /// The length of the whole name, in characters.
        length: usize,
        /// What [`ApiLimits::event_name`](super::ApiLimits::event_name) allows, in characters.
        limit: usize,
    },
    /// The data has more bytes than the server takes.
    #[error("the data has {size} bytes as it would be sent, the limit is {limit}")]
    DataTooLarge {
        /// Its size in bytes; on an encrypted channel that of the sealed data.
        size: usize,
        /// What [`ApiLimits::event_data`](super::ApiLimits::event_data) allows, in bytes.
        limit: usize,
    },
    /// The value given to [`Publish::json`](super::Publish::json) is none that JSON can hold.
    #[error("the data cannot be written as JSON: {problem}")]
    Data {
        /// The text of serde_json's error.
        problem: String,
    },
    /// An encrypted channel among others: each has a key of its own.
    #[error(
        "{channel} is an encrypted channel, and cannot be one of {count}: an event goes to it alone, \
         because each channel has a key of its own"
    )]
    EncryptedAmongOthers {
        /// The name of the first encrypted channel in the list.
        channel: String,
        /// The number of channels in the list.
        count: usize,
    },
    /// Publishing on an encrypted channel needs the master key.
    #[error("{channel} is an encrypted channel: publishing on it needs the master key")]
    MasterKeyMissing {
        /// The name of the encrypted channel.
        channel: String,
    },
    /// Publishing on an encrypted channel needs a nonce.
    #[error("{channel} is an encrypted channel: publishing on it needs a nonce of 24 random bytes")]
    NonceMissing {
        /// The name of the encrypted channel.
        channel: String,
    },
    /// Two events of a batch have the same nonce.
    #[error("two events have the same nonce: each needs random bytes of its own")]
    NonceTwice,
    /// Not a socket id.
    #[error("{socket_id:?} is not a socket id: 1 to 100 letters, digits, `.`, `-` and `_`")]
    SocketId {
        /// The text given to [`Publish::exclude`](super::Publish::exclude), at most its first 200
        /// characters.
        socket_id: String,
    },
    /// Not a user's id.
    #[error("{user_id:?} is not a user's id: it has {length} bytes, 1 to {limit} are allowed")]
    UserId {
        /// The id, at most its first 200 characters.
        user_id: String,
        /// The length of the whole id, in bytes.
        length: usize,
        /// What [`ApiLimits::user_id`](super::ApiLimits::user_id) allows, in bytes.
        limit: usize,
    },
    /// No channel's name can begin so.
    #[error("no channel's name begins with {prefix:?}: {character:?} is not allowed")]
    Prefix {
        /// The prefix, at most its first 200 characters.
        prefix: String,
        /// The first character of it that no name may have.
        character: char,
    },
    /// Users can be counted on presence channels only.
    #[error("users can be counted where the prefix begins with `presence-` only")]
    UserCountOfOthers,
    /// Only presence channels know their users.
    #[error("{channel} is not a presence channel, and knows nothing of users")]
    NotPresence {
        /// The name that was given, of a channel of another kind.
        channel: String,
    },
    /// `.` and `..` have a meaning of their own in a path.
    #[error("`.` and `..` cannot be asked for: they mean something else in a path")]
    Dots,
    /// Not a path.
    #[error("{path:?} is not a path: it begins with `/`, is percent-encoded, and has no query")]
    Path {
        /// The path given to [`Custom`](super::Custom), at most its first 200 characters.
        path: String,
    },
    /// Path and query are longer than HTTP clients take.
    #[error("path and query have {length} bytes, the limit is {limit}")]
    TargetTooLong {
        /// Their length as they would be sent, the signature among them, in bytes.
        length: usize,
        /// What HTTP clients take, in bytes.
        limit: usize,
    },
    /// Not a parameter of a call.
    #[error(
        "{name:?} cannot be a parameter: lower-case letters, digits and `_`, once, and none of the \
         signature's own"
    )]
    Parameter {
        /// The parameter's name, at most its first 200 characters.
        name: String,
    },
}

/// An answer that does not say that the call was carried out.
///
/// Its text says the status, the server's words and what helps:
///
/// ```
/// # use core::time::Duration;
/// # use pushest_proto::Config;
/// # use pushest_proto::api::{App, ListChannels, HttpAnswer};
/// # let config = Config::builder("app-key").app_id("3").secret("app-secret").build()?;
/// # let (app, now) = (App::new(&config)?, Duration::from_secs(1_353_088_179));
/// let request = app.request(&ListChannels::new(), now)?;
/// let answer = HttpAnswer::new(401, b"Timestamp expired")
///     .header("Date", "Fri, 16 Nov 2012 18:09:39 GMT");
/// assert_eq!(
///     request.read(&answer, now).unwrap_err().to_string(),
///     "the server answered 401: Timestamp expired (the server's clock is 1200 s ahead of this \
///      machine's: at most 600 s are allowed)"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerError {
    /// The meaning of the status that decides: of the HTTP status, or of [`AnswerError::code`].
    pub kind: AnswerErrorKind,
    /// The status in the head of the HTTP response.
    pub status: u16,
    /// The code or status that the body names, where it is another one. From 400 to 599 it decides where
    /// the HTTP status is 2xx or 4xx.
    pub code: Option<u16>,
    /// What the server said: the first 200 characters, on one line, control and invisible
    /// characters escaped, signatures masked.
    pub message: Box<str>,
    /// The time that the server asks to wait before the call is repeated; `None` if it does not
    /// say.
    pub retry_after: Option<Duration>,
    /// How far the server's clock is away, if its signatures may fail for it.
    pub clock: Option<ClockDifference>,
    /// Whether what was published may have arrived all the same, or the connections may have been
    /// ended. `false` for queries.
    pub may_have_arrived: bool,
    pub(super) may_repeat: bool,
}

impl AnswerError {
    /// Returns whether a program may repeat the call without asking, after
    /// [`AnswerError::retry_after`] or a pause that grows: a query that the server could not
    /// answer, or any call of which it says that it has not carried it out (429, or 503 with
    /// `Retry-After`; [protocol, HTTP API](crate::protocol#http-api)).
    #[must_use]
    pub fn may_repeat(&self) -> bool {
        self.may_repeat
    }
}

/// The reason for which a call has failed, by the status that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnswerErrorKind {
    /// 400: the server could not read the call.
    BadRequest,
    /// 401: the key, the signature or the time is wrong.
    Unauthorized,
    /// 403: the app is disabled or over its quota.
    Forbidden,
    /// 404: the server does not know the app's id, or the path.
    NotFound,
    /// 413: the data is too large for this server.
    TooLarge,
    /// 429: there were too many requests.
    TooManyRequests,
    /// 408 and 5xx: the server, or what stands before it, could not answer.
    Unavailable,
    /// 3xx: the API is elsewhere. It is not followed: the signature holds for one path.
    Redirect,
    /// Refused for another reason: other 4xx, or an answer that looked like success and says that it is
    /// none, such as by a field `error`.
    Refused,
    /// The answer is none of the HTTP API: a web page, cut short, or without what was asked for.
    NotUnderstood,
}

impl AnswerErrorKind {
    pub(super) fn of(status: u16) -> Self {
        match status {
            400 | 422 => Self::BadRequest,
            401 => Self::Unauthorized,
            402 | 403 => Self::Forbidden,
            404 => Self::NotFound,
            413 => Self::TooLarge,
            429 => Self::TooManyRequests,
            408 | 500..=599 => Self::Unavailable,
            300..=399 => Self::Redirect,
            400..=499 => Self::Refused,
            _ => Self::NotUnderstood,
        }
    }

    /// Returns whether what was published may have arrived although the answer is this one.
    pub(super) fn may_have_arrived(self, status: u16, retry_after: Option<Duration>) -> bool {
        match self {
            Self::Unavailable => status != 503 || retry_after.is_none(),
            Self::NotUnderstood => true,
            _ => false,
        }
    }

    /// Returns a hint for the user, if there is one.
    fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::Unauthorized => "are the key and the secret those of this app?",
            Self::Forbidden => "the app may be disabled or over its quota",
            Self::NotFound => "is it the app's id, and is the server's HTTP API at this address?",
            Self::TooLarge => "the server takes less data than the limit that is set here",
            Self::TooManyRequests => "wait, then try again",
            Self::Redirect => "it is not followed: set the address that it leads to",
            Self::NotUnderstood => "is the server's HTTP API at this address?",
            Self::BadRequest | Self::Unavailable | Self::Refused => return None,
        })
    }
}

/// How far the server's clock is away from this machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ClockDifference {
    /// The seconds between the two clocks, as far as the header `Date` shows them.
    pub seconds: u64,
    /// Whether the server's clock is the later one of the two.
    pub server_is_ahead: bool,
}

impl ClockDifference {
    /// Smallest difference that is reported, in seconds.
    pub(super) const LEAST: u64 = 60;

    /// Largest difference with which servers take a signature, in seconds.
    const MOST: u64 = 600;
}

impl fmt::Display for ClockDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.server_is_ahead { "ahead of" } else { "behind" };
        write!(f, "the server's clock is {} s {side} this machine's", self.seconds)
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {}", self.status)?;
        if let Some(code) = self.code {
            write!(f, " with code {code}")?;
        }
        match &*self.message {
            "" => f.write_str(" and nothing more")?,
            message => write!(f, ": {message}")?,
        }
        match (self.clock, self.kind.hint()) {
            // The date was rounded, and the answer took its time.
            (Some(clock), _) if clock.seconds + 10 >= ClockDifference::MOST => {
                write!(f, " ({clock}: at most {} s are allowed)", ClockDifference::MOST)?;
            }
            (Some(clock), Some(hint)) => write!(f, " ({hint} {clock}, which most servers allow)")?,
            (Some(clock), None) => write!(f, " ({clock})")?,
            (None, Some(hint)) => write!(f, " ({hint})")?,
            (None, None) => {}
        }
        if self.may_have_arrived {
            f.write_str("; the call may have been carried out")
        } else {
            Ok(())
        }
    }
}

impl core::error::Error for AnswerError {}
