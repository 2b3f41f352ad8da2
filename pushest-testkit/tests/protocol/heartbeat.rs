use std::time::Duration;

use pushest_proto::Instant;
use pushest_testkit::Profile;
use serde_json::json;

use crate::harness::Harness;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_silent_client_is_pinged_and_then_closed_with_4201() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.pass(seconds(119));
    assert!(server.actions().is_empty());
    server.pass(seconds(1));
    assert_eq!(server.events(peer), ["pusher:ping"]);
    server.pass(seconds(29));
    assert!(server.actions().is_empty());
    server.pass(seconds(1));
    assert_eq!(server.closes(), [(peer, 4201)]);
    assert_eq!(server.broker.peers().count(), 0);
    assert_eq!(server.broker.poll_timeout(), None);
}

#[test]
fn anything_heard_starts_the_silence_anew() {
    let mut server = Harness::new();
    let peer = server.connect();
    server.pass(seconds(100));
    server.send(peer, &json!({ "event": "pusher:ping", "data": {} }));
    assert_eq!(server.events(peer), ["pusher:pong"]);
    server.pass(seconds(119));
    assert!(server.actions().is_empty());
    server.pass(seconds(1));
    assert_eq!(server.events(peer), ["pusher:ping"]);
    server.send(peer, &json!({ "event": "pusher:pong", "data": {} }));
    server.pass(seconds(119));
    assert!(server.actions().is_empty());
    server.broker.heard(peer, server.now);
    server.pass(seconds(119));
    assert!(server.actions().is_empty());
}

#[test]
fn who_answers_is_pinged_again_in_time_however_long_an_answer_may_take() {
    let mut server = Harness::with(Profile::Standard, |config| {
        config.activity_timeout = seconds(1);
        config.pong_timeout = seconds(30);
    });
    let peer = server.connect();
    for _ in 0..3 {
        server.pass(seconds(1));
        assert_eq!(server.events(peer), ["pusher:ping"]);
        server.send(peer, &json!({ "event": "pusher:pong", "data": {} }));
    }
}

#[test]
fn early_and_late_calls_do_no_harm() {
    let mut server = Harness::new();
    let peer = server.connect();
    for micros in 0..1000 {
        server.broker.handle_timeout(Instant::from_micros(micros));
    }
    assert!(server.actions().is_empty());
    // The clock jumps: it is pinged first and has its time to answer.
    server.broker.handle_timeout(Instant::from_micros(u64::MAX / 2));
    assert_eq!(server.events(peer), ["pusher:ping"]);
    server.broker.receive(peer, r#"{"event":"pusher:pong"}"#, Instant::from_micros(u64::MAX / 2));
    server.broker.handle_timeout(Instant::from_micros(u64::MAX / 2));
    assert!(server.actions().is_empty());
}

#[test]
fn soketi_closes_whom_it_was_not_made_to_send_anything() {
    let mut server = Harness::with(Profile::Soketi, |_| {});
    let (idle, active) = (server.connect(), server.connect());
    for _ in 0..3 {
        server.pass(seconds(30));
        server.send(active, &json!({ "event": "pusher:ping" }));
        // Our pong is not what it counts.
        server.send(idle, &json!({ "event": "pusher:pong" }));
    }
    server.actions();
    server.pass(seconds(30));
    assert_eq!(server.closes(), [(idle, 4201)]);
}
