use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use pushest_testkit::{ApiFault, Happening, Server};
use serde_json::json;
use sha2::Sha256;

use crate::client::{Client, PATIENCE, tcp};

const EVENT: &str = r#"{"name":"x","channel":"news","data":"{\"a\":1}"}"#;

/// Returns the signature of a text.
fn signed(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"app-secret").unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// A signed request to publish [`EVENT`].
fn publish(more_headers: &str) -> String {
    request(EVENT, more_headers)
}

/// A signed request to publish an event.
fn request(event: &str, more_headers: &str) -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let digest = hex::encode(Md5::digest(event));
    let query =
        format!("auth_key=app-key&auth_timestamp={seconds}&auth_version=1.0&body_md5={digest}");
    let path = "/apps/1/events";
    let signature = signed(&format!("POST\n{path}\n{query}"));
    format!(
        "POST {path}?{query}&auth_signature={signature} HTTP/1.1\r\nHost: x\r\n\
         Content-Length: {}\r\n{more_headers}\r\n{event}",
        event.len()
    )
}

/// Reads one answer: status and body.
fn answer(reader: &mut BufReader<TcpStream>) -> (u16, String) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (status, String::from_utf8(body).unwrap())
}

fn ask(server: &Server, request: &str) -> (u16, String) {
    let mut stream = tcp(server);
    stream.write_all(request.as_bytes()).unwrap();
    answer(&mut BufReader::new(stream))
}

#[test]
fn an_event_published_over_http_arrives() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("news");
    assert_eq!(ask(&server, &publish("")), (200, "{}".to_owned()));
    let message = client.read();
    assert_eq!((&message["event"], &message["data"]), (&"x".into(), &"{\"a\":1}".into()));
}

/// As the official libraries count them, before they send anything.
#[test]
fn the_name_of_an_event_has_at_most_200_characters_however_it_comes() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("news");
    let socket_id = client.socket_id.clone();
    let auth = format!("app-key:{}", signed(&format!("{socket_id}:private-a")));
    let subscribe = json!({"channel": "private-a", "auth": auth});
    client.send(&json!({"event": "pusher:subscribe", "data": subscribe}));
    assert_eq!(client.read()["event"], "pusher_internal:subscription_succeeded");
    for (name, is_taken) in [("é".repeat(200), true), ("é".repeat(201), false)] {
        let event = json!({"name": name, "channel": "news", "data": "1"}).to_string();
        let (status, body) = ask(&server, &request(&event, ""));
        if is_taken {
            assert_eq!((status, client.read()["event"].as_str()), (200, Some(&*name)));
        } else {
            assert_eq!(status, 400);
            assert!(body.contains("1 to 200 characters"), "{body}");
        }
    }
    for count in [193, 194] {
        let name = format!("client-{}", "é".repeat(count));
        client.send(&json!({"event": name, "channel": "private-a", "data": 1}));
    }
    // The first one went to nobody else.
    let refusal = client.read();
    assert_eq!(refusal["event"], "pusher:error");
    assert!(refusal.to_string().contains("longer than 200 characters"), "{refusal}");
}

#[test]
fn one_connection_serves_many_requests_together_or_in_pieces() {
    let server = Server::start().unwrap();
    let stream = tcp(&server);
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    let two = publish("") + &publish("");
    writer.write_all(two.as_bytes()).unwrap();
    for byte in publish("").as_bytes() {
        writer.write_all(&[*byte]).unwrap();
    }
    for _ in 0..3 {
        assert_eq!(answer(&mut reader).0, 200);
    }
}

#[test]
fn connection_close_closes() {
    let server = Server::start().unwrap();
    let mut stream = tcp(&server);
    stream.write_all(publish("Connection: close\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
}

#[test]
fn a_client_that_asks_before_it_sends_the_body_is_told_to_go_on() {
    let server = Server::start().unwrap();
    let request = publish("Expect: 100-continue\r\n");
    let (head, body) = request.split_at(request.len() - EVENT.len());
    let mut stream = tcp(&server);
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    assert_eq!(answer(&mut reader).0, 100);
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(answer(&mut reader).0, 200);
}

#[test]
fn wrong_requests_are_refused() {
    let server = Server::start().unwrap();
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        ("GET /app/app-key HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        ("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        ("POST /apps/1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 401),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        ("\u{0}\r\n\r\n", 400),
    ] {
        assert_eq!(ask(&server, request).0, status, "{request}");
    }
}

#[test]
fn behind_a_request_whose_end_is_unclear_nothing_is_read() {
    let server = Server::start().unwrap();
    for headers in [
        "Content-Length: abc",
        "Content-Length: 0\r\nContent-Length: 4",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    ] {
        let mut stream = tcp(&server);
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n{}", publish(""));
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        assert_eq!(answer(&mut reader).0, 400, "{headers}");
        let mut rest = Vec::new();
        // A reset is an end, too: what was sent is not read.
        let _ = reader.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{headers}: {}", String::from_utf8_lossy(&rest));
    }
}

#[test]
fn requests_are_refused_on_purpose_as_often_as_was_said_and_the_connection_stays() {
    let (happenings, happened) = std::sync::mpsc::sync_channel(100);
    let server = Server::builder().observe(happenings).start().unwrap();
    let refusal = ApiFault::Refuse {
        status: 503,
        headers: vec![("Retry-After".to_owned(), "7".to_owned())],
        body: "deploying".to_owned(),
    };
    server.fault_api(2, refusal);
    server.fault_api(usize::MAX, ApiFault::status(413, &[]));
    // What is no request of the API meets none.
    assert_eq!(ask(&server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").0, 200);
    let mut stream = tcp(&server);
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for expected in [(503, "deploying"), (503, "deploying"), (413, ""), (413, "")] {
        stream.write_all(publish("").as_bytes()).unwrap();
        let (status, body) = answer(&mut reader);
        assert_eq!((status, &*body), expected);
    }
    server.heal_api();
    stream.write_all(publish("").as_bytes()).unwrap();
    assert_eq!(answer(&mut reader).0, 200);
    assert_eq!(server.inspect(|view| view.api_requests), 5);
    drop(server);
    let told: Vec<_> = happened
        .iter()
        .filter_map(|happening| match happening {
            Happening::Request { path, status, reason, .. } if path != "/" => {
                Some((status, reason))
            }
            _ => None,
        })
        .collect();
    let fault = |status| (Some(status), "a fault, as told".to_owned());
    let answered = (Some(200), String::new());
    assert_eq!(told, [fault(503), fault(503), fault(413), fault(413), answered]);
}

#[test]
fn a_request_gets_no_answer_on_purpose_and_only_a_lost_answer_is_one_to_what_was_done() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("news");
    for fault in [ApiFault::Cut, ApiFault::LoseAnswer] {
        server.fault_api(1, fault);
        let mut stream = tcp(&server);
        stream.write_all(publish("").as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, "");
    }
    server.publish("news", "last", "");
    assert_eq!([client.read(), client.read()].map(|it| it["event"].clone()), ["x", "last"]);

    server.fault_api(1, ApiFault::Ignore);
    let mut stream = tcp(&server);
    stream.write_all(publish("").as_bytes()).unwrap();
    server.until(|view| view.api_requests == 3).wait(PATIENCE).unwrap();
    server.stop();
    let mut bytes = Vec::new();
    // Whether it ends in order or by a reset, nothing was said.
    let _ = stream.read_to_end(&mut bytes);
    assert!(bytes.is_empty());
}
