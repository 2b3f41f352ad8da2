//! Each part of a message is read for itself (docs/protocol.md#tolerance): what is wrong with one
//! costs that one, and is told once.

use serde_json::{Value, json};

use crate::harness::{Harness, asking, established, message, object, signing, succeeded};
use pushest_proto::{
    Authorization, ChannelState, ConnectionState, Event, Limits, MalformedReason, PresenceChange,
};

const ROOM: &str = "presence-room";

/// What a real release of Reverb sent: `ids` is a map from socket id to user id.
const REVERB: &str = r#"{"presence":{"ids":{"123.4":"1","567.8":"2"},"hash":{"1":{"name":"Ann"},"2":{"name":"Bob"}},"count":2}}"#;

/// A session that has subscribed to the room and hears this list.
fn with_list(list: &str) -> Harness {
    let mut harness = Harness::connected();
    harness.subscribe_as(ROOM, "1");
    harness.receive(&succeeded(ROOM, list));
    harness
}

fn ids(harness: &Harness) -> Vec<String> {
    let room = harness.session.channel(ROOM).unwrap();
    let mut ids: Vec<String> = room.members().map(|member| member.id().to_string()).collect();
    ids.sort();
    ids
}

fn is_known(harness: &Harness) -> bool {
    harness.session.channel(ROOM).unwrap().members_known()
}

/// What the session says of malformed messages since the last look; nothing else is an event.
fn problems(harness: &mut Harness) -> Vec<MalformedReason> {
    let problem = |event| match event {
        Event::Malformed { problem, .. } => Some(problem),
        _ => None,
    };
    harness.events().into_iter().filter_map(problem).collect()
}

fn added(data: &str) -> String {
    message("pusher_internal:member_added", Some(ROOM), data)
}

fn removed(data: &str) -> String {
    message("pusher_internal:member_removed", Some(ROOM), data)
}

#[test]
fn ids_as_a_map_from_socket_to_user_are_the_members() {
    let mut harness = with_list(REVERB);
    assert_eq!(ids(&harness), ["1", "2"]);
    assert!(is_known(&harness));
    let room = harness.session.channel(ROOM).unwrap();
    assert_eq!(room.me().unwrap().info::<Value>().unwrap(), json!({"name": "Ann"}));
    assert_eq!(room.member("2").unwrap().info::<Value>().unwrap(), json!({"name": "Bob"}));
    assert_eq!(problems(&mut harness), []);
}

#[test]
fn an_odd_part_of_a_list_costs_nothing_else_and_is_told_once() {
    let deep = "[".repeat(500) + &"]".repeat(500);
    let deep_list = format!(r#""ids":["a","b"],"hash":{{"a":{deep},"b":1}}"#);
    for (presence, members, lost) in [
        (r#""ids":["a","b"],"hash":{"a":1,"b":2},"count":2"#, &["a", "b"][..], 0),
        (r#""ids":7,"hash":{"a":1,"b":2}"#, &["a", "b"], 1),
        (r#""ids":"a","hash":{"a":1,"b":2}"#, &["a", "b"], 1),
        (r#""ids":{"0":"a","2":"b"},"hash":[]"#, &["a", "b"], 0),
        (r#""ids":["a","b"],"hash":7"#, &["a", "b"], 1),
        (r#""ids":["a","b"],"hash":"x","count":{}"#, &["a", "b"], 1),
        (r#""ids":["a","b",null,{},["c"],false,01,1e]"#, &["a", "b"], 6),
        (r#""ids":["a",,"b"]"#, &["a", "b"], 1),
        (r#""hash":{"a":{"n":01},"b":{"n":"\q"}}"#, &["a", "b"], 2),
        (r#""hash":{"a":1,"b"}"#, &["a"], 1),
        (r#""hash":{"a":1,b:2,"c":3}"#, &["a", "c"], 1),
        (r#""hash":{"a":NaN,"b":[}},"ids":["c"]"#, &["a", "b", "c"], 2),
        (r#""ids":["a","b"],"other":nope"#, &["a", "b"], 0),
        (r#""ids":["\ud800","b"]"#, &["b", "\u{fffd}"], 0),
        (&deep_list, &["a", "b"], 0),
        // Of duplicate keys the last counts.
        (r#""ids":["x"],"ids":["a"],"hash":{"y":1},"hash":{"b":1}"#, &["a", "b"], 0),
        (r#""ids":["a"],"ids":7,"hash":{"b":1}"#, &["b"], 1),
    ] {
        let mut harness = with_list(&format!(r#"{{"presence":{{{presence}}}}}"#));
        assert_eq!(ids(&harness), members, "{presence:.80}");
        assert!(is_known(&harness), "{presence:.80}");
        let kept = members.len() as u64;
        let told = if lost == 0 { vec![] } else { vec![MalformedReason::Partly { kept, lost }] };
        assert_eq!(problems(&mut harness), told, "{presence:.80}");
    }
}

#[test]
fn of_duplicate_members_the_last_info_counts() {
    let harness =
        with_list(r#"{"presence":{"hash":{"a":{"n":1},"b":{},"a":{"n":2}},"ids":["a"]}}"#);
    let room = harness.session.channel(ROOM).unwrap();
    assert_eq!(room.member_count(), 2);
    assert_eq!(room.member("a").unwrap().info_json(), Some(r#"{"n":2}"#));
}

#[test]
fn a_list_that_is_cut_off_is_read_up_to_there() {
    let mut harness = with_list(r#"{"presence":{"hash":{"a":{"n":1},"b":{"n":"#);
    assert_eq!(ids(&harness), ["a", "b"]);
    let room = harness.session.channel(ROOM).unwrap();
    assert_eq!(room.member("a").unwrap().info_json(), Some(r#"{"n":1}"#));
    assert_eq!(room.member("b").unwrap().info_json(), None);
    assert!(matches!(problems(&mut harness)[..], [MalformedReason::Partly { kept: 2, .. }]));
}

#[test]
fn half_a_character_escaped_outside_of_the_data_costs_no_member() {
    let mut harness = Harness::connected();
    harness.subscribe_as(ROOM, "1");
    // The data is a string, and the broken escape stands in that string.
    harness.receive(&format!(
        r#"{{"event":"pusher_internal:subscription_succeeded","channel":"{ROOM}","data":"{}"}}"#,
        r#"{\"presence\":{\"hash\":{\"a\":{\"name\":\"\ud83d\"},\"b\":{}}}}"#
    ));
    assert_eq!(ids(&harness), ["a", "b"]);
    assert_eq!(problems(&mut harness), []);
}

#[test]
fn a_list_of_which_nothing_can_be_read_makes_the_members_unknown() {
    for list in [
        "7",
        "junk",
        "[1]",
        r#"{"presence":7}"#,
        r#"{"presence":"x"}"#,
        r#"{"presence":[1]}"#,
        r#"{"presence":{"ids":7}}"#,
        r#"{"presence":{"ids":7,"hash":"x"}}"#,
        r#"{"presence":{"ids":[{}],"hash":{}}}"#,
        r#"{"presence":"#,
        "{",
        // They are counted, and not listed.
        r#"{"presence":{"count":2}}"#,
        r#"{"presence":{"ids":[],"hash":{},"count":"9"}}"#,
    ] {
        let mut harness = with_list(REVERB);
        assert!(is_known(&harness));
        harness.close(4200);
        assert!(is_known(&harness), "what was known last");
        harness.establish();
        harness.actions.clear();
        harness.receive(&succeeded(ROOM, list));
        assert_eq!(ids(&harness), [""; 0], "those from before are not there: {list}");
        assert!(!is_known(&harness), "{list}");
        assert_eq!(problems(&mut harness), [MalformedReason::BadData], "{list}");
        let presence = harness.presence();
        let [PresenceChange::Reset { joined, left }] = &presence[..] else { panic!("{list}") };
        assert_eq!((joined.len(), left.len()), (0, 2), "{list}");
        let room = harness.session.channel(ROOM).unwrap();
        assert_eq!(room.state(), ChannelState::Subscribed);
        assert_eq!(harness.session.memory().member_bytes, 0);

        // Members that come and go from now on are known; those from before are not.
        harness.receive(&added(r#"{"user_id":"7"}"#));
        harness.receive(&removed(r#"{"user_id":"1"}"#));
        assert_eq!((ids(&harness), is_known(&harness)), (vec!["7".to_string()], false));
        harness.receive(&succeeded(ROOM, REVERB));
        assert_eq!(ids(&harness), ["1", "2"]);
        assert!(is_known(&harness), "a list that can be read ends it");
    }
}

#[test]
fn what_is_malformed_in_a_channel_is_told_with_the_channel() {
    let mut harness = with_list(r#"{"presence":7}"#);
    harness.receive(&added(r#"{"user_id":"7","user_info":nope}"#));
    harness.receive(&removed("{}"));
    let events = harness.events();
    let malformed = |event: &&Event| matches!(event, Event::Malformed { .. });
    let channels: Vec<_> = events.iter().filter(malformed).map(Event::channel).collect();
    assert_eq!(channels.len(), 3, "{events:?}");
    assert!(channels.iter().all(|channel| channel.is_some_and(|name| name == ROOM)));
}

#[test]
fn members_are_known_from_the_first_list_on() {
    let mut harness = Harness::connected();
    harness.subscribe_as(ROOM, "1");
    assert!(!is_known(&harness), "there was no list yet");
    harness.succeed(ROOM);
    assert!(is_known(&harness), "no list at all means no members");
    harness.session.unsubscribe(ROOM, harness.now).unwrap();
    harness.subscribe_as(ROOM, "1");
    assert!(!is_known(&harness), "unsubscribing forgets them");
    harness.subscribed("orders");
    assert!(!harness.session.channel("orders").unwrap().members_known(), "it has none");
}

#[test]
fn a_member_with_an_odd_info_comes_without_it() {
    for (data, info, lost) in [
        (r#"{"user_id":"a","user_info":{"n":1}}"#, Some(r#"{"n":1}"#), 0),
        (r#"{"user_id":"a","user_info":{"n":01}}"#, None, 1),
        (r#"{"user_id":"a","user_info":nope}"#, None, 1),
        (r#"{"user_id":"a","x":[}}"#, None, 0),
        (r#"{"user_id":[],"user_id":"a"}"#, None, 0),
        (r#"{"user_id":"a""#, None, 1),
    ] {
        let mut harness = with_list(REVERB);
        harness.actions.clear();
        harness.receive(&added(data));
        let room = harness.session.channel(ROOM).unwrap();
        assert_eq!(room.member("a").expect(data).info_json(), info, "{data}");
        let told = if lost == 0 { vec![] } else { vec![MalformedReason::Partly { kept: 1, lost }] };
        assert_eq!(problems(&mut harness), told, "{data}");
        // Of who goes only the id is needed.
        harness.receive(&removed(data));
        assert_eq!(ids(&harness), ["1", "2"], "{data}");
        assert_eq!(problems(&mut harness), [], "{data}");
    }
}

#[test]
fn a_whole_number_is_the_same_id_however_it_is_spelled() {
    let mut harness = with_list(r#"{"presence":{"ids":[2.0,20e-1,2e0,2,"2","2.0",1.5]}}"#);
    assert_eq!(ids(&harness), ["1.5", "2", "2.0"]);
    harness.receive(&removed(r#"{"user_id":0.2E+1}"#));
    assert_eq!(ids(&harness), ["1.5", "2.0"]);
    harness.receive(&added(r#"{"user_id":12345678901234567890.00}"#));
    harness.receive(&added(r#"{"user_id":123456789012345678901}"#));
    harness.receive(&added(r#"{"user_id":1e999999999}"#));
    assert_eq!(
        ids(&harness),
        ["1.5", "12345678901234567890", "123456789012345678901", "1e999999999", "2.0"]
    );
    let long = format!("{}e-999999", "9".repeat(100_000));
    harness.receive(&added(&format!(r#"{{"user_id":{long}}}"#)));
    assert!(harness.session.channel(ROOM).unwrap().member(&long).is_some());
}

#[test]
fn an_id_is_the_same_for_members_for_me_and_for_who_sent_an_event() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe(ROOM);
    let ticket = harness.requests()[0].ticket;
    let granted = Authorization::new("key:00").channel_data(r#"{"user_id":7.0,"user_id":7e0}"#);
    harness.session.handle_authorization(ticket, Ok(granted), harness.now);
    harness.drain();
    harness.receive(&succeeded(ROOM, r#"{"presence":{"ids":[70e-1],"hash":{"7":{}}}}"#));
    let room = harness.session.channel(ROOM).unwrap();
    assert_eq!((room.my_id(), room.member_count()), (Some("7"), 1));
    assert_eq!(room.me().unwrap().info_json(), Some("{}"));
    harness.events();
    for (user_id, expected) in [
        ("7.0", Some("7")),
        ("\"7.0\"", Some("7.0")),
        (r#""\u0037""#, Some("7")),
        ("{}", None),
        ("true", None),
        ("01", None),
        ("null", None),
    ] {
        harness.receive(&format!(
            r#"{{"event":"client-x","channel":"{ROOM}","data":"hi","user_id":{user_id}}}"#
        ));
        let events = harness.events();
        let [Event::Channel(event)] = &events[..] else { panic!("{user_id}: {events:?}") };
        assert_eq!(event.user_id().as_deref(), expected, "{user_id}");
        assert_eq!(event.text(), "hi");
    }
}

#[test]
fn a_field_that_is_not_needed_does_not_cost_the_message() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for odd in ["01", "NaN", "[1,]", "{\"a\"}", r#""\q""#, "[}", "nope", "\"\n\"", &deep] {
        harness.receive(&format!(
            r#"{{"extra":{odd},"event":"e","user_id":{odd},"channel":"x","data":{odd},"data":"1"}}"#
        ));
        let events = harness.events();
        let [Event::Channel(event)] = &events[..] else { panic!("{odd:.20}: {events:?}") };
        assert_eq!((event.name(), event.json::<u8>().unwrap()), ("e", 1), "{odd:.20}");
    }
    // What the data is, is for those who read it.
    harness.receive(r#"{"event":"e","channel":"x","data":NaN}"#);
    let events = harness.events();
    let [Event::Channel(event)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.raw(), "NaN");
    assert!(event.json::<Value>().is_err());
}

#[test]
fn an_odd_activity_timeout_does_not_keep_it_from_connecting() {
    for (timeout, seconds, lost) in [
        ("30", 30, 0),
        ("\"30\"", 30, 0),
        ("3e1", 30, 0),
        ("30.9", 30, 0),
        ("0", 1, 0),
        ("1e99", 120, 0),
        ("99999999999999999999999", 120, 0),
        ("null", 120, 0),
        ("-1", 120, 1),
        ("\"soon\"", 120, 1),
        ("{}", 120, 1),
        ("01", 120, 1),
        ("[30]", 120, 1),
    ] {
        let mut harness = Harness::new(signing());
        harness.session.connect(harness.now);
        harness.drain();
        harness.open();
        let data =
            format!(r#"{{"activity_timeout":{timeout},"socket_id":"1.2","socket_id":"3.4"}}"#);
        harness.receive(&message("pusher:connection_established", None, &data));
        assert_eq!(harness.session.state(), ConnectionState::Connected, "{timeout}");
        assert_eq!(harness.session.status(harness.now).socket_id.unwrap().as_str(), "3.4");
        assert_eq!(harness.session.activity_timeout().as_secs(), seconds, "{timeout}");
        let told = if lost == 0 { vec![] } else { vec![MalformedReason::Partly { kept: 1, lost }] };
        assert_eq!(problems(&mut harness), told, "{timeout}");
    }
}

#[test]
fn socket_ids_of_every_server_are_taken() {
    let longest = "9".repeat(100);
    for socket_id in ["1.2", "98765432109876543.4294967297", "7", "a-b_c.D", &longest] {
        let mut harness = Harness::new(signing());
        harness.connect_with(&established(socket_id, 120));
        assert_eq!(harness.session.status(harness.now).socket_id.unwrap().as_str(), socket_id);
    }
    // As a number.
    for (written, socket_id) in [("123456", "123456"), ("123.456", "123.456"), ("7.0", "7")] {
        let mut harness = Harness::new(signing());
        harness.connect_with(&format!(
            r#"{{"event":"pusher:connection_established","data":{{"socket_id":{written}}}}}"#
        ));
        assert_eq!(harness.session.status(harness.now).socket_id.unwrap().as_str(), socket_id);
    }
}

#[test]
fn an_odd_entry_of_a_watchlist_does_not_cost_the_others() {
    let mut harness = Harness::watching(signing());
    let data = r#"{"events":[
        {"name":"online","user_ids":["1",2.0,null]},
        7,
        {"name":"away","user_ids":["3"]},
        {"name":"offline","user_ids":{"1":"4","5":5}},
        {"name":"offline"}
    ],"more":nope}"#;
    harness.receive(&message("pusher_internal:watchlist_events", None, data));
    let events = harness.events();
    let [
        Event::Watchlist { online: true, user_ids: came },
        Event::Watchlist { online: false, user_ids: went },
        Event::Malformed { problem: MalformedReason::Partly { kept: 4, lost: 4 }, .. },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (&came[..], &went[..]),
        (&["1".into(), "2".into()][..], &["4".into(), "5".into()][..])
    );
    // As events of their own.
    harness.receive(&object("online", None, json!({"user_ids": {"a": "1", "b": []}})));
    let events = harness.events();
    assert!(
        matches!(&events[..], [
            Event::Watchlist { online: true, user_ids },
            Event::Malformed { problem: MalformedReason::Partly { kept: 1, lost: 1 }, .. },
        ] if user_ids[..] == ["1"]),
        "{events:?}"
    );
    harness.receive(&object("online", None, json!({"user_ids": [null]})));
    assert!(matches!(&harness.events()[..], [Event::Unrouted { .. }]), "it may be the app's own");
}

#[test]
fn counts_are_numbers_in_any_spelling() {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    for (count, expected) in [
        ("12", Some(12)),
        ("\"12\"", Some(12)),
        ("12.0", Some(12)),
        ("1.2e1", Some(12)),
        ("1e99", Some(u64::MAX)),
        ("-1", None),
        ("{}", None),
    ] {
        harness.receive(&message(
            "pusher_internal:subscription_count",
            Some("x"),
            &format!(r#"{{"subscription_count":0,"x":nope,"subscription_count":{count}}}"#),
        ));
        let events = harness.events();
        match (&events[..], expected) {
            ([Event::SubscriptionCount { count, .. }], Some(expected)) => {
                assert_eq!(*count, expected);
            }
            ([Event::Malformed { problem: MalformedReason::BadData, .. }], None) => {}
            _ => panic!("{count}: {events:?}"),
        }
    }
}

#[test]
fn the_user_data_of_a_confirmed_sign_in_may_be_odd_but_for_the_id() {
    for (data, user_data, lost) in [
        (r#"{"user_data":"{\"id\":\"me\"}"}"#, r#"{"id":"me"}"#, 0),
        (r#"{"user_data":{"id":"me","x":1},"user_data":{"id":"me"}}"#, r#"{"id":"me"}"#, 0),
        (r#"{"user_data":{"id":"me","x":nope},"y":01}"#, r#"{"id":"me","x":nope}"#, 1),
    ] {
        let mut harness = Harness::connected();
        harness.session.sign_in(Some(r#"{"id":"me"}"#), harness.now).unwrap();
        harness.drain();
        harness.receive(&message("pusher:signin_success", None, data));
        assert_eq!(harness.session.signed_in_user(), Some("me"), "{data}");
        let events = harness.events();
        let Event::SignedIn { user_data: told, .. } = &events[0] else { panic!("{events:?}") };
        assert_eq!(&**told, user_data, "{data}");
        assert_eq!(events.len() as u64, 1 + lost, "{data}: {events:?}");
    }
}

#[test]
fn a_megabyte_of_oddities_is_one_event() {
    for list in [
        format!(r#"{{"presence":{{"ids":[{}"a"]}}}}"#, "null,".repeat(150_000)),
        format!(r#"{{"presence":{{"ids":[{}"a"]}}}}"#, ",".repeat(900_000)),
        format!(r#"{{"presence":{{"hash":{{{}"a":1}}}}}}"#, r#""a":1,"#.repeat(150_000)),
        format!(r#"{{"presence":{{"hash":{{{}"a":1}}}}}}"#, "x,".repeat(400_000)),
        format!(r#"{{"presence":{{{}"ids":["a"]}}}}"#, r#""ids":[],"#.repeat(90_000)),
        format!(r#"{{"presence":{{"ids":["a"],"hash":{}"#, "[".repeat(900_000)),
        format!(r#"{{"presence":{{"ids":["a","{}"#, r"\u00".repeat(200_000)),
    ] {
        let limits = Limits::default().message(8 << 20);
        let mut harness = Harness::unrecorded(signing().limits(limits));
        harness.connect();
        harness.subscribe_as(ROOM, "1");
        harness.receive(&object(
            "pusher_internal:subscription_succeeded",
            Some(ROOM),
            Value::String(list),
        ));
        assert!(ids(&harness).contains(&"a".to_string()));
        assert!(problems(&mut harness).len() <= 1);
    }
}
