//! Whatever breaks one part of a message leaves the others equal: the input takes the place of one
//! part of messages that are well-formed otherwise.

use pushest_proto::Authorization;
use pushest_proto::fuzzing::{self, Changes, Pair};

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
    // Each input takes one place in each kind of message; the fuzzer finds the others.
    match text.len() % 4 {
        0 => of_a_list(part),
        1 => of_a_watchlist(part),
        2 => of_a_confirmation(part),
        _ => of_an_envelope(part),
    }
}

fn of_a_list(part: Value<'_>) {
    let odd = part.as_str();
    let read = |ids: &str, hash: &str, more: &str| {
        let payload = format!(r#"{{"presence":{{"ids":{ids},"hash":{hash},"count":4{more}}}}}"#);
        let (members, dropped, lost) = fuzzing::decode(&payload, MANY).members.expect(&payload);
        assert_eq!(dropped, 0);
        (members, lost)
    };
    let has = |members: &[Pair], id: &str, info: Option<&str>| {
        members.iter().any(|(other, told)| other == id && told.as_deref() == info)
    };
    let (ids, hash) = (r#"["a",2,"c"]"#, r#"{"a":{"n":1},"d":null}"#);
    let whole = read(ids, hash, "");
    assert_eq!((whole.0.len(), whole.1), (4, 0));
    let all_but_info = |members: &[Pair]| {
        has(members, "2", None) && has(members, "c", None) && has(members, "d", None)
    };

    // An id.
    let (members, lost) = read(&format!(r#"["a",2,{odd},"c"]"#), hash, "");
    assert!(all_but_info(&members) && has(&members, "a", Some(r#"{"n":1}"#)), "{odd}");
    let id = id(part);
    let is_another = id.as_deref().is_some_and(|id| !["a", "2", "c", "d"].contains(&id));
    assert_eq!(members.len(), 4 + usize::from(is_another), "{odd}");
    assert_eq!(lost, u64::from(id.is_none()), "{odd}");

    // An info.
    let (members, lost) = read(ids, &format!(r#"{{"a":{odd},"d":null}}"#), "");
    let told = (part.is_json() && !part.is_null()).then_some(odd);
    assert!(all_but_info(&members) && has(&members, "a", told) && members.len() == 4, "{odd}");
    assert_eq!(lost, u64::from(!part.is_json()), "{odd}");

    // All ids, or all infos.
    let (members, _) = read(odd, hash, "");
    assert!(has(&members, "a", Some(r#"{"n":1}"#)) && has(&members, "d", None), "{odd}");
    let (members, _) = read(ids, odd, "");
    assert!(["a", "2", "c"].iter().all(|id| members.iter().any(|(other, _)| other == id)), "{odd}");

    // Something that nobody needs.
    assert_eq!(read(ids, hash, &format!(r#","x":{odd}"#)), whole, "{odd}");
    if !part.is_entry() {
        let (members, lost) = read(ids, hash, &format!(",{odd}"));
        assert_eq!((members, lost), (whole.0, 1), "{odd}");
    }
}

fn of_a_watchlist(part: Value<'_>) {
    let odd = part.as_str();
    let read = |payload: &str| -> (Changes, u64) {
        fuzzing::decode(payload, MANY).watchlist.expect("something of it can be read")
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

fn of_a_confirmation(part: Value<'_>) {
    let odd = part.as_str();
    let established = fuzzing::decode(
        &format!(r#"{{"x":{odd},"activity_timeout":{odd},"socket_id":"1.2"}}"#),
        MANY,
    );
    let (socket_id, _, lost) = established.established.expect("the socket id is there");
    assert!(socket_id == "1.2" && lost <= 1, "{odd}");

    let read = fuzzing::decode(&format!(r#"{{"user_id":7.0,"user_info":{odd},"x":{odd}}}"#), MANY);
    let ((id, told), lost) = read.member.expect("the id is there");
    let expected = (part.is_json() && !part.is_null()).then_some(odd);
    assert_eq!((&*id, told.as_deref()), ("7", expected), "{odd}");
    assert_eq!(lost, u64::from(!part.is_json()), "{odd}");
    assert_eq!(read.user_id.as_deref(), Some("7"), "{odd}");

    let answer = format!(
        r#"{{"x":{odd},"channel_data":{odd},"shared_secret":{odd},"auth":"key:00","user_data":"{{}}"}}"#
    );
    let granted = Authorization::from_json(&answer).expect("what it needs is there");
    assert_eq!((&*granted.auth, granted.user_data.as_deref()), ("key:00", Some("{}")), "{odd}");
    assert_eq!(granted.channel_data, part.string(), "{odd}");
    assert_eq!(granted.shared_secret.map(|secret| secret.to_string()), part.string(), "{odd}");
}

fn of_an_envelope(part: Value<'_>) {
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
