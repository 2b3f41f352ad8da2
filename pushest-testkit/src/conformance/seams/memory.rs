//! What remains of a large message: nothing.

use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;

use pushest_proto::{Config, Event, MalformedReason};
use serde_json::json;
use tungstenite::Message;

use super::super::driver::Driver;
use super::super::patience::{Expect, PATIENCE, started};
use super::frame;

const LARGE: usize = 15 * 1024 * 1024;

/// How many small events are kept, each of some 200 bytes.
const EVENTS: usize = 1_000;

/// Bytes that may be in use for these events, and for buffers of the configured size: far less
/// than one large buffer, and more than the small ones that the events are views into.
const MOST: usize = 2 * 1024 * 1024;

fn event(name: &str, data: &str) -> String {
    json!({ "event": name, "channel": "news", "data": data }).to_string()
}

/// After a message of 15 MiB the connection goes on with small buffers, and a thousand small events
/// that are kept keep no large one alive. `live` returns the bytes that are in use in this process:
/// the test of a driver's crate has an allocator that counts them.
///
/// # Panics
/// If more is in use afterwards than the small events need.
pub fn a_large_message_leaves_no_large_buffer_behind<D: Driver>(live: fn() -> usize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let (go, told_to_go) = mpsc::channel::<()>();
    let (done, is_done) = mpsc::channel::<()>();
    // A server of its own: what that of the testkit buffers would be counted, too.
    let serving = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut socket = tungstenite::accept(stream).expect("a WebSocket");
        let hello = json!({"socket_id": "1.1", "activity_timeout": 120}).to_string();
        let hello = json!({ "event": "pusher:connection_established", "data": hello });
        socket.send(Message::text(hello.to_string())).expect("sent");
        socket.read().expect("a subscribe");
        let succeeded = event("pusher_internal:subscription_succeeded", "{}");
        socket.send(Message::text(succeeded)).expect("sent");
        for round in 0..2 {
            told_to_go.recv().expect("the client is there");
            let stream = socket.get_mut();
            let begin = event("large", "").replace("\"data\":\"\"", "\"data\":\"");
            let header = [&[0x81, 127][..], &(LARGE as u64).to_be_bytes(), begin.as_bytes()];
            stream.write_all(&header.concat()).expect("written");
            let piece = vec![b'x'; 64 * 1024];
            let mut left = LARGE - begin.len();
            while left > piece.len() {
                stream.write_all(&piece).expect("written");
                left -= piece.len();
            }
            let mut rest = vec![b'x'; left];
            // The first small events come in one piece with the end of the large message.
            for number in 0..EVENTS {
                rest.extend(frame(&event("small", &format!("{round} {number:0>150}"))));
                if rest.len() > 1_000 {
                    stream.write_all(&rest).expect("written");
                    rest.clear();
                }
            }
            rest.extend(frame(&event("end", "")));
            stream.write_all(&rest).expect("written");
        }
        is_done.recv().expect("the client is there");
    });
    let config = Config::builder("app-key").host("127.0.0.1").port(port).build();
    let mut client = started::<D>(config.expect("valid"));
    client.must_subscribe("news");
    let mut kept = Vec::with_capacity(2 * EVENTS);
    let before = live();
    for _ in 0..2 {
        go.send(()).expect("the server is there");
        client.wait_for(|event| match event {
            Event::Malformed { problem: MalformedReason::TooLarge { size: LARGE, .. }, .. } => {
                Some(())
            }
            _ => None,
        });
        loop {
            match client.next() {
                Event::Channel(event) if event.name() == "end" => break,
                event => kept.push(event),
            }
        }
        // While all events are kept and the connection stands.
        let used = live().saturating_sub(before);
        assert!(used < MOST, "{used} bytes more are in use for {} events", kept.len());
    }
    assert_eq!(kept.len(), 2 * EVENTS);
    drop(kept);
    let used = live().saturating_sub(before);
    assert!(used < 256 * 1024, "{used} bytes more are in use for nothing");
    done.send(()).expect("the server is there");
    serving.join().expect("it served");
}
