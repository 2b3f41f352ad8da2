use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use pushest_testkit::{EchoForm, Server, Target, UpgradeFault};
use serde_json::json;
use tungstenite::handshake::HandshakeError;
use tungstenite::{Error, Message};

use crate::client::{Client, PATIENCE, open, tcp};

#[test]
fn connections_are_closed_with_any_code_all_or_one() {
    let server = Server::start().unwrap();
    let (mut first, mut second) = (Client::connect(&server), Client::connect(&server));
    server.close(&*first.socket_id, 4200, "reconnect");
    let frame = first.read_close();
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4200, "reconnect"));
    assert_eq!(server.connections(), 1);
    server.close(Target::All, 4001, "gone");
    assert_eq!(u16::from(second.read_close().code), 4001);
}

#[test]
fn connections_are_dropped_without_a_close_frame() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    server.drop_connections(Target::All);
    assert_eq!(client.read_end(), io::ErrorKind::UnexpectedEof);
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_code_that_stands_for_no_close_frame_sends_none() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    server.set_delay(Duration::from_millis(20));
    server.send_raw(Target::All, "{}");
    server.close(Target::All, 1006, "");
    assert_eq!(client.socket.read().unwrap(), Message::text("{}"));
    assert_eq!(client.read_end(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn connections_are_reset() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    server.reset_connections(Target::All);
    assert_eq!(client.read_end(), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_server_that_stops_answering_still_hears() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    server.stop_answering(Target::All);
    client.socket.send(Message::Ping("unanswered".into())).unwrap();
    client.send(&json!({ "event": "pusher:ping" }));
    client.send(&json!({ "event": "pusher:subscribe", "data": { "channel": "news" } }));
    server.wait_for_subscribers("news", 1, PATIENCE).unwrap();
    server.publish("news", "unheard", "");
    server.drop_connections(Target::All);
    assert_eq!(client.read_end(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_server_that_stops_reading_reads_it_all_later() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    server.stop_reading(Target::All);
    client.send(&json!({ "event": "pusher:subscribe", "data": { "channel": "news" } }));
    // The loop has seen other sockets come and go in the meantime.
    let mut other = Client::connect(&server);
    other.subscribe("other");
    assert_eq!(server.subscribers("news"), 0);
    server.resume_reading(Target::All);
    server.wait_for_subscribers("news", 1, PATIENCE).unwrap();
}

#[test]
fn anything_can_be_sent() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    server.send_raw(Target::All, "{ not JSON");
    server.send_binary(&*client.socket_id, &[0, 159]);
    server.send_error(Target::All, Some(4301), "slow down");
    assert_eq!(client.socket.read().unwrap(), Message::text("{ not JSON"));
    assert_eq!(client.socket.read().unwrap(), Message::binary([0, 159].as_slice()));
    assert_eq!(client.read()["data"]["code"], 4301);
    server.send_bytes(Target::All, &[0xff; 64]);
    assert!(matches!(client.socket.read(), Err(Error::Protocol(_))));
}

#[test]
fn upgrades_are_refused_with_a_status_and_headers_as_often_as_asked() {
    let server = Server::start().unwrap();
    server.fault_upgrades(2, UpgradeFault::status(429, &[("Retry-After", "7")]));
    server.fault_upgrades(1, UpgradeFault::status(301, &[("Location", "ws://elsewhere/")]));
    let refusal = || match *open(tcp(&server)).unwrap_err() {
        HandshakeError::Failure(Error::Http(response)) => *response,
        error => panic!("an HTTP answer, not {error}"),
    };
    for _ in 0..2 {
        let response = refusal();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["Retry-After"], "7");
    }
    assert_eq!(refusal().headers()["Location"], "ws://elsewhere/");
    Client::connect(&server);
    server.fault_upgrades(usize::MAX, UpgradeFault::status(503, &[]));
    assert_eq!(refusal().status(), 503);
    server.heal_upgrades();
    Client::connect(&server);
    assert_eq!(server.upgrade_targets().len(), 6);
}

#[test]
fn upgrades_are_answered_with_junk_or_not_at_all() {
    let server = Server::start().unwrap();
    server.fault_upgrades(1, UpgradeFault::Raw(b"SSH-2.0-x\r\n\r\n".to_vec()));
    assert!(open(tcp(&server)).is_err());

    server.fault_upgrades(1, UpgradeFault::Ignore);
    let mut stream = tcp(&server);
    stream.write_all(request().as_bytes()).unwrap();
    server.until(|view| view.upgrades == 2).wait(PATIENCE).unwrap();
    server.stop();
    let mut answer = Vec::new();
    // Whether it ends in order or by a reset, nothing was said.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty());
}

#[test]
fn upgrades_are_answered_in_words_of_ones_own_and_in_pieces_and_work_all_the_same() {
    let server = Server::start().unwrap();
    let answer = "HTTP/1.1 101 As you like\r\nUpgrade: websocket\r\nX-Mine: yes\r\n\
                  Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";
    server.fault_upgrades(1, UpgradeFault::rewrite(answer));
    let (socket, response) =
        tungstenite::client("ws://localhost/app/app-key?protocol=7", tcp(&server)).unwrap();
    assert_eq!(response.headers()["X-Mine"], "yes");
    Client::greeted(socket).subscribe("news");

    server.fault_upgrades(1, UpgradeFault::Rewrite { answer: answer.to_owned(), piece: 25 });
    let mut stream = tcp(&server);
    stream.write_all(request().as_bytes()).unwrap();
    let mut first = [0; 1024];
    let length = stream.read(&mut first).unwrap();
    assert_eq!(&first[..length], &answer.as_bytes()[..length]);
    assert!(length < answer.len(), "{length}");
    // The first message follows in the same pieces.
    let mut text = Vec::new();
    while !text.ends_with(b"}") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    assert!(String::from_utf8_lossy(&text).contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    server.wait_for_connections(1, PATIENCE).unwrap();
}

#[test]
fn upgrades_are_answered_with_what_was_asked_and_their_heads_are_told() {
    let server = Server::start().unwrap();
    for (form, spelled) in [
        (EchoForm::Plain, "X-Odd: <a&\"/'>\r\n"),
        (EchoForm::Html, "X-Odd: &lt;a&amp;&quot;/&#39;&gt;\r\n"),
        (EchoForm::Percent, "X%2DOdd%3A%20%3Ca%26%22%2F%27%3E%0D%0A"),
        (EchoForm::Json, r#"X-Odd: <a&\"\/'>\r\n"#),
    ] {
        let headers = vec![("Location".to_owned(), "/at{target}".to_owned())];
        server.fault_upgrades(1, UpgradeFault::Echo { status: 404, headers, form });
        let request = request().replace("\r\n\r\n", "\r\nX-Odd: <a&\"/'>\r\n\r\n");
        let mut stream = tcp(&server);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
        assert!(answer.contains("Location: /at/app/app-key\r\n"), "{answer}");
        assert!(answer.contains(spelled), "{form:?}: {answer}");
        assert_eq!(server.upgrade_heads().last(), Some(&request));
    }
}

#[test]
fn an_upgrade_can_be_answered_and_then_left_alone() {
    let server = Server::start().unwrap();
    server.fault_upgrades(1, UpgradeFault::Stall(b"220 mail\r\n".to_vec()));
    let mut stream = tcp(&server);
    stream.write_all(request().as_bytes()).unwrap();
    let mut answer = [0; 10];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"220 mail\r\n");
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(stream.read(&mut answer).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock));
}

/// With the nonce of RFC 6455, section 1.3.
fn request() -> String {
    "GET /app/app-key HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .to_owned()
}

#[test]
fn a_withheld_handshake_opens_a_websocket_that_says_nothing() {
    let server = Server::start().unwrap();
    server.withhold_handshake(true);
    let mut socket = open(tcp(&server)).unwrap();
    assert_eq!(server.connections(), 0);
    server.close(Target::All, 4200, "enough");
    assert!(socket.read().unwrap().is_close());
}

#[test]
fn connections_are_refused_after_the_upgrade() {
    let server = Server::start().unwrap();
    server.refuse_connections(Some((4100, "full")));
    let mut socket = open(tcp(&server)).unwrap();
    assert!(socket.read().unwrap().to_text().unwrap().contains("4100"));
    assert!(socket.read().unwrap().is_close());
    server.refuse_connections(None);
    Client::connect(&server);
}

#[test]
fn a_delay_holds_messages_back() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("news");
    let delay = Duration::from_millis(150);
    server.set_delay(delay);
    let before = Instant::now();
    server.publish("news", "late", "");
    assert_eq!(client.read()["event"], "late");
    assert!(before.elapsed() >= delay, "{:?}", before.elapsed());
}

#[test]
fn a_denied_channel_is_refused() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    server.deny("news", "not today");
    client.send(&json!({ "event": "pusher:subscribe", "data": { "channel": "news" } }));
    assert_eq!(client.read()["data"]["message"], "not today");
    server.allow("news");
    client.subscribe("news");
}

#[test]
fn a_client_that_does_not_read_is_closed_with_4100() {
    let server = Server::builder().write_limit(64 * 1024).start().unwrap();
    let (mut slow, mut quick) = (Client::connect(&server), Client::connect(&server));
    slow.subscribe("flood");
    quick.subscribe("news");
    let data = "x".repeat(256 * 1024);
    // What the system itself takes is not for us to say.
    for _ in 0..1000 {
        server.publish("flood", "x", &data);
        if server.connections() == 1 {
            break;
        }
    }
    assert_eq!(server.connections(), 1);
    server.publish("news", "still here", "");
    assert_eq!(quick.read()["event"], "still here");
    assert_eq!(u16::from(slow.read_close().code), 4100);
}
