//! Whatever breaks one part of a message leaves the others equal: the input takes the place of one
//! part of messages that are well-formed otherwise.

use pushest_proto::Authorization;
use pushest_proto::fuzzing::{self, Decoded, Kind, Pair};

use super::MANY;
use super::reference::id;
use super::tokens::{Tokens, Value};

/// Checks one input, if it can be a part at all: with an open bracket or quote, or a comma outside
/// of them, it would be more than one.
pub(super) fn one_part_leaves_the_others_equal(text: &str, tokens: &Tokens<'_>) {
    let part = tokens.value();
    if !part.is_part() {
        return;
    }
    // Each input takes one place, which its length chooses.
    match text.len() % 10 {
        0 => as_an_id(part),
        1 => as_an_info(part),
        2 => as_all_ids(part),
        3 => as_all_infos(part),
        4 => as_nobodys_part(part),
        5 => in_a_watchlist(part),
        6 => in_a_handshake(part),
        7 => in_a_member(part),
        8 => in_an_authorization(part),
        _ => in_an_envelope(part),
    }
}

const IDS: &str = r#"["a",2,"c"]"#;
const HASH: &str = r#"{"a":{"n":1},"d":null}"#;

/// Returns the members of a list, and how many parts were lost.
fn list(ids: &str, hash: &str, more: &str) -> (Vec<Pair>, u64) {
    let payload = format!(r#"{{"presence":{{"ids":{ids},"hash":{hash},"count":4{more}}}}}"#);
    let read = fuzzing::decode(Kind::Members(MANY), &payload);
    let Decoded::Members(Some((members, 0, lost))) = read else { panic!("{payload}: {read:?}") };
    (members, lost)
}

fn has(members: &[Pair], id: &str, info: Option<&str>) -> bool {
    members.iter().any(|(other, told)| other == id && told.as_deref() == info)
}

fn has_all_but_a(members: &[Pair]) -> bool {
    has(members, "2", None) && has(members, "c", None) && has(members, "d", None)
}

fn as_an_id(part: Value<'_>) {
    let odd = part.as_str();
    let (members, lost) = list(&format!(r#"["a",2,{odd},"c"]"#), HASH, "");
    assert!(has_all_but_a(&members) && has(&members, "a", Some(r#"{"n":1}"#)), "{odd}");
    let id = id(part);
    let is_another = id.as_deref().is_some_and(|id| !["a", "2", "c", "d"].contains(&id));
    assert_eq!(members.len(), 4 + usize::from(is_another), "{odd}");
    assert_eq!(lost, u64::from(id.is_none()), "{odd}");
}

fn as_an_info(part: Value<'_>) {
    let odd = part.as_str();
    let (members, lost) = list(IDS, &format!(r#"{{"a":{odd},"d":null}}"#), "");
    let told = (part.is_json() && !part.is_null()).then_some(odd);
    assert!(has_all_but_a(&members) && has(&members, "a", told), "{odd}");
    assert_eq!((members.len(), lost), (4, u64::from(!part.is_json())), "{odd}");
}

fn as_all_ids(part: Value<'_>) {
    let odd = part.as_str();
    let (members, _) = list(odd, HASH, "");
    assert!(has(&members, "a", Some(r#"{"n":1}"#)) && has(&members, "d", None), "{odd}");
}

fn as_all_infos(part: Value<'_>) {
    let odd = part.as_str();
    let (members, _) = list(IDS, odd, "");
    let is_there = |id: &&str| members.iter().any(|(other, _)| other == id);
    assert!(["a", "2", "c"].iter().all(is_there), "{odd}");
}

/// Something that is not needed, under a key of its own and without one.
fn as_nobodys_part(part: Value<'_>) {
    let odd = part.as_str();
    let (whole, _) = list(IDS, HASH, "");
    assert_eq!(list(IDS, HASH, &format!(r#","x":{odd}"#)), (whole.clone(), 0), "{odd}");
    if !part.is_entry() {
        assert_eq!(list(IDS, HASH, &format!(",{odd}")), (whole, 1), "{odd}");
    }
}

fn in_a_watchlist(part: Value<'_>) {
    let odd = part.as_str();
    let read = |payload: &str| match fuzzing::decode(Kind::Watchlist(100), payload) {
        Decoded::Changes(Some((changes, 0, lost))) => (changes, lost),
        other => panic!("{payload}: {other:?}"),
    };
    let came = |ids: &[&str]| (true, ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    let went = (false, vec!["c".to_owned()]);
    let (changes, lost) = read(&format!(
        r#"{{"events":[{{"name":"online","user_ids":["a",{odd},"b"]}},
            {{"name":"offline","user_ids":["c"]}}]}}"#
    ));
    let id = id(part);
    let ids: Vec<&str> = ["a"].into_iter().chain(id.as_deref()).chain(["b"]).collect();
    assert_eq!(changes, [came(&ids), went.clone()], "{odd}");
    assert_eq!(lost, u64::from(id.is_none()), "{odd}");

    let (changes, _) = read(&format!(
        r#"{{"x":{odd},"events":[{{"name":"online","user_ids":["a"],"x":{odd}}},{odd},
            {{"name":"offline","user_ids":["c"]}}]}}"#
    ));
    assert_eq!(changes.first(), Some(&came(&["a"])), "{odd}");
    assert_eq!(changes.last(), Some(&went), "{odd}");
}

fn in_a_handshake(part: Value<'_>) {
    let odd = part.as_str();
    let payload = format!(r#"{{"x":{odd},"activity_timeout":{odd},"socket_id":"1.2"}}"#);
    let read = fuzzing::decode(Kind::Established, &payload);
    let Decoded::Established(Some((socket_id, _, 0 | 1))) = read else { panic!("{odd}: {read:?}") };
    assert_eq!(socket_id, "1.2", "{odd}");
}

fn in_a_member(part: Value<'_>) {
    let odd = part.as_str();
    let payload = format!(r#"{{"user_id":7.0,"user_info":{odd},"x":{odd}}}"#);
    let told = (part.is_json() && !part.is_null()).then(|| odd.to_owned());
    let expected = (("7".to_owned(), told), u64::from(!part.is_json()));
    assert_eq!(fuzzing::decode(Kind::Member, &payload), Decoded::Member(Some(expected)), "{odd}");
    let id = Decoded::Id(Some("7".to_owned()));
    assert_eq!(fuzzing::decode(Kind::UserId, &payload), id, "{odd}");
}

fn in_an_authorization(part: Value<'_>) {
    let odd = part.as_str();
    let answer = format!(
        r#"{{"x":{odd},"channel_data":{odd},"shared_secret":{odd},"auth":"key:00","user_data":"{{}}"}}"#
    );
    let granted = Authorization::from_json(&answer).expect("what it needs is there");
    assert_eq!((&*granted.auth, granted.user_data.as_deref()), ("key:00", Some("{}")), "{odd}");
    assert_eq!(granted.channel_data, part.string(), "{odd}");
    assert_eq!(granted.shared_secret.map(|secret| secret.to_string()), part.string(), "{odd}");
}

fn in_an_envelope(part: Value<'_>) {
    if !part.is_one() {
        return;
    }
    let odd = part.as_str();
    let message =
        format!(r#"{{"x":{odd},"event":"e","user_id":{odd},"data":{odd},"channel":"c","data":7}}"#);
    let reading = fuzzing::read(&message).expect("it is an object");
    assert_eq!(reading.channel.as_deref(), Some("c"), "{odd}");
    let event = reading.event.expect("it has a name");
    assert_eq!((event.name(), event.raw()), ("e", "7"), "{odd}");
    assert_eq!(event.user_id().as_deref(), id(part).as_deref(), "{odd}");
}
