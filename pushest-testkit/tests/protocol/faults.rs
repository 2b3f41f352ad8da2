use std::time::Duration;

use pushest_testkit::Target;
use pushest_testkit::protocol::Action;

use crate::harness::Harness;

#[test]
fn connections_are_closed_with_any_code() {
    let mut server = Harness::new();
    let (first, second) = (server.connect(), server.connect());
    let socket_id = server.socket_id(first);
    server.broker.close(&Target::from(socket_id), 4242, "because");
    let closed = Action::Close { peer: first, code: 4242, reason: "because".to_owned() };
    assert_eq!(server.actions(), [closed]);
    server.broker.close(&Target::All, 1000, "");
    assert_eq!(server.closes(), [(second, 1000)]);
}

#[test]
fn a_denied_channel_is_refused_until_it_is_allowed_again() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.broker.deny("news", "not today");
    server.subscribe(peer, "news");
    let error = &server.messages(peer)[0];
    assert_eq!(error["data"]["message"], "not today");
    server.broker.allow("news");
    server.subscribe(peer, "news");
    assert_eq!(server.events(peer), ["pusher_internal:subscription_succeeded"]);
}

#[test]
fn a_silenced_connection_is_heard_but_sent_nothing_not_even_a_close() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.broker.set_silent(&Target::Peer(peer), true);
    server.subscribe(peer, "news");
    server.pass(Duration::from_secs(1000));
    assert!(server.actions().is_empty());
    assert_eq!(server.broker.subscribers("news").count(), 1);
    server.broker.set_silent(&Target::All, false);
    server.publish("news", "x", "");
    assert_eq!(server.events(peer), ["x"]);
}

#[test]
fn a_withheld_handshake_is_silence() {
    let mut server = Harness::new();
    server.broker.withhold_handshake(true);
    let peer = server.broker.connect("app-key", server.now);
    server.subscribe(peer, "news");
    assert!(server.actions().is_empty());
    assert_eq!(server.broker.peers().count(), 0);
    server.broker.close(&Target::All, 4200, "");
    assert_eq!(server.closes(), [(peer, 4200)]);
    server.broker.withhold_handshake(false);
    server.connect();
}

#[test]
fn connections_are_refused_with_any_code() {
    let mut server = Harness::new();
    server.broker.refuse_connections(Some((4003, "App disabled")));
    let peer = server.broker.connect("app-key", server.now);
    assert_eq!(server.closes(), [(peer, 4003)]);
    server.broker.refuse_connections(None);
    server.connect();
}

#[test]
fn a_delay_holds_everything_back_and_keeps_the_order() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.subscribe(peer, "news");
    server.actions();
    server.broker.set_delay(Duration::from_secs(5));
    server.publish("news", "first", "");
    server.pass(Duration::from_secs(1));
    server.broker.set_delay(Duration::ZERO);
    server.publish("news", "second", "");
    server.broker.close(&Target::All, 4200, "");
    assert!(server.actions().is_empty());
    server.pass(Duration::from_secs(3));
    assert!(server.actions().is_empty());
    server.pass(Duration::from_secs(1));
    let actions = server.actions();
    assert_eq!(actions.len(), 3);
    assert!(format!("{:?}", actions[0]).contains("first"));
    assert!(format!("{:?}", actions[1]).contains("second"));
    assert!(matches!(actions[2], Action::Close { code: 4200, .. }));
    server.connect();
}

#[test]
fn anything_can_be_sent() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.broker.send_raw(&Target::All, "not even JSON");
    server.broker.send_error(&Target::Peer(peer), Some(4301), "slow down");
    let actions = server.actions();
    assert_eq!(actions[0], Action::Send { peer, text: "not even JSON".into() });
    assert!(format!("{:?}", actions[1]).contains("slow down"));
    assert_eq!(server.broker.peers().count(), 1);
}
