//! What the server says, in the words of its profile.

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde_json::json;
use serde_json::value::RawValue;

use super::PeerId;
use super::connection::Connection;
use super::presence::{Member, Members};
use super::profile::{Dialect, Empty, MissingInfo, SignInAnswer};

/// The `data` of a message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Data<'a> {
    Absent,
    /// Becomes a JSON string.
    Text(&'a str),
    /// Goes out as the token it is.
    Token(&'a RawValue),
    Value(&'a serde_json::Value),
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Token(token) => token.serialize(serializer),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

/// One message: the envelope with its keys in the order in which servers write them.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "is_absent")]
    data: Data<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

fn is_absent(data: &Data<'_>) -> bool {
    matches!(data, Data::Absent)
}

impl<'a> Message<'a> {
    pub(super) const fn new(event: &'a str, channel: Option<&'a str>, data: Data<'a>) -> Self {
        Self { event, channel, data, user_id: None }
    }

    pub(super) const fn with_user_id(mut self, user_id: Option<&'a str>) -> Self {
        self.user_id = user_id;
        self
    }

    pub(super) fn encode(&self) -> ByteString {
        json_text(self).into()
    }
}

fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers always have a JSON form")
}

/// Returns a message that says no more than its event's name.
pub(super) fn bare(event: &str, channel: Option<&str>, empty: Empty) -> ByteString {
    let object = json!({});
    let data = match empty {
        Empty::Text => Data::Text("{}"),
        Empty::NullText => Data::Text("null"),
        Empty::Object => Data::Value(&object),
        Empty::Absent => Data::Absent,
    };
    Message::new(event, channel, data).encode()
}

pub(super) fn connection_established(socket_id: &str, activity_timeout: u64) -> ByteString {
    let data = json!({ "socket_id": socket_id, "activity_timeout": activity_timeout }).to_string();
    Message::new("pusher:connection_established", None, Data::Text(&data)).encode()
}

pub(super) fn error(
    dialect: &Dialect,
    channel: Option<&str>,
    code: Option<u16>,
    message: &str,
) -> ByteString {
    let value = json!({ "code": code, "message": message });
    let text = value.to_string();
    let data = if dialect.errors_are_strings { Data::Text(&text) } else { Data::Value(&value) };
    Message::new("pusher:error", channel, data).encode()
}

pub(super) fn described_subscription_error(channel: &str, error: &str, status: u16) -> ByteString {
    let kind = if status == 401 { "AuthError" } else { "LimitReached" };
    let value = json!({ "type": kind, "error": error, "status": status });
    Message::new("pusher:subscription_error", Some(channel), Data::Value(&value)).encode()
}

pub(super) fn subscription_count(channel: &str, count: usize) -> ByteString {
    let data = json!({ "subscription_count": count }).to_string();
    Message::new("pusher_internal:subscription_count", Some(channel), Data::Text(&data)).encode()
}

pub(super) fn signed_in(answer: SignInAnswer, user_data: &str) -> ByteString {
    let value = json!({ "user_data": user_data });
    let text = value.to_string();
    let data = match answer {
        SignInAnswer::Text => Data::Text(&text),
        SignInAnswer::Object => Data::Value(&value),
    };
    Message::new("pusher:signin_success", None, data).encode()
}

/// `online` and `offline` in one `pusher_internal:watchlist_events`; empty lists are left out.
pub(super) fn watchlist_events(online: &[&str], offline: &[&str]) -> ByteString {
    let events: Vec<_> = [("online", online), ("offline", offline)]
        .into_iter()
        .filter(|(_, user_ids)| !user_ids.is_empty())
        .map(|(name, user_ids)| json!({ "name": name, "user_ids": user_ids }))
        .collect();
    let data = json!({ "events": events }).to_string();
    Message::new("pusher_internal:watchlist_events", None, Data::Text(&data)).encode()
}

pub(super) fn plain_watchlist_event(name: &str, user_ids: &[&str]) -> ByteString {
    let value = json!({ "user_ids": user_ids });
    Message::new(name, None, Data::Value(&value)).encode()
}

/// Returns an event whose data is this text.
pub(super) fn text(event: &str, channel: &str, data: &str) -> ByteString {
    Message::new(event, Some(channel), Data::Text(data)).encode()
}

pub(super) fn presence_succeeded(
    dialect: &Dialect,
    channel: &str,
    members: &Members,
    by_socket: Option<&BTreeMap<PeerId, Connection>>,
) -> ByteString {
    let presence = PresenceData { dialect, members, by_socket };
    let data = json_text(&Presence { presence });
    Message::new("pusher_internal:subscription_succeeded", Some(channel), Data::Text(&data))
        .encode()
}

pub(super) fn member_added(dialect: &Dialect, channel: &str, member: &Member) -> ByteString {
    let data = json_text(&MemberData { dialect, member, with_info: true });
    Message::new("pusher_internal:member_added", Some(channel), Data::Text(&data)).encode()
}

pub(super) fn member_removed(dialect: &Dialect, channel: &str, member: &Member) -> ByteString {
    let with_info = dialect.removed_carries_info;
    let data = json_text(&MemberData { dialect, member, with_info });
    Message::new("pusher_internal:member_removed", Some(channel), Data::Text(&data)).encode()
}

struct MemberData<'a> {
    dialect: &'a Dialect,
    member: &'a Member,
    with_info: bool,
}

impl Serialize for MemberData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("user_id", &UserId { dialect: self.dialect, member: self.member })?;
        match (&self.member.info, self.dialect.missing_info) {
            _ if !self.with_info => {}
            (Some(info), _) => map.serialize_entry("user_info", info)?,
            (None, MissingInfo::Object) => map.serialize_entry("user_info", &json!({}))?,
            (None, MissingInfo::Null | MissingInfo::Absent) => {}
        }
        map.end()
    }
}

struct UserId<'a> {
    dialect: &'a Dialect,
    member: &'a Member,
}

impl Serialize for UserId<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.dialect.ids_as_given {
            self.member.id_token.serialize(serializer)
        } else {
            serializer.serialize_str(&self.member.id)
        }
    }
}

#[derive(Serialize)]
struct Presence<'a> {
    presence: PresenceData<'a>,
}

struct PresenceData<'a> {
    dialect: &'a Dialect,
    members: &'a Members,
    /// `ids` is an object from the socket ids of these to user ids.
    by_socket: Option<&'a BTreeMap<PeerId, Connection>>,
}

impl Serialize for PresenceData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { dialect, members, by_socket } = *self;
        let mut map = serializer.serialize_map(None)?;
        if let Some(connections) = by_socket {
            let mut ids = BTreeMap::new();
            for (peer, member) in members.peers() {
                if let Some(connection) = connections.get(&peer) {
                    ids.insert(&*connection.socket_id, UserId { dialect, member });
                }
            }
            map.serialize_entry("ids", &ids)?;
        } else if dialect.presence_ids {
            let ids: Vec<_> = members.iter().map(|member| UserId { dialect, member }).collect();
            map.serialize_entry("ids", &ids)?;
        }
        map.serialize_entry("hash", &Hash { dialect, members })?;
        map.serialize_entry("count", &members.len())?;
        map.end()
    }
}

struct Hash<'a> {
    dialect: &'a Dialect,
    members: &'a Members,
}

impl Hash<'_> {
    /// PHP writes an array whose keys run from 0 as a list, the empty one included.
    fn is_php_list(&self) -> bool {
        self.dialect.php_hash
            && self.members.iter().enumerate().all(|(index, member)| member.id == index.to_string())
    }
}

impl Serialize for Hash<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let missing = match self.dialect.missing_info {
            MissingInfo::Null => json!(null),
            MissingInfo::Object | MissingInfo::Absent => json!({}),
        };
        if self.is_php_list() {
            let mut list = serializer.serialize_seq(Some(self.members.len()))?;
            for member in self.members.iter() {
                match &member.info {
                    Some(info) => list.serialize_element(info)?,
                    None => list.serialize_element(&missing)?,
                }
            }
            return list.end();
        }
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for member in self.members.iter() {
            match &member.info {
                Some(info) => map.serialize_entry(&member.id, info)?,
                None => map.serialize_entry(&member.id, &missing)?,
            }
        }
        map.end()
    }
}
