//! Messages from the server: which kind, and what their data says (protocol, server to client).
//!
//! Servers differ in how they write the same thing. Data may be an object or a string that holds
//! one, numbers may be strings, and whatever is missing has a default.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::envelope::{self, Token};
use crate::channel::Member;
use crate::connection::SocketId;
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
    pub(crate) fn named(event: &str) -> Option<Self> {
        let name = event.strip_prefix("pusher")?;
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

/// The JSON that a message's data is or holds; `null` where there is none.
pub(crate) fn payload(data: Option<Token>, message: &str) -> Cow<'_, str> {
    let Some(token) = data else {
        return Cow::Borrowed("null");
    };
    match token.string(message) {
        None => Cow::Borrowed(token.of(message)),
        Some("") => Cow::Borrowed("null"),
        Some(content) if !token.escaped => Cow::Borrowed(content),
        Some(content) => {
            envelope::unescaped(token.of(message)).map_or(Cow::Borrowed(content), Cow::Owned)
        }
    }
}

/// `pusher:connection_established`.
pub(crate) struct Established {
    pub(crate) socket_id: SocketId,
    pub(crate) activity_timeout: Option<Duration>,
}

pub(crate) fn established(payload: &str) -> Option<Established> {
    #[derive(Deserialize)]
    struct Data<'a> {
        socket_id: Cow<'a, str>,
        #[serde(borrow)]
        activity_timeout: Option<&'a RawValue>,
    }
    let data: Data<'_> = serde_json::from_str(payload).ok()?;
    let seconds = data.activity_timeout.and_then(number);
    Some(Established {
        socket_id: SocketId::new(&data.socket_id)?,
        activity_timeout: seconds.map(Duration::from_secs),
    })
}

/// `pusher:error`, and with a `status` and `error` instead `subscription_error`.
#[derive(Default)]
pub(crate) struct ErrorData {
    pub(crate) code: Option<u16>,
    /// The code is an HTTP status: none of those that close frames have, too.
    pub(crate) is_status: bool,
    pub(crate) message: Box<str>,
}

pub(crate) fn error(payload: &str) -> ErrorData {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        code: Option<&'a RawValue>,
        #[serde(borrow)]
        message: Option<&'a RawValue>,
        #[serde(borrow)]
        status: Option<&'a RawValue>,
        #[serde(borrow)]
        error: Option<&'a RawValue>,
    }
    let Ok(data) = serde_json::from_str::<Data<'_>>(payload) else {
        // Not an object: whatever it is, it is all that the server said.
        let text = if payload == "null" { "" } else { payload };
        return ErrorData { message: clip(text), ..ErrorData::default() };
    };
    let code = data.code.or(data.status).and_then(code);
    let message = data.message.or(data.error).map(text).unwrap_or_default();
    ErrorData { code, is_status: data.code.is_none(), message: clip(&message) }
}

/// The members that a presence channel lists.
#[derive(Debug, Default)]
pub(crate) struct MemberList {
    pub(crate) members: Vec<Member>,
    /// How many more there were than the limit, or without a readable id.
    pub(crate) dropped: u64,
}

/// The members that `subscription_succeeded` of a presence channel lists, at most so many: `hash`
/// united with `ids`. `None` if the data has another shape; no data at all means no members.
pub(crate) fn members(payload: &str, most: usize) -> Option<MemberList> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        presence: Option<Presence<'a>>,
    }
    #[derive(Deserialize)]
    struct Presence<'a> {
        #[serde(borrow)]
        ids: Option<Vec<&'a RawValue>>,
        #[serde(borrow)]
        hash: Option<InfoById<'a>>,
    }
    let data: Option<Data<'_>> = serde_json::from_str(payload).ok()?;
    let mut list = MemberList::default();
    let Some(presence) = data.and_then(|data| data.presence) else { return Some(list) };
    let hash = presence.hash.unwrap_or_default().0;
    let mut seen = BTreeSet::new();
    let listed = hash.iter().map(|(id, info)| (Some(Cow::Borrowed(id.as_str())), Some(*info)));
    let ids = presence.ids.unwrap_or_default();
    for (id, info) in listed.chain(ids.iter().map(|id| (identity(id), None))) {
        match id {
            Some(id) if seen.contains(&id) => {}
            Some(id) => {
                if list.members.len() < most {
                    list.members.push(Member::new(&id, info_of(info)));
                } else {
                    list.dropped += 1;
                }
                seen.insert(id);
            }
            None => list.dropped += 1,
        }
    }
    Some(list)
}

/// `member_added` and `member_removed`.
pub(crate) fn member(payload: &str) -> Option<Member> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        user_id: &'a RawValue,
        #[serde(borrow)]
        user_info: Option<&'a RawValue>,
    }
    let data: Data<'_> = serde_json::from_str(payload).ok()?;
    Some(Member::new(&identity(data.user_id)?, info_of(data.user_info)))
}

/// `subscription_count`.
pub(crate) fn subscription_count(payload: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        subscription_count: &'a RawValue,
    }
    let data: Data<'_> = serde_json::from_str(payload).ok()?;
    number(data.subscription_count)
}

/// `signin_success`: the user's data, which is a string or an object (JSON), and the id in it.
pub(crate) fn signed_in(payload: &str) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        user_data: &'a RawValue,
    }
    let data: Data<'_> = serde_json::from_str(payload).ok()?;
    let user_data = text(data.user_data).into_owned();
    user_of(&user_data).map(|id| (id, user_data))
}

/// The id in a user's data: not empty.
pub(crate) fn user_of(user_data: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct User<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    let user: User<'_> = serde_json::from_str(user_data).ok()?;
    identity(user.id).filter(|id| !id.is_empty()).map(Cow::into_owned)
}

/// `watchlist_events`: who came online (`true`) and who went offline, in order.
pub(crate) fn watchlist_events(payload: &str) -> Option<Vec<(bool, Vec<String>)>> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        events: Vec<Change<'a>>,
    }
    #[derive(Deserialize)]
    struct Change<'a> {
        name: Cow<'a, str>,
        #[serde(borrow)]
        user_ids: Vec<&'a RawValue>,
    }
    let data: Data<'_> = serde_json::from_str(payload).ok()?;
    let change = |change: Change<'_>| {
        let online = match &*change.name {
            "online" => true,
            "offline" => false,
            _ => return None,
        };
        identities(&change.user_ids).map(|ids| (online, ids))
    };
    data.events.into_iter().map(change).collect()
}

/// The same change as an event of its own (protocol, how servers deviate): `{"user_ids": […]}`.
pub(crate) fn watchlist_event(payload: &str) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        user_ids: Vec<&'a RawValue>,
    }
    let data: Data<'_> = serde_json::from_str(payload).ok()?;
    identities(&data.user_ids)
}

fn identities(values: &[&RawValue]) -> Option<Vec<String>> {
    values.iter().map(|value| identity(value).map(Cow::into_owned)).collect()
}

/// The user id in the member data that was signed.
pub(crate) fn user_id(channel_data: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        user_id: &'a RawValue,
    }
    let data: Data<'_> = serde_json::from_str(channel_data).ok()?;
    identity(data.user_id).map(Cow::into_owned)
}

/// An id as text: a string's content or a number's digits; nothing else is an id.
fn identity(value: &RawValue) -> Option<Cow<'_, str>> {
    match value.get().as_bytes().first()? {
        b'"' => Some(text(value)),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(value.get())),
        _ => None,
    }
}

/// A whole number, also as a string or with a fraction, which is cut off.
fn number(value: &RawValue) -> Option<u64> {
    let text = text(value);
    let whole = text.split_once('.').map_or(&*text, |(whole, _)| whole);
    whole.parse().ok()
}

/// A code, also as a string. It is whole and in range or it is none: a connection may be given up
/// for it.
fn code(value: &RawValue) -> Option<u16> {
    let value: f64 = serde_json::from_str(&text(value)).ok()?;
    // What is out of range becomes the nearest code, and what is not whole the next lower one.
    let code = value as u16;
    (f64::from(code) == value).then_some(code)
}

/// A string's content, or any other value as it stands; `null` is empty.
fn text(value: &RawValue) -> Cow<'_, str> {
    match value.get() {
        "null" => Cow::Borrowed(""),
        string if string.starts_with('"') => {
            serde_json::from_str::<String>(string).map_or(Cow::Borrowed(string), Cow::Owned)
        }
        other => Cow::Borrowed(other),
    }
}

fn info_of(value: Option<&RawValue>) -> Option<&str> {
    value.map(RawValue::get).filter(|info| *info != "null")
}

/// `hash`: an object from id to info, or an array, which stands for the ids 0, 1, 2 … (PHP writes
/// a list with such keys as an array, and an empty one as `[]`).
#[derive(Default)]
struct InfoById<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for InfoById<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectOrArray;

        impl<'de> Visitor<'de> for ObjectOrArray {
            type Value = InfoById<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(InfoById(pairs))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(info) = seq.next_element()? {
                    pairs.push((pairs.len().to_string(), info));
                }
                Ok(InfoById(pairs))
            }
        }

        deserializer.deserialize_any(ObjectOrArray)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(payload: &str) -> Option<Vec<(String, Option<String>)>> {
        let pair =
            |member: &Member| (member.id().to_string(), member.info_json().map(str::to_string));
        members(payload, 100).map(|list| list.members.iter().map(pair).collect())
    }

    fn some(id: &str, info: Option<&str>) -> (String, Option<String>) {
        (id.to_string(), info.map(str::to_string))
    }

    #[test]
    fn members_are_the_hash_united_with_the_ids() {
        assert_eq!(
            listed(r#"{"presence":{"count":2,"ids":["1",2],"hash":{"1":{"a":1},"2":null}}}"#),
            Some(alloc::vec![some("1", Some(r#"{"a":1}"#)), some("2", None)])
        );
        assert_eq!(
            listed(r#"{"presence":{"hash":[{"a":1},{"b":2}]}}"#),
            Some(alloc::vec![some("0", Some(r#"{"a":1}"#)), some("1", Some(r#"{"b":2}"#))])
        );
        for empty in ["{}", "null", r#"{"presence":null}"#, r#"{"presence":{"hash":[]}}"#] {
            assert_eq!(listed(empty), Some(alloc::vec![]), "{empty}");
        }
        for junk in ["7", r#"{"presence":7}"#, r#"{"presence":{"ids":{}}}"#, "junk"] {
            assert_eq!(listed(junk), None, "{junk}");
        }
        let odd = members(r#"{"presence":{"ids":["a",null,{},"b","b"]}}"#, 2).unwrap();
        assert_eq!((odd.members.len(), odd.dropped), (2, 2));
        let many = members(r#"{"presence":{"ids":["a","b","c","d"]}}"#, 3).unwrap();
        assert_eq!((many.members.len(), many.dropped), (3, 1));
    }

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
        assert_eq!(seconds(r#"{"socket_id":"1.2","activity_timeout":{}}"#), Some(None));
        assert_eq!(seconds(r#"{"socket_id":"1.2"}"#), Some(None));
        assert_eq!(seconds(r#"{"socket_id":"1"}"#), None);
        assert_eq!(seconds(r#"{"activity_timeout":30}"#), None);
        assert_eq!(subscription_count(r#"{"subscription_count":"12"}"#), Some(12));
        assert_eq!(subscription_count("{}"), None);
    }
}
