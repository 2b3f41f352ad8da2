//! Messages of every size, in every form, and what is none.

use std::net::TcpListener;

use pushest_proto::{Config, Event, Loss, MalformedReason};
use serde_json::json;
use tungstenite::Message;

use super::driver::{Driver, DriverClient};
use super::patience::{Expect, PATIENCE, connected, started, started_with};
use super::{Scheme, in_process};
use crate::Target;

pub fn messages_from_one_byte_to_a_megabyte_arrive_whole<D: Driver>(scheme: Scheme) {
    let (remote, server) = scheme.in_process();
    let mut client = started_with::<D>(remote.config(), remote.settings());
    client.must_subscribe("news");
    // Around the sizes where a frame's header, and then a driver's buffers, change.
    for size in [0, 1, 90, 125, 126, 127, 4_096, 10_240, 65_535, 65_536, 65_537, 1_000_000] {
        let data: String = ('a'..='z').cycle().take(size).collect();
        server.publish("news", "sized", &data);
        assert!(client.next_of("news").text() == data, "{size}");
    }
}

/// Returns a frame of a server: not masked, and short enough for one byte of length.
pub(super) fn frame(head: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126);
    let mut bytes = vec![head, length.expect("a short payload")];
    bytes.extend(payload);
    bytes
}

const TEXT: u8 = 0x81;
const FIRST_OF_TEXT: u8 = 0x01;
const LAST_PART: u8 = 0x80;
const PING: u8 = 0x89;
pub(super) const CLOSE: u8 = 0x88;

fn numbered(number: usize) -> Vec<u8> {
    frame(TEXT, format!(r#"{{"event":"number","channel":"news","data":"{number}"}}"#))
}

pub fn frames_in_many_writes_and_many_frames_in_one_write_are_read_alike<D: Driver>(
    scheme: Scheme,
) {
    let (remote, server) = scheme.in_process();
    let mut client = started_with::<D>(remote.config(), remote.settings());
    client.must_subscribe("news");
    for byte in numbered(0) {
        server.send_bytes(Target::All, &[byte]);
    }
    assert_eq!(client.next_text("number"), "0");
    // All at once, the last one cut in two.
    let mut bytes: Vec<u8> = (1..200).flat_map(numbered).collect();
    let rest = bytes.split_off(bytes.len() - 10);
    server.send_bytes(Target::All, &bytes);
    for number in 1..199 {
        assert_eq!(client.next_text("number"), number.to_string());
    }
    server.send_bytes(Target::All, &rest);
    assert_eq!(client.next_text("number"), "199");
    client.must_flush();
}

pub fn a_websocket_ping_is_answered_with_its_payload<D: Driver>() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let pinging = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut socket = tungstenite::accept(stream).expect("a WebSocket");
        let data = r#"{"socket_id":"1.1","activity_timeout":120}"#;
        let hello = json!({ "event": "pusher:connection_established", "data": data });
        socket.send(Message::text(hello.to_string())).expect("sent");
        socket.send(Message::Ping("are you there?".into())).expect("sent");
        socket.read().expect("an answer")
    });
    let config = Config::builder("app-key").host("127.0.0.1").port(port).build();
    // The server is gone with the answer: waiting for a connection would be in vain.
    let mut client = started::<D>(config.expect("valid"));
    client.until("the answer", |_| pinging.is_finished());
    let answer = pinging.join().expect("an answer came");
    assert_eq!(answer, Message::Pong("are you there?".into()));
}

pub fn frames_in_pieces_with_pings_between_them_are_put_together<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    // A ping, and then a text message in two frames with another ping between them.
    let bytes = [
        frame(PING, "hi"),
        frame(FIRST_OF_TEXT, r#"{"event":"pieces","chan"#),
        frame(PING, ""),
        frame(LAST_PART, r#"nel":"news","data":"whole"}"#),
    ];
    for byte in bytes.concat() {
        server.send_bytes(Target::All, &[byte]);
    }
    assert_eq!(client.next_text("pieces"), "whole");
    client.must_flush();
}

pub fn junk_deep_truncated_and_wrongly_typed_messages_leave_the_connection_alive<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    let socket_id = client.status().socket_id;

    let deep = format!(r#"{{"event":"x","channel":"news","data":{}"#, "[".repeat(100_000));
    let messages = [
        ("", Some(MalformedReason::NotAnObject)),
        ("junk", Some(MalformedReason::NotAnObject)),
        ("[1,2,3]", Some(MalformedReason::NotAnObject)),
        (r#"{"event":"x","channel":"news","data":"cut of"#, Some(MalformedReason::NotAnObject)),
        (&deep, Some(MalformedReason::NotAnObject)),
        ("{}", Some(MalformedReason::NoEvent)),
        (r#"{"event":7}"#, Some(MalformedReason::NoEvent)),
        (r#"{"event":"x","channel":{}}"#, Some(MalformedReason::BadChannel)),
        (
            r#"{"event":"pusher:connection_established","data":"{}"}"#,
            Some(MalformedReason::Unexpected),
        ),
        (
            r#"{"event":"pusher_internal:subscription_count","channel":"news","data":[]}"#,
            Some(MalformedReason::BadData),
        ),
        // These are odd, and still have a meaning.
        (r#"{"event":"pusher:error","data":7}"#, None),
        (r#"{"event":"pusher:pong"}"#, None),
        (r#"{"event":"pusher_internal:subscription_succeeded","channel":"news"}"#, None),
        (r#"{"event":"pusher_internal:member_added","channel":"nowhere","data":[]}"#, None),
        (r#"{"event":"unknown","data":null}"#, None),
    ];
    let malformed = |client: &mut D::Client| {
        client.wait_for(|event| match event {
            Event::Malformed { problem, message, .. } => {
                assert!(message.len() <= 512);
                Some(*problem)
            }
            _ => None,
        })
    };
    for (message, expected) in messages {
        server.send_raw(Target::All, message);
        if let Some(expected) = expected {
            assert_eq!(malformed(&mut client), expected, "{message:.60}");
        }
    }
    server.send_binary(Target::All, &[0xff, 0xfe]);
    assert_eq!(malformed(&mut client), MalformedReason::NotUtf8);

    server.publish("news", "headline", "rain");
    assert_eq!(client.next_text("headline"), "rain");
    assert_eq!(client.status().socket_id, socket_id);
}

pub fn bytes_that_are_no_frames_cost_the_connection_only<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe("news");
    server.send_bytes(Target::All, &[0xff; 64]);
    let cause = client.next_gap("news");
    assert!(matches!(cause, Loss::Reset(_)), "{cause:?}");
    server.publish("news", "headline", "rain");
    assert_eq!(client.next_text("headline"), "rain");
}
