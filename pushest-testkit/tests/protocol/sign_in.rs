use pushest_testkit::Profile;
use serde_json::{Value, json};

use crate::harness::{Harness, data};

/// The watchlist notices among some messages: (name, ids).
fn notices(messages: &[Value]) -> Vec<(String, Value)> {
    messages
        .iter()
        .filter(|message| message["event"] == "pusher_internal:watchlist_events")
        .flat_map(|message| data(message)["events"].as_array().unwrap().clone())
        .map(|event| (event["name"].as_str().unwrap().to_owned(), event["user_ids"].clone()))
        .collect()
}

#[test]
fn a_user_signs_in_and_receives_on_its_own_channel() {
    let mut server = Harness::new();
    let peer = server.connect();
    let user_data = json!({ "id": "7", "user_info": { "name": "Seven" } });
    server.subscribe(peer, "#server-to-user-7");
    assert_eq!(server.events(peer), ["pusher:error"]);
    server.sign_in(peer, &user_data);
    let success = &server.messages(peer)[0];
    assert_eq!(success["event"], "pusher:signin_success");
    assert_eq!(data(success)["user_data"], user_data.to_string());
    server.subscribe(peer, "#server-to-user-7");
    server.subscribe(peer, "#server-to-user-8");
    assert_eq!(server.events(peer), ["pusher_internal:subscription_succeeded", "pusher:error"]);
    server.broker.publish_to_user("7", "notice", "you", server.now);
    server.broker.publish_to_user("8", "notice", "not you", server.now);
    assert_eq!(server.messages(peer)[0]["data"], "you");
    assert_eq!(server.broker.users().collect::<Vec<_>>(), ["7"]);
    server.broker.disconnected(peer, server.now);
    assert_eq!(server.broker.users().count(), 0);
}

#[test]
fn what_is_wrong_with_a_sign_in_is_said() {
    let mut server = Harness::new();
    let peer = server.connect();
    let data = json!({ "auth": "app-key:00", "user_data": "{\"id\":\"7\"}" });
    server.send(peer, &json!({ "event": "pusher:signin", "data": data }));
    let error = &server.messages(peer)[0];
    assert_eq!((&error["event"], &error["data"]["code"]), (&json!("pusher:error"), &json!(4009)));
    for user_data in [json!({}), json!({ "id": "" }), json!({ "id": 7 }), json!([])] {
        server.sign_in(peer, &user_data);
        assert_eq!(server.messages(peer)[0]["data"]["code"], 4009, "{user_data}");
    }
    let watchlist: Vec<_> = (0..101).map(|id| id.to_string()).collect();
    server.sign_in(peer, &json!({ "id": "7", "watchlist": watchlist }));
    assert_eq!(server.messages(peer)[0]["data"]["code"], 4302);
    assert_eq!(server.broker.users().count(), 0);
    server.sign_in(peer, &json!({ "id": "7" }));
    server.sign_in(peer, &json!({ "id": "8" }));
    assert_eq!(server.events(peer), ["pusher:signin_success", "pusher:error"]);
    assert_eq!(server.broker.users().collect::<Vec<_>>(), ["7"]);
}

#[test]
fn a_watchlist_tells_who_is_there_and_who_comes_and_goes() {
    let mut server = Harness::new();
    let (watcher, one) = (server.connect(), server.connect());
    server.sign_in(one, &json!({ "id": "1" }));
    server.sign_in(watcher, &json!({ "id": "w", "watchlist": ["1", "2"] }));
    let messages = server.messages(watcher);
    assert_eq!(
        notices(&messages),
        [("online".to_owned(), json!(["1"])), ("offline".to_owned(), json!(["2"]))]
    );
    let (two, again) = (server.connect(), server.connect());
    server.sign_in(two, &json!({ "id": "2" }));
    assert_eq!(notices(&server.messages(watcher)), [("online".to_owned(), json!(["2"]))]);
    server.sign_in(again, &json!({ "id": "2" }));
    server.broker.disconnected(two, server.now);
    assert!(server.messages(watcher).is_empty());
    server.broker.disconnected(again, server.now);
    assert_eq!(notices(&server.messages(watcher)), [("offline".to_owned(), json!(["2"]))]);
}

#[test]
fn a_terminated_user_is_closed_with_4009() {
    let mut server = Harness::new();
    let (first, second, other) = (server.connect(), server.connect(), server.connect());
    server.sign_in(first, &json!({ "id": "7" }));
    server.sign_in(second, &json!({ "id": "7" }));
    server.sign_in(other, &json!({ "id": "8" }));
    server.actions();
    let answer = server.post("/apps/1/users/7/terminate_connections", &json!({}));
    assert_eq!((answer.status, &*answer.body), (200, "{}"));
    assert_eq!(server.closes(), [(first, 4009), (second, 4009)]);
    assert_eq!(server.broker.users().collect::<Vec<_>>(), ["8"]);
}

#[test]
fn servers_without_sign_in_do_not_know_the_word() {
    for profile in Profile::ALL.into_iter().filter(|profile| !profile.signs_in()) {
        let mut server = Harness::with(profile, |_| {});
        let peer = server.connect();
        server.sign_in(peer, &json!({ "id": "7" }));
        let events = server.events(peer);
        assert!(!events.contains(&"pusher:signin_success".to_owned()), "{profile:?}");
    }
}
