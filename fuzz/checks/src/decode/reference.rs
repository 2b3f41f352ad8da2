//! What the data of each control message says, over [`Tokens`](super::tokens::Tokens): the rules of
//! the protocol's tolerance once more.

use std::time::Duration;

use pushest_proto::SocketId;
use pushest_proto::fuzzing::{Changes, Decoded, Kind, Pair};

use super::numbers;
use super::tokens::{Tokens, Value};

/// What an error keeps of the server's words.
const KEPT: usize = 512;

pub(super) fn decode(kind: Kind, payload: &str) -> Decoded {
    let tokens = Tokens::of(payload);
    let data = tokens.value();
    match kind {
        Kind::Members(most) => Decoded::Members(members(data, most)),
        Kind::Member => Decoded::Member(member(data)),
        Kind::UserId => Decoded::Id(field(data, "user_id").and_then(id)),
        Kind::User => Decoded::Id(user(data)),
        Kind::Established => Decoded::Established(established(data)),
        Kind::Error => {
            let (code, message) = error(data, payload);
            Decoded::Error(code, message)
        }
        Kind::Count => Decoded::Count(count(data)),
        Kind::SignedIn => Decoded::Member(signed_in(data)),
        Kind::Watchlist(most) => Decoded::Changes(watchlist(data, most)),
        Kind::Online(most) => Decoded::Changes(online(data, most)),
    }
}

pub(super) fn id(value: Value<'_>) -> Option<String> {
    value.string().or_else(|| numbers::id(value.as_str()))
}

fn number(value: Value<'_>) -> Option<u64> {
    match value.string() {
        Some(text) => numbers::whole(&text),
        None => numbers::whole(value.as_str()),
    }
}

/// Returns the last value of this key; `null` is none.
fn field<'a>(object: Value<'a>, key: &str) -> Option<Value<'a>> {
    let entries = object.entries()?.parts;
    let (_, value) = entries.into_iter().rev().find(|(name, _)| name == key)?;
    Some(value).filter(|value| !value.is_null())
}

/// Returns how many entries of an object are none.
fn broken(object: Value<'_>) -> u64 {
    object.entries().map_or(0, |entries| entries.lost)
}

/// Returns the info if it is JSON, and whether it is something else.
fn info(value: Option<Value<'_>>) -> (Option<String>, u64) {
    match value.filter(|value| !value.is_null()) {
        None => (None, 0),
        Some(value) if value.is_json() => (Some(value.as_str().to_owned()), 0),
        Some(_) => (None, 1),
    }
}

fn members(data: Value<'_>, most: usize) -> Option<(Vec<Pair>, u64, u64)> {
    if data.is_null() || data.as_str().is_empty() {
        return Some((Vec::new(), 0, 0));
    }
    data.entries()?;
    let mut lost = broken(data);
    let mut listed: Vec<(String, Option<Value<'_>>)> = Vec::new();
    if let Some(presence) = field(data, "presence") {
        presence.entries()?;
        lost += broken(presence);
        if let Some(hash) = field(presence, "hash") {
            let entries = match (hash.entries(), hash.elements()) {
                (Some(entries), _) => Some((entries.parts, entries.lost)),
                (None, Some(elements)) => {
                    // PHP writes ids from 0 on as a list.
                    let places = hash.places().into_iter();
                    let infos = places.map(|(place, info)| (place.to_string(), info)).collect();
                    Some((infos, elements.lost))
                }
                (None, None) => None,
            };
            let (entries, broken) = entries.unwrap_or((Vec::new(), 1));
            lost += broken;
            for (id, info) in entries {
                match listed.iter_mut().find(|(other, _)| *other == id) {
                    Some((_, former)) => *former = Some(info),
                    None => listed.push((id, Some(info))),
                }
            }
        }
        if let Some(ids) = field(presence, "ids") {
            let values = ids.values();
            lost += values.as_ref().map_or(1, |values| values.lost);
            for value in values.into_iter().flat_map(|values| values.parts) {
                match id(value) {
                    Some(id) if listed.iter().any(|(other, _)| *other == id) => {}
                    Some(id) => listed.push((id, None)),
                    None => lost += 1,
                }
            }
        }
        let count = field(presence, "count").and_then(number).unwrap_or(0);
        if count > 0 && listed.is_empty() {
            lost += 1;
        }
    }
    let dropped = listed.len().saturating_sub(most) as u64;
    listed.truncate(most);
    let mut members = Vec::new();
    for (id, told) in listed {
        let (info, is_lost) = info(told);
        lost += is_lost;
        members.push((id, info));
    }
    let is_unread = members.is_empty() && dropped == 0 && lost > 0;
    (!is_unread).then_some((members, dropped, lost))
}

fn member(data: Value<'_>) -> Option<(Pair, u64)> {
    let id = id(field(data, "user_id")?)?;
    let (info, lost) = info(field(data, "user_info"));
    Some(((id, info), broken(data) + lost))
}

fn user(data: Value<'_>) -> Option<String> {
    id(field(data, "id")?).filter(|id| !id.is_empty())
}

fn established(data: Value<'_>) -> Option<(String, Option<Duration>, u64)> {
    let socket_id = id(field(data, "socket_id")?)?;
    let is_allowed =
        |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let is_right = socket_id.chars().all(is_allowed) && (1..=100).contains(&socket_id.len());
    assert_eq!(SocketId::new(&socket_id).is_some(), is_right, "{socket_id:?}");
    if !is_right {
        return None;
    }
    let timeout = field(data, "activity_timeout");
    let seconds = timeout.and_then(number);
    let lost = broken(data) + u64::from(timeout.is_some() && seconds.is_none());
    Some((socket_id, seconds.map(Duration::from_secs), lost))
}

fn error(data: Value<'_>, payload: &str) -> (Option<u16>, String) {
    if data.entries().is_none() {
        return (None, clipped(if payload == "null" { "" } else { payload }));
    }
    let code = field(data, "code").and_then(code_of);
    let code = code.or_else(|| field(data, "status").and_then(code_of));
    let message = field(data, "message").or_else(|| field(data, "error"));
    let message = message.map(Value::text_of).unwrap_or_default();
    let is_lost = message.is_empty() && broken(data) > 0;
    let message = clipped(if is_lost { payload } else { &message });
    (code, message)
}

/// Returns a whole number that fits, or none: nothing is cut off of a code.
fn code_of(value: Value<'_>) -> Option<u16> {
    numbers::id(&value.text_of())?.parse().ok()
}

fn clipped(text: &str) -> String {
    let fits = |(start, character): &(usize, char)| start + character.len_utf8() <= KEPT;
    text.char_indices().take_while(fits).map(|(_, character)| character).collect()
}

fn count(data: Value<'_>) -> Option<(u64, u64)> {
    Some((number(field(data, "subscription_count")?)?, broken(data)))
}

fn signed_in(data: Value<'_>) -> Option<(Pair, u64)> {
    let user_data = field(data, "user_data")?.text_of();
    let tokens = Tokens::of(&user_data);
    let id = user(tokens.value())?;
    let lost = u64::from(!tokens.value().is_json());
    Some(((id, Some(user_data.clone())), broken(data) + lost))
}

fn watchlist(data: Value<'_>, most: usize) -> Option<(Changes, u64, u64)> {
    let mut lost = broken(data);
    let mut changes = Vec::new();
    let events = field(data, "events")?.values()?;
    lost += events.lost;
    for event in events.parts {
        lost += broken(event);
        let name = field(event, "name").and_then(Value::string);
        let online = match name.as_deref() {
            Some("online") => true,
            Some("offline") => false,
            _ => {
                lost += 1;
                continue;
            }
        };
        match field(event, "user_ids") {
            Some(user_ids) => lost += change(online, user_ids, &mut changes),
            None => lost += 1,
        }
    }
    (!changes.is_empty() || lost == 0).then(|| shortened(changes, lost, most))
}

fn online(data: Value<'_>, most: usize) -> Option<(Changes, u64, u64)> {
    let mut changes = Vec::new();
    let lost = broken(data) + change(true, field(data, "user_ids")?, &mut changes);
    (!changes.is_empty() || lost == 0).then(|| shortened(changes, lost, most))
}

/// Returns the changes with at most `most` ids each, how many are over that, and how many parts are
/// odd.
fn shortened(mut changes: Changes, lost: u64, most: usize) -> (Changes, u64, u64) {
    let mut dropped = 0;
    for (_, ids) in &mut changes {
        dropped += ids.len().saturating_sub(most) as u64;
        ids.truncate(most);
    }
    (changes, dropped, lost)
}

/// Adds who is named, unless all of them are odd; returns how many are.
fn change(online: bool, user_ids: Value<'_>, changes: &mut Changes) -> u64 {
    let Some(values) = user_ids.values() else { return 1 };
    let (ids, odd): (Vec<_>, Vec<_>) = values.parts.into_iter().map(id).partition(Option::is_some);
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    let lost = values.lost + odd.len() as u64;
    if lost == 0 || !ids.is_empty() {
        changes.push((online, ids));
    }
    lost
}
