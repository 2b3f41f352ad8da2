//! Errors instead of a handshake: they decide like a close with their code, whatever follows.

use std::time::Duration;

use crate::harness::{Harness, SOCKET, asking, established, signing, subscribe_frame};
use pushest_proto::{CloseCode, Config, ConfigBuilder, ConnectionState, Event, Loss, StateChange};

/// A session whose WebSocket is open, and that was not told who it is.
fn opening(config: ConfigBuilder) -> Harness {
    let mut harness = Harness::new(config);
    harness.subscribe("orders");
    harness.session.connect(harness.now);
    harness.drain();
    harness.open();
    harness.actions.clear();
    harness
}

/// A `pusher:error` whose data has this code and the message `no`.
fn error(code: &str) -> String {
    format!(r#"{{"event":"pusher:error","data":{{"message":"no","code":{code}}}}}"#)
}

/// The change of state that this message led to.
fn change_after(harness: &mut Harness, message: &str) -> StateChange {
    harness.receive(message);
    harness.state_changes().pop().unwrap_or_else(|| panic!("{message} decides nothing"))
}

#[test]
fn an_error_instead_of_the_handshake_stops_it_at_once_whatever_its_form() {
    for form in [
        r#"{"event":"pusher:error","data":{"code":4001,"message":"no such app"}}"#,
        // As Reverb sends it.
        r#"{"event":"pusher:error","data":"{\"code\":4001,\"message\":\"no such app\"}"}"#,
        r#"{"event":"pusher:error","data":{"code":"4001","message":"no such app"}}"#,
        r#"{"event":"pusher:error","data":"{\"code\":\"4001\",\"message\":\"no such app\"}"}"#,
        r#"{"data":{"message":"no such app","code":4001.0,"more":[]},"event":"pusher:error"}"#,
        r#"{"event":"pusher:error","channel":null,"data":{"code":4001,"message":"no such app"}}"#,
        r#"{"event":"pusher:error","channel":"orders","data":{"code":4001,"message":"no such app"}}"#,
        r#"{"event":"pusher\u003aerror","data":{"code":4001,"message":"no such app"}}"#,
    ] {
        let mut harness = opening(asking());
        let connection = harness.current();
        harness.receive(form);
        let loss = Loss::Refused { code: 4001, message: "no such app".into() };
        assert_eq!(harness.closes(), [(connection, CloseCode::Away)], "{form}");
        let change = harness.state_changes().remove(0);
        assert_eq!(change.to, ConnectionState::Refused, "{form}");
        assert_eq!(change.loss.as_deref(), Some(&loss), "{form}");
        let events = harness.events();
        let [Event::ServerError(error)] = &events[..] else { panic!("{form}: {events:?}") };
        assert_eq!((error.code, &error.channel, &error.in_reply_to), (Some(4001), &None, &None));
        assert!(!error.inferred, "{form}");
        let status = harness.session.status(harness.now);
        assert_eq!(status.last_loss.as_deref(), Some(&loss), "{form}");
        assert_eq!(status.last_loss.unwrap().close_code(), Some(4001));
        assert_eq!(&*status.last_error.unwrap().message, "no such app", "{form}");
        assert_eq!(harness.session.poll_timeout(), None, "{form}");
        harness.pass_seconds(10_000);
        assert!(harness.actions.is_empty(), "{form}: {:?}", harness.actions);

        harness.session.connect(harness.now);
        harness.drain();
        harness.establish();
        assert_eq!(harness.sent(), [subscribe_frame("orders")], "the wanted set is kept");
    }
}

#[test]
fn the_error_is_told_before_the_connection_is_closed_and_its_end_told_last() {
    let mut harness = opening(asking());
    harness.receive(&error("4009"));
    let kinds: Vec<String> = harness.actions.iter().map(|action| format!("{action:?}")).collect();
    let starts = ["Emit(ServerError", "Close {", "Emit(State("];
    assert_eq!(kinds.len(), starts.len(), "{kinds:?}");
    for (kind, start) in kinds.iter().zip(starts) {
        assert!(kind.starts_with(start), "{kinds:?}");
    }
}

#[test]
fn what_the_server_does_after_such_an_error_changes_nothing() {
    let after = [
        Loss::closed(None, ""),
        Loss::closed(Some(1000), ""),
        Loss::closed(Some(4200), "come back"),
        Loss::closed(Some(4001), "another reason"),
        Loss::reset("the end"),
    ];
    for polled in [true, false] {
        for loss in &after {
            let mut harness = opening(asking());
            let (connection, now) = (harness.current(), harness.now);
            let (session, first, second) = (&mut harness.session, error("4004"), error("4200"));
            session.handle_slice(connection, first.as_bytes(), now);
            if polled {
                harness.drain();
            }
            // All that came in the same segment.
            let session = &mut harness.session;
            session.handle_slice(connection, second.as_bytes(), now);
            session.handle_slice(connection, established(SOCKET, 120).as_bytes(), now);
            session.handle_activity(connection, now);
            session.handle_close(connection, loss.clone(), now);
            harness.drain();
            assert_eq!(harness.session.state(), ConnectionState::Refused, "{loss}");
            let status = harness.session.status(harness.now);
            assert_eq!(status.last_loss.unwrap().close_code(), Some(4004), "{loss}");
            assert_eq!(status.last_error.unwrap().code, Some(4004), "{loss}");
            assert_eq!(harness.closes().len(), usize::from(polled), "{loss}");
            harness.pass_seconds(1_000);
            assert_eq!(harness.connects(), 0, "{loss}");
        }
    }
}

#[test]
fn every_code_of_an_error_decides_as_it_does_in_a_close_frame() {
    let codes = (4000..=4310).chain([0, 401, 999, 1000, 1006, 1011, 3999, 4999, 5000, 65_535]);
    for code in codes {
        for tls in [false, true] {
            let outcome = |refuse: &dyn Fn(&mut Harness)| {
                let mut harness = opening(asking().tls(tls));
                refuse(&mut harness);
                let change = harness.state_changes().pop().expect("it decides");
                harness.wait_for_retry();
                let endpoint = harness.endpoint.clone().unwrap();
                let loss = change.loss.unwrap();
                (change.to, change.retry_in, endpoint.is_tls(), loss.close_code())
            };
            let by_error = outcome(&|harness| harness.receive(&error(&code.to_string())));
            let by_close = outcome(&|harness| harness.close(code));
            assert_eq!(by_error, by_close, "code {code}, TLS {tls}");
        }
    }
}

#[test]
fn an_error_4000_instead_of_the_handshake_switches_to_tls_and_there_stops() {
    let mut harness = opening(Config::builder("key").host("example.org"));
    assert_eq!(change_after(&mut harness, &error("4000")).to, ConnectionState::Waiting);
    assert!(harness.wait_for_retry() <= Duration::from_millis(500));
    let endpoint = harness.endpoint.clone().unwrap();
    assert_eq!((endpoint.is_tls(), endpoint.port()), (true, 443));
    harness.open();
    assert_eq!(change_after(&mut harness, &error("4000")).to, ConnectionState::Refused);
}

#[test]
fn a_server_over_capacity_is_spared_and_tried_again_with_its_words_in_the_status() {
    for seed in 0..20 {
        let mut harness = Harness::with_seed(asking(), seed);
        harness.session.connect(harness.now);
        harness.drain();
        harness.open();
        let change = change_after(&mut harness, &error("4100"));
        assert_eq!(change.to, ConnectionState::Waiting);
        let text = change.to_string();
        let start =
            "waiting: the server refused the connection with code 4100: no; next attempt in ";
        assert!(text.starts_with(start), "{text}");
        assert!(harness.wait_for_retry() >= Duration::from_secs(1));
        harness.establish();
        assert_eq!(harness.session.state(), ConnectionState::Connected);
    }
}

#[test]
fn a_server_that_answers_every_handshake_with_an_error_is_not_dialled_in_a_loop() {
    for code in ["1000", "4100", "4200", "4201", "4299", "4300", "4999"] {
        let mut harness = opening(signing().tls(true));
        let (begun, mut connects) = (harness.now, 0);
        while harness.now < begun + Duration::from_secs(3_600) {
            harness.receive(&error(code));
            assert_eq!(harness.session.state(), ConnectionState::Waiting, "{code}");
            harness.wait_for_retry();
            connects += harness.connects();
            harness.open();
        }
        assert!(connects < 400, "{code}: {connects}");
    }
}

#[test]
fn an_error_without_a_code_decides_nothing_and_stays_in_the_status() {
    for code in [
        "null",
        "70000",
        "65536",
        "-1",
        "4001.5",
        r#""4001abc""#,
        r#""""#,
        r#""x""#,
        "true",
        "[4001]",
        r#"{"code":4001}"#,
        "1e400",
        "99999999999999999999",
    ] {
        let mut harness = opening(asking());
        harness.receive(&error(code));
        assert_eq!(harness.session.state(), ConnectionState::Connecting, "{code}");
        let said = harness.session.status(harness.now).last_error.unwrap();
        assert_eq!((said.code, &*said.message), (None, "no"), "{code}");
        assert!(matches!(&harness.events()[..], [Event::ServerError(_)]), "{code}");
        // The server may still find the connection good,
        harness.receive(&established(SOCKET, 120));
        assert_eq!(harness.session.state(), ConnectionState::Connected, "{code}");
        assert_eq!(harness.sent(), [subscribe_frame("orders")], "{code}");
        assert_eq!(
            &*harness.session.status(harness.now).last_error.unwrap().message,
            "no",
            "{code}"
        );
    }
}

#[test]
fn of_several_errors_the_first_with_a_code_decides() {
    let mut harness = opening(asking());
    harness.receive(&error("null"));
    harness.receive(r#"{"event":"pusher:error","data":"just words"}"#);
    harness.receive(r#"{"event":"pusher:error"}"#);
    // This is about a channel, and an HTTP status is no code of a close frame.
    harness.receive(r#"{"event":"pusher:subscription_error","data":{"code":4001}}"#);
    harness.receive(r#"{"event":"pusher:error","data":{"status":4001,"error":"no"}}"#);
    assert_eq!(harness.session.state(), ConnectionState::Connecting);
    harness.receive(&error("4003"));
    assert_eq!(harness.session.state(), ConnectionState::Refused);
    assert_eq!(harness.session.status(harness.now).last_loss.unwrap().close_code(), Some(4003));
}

#[test]
fn an_error_before_the_websocket_is_open_is_not_heard() {
    let mut harness = Harness::new(asking());
    harness.session.connect(harness.now);
    harness.drain();
    harness.receive(&error("4001"));
    assert_eq!(harness.session.state(), ConnectionState::Connecting);
    assert_eq!(harness.session.status(harness.now).last_error, None);
}

#[test]
fn on_an_established_connection_an_error_decides_nothing_whatever_its_code() {
    for code in [1000, 4000, 4001, 4009, 4100, 4200, 4201, 4299, 4999] {
        let mut harness = Harness::connected();
        harness.subscribed("orders");
        harness.receive(&error(&code.to_string()));
        assert_eq!(harness.session.state(), ConnectionState::Connected, "{code}");
        assert_eq!((harness.closes().len(), harness.connects()), (0, 0), "{code}");
        assert_eq!(harness.session.status(harness.now).last_error.unwrap().code, Some(code));
    }
}

#[test]
fn the_words_of_a_refusal_are_cut_and_cut_between_characters() {
    let mut harness = opening(asking());
    let long = format!("x{}", "ä".repeat(10_000));
    harness.receive(&format!(
        r#"{{"event":"pusher:error","data":{{"code":4001,"message":"{long}"}}}}"#
    ));
    let loss = harness.session.status(harness.now).last_loss.unwrap();
    let Loss::Refused { message, .. } = &*loss else { panic!("{loss:?}") };
    assert_eq!(message.len(), 511);
}

#[test]
fn a_refusal_while_it_was_disconnected_meanwhile_changes_nothing() {
    let mut harness = opening(asking());
    let (connection, now) = (harness.current(), harness.now);
    harness.session.disconnect(now);
    harness.session.handle_slice(connection, error("4001").as_bytes(), now);
    harness.drain();
    assert_eq!(harness.session.state(), ConnectionState::Disconnected);
    assert_eq!(harness.session.status(harness.now).last_error, None);
}
