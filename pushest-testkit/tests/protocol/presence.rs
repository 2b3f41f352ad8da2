use pushest_testkit::Profile;
use serde_json::{Value, json};

use crate::harness::{Harness, data};

const ROOM: &str = "presence-room";

fn user(id: &str) -> Value {
    json!({ "user_id": id, "user_info": { "name": id } })
}

#[test]
fn a_member_is_told_who_is_there_itself_included() {
    let mut server = Harness::new();
    let (alice, bob) = (server.connect(), server.connect());
    server.join(alice, ROOM, &user("alice"));
    server.join(bob, ROOM, &json!({ "user_id": "bob" }));
    let succeeded = &server.messages(bob)[0];
    assert_eq!(succeeded["event"], "pusher_internal:subscription_succeeded");
    assert_eq!(succeeded["channel"], ROOM);
    assert!(succeeded["data"].is_string());
    assert_eq!(
        data(succeeded),
        json!({ "presence": {
            "ids": ["alice", "bob"],
            "hash": { "alice": { "name": "alice" }, "bob": null },
            "count": 2,
        }})
    );
    assert_eq!(server.broker.members(ROOM).collect::<Vec<_>>(), ["alice", "bob"]);
}

#[test]
fn ids_may_be_an_object_from_socket_id_to_user_id() {
    let mut server = Harness::with(Profile::Reverb, |config| config.presence_ids_by_socket = true);
    let (first, second) = (server.connect(), server.connect());
    server.join(first, ROOM, &json!({ "user_id": 7 }));
    server.join(second, ROOM, &json!({ "user_id": 7 }));
    let succeeded = data(&server.messages(second)[0]);
    let ids = json!({ server.socket_id(first): 7, server.socket_id(second): 7 });
    assert_eq!(succeeded["presence"]["ids"], ids);
    assert_eq!(succeeded["presence"]["count"], 1);
    server.broker.replace_presence_data(Some("odd"));
    server.join(first, ROOM, &json!({ "user_id": 7 }));
    assert_eq!(server.messages(first).last().unwrap()["data"], "odd");
}

#[test]
fn joining_and_leaving_is_told_to_the_others_only() {
    let mut server = Harness::new();
    let (alice, bob) = (server.connect(), server.connect());
    server.join(alice, ROOM, &user("alice"));
    server.actions();
    server.join(bob, ROOM, &user("bob"));
    let messages = server.messages_by_peer();
    assert_eq!(messages.len(), 2);
    let (peer, added) = &messages[1];
    assert_eq!(*peer, alice);
    assert_eq!(added["event"], "pusher_internal:member_added");
    assert_eq!(data(added), user("bob"));

    server.unsubscribe(bob, ROOM);
    let messages = server.messages_by_peer();
    assert_eq!(messages.len(), 1);
    let (peer, removed) = &messages[0];
    assert_eq!(*peer, alice);
    assert_eq!(removed["event"], "pusher_internal:member_removed");
    assert_eq!(data(removed), json!({ "user_id": "bob" }));
}

#[test]
fn a_user_joins_with_its_first_connection_and_leaves_with_its_last() {
    let mut server = Harness::new();
    let watcher = server.connect();
    server.join(watcher, ROOM, &user("watcher"));
    let (first, second) = (server.connect(), server.connect());
    server.join(first, ROOM, &user("twice"));
    assert!(server.events(watcher).contains(&"pusher_internal:member_added".to_owned()));
    server.join(second, ROOM, &user("twice"));
    assert!(server.events(watcher).is_empty());
    server.broker.disconnected(first, server.now);
    assert!(server.events(watcher).is_empty());
    assert_eq!(server.broker.members(ROOM).count(), 2);
    server.broker.disconnected(second, server.now);
    assert_eq!(server.events(watcher), ["pusher_internal:member_removed"]);
}

#[test]
fn a_second_subscription_does_not_change_who_one_is() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.join(peer, ROOM, &user("alice"));
    server.join(peer, ROOM, &user("mallory"));
    assert_eq!(server.broker.members(ROOM).collect::<Vec<_>>(), ["alice"]);
    server.unsubscribe(peer, ROOM);
    assert_eq!(server.broker.channels().count(), 0);
}

#[test]
fn a_numeric_user_id_is_the_same_user_as_its_text() {
    let mut server = Harness::new();
    let (first, second) = (server.connect(), server.connect());
    server.join(first, ROOM, &json!({ "user_id": 10 }));
    server.actions();
    server.join(second, ROOM, &json!({ "user_id": "10" }));
    let messages = server.messages_by_peer();
    assert_eq!(messages.len(), 1);
    assert_eq!(data(&messages[0].1)["presence"]["ids"], json!(["10"]));
}

#[test]
fn user_info_is_passed_on_as_it_was_written() {
    let mut server = Harness::new();
    let peer = server.connect();
    let channel_data = r#"{"user_id":"1","user_info":{"z":1.50,"a":12345678901234567890123}}"#;
    let auth = crate::harness::auth(&[&server.socket_id(peer), ":", ROOM, ":", channel_data]);
    let wanted = json!({ "channel": ROOM, "auth": auth, "channel_data": channel_data });
    server.send(peer, &json!({ "event": "pusher:subscribe", "data": wanted }));
    let text = server.messages(peer)[0]["data"].as_str().unwrap().to_owned();
    assert!(text.contains(r#"{"z":1.50,"a":12345678901234567890123}"#), "{text}");
}

#[test]
fn what_is_no_member_is_refused() {
    let mut server = Harness::with(Profile::Standard, |config| {
        config.limits.presence_members = 2;
    });
    let peer = server.connect();
    server.subscribe(peer, ROOM);
    assert_eq!(server.events(peer), ["pusher:error"]);
    let wrong = [
        json!("text"),
        json!({}),
        json!({ "user_id": null }),
        json!({ "user_id": "" }),
        json!({ "user_id": ["a"] }),
        json!({ "user_id": "x".repeat(129) }),
        json!({ "user_id": "x", "user_info": "y".repeat(1024) }),
    ];
    for channel_data in &wrong {
        server.join(peer, ROOM, channel_data);
        assert_eq!(server.events(peer), ["pusher:error"], "{channel_data}");
    }
    server.join(peer, ROOM, &user("1"));
    let (second, third, fourth) = (server.connect(), server.connect(), server.connect());
    server.join(second, ROOM, &user("2"));
    server.join(third, ROOM, &user("3"));
    assert_eq!(server.events(third), ["pusher:error"]);
    server.join(fourth, ROOM, &user("2"));
    assert_eq!(server.events(fourth), ["pusher_internal:subscription_succeeded"]);
}
