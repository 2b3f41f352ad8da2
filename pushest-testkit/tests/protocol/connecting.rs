use std::time::Duration;

use pushest_proto::Instant;
use pushest_testkit::Profile;
use pushest_testkit::protocol::{Action, Broker, ServerConfig};
use serde_json::Value;

use crate::harness::{Harness, data};

#[test]
fn a_connection_is_greeted_with_its_socket_id_and_the_timeout() {
    let mut server = Harness::with(Profile::Standard, |config| {
        config.activity_timeout = Duration::from_millis(29_001);
    });
    let peer = server.broker.connect("app-key", server.now);
    let greeting = &server.messages(peer)[0];
    assert_eq!(greeting["event"], "pusher:connection_established");
    assert!(greeting["data"].is_string());
    let data = data(greeting);
    assert_eq!(data["socket_id"], server.socket_id(peer));
    assert_eq!(data["activity_timeout"], 30);
    let socket_id = data["socket_id"].as_str().unwrap();
    let (left, right) = socket_id.split_once('.').unwrap();
    assert!(left.parse::<u64>().is_ok() && right.parse::<u64>().is_ok(), "{socket_id}");
}

#[test]
fn the_same_seed_gives_the_same_socket_ids_and_another_seed_others() {
    let ids = |seed| {
        let mut server = Harness::with(Profile::Standard, |config| config.seed = seed);
        (0..20)
            .map(|_| {
                let peer = server.connect();
                server.socket_id(peer)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(7), ids(7));
    assert_ne!(ids(7), ids(8));
}

#[test]
fn another_key_is_refused_with_4001_and_is_no_connection() {
    let mut server = Harness::new();
    let peer = server.broker.connect("other-key", server.now);
    let actions = server.actions();
    let [Action::Send { text, .. }, Action::Close { code, .. }] = &actions[..] else {
        panic!("an error and a close: {actions:?}")
    };
    let error: Value = serde_json::from_str(text).unwrap();
    assert_eq!((&error["event"], &error["data"]["code"]), (&"pusher:error".into(), &4001.into()));
    assert_eq!(*code, 4001);
    assert_eq!(server.broker.socket_id(peer), None);
    assert_eq!(server.broker.peers().count(), 0);
    assert_eq!(server.broker.poll_timeout(), None);
}

#[test]
fn a_full_server_refuses_with_4100_until_someone_leaves() {
    let mut server = Harness::with(Profile::Standard, |config| config.limits.connections = Some(1));
    let first = server.connect();
    let second = server.broker.connect("app-key", server.now);
    assert_eq!(server.closes(), [(second, 4100)]);
    server.broker.disconnected(first, server.now);
    server.connect();
}

#[test]
fn the_reason_of_a_close_fits_into_a_close_frame() {
    let mut server = Harness::new();
    server.broker.connect(&"ä".repeat(200), server.now);
    let Some(Action::Close { reason, .. }) = server.actions().pop() else { panic!("a close") };
    assert!(reason.len() <= 123, "{}", reason.len());
}

#[test]
fn what_a_closed_connection_still_says_is_ignored() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.broker.disconnected(peer, server.now);
    server.subscribe_text(peer);
    server.broker.disconnected(peer, server.now);
    assert!(server.actions().is_empty());
    assert_eq!(server.broker.channels().count(), 0);
}

impl Harness {
    fn subscribe_text(&mut self, peer: pushest_testkit::protocol::PeerId) {
        let text = r#"{"event":"pusher:subscribe","data":{"channel":"news"}}"#;
        self.broker.receive(peer, text, self.now);
    }
}

#[test]
fn time_that_runs_backwards_is_taken_to_stand_still() {
    let mut broker = Broker::new(ServerConfig::default());
    let peer = broker.connect("app-key", Instant::from_micros(50_000_000));
    broker.receive(peer, "{}", Instant::ORIGIN);
    assert_eq!(broker.poll_timeout(), Some(Instant::from_micros(170_000_000)));
}
