//! Each counter counts what it says, once, on every way that leads there.

use std::time::Duration;

use crate::harness::{
    Harness, SECRET, asking, established, message, object, signing, subscribe_frame, succeeded,
};
use pushest_proto::{
    Authorization, AuthorizationError, Config, ConnectionState, DialFailure, Endpoint, Loss,
    Statistics, SubscribeOptions, Ticket,
};
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);

impl Harness {
    fn counted(&self) -> Statistics {
        self.session.statistics()
    }

    /// A session whose WebSocket is open, and whose server has not said anything.
    fn opening() -> Self {
        let mut harness = Self::new(signing());
        harness.session.connect(harness.now);
        harness.drain();
        harness.open();
        harness
    }

    fn answer(&mut self, ticket: Ticket, answer: Result<Authorization, AuthorizationError>) {
        self.session.handle_authorization(ticket, answer, self.now);
        self.drain();
    }

    fn asked(&mut self) -> Ticket {
        let requests = self.requests();
        let [request] = &requests[..] else { panic!("{requests:?}") };
        request.ticket
    }

    /// Asked, refused and unavailable authorizations.
    fn authorizations(&self) -> (u64, u64, u64) {
        let counted = self.counted();
        (counted.authorizations, counted.refused_authorizations, counted.unavailable_authorizations)
    }
}

fn tls(certificate: bool) -> DialFailure {
    DialFailure::Tls { certificate, detail: "no".into() }
}

fn http(status: u16) -> DialFailure {
    DialFailure::Http { status, retry_after: None, location: None, body: "".into() }
}

#[test]
fn each_kind_of_failed_dial_has_a_counter_of_its_own() {
    let kinds = [
        ("dns", DialFailure::Dns("no".into())),
        ("connect", DialFailure::Connect("no".into())),
        ("certificate", tls(true)),
        ("tls", tls(false)),
        ("proxy", DialFailure::Proxy("no".into())),
        ("connector", DialFailure::Connector("no".into())),
        ("http", http(502)),
        ("upgrade", DialFailure::Upgrade("no".into())),
        ("not_websocket", DialFailure::NotWebSocket("no".into())),
        ("timeout", DialFailure::Timeout),
        ("headers", DialFailure::Headers("no".into())),
    ];
    for (kind, failure) in kinds {
        let mut harness = Harness::new(signing());
        harness.session.connect(harness.now);
        harness.drain();
        harness.lose(Loss::Dial(failure));
        let counted = harness.counted();
        assert_eq!(counted.failed_dials.total(), 1, "{kind}");
        let found = counted.failed_dials.by_kind().into_iter().find(|(_, count)| *count > 0);
        assert_eq!(found, Some((kind, 1)));
        assert_eq!((counted.dials, counted.losses, counted.refusals), (1, 0, 0), "{kind}");
    }
}

#[test]
fn what_this_build_cannot_dial_is_a_failed_dial_and_a_refusal() {
    let mut harness = Harness::new(signing());
    harness.session.connect(harness.now);
    harness.drain();
    harness.lose(Loss::Dial(DialFailure::Unsupported("no TLS".into())));
    let counted = harness.counted();
    assert_eq!((counted.failed_dials.unsupported, counted.refusals), (1, 1));
    assert_eq!(harness.session.state(), ConnectionState::Refused);
}

#[test]
fn a_dial_that_takes_too_long_counts_once_though_the_driver_tells_its_end_too() {
    let mut harness = Harness::new(signing());
    harness.session.connect(harness.now);
    harness.drain();
    let former = harness.current();
    harness.pass_seconds(30);
    assert_eq!(harness.session.state(), ConnectionState::Waiting);
    harness.session.handle_close(former, Loss::Dial(DialFailure::Timeout), harness.now);
    harness.drain();
    let counted = harness.counted();
    assert_eq!((counted.failed_dials.timeout, counted.failed_dials.total()), (1, 1));
}

#[test]
fn a_websocket_that_is_never_established_is_a_failed_handshake_however_it_ends() {
    type End = fn(&mut Harness);
    let ends: [(&str, End, u64); 5] = [
        ("silence", |harness| harness.pass_seconds(10), 0),
        ("a reset", |harness| harness.lose(Loss::reset("gone")), 0),
        ("a close", |harness| harness.close(4200), 0),
        ("a refusing close", |harness| harness.close(4001), 1),
        (
            "a refusing error",
            |harness| {
                let error = json!({"code": 4001, "message": "no such app"});
                harness.receive(&object("pusher:error", None, error));
            },
            1,
        ),
    ];
    for (how, end, refusals) in ends {
        let mut harness = Harness::opening();
        end(&mut harness);
        let counted = harness.counted();
        assert_eq!(counted.failed_dials.handshake, 1, "{how}");
        assert_eq!(counted.failed_dials.total(), 1, "{how}");
        assert_eq!((counted.losses, counted.refusals), (0, refusals), "{how}");
    }
}

#[test]
fn every_dial_is_established_or_failed_or_given_up_by_the_user() {
    let mut harness = Harness::new(signing());
    harness.session.connect(harness.now);
    harness.drain();
    harness.lose(Loss::Dial(DialFailure::Timeout));
    harness.establish();
    harness.lose(Loss::reset("gone"));
    harness.wait_for_retry();
    // Given up while it dials, and while it is open.
    harness.session.set_endpoint(Endpoint::cluster("eu").unwrap(), harness.now);
    harness.drain();
    harness.open();
    harness.session.disconnect(harness.now);
    harness.drain();
    harness.session.connect(harness.now);
    harness.drain();
    harness.establish();
    let counted = harness.counted();
    assert_eq!((counted.connections, counted.reconnects), (2, 1));
    assert_eq!((counted.failed_dials.total(), counted.losses), (1, 1));
    assert_eq!(counted.dials, counted.connections + counted.failed_dials.total() + 2);
}

#[test]
fn a_connection_that_the_user_closes_is_no_loss_and_one_that_is_lost_counts_once() {
    let mut harness = Harness::connected();
    harness.session.disconnect(harness.now);
    harness.drain();
    harness.connect();
    harness.session.set_endpoint(Endpoint::cluster("eu").unwrap(), harness.now);
    harness.drain();
    harness.establish();
    assert_eq!(harness.counted().losses, 0);
    let former = harness.current();
    harness.close(4200);
    harness.session.handle_close(former, Loss::reset("told twice"), harness.now);
    harness.drain();
    assert_eq!(harness.counted().losses, 1);
    // A server that falls silent.
    harness.establish();
    harness.pass_seconds(151);
    let counted = harness.counted();
    assert_eq!((counted.losses, counted.failed_dials.total()), (2, 0));
}

#[test]
fn an_established_connection_that_is_refused_for_good_is_a_loss_and_a_refusal() {
    let mut harness = Harness::connected();
    harness.close(4003);
    let counted = harness.counted();
    assert_eq!((counted.losses, counted.refusals, counted.failed_dials.total()), (1, 1, 0));
}

#[test]
fn messages_and_bytes_count_both_ways_and_frames_that_nobody_polled_do_not() {
    let mut harness = Harness::connected();
    let before = harness.counted();
    assert_eq!((before.messages, before.sent_messages), (1, 0));
    assert_eq!(before.bytes, established("1234.1234", 120).len() as u64);
    harness.session.subscribe("news", &SubscribeOptions::default(), harness.now).unwrap();
    assert_eq!(harness.counted().sent_messages, 0, "it is not polled");
    harness.drain();
    let frame = subscribe_frame("news");
    let counted = harness.counted();
    assert_eq!((counted.sent_messages, counted.sent_bytes), (1, frame.len() as u64));
    assert_eq!(harness.sent(), [frame]);
    let confirmed = succeeded("news", "{}");
    harness.receive(&confirmed);
    let counted = harness.counted();
    assert_eq!(counted.messages, 2);
    assert_eq!(counted.bytes - before.bytes, confirmed.len() as u64);
}

#[test]
fn pings_pongs_and_client_events_count_among_what_was_sent() {
    let mut harness = Harness::connected();
    harness.subscribed("private-chat");
    let before = harness.counted();
    harness.receive(&object("pusher:ping", None, json!({})));
    harness.session.ping(harness.now).unwrap();
    harness.session.trigger("private-chat", "client-x", &1, harness.now).unwrap();
    harness.drain();
    let counted = harness.counted();
    let frames = harness.sent();
    assert_eq!(counted.sent_messages - before.sent_messages, 3);
    let bytes: usize = frames.iter().map(String::len).sum();
    assert_eq!(counted.sent_bytes - before.sent_bytes, bytes as u64);
    assert_eq!(counted.client_events, 1);
}

#[test]
fn a_gap_counts_for_each_channel_with_its_length_and_a_loss_without_gap_does_not() {
    let mut harness = Harness::connected();
    harness.subscribed("a");
    harness.subscribed("b");
    harness.subscribe("never-confirmed");
    harness.pass_seconds(5);
    harness.lose(Loss::reset("gone"));
    assert_eq!(harness.counted().gaps, 0, "it is not over");
    harness.establish();
    harness.actions.clear();
    for channel in ["a", "b", "never-confirmed"] {
        harness.pass(SECOND);
        harness.succeed(channel);
    }
    let told: Vec<Duration> = harness.events().iter().filter_map(gap).collect();
    assert_eq!(told.len(), 2);
    let counted = harness.counted();
    assert_eq!((counted.gaps, counted.gap_time), (2, told.iter().sum()));
    assert!(counted.gap_time > 12 * SECOND, "{:?}", counted.gap_time);
}

#[test]
fn a_gap_of_a_subscription_with_other_member_data_counts_too() {
    let mut harness = Harness::connected();
    harness.subscribed("presence-room");
    harness.subscribe_as("presence-room", "somebody else");
    harness.pass(SECOND);
    harness.succeed("presence-room");
    let told: Vec<Duration> = harness.events().iter().filter_map(gap).collect();
    assert_eq!(told, [SECOND]);
    let counted = harness.counted();
    assert_eq!((counted.gaps, counted.gap_time, counted.losses), (1, SECOND, 0));
    assert_eq!(counted.subscriptions, 2);
}

fn gap(event: &pushest_proto::Event) -> Option<Duration> {
    match event {
        pushest_proto::Event::Gap { silent_for, .. } => Some(*silent_for),
        _ => None,
    }
}

#[test]
fn authorizations_count_when_they_are_asked_for_and_by_how_they_fail() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe("private-a");
    assert_eq!(harness.authorizations(), (1, 0, 0));
    let ticket = harness.asked();
    harness.answer(ticket, Err(AuthorizationError::unavailable(Some(503), "later")));
    assert_eq!(harness.authorizations(), (1, 0, 1));
    // The same failure, which is told only once.
    harness.pass_seconds(2);
    let ticket = harness.asked();
    harness.answer(ticket, Err(AuthorizationError::unavailable(Some(503), "later")));
    assert_eq!(harness.authorizations(), (2, 0, 2));
    harness.pass_seconds(5);
    let ticket = harness.asked();
    harness.answer(ticket, Err(AuthorizationError::refused(Some(403), "no")));
    assert_eq!(harness.authorizations(), (3, 1, 2));
    assert_eq!(harness.counted().failed_subscriptions, 1);
    // An answer that nobody waits for any more.
    harness.answer(ticket, Err(AuthorizationError::refused(Some(403), "no")));
    assert_eq!(harness.authorizations(), (3, 1, 2));
}

#[test]
fn an_authorization_that_never_comes_is_unavailable_once_however_late_its_answer_is() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe("private-a");
    let ticket = harness.asked();
    harness.pass_seconds(10);
    assert_eq!(harness.authorizations(), (1, 0, 1));
    harness.answer(ticket, Err(AuthorizationError::unavailable(None, "late")));
    assert_eq!(harness.authorizations(), (1, 0, 1));
}

#[test]
fn an_authorization_that_lacks_something_is_refused_and_one_that_is_given_up_is_not() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe("presence-a");
    let ticket = harness.asked();
    harness.answer(ticket, Ok(Authorization::new("a:b")));
    assert_eq!(harness.authorizations(), (1, 1, 0));
    harness.subscribe("private-b");
    harness.asked();
    harness.close(4200);
    harness.establish();
    harness.asked();
    harness.session.unsubscribe("private-b", harness.now).unwrap();
    harness.drain();
    harness.pass_seconds(60);
    assert_eq!(harness.authorizations(), (3, 1, 0));
}

#[test]
fn the_sign_ins_authorizations_count_like_those_of_channels() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.session.sign_in(None, harness.now).unwrap();
    harness.drain();
    harness.asked();
    harness.pass_seconds(10);
    assert_eq!(harness.authorizations(), (1, 0, 1));
    harness.pass_seconds(2);
    let ticket = harness.asked();
    harness.answer(ticket, Ok(Authorization::new("a:b")));
    assert_eq!(harness.authorizations(), (2, 1, 1));
    let counted = harness.counted();
    assert_eq!((counted.failed_sign_ins, counted.failed_subscriptions), (1, 0));
}

#[test]
fn a_session_with_the_secret_asks_for_no_authorization() {
    let mut harness = Harness::new(Config::builder("key").secret(SECRET).host("localhost"));
    harness.connect();
    harness.subscribed("private-a");
    harness.subscribed("presence-b");
    assert_eq!(harness.authorizations(), (0, 0, 0));
    assert_eq!(harness.counted().subscriptions, 2);
}

#[test]
fn subscriptions_count_on_each_connection_and_a_second_confirmation_does_not() {
    let mut harness = Harness::connected();
    harness.subscribed("a");
    harness.succeed("a");
    assert_eq!(harness.counted().subscriptions, 1);
    harness.close(4200);
    harness.establish();
    harness.succeed("a");
    assert_eq!(harness.counted().subscriptions, 2);
}

#[test]
fn subscriptions_fail_once_by_a_refusal_or_after_the_last_try() {
    let mut harness = Harness::connected();
    harness.subscribe("refused");
    let error = json!({"type": "AuthError", "error": "no", "status": 403});
    harness.receive(&object("pusher:subscription_error", Some("refused"), error.clone()));
    assert_eq!(harness.counted().failed_subscriptions, 1);
    assert_eq!(harness.counted().server_errors, 0, "it has an event of its own");
    harness.subscribe("silent");
    let mut seconds = 0;
    while harness.counted().failed_subscriptions < 2 {
        harness.receive(&object("pusher:ping", None, json!({})));
        harness.pass(SECOND);
        seconds += 1;
        assert!(seconds < 100);
    }
    assert!(seconds > 29, "{seconds}: two tries more have their time");
    harness.pass_seconds(60);
    assert_eq!(harness.counted().failed_subscriptions, 2);
}

#[test]
fn errors_of_the_server_and_what_cannot_be_read_are_counted() {
    let mut harness = Harness::connected();
    harness.subscribed("presence-room");
    let error = json!({"code": 4301, "message": "no"});
    harness.receive(&object("pusher:error", None, error));
    assert_eq!((harness.counted().server_errors, harness.counted().malformed), (1, 0));
    harness.receive("junk");
    harness.receive(&message("pusher_internal:member_added", Some("presence-room"), "junk"));
    let list = r#"{"presence":{"ids":["1",2,[]],"hash":{"1":null},"count":3}}"#;
    harness.receive(&succeeded("presence-room", list));
    let told = harness.events();
    let told = told.iter().filter(|it| matches!(it, pushest_proto::Event::Malformed { .. }));
    assert_eq!(told.count() as u64, harness.counted().malformed);
    assert!(harness.counted().malformed >= 3);
    let before = harness.counted();
    harness.session.handle_slice(harness.current(), &vec![b'x'; 2 << 20], harness.now);
    harness.drain();
    let after = harness.counted();
    assert_eq!((after.malformed - before.malformed, after.messages - before.messages), (1, 1));
}

#[test]
fn events_that_no_key_opens_are_counted_each_once_also_when_they_had_to_wait() {
    let channel = "private-encrypted-room";
    let secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let granted = || Authorization::new("a:b").shared_secret(secret);
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe(channel);
    let ticket = harness.asked();
    harness.answer(ticket, Ok(granted()));
    harness.succeed(channel);
    let sealed = json!({
        "nonce": "4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9",
        "ciphertext": "/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A=",
    });
    for _ in 0..3 {
        harness.receive(&object("x", Some(channel), sealed.clone()));
    }
    assert_eq!(harness.counted().undecryptable, 0, "another key is asked for");
    let ticket = harness.asked();
    harness.answer(ticket, Ok(granted()));
    assert_eq!(harness.counted().undecryptable, 3);
    harness.receive(&object("x", Some(channel), json!("not sealed")));
    let counted = harness.counted();
    assert_eq!((counted.undecryptable, counted.events, counted.authorizations), (4, 4, 2));
}

#[test]
fn a_state_has_a_beginning_and_being_away_begins_with_the_loss_not_with_the_last_attempt() {
    let mut harness = Harness::new(signing());
    let made = harness.now;
    assert_eq!((harness.session.state_since(), harness.session.away_since()), (made, None));
    harness.pass_seconds(5);
    harness.session.connect(harness.now);
    let asked = harness.now;
    harness.drain();
    assert_eq!(harness.session.away_since(), Some(asked));
    harness.pass(SECOND);
    harness.open();
    assert_eq!(harness.session.state_since(), asked, "it has been connecting since");
    harness.receive(&established("1.2", 120));
    let connected = harness.now;
    assert_eq!((harness.session.state_since(), harness.session.away_since()), (connected, None));
    harness.pass_seconds(20);
    let lost = harness.now;
    harness.lose(Loss::reset("gone"));
    for _ in 0..3 {
        assert_eq!(harness.session.state_since(), harness.now);
        harness.wait_for_retry();
        assert_eq!(harness.session.state_since(), harness.now);
        assert_eq!(harness.session.away_since(), Some(lost));
        harness.pass(SECOND);
        harness.lose(Loss::Dial(DialFailure::Connect("no".into())));
    }
    harness.session.disconnect(harness.now);
    harness.drain();
    assert_eq!(harness.session.away_since(), None);
    harness.pass_seconds(9);
    harness.connect();
    harness.close(4001);
    assert_eq!(
        (harness.session.state(), harness.session.away_since()),
        (ConnectionState::Refused, None)
    );
}
