//! Pings of the user: proof that the server has read what was sent before.

use std::time::Duration;

use crate::harness::{Harness, PING, object};
use pushest_proto::{CommandError, ConnectionState, Event};

const PONG_OF_SERVER: &str = r#"{"event":"pusher:pong","data":"{}"}"#;

#[test]
fn a_ping_goes_out_after_all_that_was_sent_before_and_its_pong_says_how_long_it_took() {
    let mut harness = Harness::connected();
    harness.subscribed("private-x");
    let now = harness.now;
    harness.session.trigger("private-x", "client-a", &1, now).unwrap();
    let ping = harness.session.ping(now).unwrap();
    harness.session.trigger("private-x", "client-b", &1, now).unwrap();
    harness.drain();
    let sent = harness.sent();
    assert!(sent[0].contains("client-a") && sent[1] == PING && sent[2].contains("client-b"));
    harness.pass(Duration::from_millis(40));
    let data = serde_json::json!({"code": 4301, "message": "too many"});
    harness.receive(&object("pusher:error", None, data));
    harness.receive(PONG_OF_SERVER);
    let events = harness.events();
    let [Event::ServerError(error), Event::Pong { ping: answered, round_trip }] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(error.code, Some(4301));
    assert_eq!((*answered, *round_trip), (ping, Duration::from_millis(40)));
    assert_eq!(harness.session.round_trip(), Some(Duration::from_millis(40)));
}

#[test]
fn pongs_answer_pings_in_order() {
    let mut harness = Harness::connected();
    let pings: Vec<_> = (0..3).map(|_| harness.session.ping(harness.now).unwrap()).collect();
    assert!(pings.is_sorted_by(|one, next| one < next), "each has a name of its own: {pings:?}");
    harness.drain();
    for ping in pings {
        harness.receive(PONG_OF_SERVER);
        let events = harness.events();
        assert!(matches!(&events[..], [Event::Pong { ping: answered, .. }] if *answered == ping));
    }
    harness.receive(PONG_OF_SERVER);
    assert!(harness.events().is_empty());
}

#[test]
fn a_ping_is_lost_with_its_connection_sent_or_not() {
    let mut harness = Harness::connected();
    let sent = harness.session.ping(harness.now).unwrap();
    harness.drain();
    let unsent = harness.session.ping(harness.now).unwrap();
    harness.close(4200);
    let events = harness.events();
    assert!(
        matches!(
            &events[..],
            [Event::PingLost { ping: first }, Event::PingLost { ping: second }]
                if (*first, *second) == (sent, unsent)
        ),
        "{events:?}"
    );
}

#[test]
fn a_ping_that_a_talkative_server_never_answers_is_lost_after_the_pong_timeout() {
    let mut harness = Harness::connected();
    let first = harness.session.ping(harness.now).unwrap();
    harness.drain();
    harness.pass_seconds(20);
    let second = harness.session.ping(harness.now).unwrap();
    harness.drain();
    for _ in 0..10 {
        harness.pass_seconds(1);
        harness.receive(&object("x", Some("y"), 1.into()));
    }
    let events = harness.events();
    assert!(matches!(&events[..], [Event::PingLost { ping }] if *ping == first), "{events:?}");
    // Its late pong is not taken for that of the second.
    harness.receive(PONG_OF_SERVER);
    assert!(harness.events().is_empty());
    harness.receive(PONG_OF_SERVER);
    let events = harness.events();
    assert!(matches!(&events[..], [Event::Pong { ping, .. }] if *ping == second), "{events:?}");
}

#[test]
fn pings_of_the_session_take_no_room_from_those_of_the_user_and_keep_their_places() {
    let mut harness = Harness::connected();
    let first = harness.session.ping(harness.now).unwrap();
    harness.drain();
    harness.session.handle_reading(false, harness.now);
    for _ in 0..2_000 {
        harness.pass_seconds(120);
    }
    let sent = harness.sent().len();
    assert_eq!(sent, 2_001);
    harness.session.handle_reading(true, harness.now);
    let second = harness.session.ping(harness.now).unwrap();
    harness.drain();
    for number in 0..=sent {
        harness.receive(PONG_OF_SERVER);
        let answered = harness.events().into_iter().find_map(|event| match event {
            Event::Pong { ping, .. } => Some(ping),
            _ => None,
        });
        let expected = match number {
            0 => Some(first),
            _ if number == sent => Some(second),
            _ => None,
        };
        assert_eq!(answered, expected, "{number}");
    }
}

#[test]
fn pings_need_a_connection_and_are_bounded() {
    let mut harness = Harness::connected();
    for _ in 0..1_024 {
        harness.session.ping(harness.now).unwrap();
        harness.drain();
    }
    let error = harness.session.ping(harness.now).unwrap_err();
    assert!(matches!(error, CommandError::OutgoingFull { .. }));
    harness.receive(PONG_OF_SERVER);
    assert!(harness.session.ping(harness.now).is_ok(), "one was answered");
    harness.drain();
    let error = harness.session.ping(harness.now).unwrap_err();
    assert!(matches!(error, CommandError::OutgoingFull { .. }));
    harness.close(4100);
    let error = harness.session.ping(harness.now).unwrap_err();
    assert_eq!(error, CommandError::NotConnected { state: ConnectionState::Waiting });
}

#[test]
fn a_ping_on_a_disconnected_session_is_lost_visibly() {
    let mut harness = Harness::connected();
    let ping = harness.session.ping(harness.now).unwrap();
    harness.session.disconnect(harness.now);
    harness.drain();
    let events = harness.events();
    assert!(matches!(&events[..], [Event::PingLost { ping: lost }] if *lost == ping), "{events:?}");
}
