//! Each server's habits, as docs/protocol.md#servers lists them.

use pushest_testkit::Profile;
use pushest_testkit::protocol::{Action, NO_CLOSE_FRAME, NO_CODE, PeerId};
use serde_json::{Value, json};

use crate::harness::{Harness, data};

const ROOM: &str = "presence-room";

fn server(profile: Profile) -> (Harness, PeerId) {
    let mut server = Harness::with(profile, |_| {});
    let peer = server.connect();
    (server, peer)
}

fn refusal(profile: Profile) -> Value {
    let (mut server, peer) = server(profile);
    let wanted = json!({ "channel": "private-x", "auth": "app-key:00" });
    server.send(peer, &json!({ "event": "pusher:subscribe", "data": wanted }));
    server.messages(peer).remove(0)
}

#[test]
fn names_lead_back_to_profiles() {
    for profile in Profile::ALL {
        assert_eq!(Profile::from_name(profile.name()), Some(profile));
    }
    assert_eq!(Profile::from_name("nothing"), None);
}

#[test]
fn every_profile_serves_public_private_and_presence_channels() {
    for profile in Profile::ALL {
        let (mut server, first) = server(profile);
        let second = server.connect();
        for peer in [first, second] {
            server.subscribe(peer, "news");
            server.subscribe(peer, "private-x");
        }
        server.join(first, ROOM, &json!({ "user_id": "a" }));
        server.join(second, ROOM, &json!({ "user_id": "b" }));
        server.actions();
        server.publish("news", "x", "y");
        server.send(first, &json!({ "event": "client-x", "channel": "private-x", "data": {} }));
        server.unsubscribe(first, ROOM);
        let expected = ["x", "client-x", "pusher_internal:member_removed"];
        assert_eq!(server.events(second), expected, "{profile:?}");
    }
}

#[test]
fn each_refuses_a_signature_in_its_own_words() {
    let hosted = refusal(Profile::Hosted);
    assert_eq!(hosted["event"], "pusher:error");
    assert_eq!(hosted["data"]["code"], Value::Null);
    assert_eq!(hosted.get("channel"), None);
    assert!(hosted["data"]["message"].as_str().unwrap().contains("private-x"));

    let reverb = refusal(Profile::Reverb);
    assert!(reverb["data"].is_string());
    assert_eq!(data(&reverb)["code"], 4009);
    assert_eq!(reverb.get("channel"), None);

    let sockudo = refusal(Profile::Sockudo);
    assert_eq!(sockudo["data"]["code"], 4009);
    assert!(!sockudo.to_string().contains("private-x"));
    assert_eq!(sockudo.get("channel"), None);

    let soketi = refusal(Profile::Soketi);
    assert_eq!(soketi["event"], "pusher:subscription_error");
    assert_eq!(soketi["channel"], "private-x");
    assert_eq!(
        (&soketi["data"]["type"], &soketi["data"]["status"]),
        (&json!("AuthError"), &json!(401))
    );

    let poxa = refusal(Profile::Poxa);
    assert_eq!(poxa, json!({ "event": "pusher:subscription_error", "data": {} }));

    let fake = refusal(Profile::PusherFake);
    assert_eq!(fake["event"], "pusher_internal:subscription_error");
    assert_eq!(fake["channel"], "private-x");
}

#[test]
fn each_says_that_a_subscription_succeeded_in_its_own_words() {
    let succeeded = |profile| {
        let (mut server, peer) = server(profile);
        server.subscribe(peer, "news");
        server.messages(peer).remove(0).get("data").cloned()
    };
    assert_eq!(succeeded(Profile::Standard), Some(json!("{}")));
    assert_eq!(succeeded(Profile::Soketi), None);
    assert_eq!(succeeded(Profile::Poxa), Some(json!({})));
}

#[test]
fn each_writes_members_in_its_own_way() {
    let presence = |profile, ids: &[Value]| {
        let (mut server, first) = server(profile);
        server.join(first, ROOM, &json!({ "user_id": ids[0], "user_info": "first" }));
        let second = server.connect();
        server.join(second, ROOM, &json!({ "user_id": ids[1] }));
        data(&server.messages(second)[0])["presence"].clone()
    };
    let numbers = [json!(0), json!(1)];
    let standard = presence(Profile::Standard, &numbers);
    assert_eq!(standard["ids"], json!(["0", "1"]));
    let soketi = presence(Profile::Soketi, &numbers);
    assert_eq!(soketi["ids"], json!([0, 1]));
    assert_eq!(soketi["hash"], json!({ "0": "first", "1": {} }));
    let reverb = presence(Profile::Reverb, &numbers);
    assert_eq!(reverb["hash"], json!(["first", null]));
    assert_eq!(reverb["ids"], json!([0, 1]));
    let reverb = presence(Profile::Reverb, &[json!("a"), json!("b")]);
    assert_eq!(reverb["hash"], json!({ "a": "first", "b": null }));
    let sockudo = presence(Profile::Sockudo, &[json!("0"), json!("1")]);
    assert_eq!(sockudo["hash"], json!({ "0": "first", "1": {} }));
    let fake = presence(Profile::PusherFake, &numbers);
    assert_eq!(fake.get("ids"), None);
    assert_eq!(fake["count"], 2);
}

#[test]
fn pusher_fake_tells_more_of_who_left() {
    let (mut server, first) = server(Profile::PusherFake);
    let second = server.connect();
    server.join(first, ROOM, &json!({ "user_id": "a" }));
    server.join(second, ROOM, &json!({ "user_id": "b", "user_info": { "n": 1 } }));
    server.actions();
    server.broker.disconnected(second, server.now);
    assert_eq!(
        data(&server.messages(first)[0]),
        json!({ "user_id": "b", "user_info": { "n": 1 } })
    );
}

#[test]
fn reverb_answers_junk_with_4200_and_stays() {
    let (mut server, peer) = server(Profile::Reverb);
    server.send(peer, &json!({ "event": "pusher:unheard" }));
    let error = &server.messages(peer)[0];
    assert_eq!(data(error)["code"], 4200);
    assert_eq!(server.broker.peers().count(), 1);
    server.send(peer, &json!({ "event": "pusher:ping" }));
    assert_eq!(server.messages(peer), [json!({ "event": "pusher:pong" })]);
    server.subscribe(peer, "cache-x");
    let miss = server.messages(peer).pop().unwrap();
    assert_eq!(miss, json!({ "event": "pusher:cache_miss", "channel": "cache-x" }));
}

#[test]
fn reverb_refuses_a_handshake_with_an_error_and_closes_for_an_unknown_key_only() {
    let mut server = Harness::with(Profile::Reverb, |config| {
        config.limits.connections = Some(1);
        config.allowed_origins = vec!["*.example.org".to_owned()];
    });
    let origin = Some("https://app.example.org");
    let refusal = |server: &mut Harness, key: &str, origin: Option<&str>| {
        let peer = server.broker.connect_from(key, origin, server.now);
        let actions = server.actions();
        let Some(Action::Send { text, .. }) = actions.first() else { panic!("{actions:?}") };
        let message: Value = serde_json::from_str(text).unwrap();
        assert_eq!(message["event"], "pusher:error");
        assert!(message["data"].is_string());
        let error = data(&message);
        let closes = actions[1..].iter().map(|action| match action {
            Action::Close { code, .. } => *code,
            other => panic!("{other:?}"),
        });
        let closes: Vec<u16> = closes.collect();
        server.broker.disconnected(peer, server.now);
        (error["code"].clone(), error["message"].clone(), closes)
    };
    let expected = (json!(4001), json!("Application does not exist"), vec![NO_CODE]);
    assert_eq!(refusal(&mut server, "other-key", origin), expected);
    for foreign in [None, Some("https://example.com"), Some("null")] {
        let expected = (json!(4009), json!("Origin not allowed"), vec![]);
        assert_eq!(refusal(&mut server, "app-key", foreign), expected);
    }
    let first = server.broker.connect_from("app-key", origin, server.now);
    assert_eq!(server.events(first), ["pusher:connection_established"]);
    let expected = (json!(4004), json!("Application is over connection quota"), vec![]);
    assert_eq!(refusal(&mut server, "app-key", origin), expected);
}

#[test]
fn hosted_refuses_a_second_subscription() {
    let (mut server, peer) = server(Profile::Hosted);
    server.subscribe(peer, "news");
    server.subscribe(peer, "news");
    let messages = server.messages(peer);
    assert_eq!(messages[1]["event"], "pusher:error");
    assert_eq!(messages[1]["data"]["message"], "Existing subscription to channel news");
}

#[test]
fn sockudo_signs_in_with_an_object_after_plain_watchlist_events() {
    let (mut server, watcher) = server(Profile::Sockudo);
    server.sign_in(watcher, &json!({ "id": "w", "watchlist": ["1", "2"] }));
    let messages = server.messages(watcher);
    assert_eq!(messages[0], json!({ "event": "offline", "data": { "user_ids": ["1", "2"] } }));
    assert_eq!(messages[1]["event"], "pusher:signin_success");
    assert!(messages[1]["data"].is_object());

    let (without, with) = (server.connect(), server.connect());
    server.sign_in(without, &json!({ "id": "1" }));
    server.sign_in(with, &json!({ "id": "2", "watchlist": [] }));
    assert_eq!(
        server.messages(watcher),
        [json!({ "event": "online", "data": { "user_ids": ["2"] } })]
    );
}

#[test]
fn sockudo_has_rules_of_its_own_for_names_ids_and_keys() {
    let (mut server, peer) = server(Profile::Sockudo);
    server.subscribe(peer, "with:colon#hash");
    assert_eq!(server.events(peer), ["pusher_internal:subscription_succeeded"]);
    server.subscribe(peer, "with space");
    assert_eq!(server.messages(peer)[0]["data"]["code"], 4300);
    server.join(peer, ROOM, &json!({ "user_id": 5 }));
    assert_eq!(server.messages(peer)[0]["data"]["code"], 4300);
    server.send(peer, &json!({ "event": "pusher:unheard" }));
    assert!(server.messages(peer).is_empty());
    server.broker.receive(peer, "junk", server.now);
    assert_eq!(server.messages(peer)[0]["data"]["code"], 4000);

    let stranger = server.broker.connect("other-key", server.now);
    let actions = server.actions();
    assert_eq!(actions.len(), 1);
    assert!(matches!(
        &actions[0],
        Action::Close { peer, code: NO_CLOSE_FRAME, .. } if *peer == stranger
    ));
}

#[test]
fn poxa_and_sockudo_lose_the_sender_of_a_client_event() {
    for profile in [Profile::Poxa, Profile::Sockudo] {
        sender_is_lost(profile);
    }
}

fn sender_is_lost(profile: Profile) {
    let (mut server, first) = server(profile);
    let second = server.connect();
    server.join(first, ROOM, &json!({ "user_id": "a" }));
    server.join(second, ROOM, &json!({ "user_id": "b" }));
    server.actions();
    server.send(first, &json!({ "event": "client-x", "channel": ROOM, "data": 1 }));
    assert_eq!(
        server.messages(second),
        [json!({ "event": "client-x", "channel": ROOM, "data": 1 })]
    );
}
