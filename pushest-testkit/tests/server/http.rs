use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use pushest_testkit::Server;
use sha2::Sha256;

use crate::client::{Client, tcp};

const EVENT: &str = r#"{"name":"x","channel":"news","data":"{\"a\":1}"}"#;

/// A signed request to publish [`EVENT`].
fn publish(more_headers: &str) -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let digest = hex::encode(Md5::digest(EVENT));
    let query =
        format!("auth_key=app-key&auth_timestamp={seconds}&auth_version=1.0&body_md5={digest}");
    let path = "/apps/1/events";
    let mut mac = Hmac::<Sha256>::new_from_slice(b"app-secret").unwrap();
    mac.update(format!("POST\n{path}\n{query}").as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    format!(
        "POST {path}?{query}&auth_signature={signature} HTTP/1.1\r\nHost: x\r\n\
         Content-Length: {}\r\n{more_headers}\r\n{EVENT}",
        EVENT.len()
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
