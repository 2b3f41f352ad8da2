use std::io::Write;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use pushest_testkit::Server;
use serde_json::json;
use sha2::Sha256;
use tungstenite::Message;

use crate::client::{Client, PATIENCE, open, tcp};

#[test]
fn what_is_published_arrives() {
    let server = Server::start().unwrap();
    let (mut first, mut second) = (Client::connect(&server), Client::connect(&server));
    first.subscribe("news");
    second.subscribe("news");
    assert_eq!(server.subscribers("news"), 2);
    assert_eq!(server.socket_ids(), [first.socket_id.clone(), second.socket_id.clone()]);
    server.publish_except("news", "one", "a", Some(&first.socket_id));
    server.publish("news", "two", "b");
    assert_eq!(first.read(), json!({ "event": "two", "channel": "news", "data": "b" }));
    assert_eq!(second.read()["event"], "one");
    assert_eq!(second.read()["event"], "two");
}

#[test]
fn a_client_that_leaves_is_forgotten_however_it_leaves() {
    let server = Server::start().unwrap();
    let (mut polite, rude) = (Client::connect(&server), Client::connect(&server));
    assert_eq!(server.connections(), 2);
    polite.socket.close(None).unwrap();
    drop(rude);
    server.wait_for_connections(0, PATIENCE).unwrap();
    // The polite one gets its answer all the same.
    assert!(polite.socket.read().unwrap().is_close());
}

#[test]
fn websocket_pings_are_answered() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    client.socket.send(Message::Ping("abc".into())).unwrap();
    assert_eq!(client.socket.read().unwrap(), Message::Pong("abc".into()));
}

#[test]
fn any_path_prefix_leads_to_the_app() {
    let server = Server::builder().record(true).start().unwrap();
    let (socket, _) = tungstenite::client(
        "ws://localhost/behind/a/proxy/app/app-key?protocol=7&client=x",
        tcp(&server),
    )
    .unwrap();
    let mut client = Client::greeted(socket);
    client.subscribe("news");
    let targets = server.upgrade_targets();
    assert_eq!(targets, ["/behind/a/proxy/app/app-key?protocol=7&client=x"]);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn another_key_is_refused_with_4001() {
    let server = Server::start().unwrap();
    let (mut socket, _) = tungstenite::client("ws://localhost/app/nobody", tcp(&server)).unwrap();
    assert!(socket.read().unwrap().to_text().unwrap().contains("4001"));
    let Message::Close(Some(frame)) = socket.read().unwrap() else { panic!("a close frame") };
    assert_eq!(u16::from(frame.code), 4001);
}

#[test]
fn frames_that_come_together_with_the_upgrade_are_read() {
    let server = Server::start().unwrap();
    let mut stream = tcp(&server);
    let mut bytes = b"GET /app/app-key HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .to_vec();
    let text = br#"{"event":"pusher:subscribe","data":{"channel":"news"}}"#;
    // One masked text frame; the mask is zero, which leaves the text as it is.
    bytes.extend([0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0]);
    bytes.extend(text);
    stream.write_all(&bytes).unwrap();
    server.wait_for_subscribers("news", 1, PATIENCE).unwrap();
}

#[test]
fn a_message_over_the_limit_closes_with_1009() {
    let server = Server::builder().limits(|limits| limits.message = 1000).start().unwrap();
    let mut client = Client::connect(&server);
    let text = json!({ "event": "pusher:ping", "data": "x".repeat(2000) }).to_string();
    client.socket.send(Message::text(text)).unwrap();
    assert_eq!(u16::from(client.read_close().code), 1009);
}

#[test]
fn what_is_not_a_websocket_frame_ends_the_connection() {
    let server = Server::start().unwrap();
    let mut socket = open(tcp(&server)).unwrap();
    server.wait_for_connections(1, PATIENCE).unwrap();
    socket.get_mut().write_all(&[0xff; 64]).unwrap();
    server.wait_for_connections(0, PATIENCE).unwrap();
}

#[test]
fn a_client_that_answers_no_ping_is_closed_with_4201() {
    let server = Server::builder()
        .activity_timeout(Duration::from_millis(30))
        .pong_timeout(Duration::from_millis(30))
        .start()
        .unwrap();
    let mut client = Client::connect(&server);
    assert_eq!(client.read()["event"], "pusher:ping");
    client.send(&json!({ "event": "pusher:pong", "data": {} }));
    assert_eq!(client.read()["event"], "pusher:ping");
    assert_eq!(u16::from(client.read_close().code), 4201);
}

#[test]
fn members_come_and_go() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    let error = server.wait_for_members("presence-x", 1, Duration::ZERO).unwrap_err();
    assert_eq!(error.found, "there are []");
    let until = server.until_members("presence-x", 1);
    let error = until.wait(Duration::ZERO).unwrap_err();
    assert_eq!(error.wanted, "1 members of presence-x");
    let channel_data = json!({ "user_id": "7" }).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"app-secret").unwrap();
    mac.update(format!("{}:presence-x:{channel_data}", client.socket_id).as_bytes());
    let auth = format!("app-key:{}", hex::encode(mac.finalize().into_bytes()));
    let data = json!({ "channel": "presence-x", "auth": auth, "channel_data": channel_data });
    client.send(&json!({ "event": "pusher:subscribe", "data": data }));
    until.wait(PATIENCE).unwrap();
    server.wait_for_members("presence-x", 1, PATIENCE).unwrap();
    assert_eq!(server.members("presence-x"), ["7"]);
    drop(client);
    server.wait_for_members("presence-x", 0, PATIENCE).unwrap();
}
