//! Close frames that break the rules of RFC 6455: what the server said is told all the same, and
//! its code decides.

use pushest_proto::{ConnectionState, Event, Loss, StateChange};

use super::super::driver::{Driver, DriverClient, Unmet};
use super::super::in_process;
use super::super::messages::{CLOSE, frame};
use super::super::patience::{Expect, PATIENCE, connected, started};
use crate::Target;

/// Returns a control frame with a payload of any length.
fn long_frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("at most 64 KiB");
    [&[head, 126][..], &length.to_be_bytes(), payload].concat()
}

fn with_code(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// Returns the next change of state that a loss led to.
fn next_loss<C: DriverClient>(client: &mut C) -> StateChange {
    client.wait_for(|event| match event {
        Event::State(change) if change.loss.is_some() => Some(change.clone()),
        _ => None,
    })
}

fn problem(change: &StateChange) -> (Option<u16>, &str) {
    match change.loss.as_deref() {
        Some(Loss::BadClose { code, problem }) => (*code, problem),
        other => panic!("{other:?}"),
    }
}

pub fn a_refusal_in_a_close_frame_longer_than_one_may_be_stops_it_in_the_servers_words<
    D: Driver,
>() {
    let (remote, server) = in_process();
    server.withhold_handshake(true);
    let mut client = started::<D>(remote.config());
    client.until("the upgrade", |_| server.inspect(|view| view.upgrades) == 1);
    let words = "App key app-key not in this cluster. Did you forget to specify the cluster? ";
    let reason = words.repeat(3);
    server.send_bytes(Target::All, &long_frame(CLOSE, &with_code(4001, reason.as_bytes())));
    let Err(Unmet::Failed(error)) = client.connected(PATIENCE) else { panic!("it is refused") };
    assert!(error.contains("4001") && error.contains("forget to specify"), "{error}");
    let change = client.next_state(ConnectionState::Refused);
    let (code, problem) = problem(&change);
    assert_eq!(code, Some(4001));
    assert!(problem.contains("at most 125") && problem.contains(&reason), "{problem}");
    assert_eq!(server.inspect(|view| view.upgrades), 1);
}

pub fn a_close_frame_that_breaks_a_rule_is_told_as_what_it_is_and_its_code_decides<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    let text = |reason: &str, code: u16| frame(CLOSE, with_code(code, reason.as_bytes()));
    // What is sent, the code, and what is said of it; all but those of 42xx wait a moment.
    let frames: [(Vec<u8>, Option<u16>, &str); 13] = [
        (frame(CLOSE, with_code(4200, b"caf\xe9")), Some(4200), "not UTF-8: caf\u{fffd}"),
        (frame(CLOSE, with_code(1011, b"\xff")), Some(1011), "not UTF-8"),
        (long_frame(CLOSE, &with_code(4100, &[b'x'; 200])), Some(4100), "at most 125"),
        (frame(CLOSE, [7]), None, "one byte"),
        (text("", 0), Some(0), "0 must not be sent"),
        (text("why", 999), Some(999), "999 must not be sent: why"),
        (text("why", 1005), Some(1005), "1005 must not be sent: why"),
        (text("", 1006), Some(1006), "1006 must not be sent"),
        (text("", 1015), Some(1015), "1015 must not be sent"),
        (text("", 5000), Some(5000), "5000 must not be sent"),
        (text("", u16::MAX), Some(u16::MAX), "65535 must not be sent"),
        (frame(CLOSE & 0x7f, with_code(4201, b"part")), Some(4201), "fragment"),
        (frame(CLOSE | 0x40, with_code(4202, b"odd")), Some(4202), "reserved bit"),
    ];
    for (bytes, code, text) in frames {
        server.send_bytes(Target::All, &bytes);
        let change = next_loss(&mut client);
        let (told, problem) = problem(&change);
        assert_eq!(told, code, "{problem}");
        assert!(problem.contains(text), "{problem}");
        assert_eq!(change.to, ConnectionState::Waiting, "{problem}");
        let is_over_capacity = code == Some(4100);
        let pause = change.retry_in.expect("it is tried again").as_millis();
        assert!(!is_over_capacity || pause >= 1_000, "{pause} ms after {problem}");
        client.connect();
        client.must_connect();
    }
    server.send_bytes(Target::All, &frame(CLOSE, with_code(4003, b"\xc3")));
    let change = client.next_state(ConnectionState::Refused);
    assert_eq!(problem(&change).0, Some(4003));
}

pub fn a_code_that_nobody_has_given_a_meaning_is_told_and_not_taken_for_a_breach_of_the_protocol<
    D: Driver,
>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    for code in [1004, 1014, 1016, 2999] {
        server.send_bytes(Target::All, &frame(CLOSE, with_code(code, b"bye")));
        let change = next_loss(&mut client);
        assert_eq!(change.loss.as_deref(), Some(&Loss::closed(Some(code), "bye")));
        client.connect();
        client.must_connect();
    }
}

pub fn a_connection_that_ends_within_its_close_frame_has_said_its_code<D: Driver>() {
    let (remote, server) = in_process();
    server.withhold_handshake(true);
    let mut client = started::<D>(remote.config());
    client.until("the upgrade", |_| server.inspect(|view| view.upgrades) == 1);
    let whole = frame(CLOSE, with_code(4009, b"Origin not allowed"));
    server.send_bytes(Target::All, &whole[..whole.len() - 8]);
    server.drop_connections(Target::All);
    let Err(Unmet::Failed(error)) = client.connected(PATIENCE) else { panic!("it is refused") };
    assert!(error.contains("4009") && error.contains("Origin not"), "{error}");
    assert_eq!(problem(&client.next_state(ConnectionState::Refused)).0, Some(4009));
}
