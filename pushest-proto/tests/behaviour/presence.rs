//! Who is present.

use crate::harness::{Harness, message, object, signing, succeeded};
use pushest_proto::{Event, LimitReached, Limits, MalformedReason, PresenceChange};

const ROOM: &str = "presence-room";

fn list(ids: &[&str]) -> String {
    let hash: serde_json::Map<String, serde_json::Value> =
        ids.iter().map(|id| (id.to_string(), serde_json::json!({"name": id}))).collect();
    let presence = serde_json::json!({"count": ids.len(), "ids": ids, "hash": hash});
    succeeded(ROOM, &serde_json::json!({"presence": presence}).to_string())
}

/// A session in the room with these members.
fn with_members(ids: &[&str]) -> Harness {
    let mut harness = Harness::connected();
    harness.subscribe_as(ROOM, "me");
    harness.receive(&list(ids));
    harness.actions.clear();
    harness
}

/// What these members cost.
fn bytes_of(ids: &[&str]) -> usize {
    with_members(ids).session.memory().member_bytes
}

fn ids(harness: &Harness) -> Vec<String> {
    let room = harness.session.channel(ROOM).unwrap();
    let mut ids: Vec<String> = room.members().map(|member| member.id().to_string()).collect();
    ids.sort();
    ids
}

fn changes(harness: &mut Harness) -> Vec<String> {
    let name = |members: &[pushest_proto::Member]| {
        let mut ids: Vec<&str> = members.iter().map(pushest_proto::Member::id).collect();
        ids.sort_unstable();
        ids.join(",")
    };
    let text = |change: &PresenceChange| match change {
        PresenceChange::Reset { joined, left } => format!("+{} -{}", name(joined), name(left)),
        PresenceChange::Joined(member) => format!("+{}", member.id()),
        PresenceChange::Left(member) => format!("-{}", member.id()),
    };
    harness.presence().iter().map(text).collect()
}

#[test]
fn the_list_comes_with_the_subscription() {
    let mut harness = Harness::connected();
    harness.subscribe_as(ROOM, "me");
    assert!(harness.session.channel(ROOM).unwrap().me().is_none());
    harness.receive(&list(&["me", "you"]));
    assert_eq!(changes(&mut harness), ["+me,you -"]);
    let room = harness.session.channel(ROOM).unwrap();
    assert_eq!(room.member_count(), 2);
    assert_eq!(room.me().unwrap().id(), "me");
    let info: serde_json::Value = room.member("you").unwrap().info().unwrap();
    assert_eq!(info["name"], "you");
}

#[test]
fn members_join_and_leave_once_each() {
    let mut harness = with_members(&["me"]);
    let added = message(
        "pusher_internal:member_added",
        Some(ROOM),
        r#"{"user_id":7,"user_info":{"name":"seven"}}"#,
    );
    harness.receive(&added);
    harness.receive(&added);
    assert_eq!(changes(&mut harness), ["+7"]);
    assert_eq!(ids(&harness), ["7", "me"]);
    let removed = object(
        "pusher_internal:member_removed",
        Some(ROOM),
        serde_json::json!({"user_id": "7", "user_info": {}}),
    );
    harness.receive(&removed);
    harness.receive(&removed);
    assert_eq!(changes(&mut harness), ["-7"]);
    assert_eq!(ids(&harness), ["me"]);
    assert!(harness.events().is_empty());
}

#[test]
fn an_id_may_be_a_fraction() {
    let mut harness = with_members(&["me"]);
    let data = r#"{"user_id":1.5}"#;
    harness.receive(&message("pusher_internal:member_added", Some(ROOM), data));
    assert_eq!(changes(&mut harness), ["+1.5"]);
    harness.receive(&message("pusher_internal:member_removed", Some(ROOM), data));
    assert_eq!(changes(&mut harness), ["-1.5"]);
}

#[test]
fn a_member_without_info_has_none() {
    let mut harness = with_members(&["me"]);
    harness.receive(&message("pusher_internal:member_added", Some(ROOM), r#"{"user_id":"x"}"#));
    let room = harness.session.channel(ROOM).unwrap();
    let member = room.member("x").unwrap();
    assert_eq!(member.info_json(), None);
    assert_eq!(member.info::<Option<String>>().unwrap(), None);
}

#[test]
fn a_member_whose_info_changed_has_left_and_joined() {
    let mut harness = with_members(&["me", "x"]);
    harness.receive(&message(
        "pusher_internal:member_added",
        Some(ROOM),
        r#"{"user_id":"x","user_info":{"name":"other"}}"#,
    ));
    assert_eq!(changes(&mut harness), ["+x"]);
    harness.receive(&list(&["me", "x"]));
    assert_eq!(changes(&mut harness), ["+x -x"]);
}

#[test]
fn after_a_reconnect_the_list_is_replaced_and_the_difference_told_once() {
    let mut harness = with_members(&["me", "stays", "leaves"]);
    harness.close(4200);
    assert_eq!(ids(&harness), ["leaves", "me", "stays"]);
    harness.establish();
    harness.receive(&message("pusher_internal:member_added", Some(ROOM), r#"{"user_id":"early"}"#));
    assert!(changes(&mut harness).is_empty(), "the list that follows will have it");
    harness.receive(&list(&["me", "stays", "came"]));
    assert_eq!(changes(&mut harness), ["+came -leaves"]);
    assert_eq!(ids(&harness), ["came", "me", "stays"]);
}

#[test]
fn a_second_list_is_a_difference_too() {
    let mut harness = with_members(&["me"]);
    harness.receive(&list(&["me"]));
    assert_eq!(changes(&mut harness), ["+ -"]);
    assert!(harness.events().is_empty());
}

#[test]
fn a_list_that_cannot_be_read_leaves_the_subscription_standing() {
    let mut harness = Harness::connected();
    harness.subscribe_as(ROOM, "me");
    harness.receive(&succeeded(ROOM, r#"{"presence":{"hash":7}}"#));
    let events = harness.events();
    assert!(matches!(
        &events[..],
        [Event::Subscribed { .. }, Event::Malformed { problem: MalformedReason::BadData, .. }]
    ));
    assert_eq!(ids(&harness), [""; 0]);
    assert!(!harness.session.channel(ROOM).unwrap().members_known());
}

#[test]
fn one_bad_id_is_only_itself() {
    let mut harness = with_members(&["a", "b"]);
    harness.receive(&succeeded(ROOM, r#"{"presence":{"ids":["a",null,"c"],"hash":{}}}"#));
    assert_eq!(ids(&harness), ["a", "c"]);
    let partly = MalformedReason::Partly { kept: 2, lost: 1 };
    assert!(matches!(
        &harness.events()[..],
        [Event::Malformed { problem, .. }] if *problem == partly
    ));
}

#[test]
fn members_of_a_list_that_find_no_room_are_counted() {
    // There is room for the first, and the others are longer.
    let limits = Limits::default().member_bytes(bytes_of(&["me"]));
    let mut harness = Harness::new(signing().limits(limits));
    harness.connect();
    harness.subscribe_as(ROOM, "me");
    harness.receive(&list(&["me", "you", "they"]));
    assert_eq!(ids(&harness), ["me"]);
    let events = harness.events();
    let [.., Event::LimitReached(LimitReached::Members { dropped: 2, .. })] = &events[..] else {
        panic!("{events:?}")
    };
}

#[test]
fn members_that_go_or_change_give_their_room_back() {
    let mut harness = with_members(&["me", "you"]);
    // What a member costs beside its texts, whoever it is.
    let beside = bytes_of(&["me"]) - 15;
    let counted = |harness: &Harness| {
        let members = harness.session.channel(ROOM).unwrap().member_count();
        harness.session.memory().member_bytes - members * beside
    };
    assert_eq!(counted(&harness), 15 + 17);
    let you = r#"{"user_id":"you","user_info":{"name":"somebody else"}}"#;
    harness.receive(&message("pusher_internal:member_added", Some(ROOM), you));
    assert_eq!(counted(&harness), 15 + 27);
    harness.receive(&message("pusher_internal:member_removed", Some(ROOM), you));
    assert_eq!(counted(&harness), 15);
    harness.receive(&message("pusher_internal:member_added", Some(ROOM), r#"{"user_id":"x"}"#));
    assert_eq!(counted(&harness), 16);
}

#[test]
fn a_member_shows_its_id_and_info() {
    let harness = with_members(&["me"]);
    let member = harness.session.channel(ROOM).unwrap().me().unwrap();
    let text = r#"Member { id: "me", info: Some("{\"name\":\"me\"}") }"#;
    assert_eq!(format!("{member:?}"), text);
}

#[test]
fn lists_that_nobody_polls_are_bounded_in_bytes() {
    let limits = Limits::default().stored_bytes(100_000);
    let mut harness = Harness::new(signing().limits(limits));
    harness.connect();
    harness.subscribe_as(ROOM, "me");
    let connection = harness.current();
    for round in 0..50 {
        let ids: Vec<String> =
            (0..100).map(|id| format!("{round}-{id}-{}", "x".repeat(50))).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        harness.session.handle_slice(connection, list(&ids).as_bytes(), harness.now);
        assert!(harness.session.memory().stored_bytes <= 100_000);
    }
    assert!(harness.session.memory().stored_bytes > 10_000);
}

#[test]
fn members_of_odd_shape_are_malformed() {
    let mut harness = with_members(&["me"]);
    for data in ["{}", r#"{"user_id":{}}"#, r#"{"user_id":null}"#, "7", "junk", ""] {
        for event in ["pusher_internal:member_added", "pusher_internal:member_removed"] {
            harness.receive(&message(event, Some(ROOM), data));
            let events = harness.events();
            assert!(
                matches!(&events[..], [Event::Malformed { problem: MalformedReason::BadData, .. }]),
                "{data}: {events:?}"
            );
        }
    }
    assert_eq!(ids(&harness), ["me"]);
}

#[test]
fn members_of_a_channel_that_has_none_are_ignored() {
    let mut harness = Harness::connected();
    harness.subscribed("orders");
    for event in ["member_added", "member_removed"] {
        let event = format!("pusher_internal:{event}");
        harness.receive(&message(&event, Some("orders"), r#"{"user_id":"1"}"#));
    }
    assert!(harness.presence().is_empty());
    assert_eq!(harness.session.channel("orders").unwrap().member_count(), 0);
}

#[test]
fn members_are_bounded_in_count_and_bytes() {
    let limits = Limits::default().members(3).member_bytes(500);
    let mut harness = Harness::new(signing().limits(limits));
    harness.connect();
    harness.subscribe_as(ROOM, "me");
    harness.receive(&list(&["a", "b", "c", "d", "e"]));
    assert_eq!(ids(&harness).len(), 3);
    let dropped = |harness: &mut Harness| {
        let events = harness.events();
        let limit = events.iter().find_map(|event| match event {
            Event::LimitReached(LimitReached::Members { dropped, .. }) => Some(*dropped),
            _ => None,
        });
        limit.unwrap_or(0)
    };
    assert_eq!(dropped(&mut harness), 2);
    harness.receive(&message("pusher_internal:member_added", Some(ROOM), r#"{"user_id":"f"}"#));
    assert_eq!(dropped(&mut harness), 1);
    harness.receive(&list(&["a"]));
    let long = serde_json::json!({"user_id": "g", "user_info": "x".repeat(500)}).to_string();
    harness.receive(&message("pusher_internal:member_added", Some(ROOM), &long));
    assert_eq!(dropped(&mut harness), 1);
    assert_eq!(ids(&harness), ["a"]);
    assert_eq!(harness.session.memory().member_bytes, bytes_of(&["a"]));
}

#[test]
fn unsubscribing_frees_the_members() {
    let mut harness = with_members(&["me", "you"]);
    assert!(harness.session.memory().member_bytes > 0);
    harness.session.unsubscribe(ROOM, harness.now).unwrap();
    harness.drain();
    assert_eq!(harness.session.memory().member_bytes, 0);
    assert!(harness.session.channel(ROOM).is_none());
}

#[test]
fn many_members_come_and_go() {
    let limits = Limits::default().members(100_000);
    let mut harness = Harness::unrecorded(signing().limits(limits));
    harness.connect();
    harness.subscribe_as(ROOM, "me");
    harness.receive(&list(&["me"]));
    for number in 0..100_000 {
        let data = format!(r#"{{"user_id":"{number}"}}"#);
        let event = if number < 50_000 { "member_added" } else { "member_removed" };
        let data =
            if number < 50_000 { data } else { format!(r#"{{"user_id":"{}"}}"#, number - 50_000) };
        harness.receive(&message(&format!("pusher_internal:{event}"), Some(ROOM), &data));
    }
    assert_eq!(ids(&harness), ["me"]);
}
