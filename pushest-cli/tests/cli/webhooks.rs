//! What a server tells the backend, printed (docs/protocol.md#webhooks).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use pushest_testkit::{Server, WebhookTarget};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::http::{Answer, Endpoint};
use crate::support::{Pushest, listener, pushest, to, words};

const APP: [&str; 4] = ["--key", "app-key", "--secret", "app-secret"];

fn start(options: &[&str]) -> Endpoint {
    Endpoint::start(&[&["webhooks"], options, &APP].concat())
}

fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    format!("X-Pusher-Key: app-key\r\nX-Pusher-Signature: {signature}\r\n")
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn body(events: &Value) -> String {
    json!({"time_ms": now(), "events": events}).to_string()
}

fn post(endpoint: &Endpoint, body: &str) -> Answer {
    endpoint.ask("POST", "/webhooks", &signed("app-secret", body), body)
}

#[test]
fn what_happens_at_the_server_is_a_line_each() {
    let server = Server::start().unwrap();
    let mut endpoint = start(&[]);
    server.webhooks(endpoint.url("/any/path")).unwrap();
    let listener = listener(&server, "presence-room", &["--user-id", "7"]);
    let mut line = || {
        let mut line = endpoint.program.stdout.json_of("webhook");
        let event = line.as_object_mut().unwrap();
        assert!(event.remove("time_ms").unwrap().as_u64().unwrap() > 1_700_000_000_000);
        event.retain(|name, value| !value.is_null() && name != "time" && name != "type");
        line
    };
    let occupied = json!({"name": "channel_occupied", "channel": "presence-room", "again": false});
    assert_eq!(line(), occupied);
    let added = json!({"name": "member_added", "channel": "presence-room", "user_id": "7",
                       "again": false});
    assert_eq!(line(), added);
    let event = ["trigger", "presence-room", "client-x", r#"{"a":[1]}"#, "--user-id", "8"];
    let ended = pushest(&words(&event, &to(&server)));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(line()["user_id"], "8");
    let mut told = line();
    assert!(told["socket_id"].as_str().unwrap().contains('.'));
    told.as_object_mut().unwrap().remove("socket_id");
    let expected = json!({"name": "client_event", "channel": "presence-room", "user_id": "8",
                          "event": "client-x", "data": {"a": [1]}, "again": false});
    assert_eq!(told, expected);
    assert_eq!(line()["name"], "member_removed");
    listener.kill();
    assert_eq!(line()["name"], "member_removed");
    assert_eq!(line()["name"], "channel_vacated");
}

#[test]
fn one_that_comes_again_is_marked() {
    let server = Server::start().unwrap();
    let mut endpoint = start(&[]);
    server.webhooks(WebhookTarget::new(endpoint.url("/")).twice(true)).unwrap();
    let _listener = listener(&server, "news", &[]);
    for again in [false, true] {
        let line = endpoint.program.stdout.json_of("webhook");
        assert_eq!((&line["name"], &line["again"]), (&json!("channel_occupied"), &json!(again)));
    }
}

/// What was printed in part counts as new: its sender was not told that it was taken.
#[cfg(unix)]
#[test]
fn one_whose_sender_gave_up_while_the_output_was_not_read_is_no_repetition() {
    const EVENTS: usize = 15_000;
    let (reader, writer) = std::io::pipe().unwrap();
    let words = [&["webhooks", "--port", "0", "--json"], &APP[..]].concat();
    let program = Pushest::start_into(&words, std::os::fd::OwnedFd::from(writer).into(), None);
    let mut lines = BufReader::new(reader).lines().map(|line| line.unwrap());
    let mut line = || loop {
        let line: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
        // An equal one may be put off for a moment.
        if line["type"] != "request" {
            return line;
        }
    };
    let port = line()["port"].as_u64().unwrap().try_into().unwrap();
    let endpoint = Endpoint { program, port };
    let event = json!({"name": "channel_occupied", "channel": "a"});
    let body = body(&Value::Array(vec![event; EVENTS]));

    let mut sender = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (length, signed) = (body.len(), signed("app-secret", &body));
    let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\n{signed}");
    sender.write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    assert_eq!(line()["again"], false);
    // More than a pipe and a queue hold is yet to be printed. The server has noticed that its sender is
    // gone when it closes the connection.
    sender.shutdown(Shutdown::Write).unwrap();
    let _ = sender.read_to_end(&mut Vec::new());
    std::thread::scope(|scope| {
        let posting = scope.spawn(move || {
            for _ in 0..2 {
                while post(&endpoint, &body).status == 503 {}
            }
            endpoint
        });
        let mut new = 1;
        while line()["again"] == false {
            new += 1;
        }
        assert!(new > EVENTS, "{new}");
        for _ in 1..EVENTS {
            assert_eq!(line()["again"], true);
        }
        // What it has not printed would be lost with it.
        posting.join().unwrap().program.kill();
    });
}

/// Those that come at the same time are told apart before the first of them is printed.
#[cfg(unix)]
#[test]
fn one_that_comes_while_an_equal_one_is_printed_is_put_off() {
    const EVENTS: usize = 15_000;
    let (reader, writer) = std::io::pipe().unwrap();
    let words = [&["webhooks", "--port", "0", "--json"], &APP[..]].concat();
    let program = Pushest::start_into(&words, std::os::fd::OwnedFd::from(writer).into(), None);
    let mut lines = BufReader::new(reader).lines().map(|line| line.unwrap());
    let mut line = || serde_json::from_str::<Value>(&lines.next().unwrap()).unwrap();
    let port: u16 = line()["port"].as_u64().unwrap().try_into().unwrap();
    let event = json!({"name": "channel_occupied", "channel": "a"});
    let body = body(&Value::Array(vec![event; EVENTS]));
    let (length, signed) = (body.len(), signed("app-secret", &body));
    let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{signed}");
    let request = format!("{head}Content-Length: {length}\r\n\r\n{body}");
    let post = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(post);
        assert_eq!(line()["again"], false);
        // Of the first, more than a pipe and a queue hold is yet to be printed.
        let others: Vec<_> = (0..4).map(|_| scope.spawn(post)).collect();
        for other in others {
            let answer = other.join().unwrap();
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            assert!(answer.contains("an equal webhook is being printed"), "{answer}");
        }
        let (mut new, mut put_off) = (1, 0);
        while new < EVENTS || put_off < 4 {
            match &line() {
                line if line["type"] == "webhook" => {
                    assert_eq!(line["again"], false);
                    new += 1;
                }
                line => {
                    assert_eq!(line["status"], 503, "{line}");
                    put_off += 1;
                }
            }
        }
        assert!(first.join().unwrap().starts_with("HTTP/1.1 200 "));
        let again = scope.spawn(post);
        for _ in 0..EVENTS {
            assert_eq!(line()["again"], true);
        }
        assert!(again.join().unwrap().starts_with("HTTP/1.1 200 "));
    });
    program.kill();
}

#[test]
fn a_server_says_what_became_of_its_webhooks() {
    let taken = start(&[]);
    let (good, bad) = (taken.url("/"), "http://127.0.0.1:1/");
    let with_token = format!("{good}?token=hush");
    let serve = ["serve", "--port", "0", "-v", "--json", "--webhooks", &with_token];
    let serve = [&serve[..], &["--webhooks", bad]].concat();
    let mut server = Pushest::start(&serve);
    let port = server.stdout.json_of("listening")["port"].to_string();
    let listen = ["listen", "news", "--key", "app-key", "--host", "127.0.0.1", "--port", &port];
    let _listener = Pushest::start(&listen);
    let mut told = [server.stdout.json_of("webhook_sent"), server.stdout.json_of("webhook_sent")];
    told.sort_by_key(|line| line["status"].is_null());
    let [taken, lost] = told;
    assert_eq!((&taken["url"], &taken["status"]), (&json!(good), &json!(200)));
    assert_eq!((&lost["url"], &lost["attempt"]), (&json!(bad), &json!(1)));
    assert!(!lost["reason"].as_str().unwrap().is_empty(), "{lost}");
}

#[test]
fn people_read_what_happens_and_nothing_commands_their_terminal() {
    let mut program =
        Pushest::start(&[&["webhooks", "--port", "0", "--count", "2"], &APP[..]].concat());
    let first = program.stdout.next();
    let port =
        first.split_once("127.0.0.1:").unwrap().1.split_once(' ').unwrap().0.parse().unwrap();
    let endpoint = Endpoint { program, port };
    let body = body(&json!([
        {"name": "client_event", "channel": "private-a", "event": "client-x\u{1b}[2J",
         "data": "\u{1b}]0;title\u{7}", "socket_id": "1.2"},
        {"name": "from_the_future", "x": "\u{202e}"},
    ]));
    assert_eq!(post(&endpoint, &body).status, 200);
    let ended = endpoint.program.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let [_, event, other] = &ended.stdout[1..] else { panic!("{ended:?}") };
    let expected = r"private-a  client_event  client-x\u{1b}[2J  \u{1b}]0;title\u{7}  from 1.2";
    assert_eq!(event, expected);
    assert!(other.starts_with("from_the_future  {"), "{other}");
    assert!(other.contains(r"\u{202e}"), "{other}");
}

#[test]
fn what_is_not_signed_too_old_too_large_or_from_a_page_is_not_printed() {
    let mut endpoint = start(&["--largest-age", "60"]);
    let good = body(&json!([{"name": "channel_occupied", "channel": "news"}]));
    let old = json!({"time_ms": now() - 61_000, "events": []}).to_string();
    let future = json!({"time_ms": now() + 120_000, "events": []}).to_string();
    let large = format!("{good}{}", " ".repeat(1 << 20));
    let (right, page) = (signed("app-secret", &good), "Origin: https://evil.example\r\n");
    let other_key = right.replace("app-key", "other");
    for (headers, body, status, reason) in [
        (String::new(), &good, 401, "no header X-Pusher-Key"),
        (signed("guessed", &good), &good, 401, "signature does not fit"),
        (right.clone(), &good.replace("news", "olds"), 401, "signature does not fit"),
        (other_key, &good, 401, "none of those known"),
        (format!("{right}{right}"), &good, 400, "has the header X-Pusher-Key twice"),
        (format!("{right}X-Pusher-Signature: 00\r\n"), &good, 400, "X-Pusher-Signature twice"),
        (right.replace("app-key", "app-kéy"), &good, 400, "X-Pusher-Key is not made of visible"),
        (format!("{right}Host: localhost, evil.example\r\n"), &good, 403, "is not one host"),
        (right.replace("X-Pusher-Signature", "X-Other"), &good, 401, "header X-Pusher-Signature"),
        (right.replace("X-Pusher-Key", "X-Other"), &good, 401, "no header X-Pusher-Key"),
        (signed("app-secret", &old), &old, 401, "at most 60 s"),
        (signed("app-secret", &future), &future, 401, "s in the future, at most 60 s"),
        (signed("app-secret", "junk"), &"junk".to_owned(), 400, "is not a JSON object"),
        (signed("app-secret", ""), &String::new(), 400, "is not a JSON object"),
        (signed("app-secret", "[]"), &"[]".to_owned(), 400, "no list of `events`"),
        (signed("app-secret", &large), &large, 413, "1048576 bytes"),
        (format!("{right}{page}"), &good, 403, "evil.example"),
        (format!("{right}Host: evil.example\r\n"), &good, 403, "evil.example"),
    ] {
        let answer = endpoint.ask("POST", "/", &headers, body);
        assert_eq!(answer.status, status, "{reason}: {answer:?}");
        let line = endpoint.program.stdout.json_of("request");
        let told = line["reason"].as_str().unwrap();
        assert!(told.contains(reason), "{told}");
        assert!(!told.contains("app-secret") && !told.contains(&right[40..60]), "{told}");
    }
    assert_eq!(endpoint.ask("GET", "/", &right, "").status, 405);
    assert_eq!(post(&endpoint, &good).status, 200);
    // Nothing else was printed.
    let mut program = endpoint.program;
    assert_eq!(program.stdout.json_of("request")["status"], 405);
    assert_eq!(program.stdout.json_of("webhook")["channel"], "news");
    program.kill();
}

#[test]
fn bad_input_is_named_and_nothing_listens() {
    let cases: [(&[&str], &str); 4] = [
        (&["--largest-age", "0"], "--largest-age"),
        (&["--count", "0"], "--count"),
        (&["--allow-origin", "null"], "is no origin"),
        (&["--bind", "x"], "--bind"),
    ];
    for (arguments, text) in cases {
        let ended = pushest(&[&["webhooks", "--port", "0"], arguments, &APP[..]].concat());
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(text), "{arguments:?}: {ended:?}");
    }
    let ended = pushest(&["webhooks", "--key", "k"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--secret"), "{ended:?}");
    let server = pushest(&["serve", "--port", "0", "--webhooks", "https://127.0.0.1/"]);
    assert_eq!(server.status, Some(2), "{server:?}");
    assert!(server.stderr.contains("is no URL of webhooks"), "{server:?}");
}
