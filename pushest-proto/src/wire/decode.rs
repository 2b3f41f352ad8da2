//! Messages from the server: which kind, and what their data says ([protocol, server to
//! client](crate::protocol#server-to-client)).
//!
//! Servers differ in how they write the same thing. Data may be an object or a string that holds
//! one, numbers may be strings, and whatever is missing has a default. Each part is read for
//! itself ([protocol, tolerance](crate::protocol#tolerance)): one of an odd shape is counted as
//! lost and costs no other, and one that is not needed is not looked at. Lists have a file of their
//! own.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use super::envelope::Token;
use super::parts::Part;
use crate::id::SocketId;
use crate::text::clip;

/// The messages that the protocol itself uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    Established,
    Ping,
    Pong,
    Error,
    SubscriptionSucceeded,
    SubscriptionError,
    MemberAdded,
    MemberRemoved,
    SubscriptionCount,
    CacheMiss,
    SignedIn,
    WatchlistEvents,
}

impl Control {
    /// What the names of all of them begin with.
    pub(crate) const PREFIX: &str = "pusher";

    #[inline]
    pub(crate) fn named(event: &str) -> Option<Self> {
        Self::with_suffix(event.strip_prefix(Self::PREFIX)?)
    }

    #[inline(never)]
    fn with_suffix(name: &str) -> Option<Self> {
        Some(match name {
            ":connection_established" => Self::Established,
            ":ping" => Self::Ping,
            ":pong" => Self::Pong,
            ":error" => Self::Error,
            "_internal:subscription_succeeded" => Self::SubscriptionSucceeded,
            ":subscription_error" | "_internal:subscription_error" => Self::SubscriptionError,
            "_internal:member_added" => Self::MemberAdded,
            "_internal:member_removed" => Self::MemberRemoved,
            "_internal:subscription_count" => Self::SubscriptionCount,
            ":cache_miss" => Self::CacheMiss,
            ":signin_success" => Self::SignedIn,
            "_internal:watchlist_events" => Self::WatchlistEvents,
            _ => return None,
        })
    }
}

/// Returns the JSON that a message's data is or holds; `null` where there is none.
pub(crate) fn payload(data: Option<Token>, message: &str) -> Cow<'_, str> {
    let data = data.map_or(Part::new("null"), |token| Part::new(token.of(message)));
    match data.string() {
        Some(content) if content.is_empty() => Cow::Borrowed("null"),
        Some(content) => content,
        None => Cow::Borrowed(data.as_str()),
    }
}

/// `pusher:connection_established`.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) socket_id: SocketId,
    pub(crate) activity_timeout: Option<Duration>,
    /// How many parts could not be read.
    pub(crate) lost: u64,
}

pub(crate) fn established(payload: &str) -> Option<Established> {
    let fields = Part::new(payload).fields(["socket_id", "activity_timeout"])?;
    let [socket_id, timeout] = fields.values;
    let seconds = timeout.and_then(Part::number);
    Some(Established {
        socket_id: SocketId::new(&socket_id?.id()?)?,
        activity_timeout: seconds.map(Duration::from_secs),
        lost: fields.lost + u64::from(timeout.is_some() && seconds.is_none()),
    })
}

/// `pusher:error`, and with a `status` and `error` instead `subscription_error`.
#[derive(Debug, Default)]
pub(crate) struct ErrorData {
    pub(crate) code: Option<u16>,
    /// The code is an HTTP status: none of those that close frames have, too.
    pub(crate) is_status: bool,
    pub(crate) message: Box<str>,
}

pub(crate) fn error(payload: &str) -> ErrorData {
    let fields = Part::new(payload).fields(["code", "message", "status", "error"]);
    let Some(fields) = fields else {
        // Not an object: whatever it is, it is all that the server said.
        let text = if payload == "null" { "" } else { payload };
        return ErrorData { message: clip(text), ..ErrorData::default() };
    };
    let [code, message, status, error] = fields.values;
    let own = code.and_then(Part::code);
    let code = own.or_else(|| status?.code());
    let message = message.or(error).map(Part::text).unwrap_or_default();
    // The words may stand in what could not be read.
    let message = if message.is_empty() && fields.lost > 0 { payload } else { &*message };
    ErrorData { code, is_status: own.is_none(), message: clip(message) }
}

/// `subscription_count`, and how many parts could not be read.
pub(crate) fn subscription_count(payload: &str) -> Option<(u64, u64)> {
    let fields = Part::new(payload).fields(["subscription_count"])?;
    let [count] = fields.values;
    Some((count?.number()?, fields.lost))
}

/// `signin_success`.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) id: String,
    /// The user's data as the server sent it: JSON, unless parts of it were lost.
    pub(crate) user_data: String,
    /// How many parts could not be read.
    pub(crate) lost: u64,
}

/// Reads the user's data: a string that holds an object, or the object itself.
pub(crate) fn signed_in(payload: &str) -> Option<SignedIn> {
    let fields = Part::new(payload).fields(["user_data"])?;
    let [user_data] = fields.values;
    let user_data = user_data?.text();
    let id = user_of(&user_data)?;
    let lost = fields.lost + u64::from(!Part::new(&user_data).is_json());
    Some(SignedIn { id, user_data: user_data.into_owned(), lost })
}

/// Returns the id in a user's data: not empty.
pub(crate) fn user_of(user_data: &str) -> Option<String> {
    let [id] = Part::new(user_data).fields(["id"])?.values;
    id?.id().filter(|id| !id.is_empty()).map(Cow::into_owned)
}

/// Returns whether a user's data have a watchlist that is not empty.
pub(crate) fn has_watchlist(user_data: &str) -> bool {
    let fields = Part::new(user_data).fields(["watchlist"]);
    let watchlist = fields.and_then(|fields| fields.values[0]);
    watchlist.and_then(Part::values).is_some_and(|mut ids| ids.next().is_some())
}

/// Returns the user id in the data of a member: those that were signed, or of `member_removed`.
pub(crate) fn user_id(member: &str) -> Option<String> {
    let [user_id] = Part::new(member).fields(["user_id"])?.values;
    user_id?.id().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn an_error_keeps_what_the_server_said() {
        let read = |payload: &str| {
            let data = error(payload);
            (data.code, data.message.to_string())
        };
        assert_eq!(read(r#"{"code":4009,"message":"no"}"#), (Some(4009), "no".into()));
        assert_eq!(read(r#"{"code":null,"message":"no"}"#), (None, "no".into()));
        assert_eq!(read(r#"{"code":"4301"}"#), (Some(4301), String::new()));
        for whole in ["4001", "\"4001\"", "4001.0", "\"4001.0\"", "4.001e3", "40010e-1"] {
            let code = read(&alloc::format!(r#"{{"code":{whole}}}"#)).0;
            assert_eq!(code, Some(4001), "{whole}");
        }
        for none in [
            "70000",
            "65536",
            "-1",
            "4001.5",
            "\"4001.5\"",
            "\"4001abc\"",
            "\"\"",
            "\" \"",
            "\"+4001\"",
            "\"0x0fa1\"",
            "true",
            "[4001]",
            "{\"code\":4001}",
            "1e400",
            "1e300",
            "\"NaN\"",
            "null",
            "\"null\"",
            "99999999999999999999",
            "\"inf\"",
        ] {
            assert_eq!(read(&alloc::format!(r#"{{"code":{none}}}"#)).0, None, "{none}");
        }
        assert_eq!(
            read(r#"{"type":"AuthError","error":"no","status":401}"#),
            (Some(401), "no".into())
        );
        assert_eq!(
            read(r#"{"code":"no","status":"401.0","message":"a","message":"b"}"#),
            (Some(401), "b".into())
        );
        let cut_off = r#"{"code":4001,"message":"The app"#;
        assert_eq!(read(cut_off), (Some(4001), "\"The app".into()));
        assert_eq!(
            read(r#"{"code":4001,message:"x"}"#),
            (Some(4001), r#"{"code":4001,message:"x"}"#.into())
        );
        assert_eq!(read("just text"), (None, "just text".into()));
        assert_eq!(read("null"), (None, String::new()));
    }

    #[test]
    fn numbers_may_be_strings_and_are_never_required() {
        let seconds = |payload| established(payload).map(|data| data.activity_timeout);
        let second = |seconds| Some(Some(Duration::from_secs(seconds)));
        assert_eq!(seconds(r#"{"socket_id":"1.2","activity_timeout":30}"#), second(30));
        assert_eq!(seconds(r#"{"socket_id":"1.2","activity_timeout":"30"}"#), second(30));
        assert_eq!(seconds(r#"{"socket_id":"1.2","activity_timeout":30.5}"#), second(30));
        assert_eq!(seconds(r#"{"socket_id":"1.2","activity_timeout":3e1}"#), second(30));
        assert_eq!(seconds(r#"{"socket_id":"1.2","activity_timeout":1e99}"#), second(u64::MAX));
        for odd in ["{}", "-1", "true", "\"soon\"", "01", "NaN", ""] {
            let payload = alloc::format!(r#"{{"activity_timeout":{odd},"socket_id":"1.2"}}"#);
            let data = established(&payload).expect(odd);
            assert_eq!((data.activity_timeout, data.lost), (None, 1), "{odd}");
        }
        assert_eq!(seconds(r#"{"socket_id":"1.2"}"#), Some(None));
        assert_eq!(seconds(r#"{"socket_id":1,"activity_timeout":null}"#), Some(None));
        assert_eq!(seconds(r#"{"socket_id":"1:2"}"#), None);
        assert_eq!(seconds(r#"{"activity_timeout":30}"#), None);
        assert_eq!(subscription_count(r#"{"subscription_count":"12"}"#), Some((12, 0)));
        assert_eq!(subscription_count(r#"{"subscription_count":12"#), Some((12, 1)));
        assert_eq!(subscription_count("{}"), None);
    }
}
