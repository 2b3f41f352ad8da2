//! What `pushest publish` says where not all is published.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use pushest_testkit::Server;
use serde_json::{Value, json};

use crate::publishing::api;
use crate::support::{Ended, piped, pushest, words};

/// The line that says for programs why not all was published.
fn failed(ended: &Ended) -> Value {
    let [line] = &ended.stdout[..] else { panic!("{ended:?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["type"], "failed", "{ended:?}");
    line
}

#[test]
fn programs_are_told_what_was_published_and_what_may_have_arrived() {
    let server = Server::start().unwrap();
    let publish = ["publish", "news", "x", "1", "--json", "--count", "3"];
    let mut options = api(&server);
    let place = options.iter().position(|word| word == "--secret").unwrap();
    options[place + 1] = "hush-hush".to_owned();
    let ended = pushest(&words(&publish, &options));
    let line = failed(&ended);
    assert_eq!((&line["published"], &line["status"]), (&json!(0), &json!(401)), "{line}");
    assert_eq!(line["may_have_arrived"], false);
    assert!(ended.stderr.contains(line["reason"].as_str().unwrap()), "{ended:?}");

    // A server that takes the first two, and ends the connection over the third.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for _ in 0..2 {
            read_request(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        }
        read_request(&mut stream);
    });
    let app = ["--app-id", "1", "--key", "k", "--secret", "s", "--host", "127.0.0.1", "--port"];
    let ended = pushest(&[&publish[..], &app, &[&port]].concat());
    server.join().unwrap();
    let line = failed(&ended);
    assert_eq!((&line["published"], &line["status"]), (&json!(2), &Value::Null), "{line}");
    assert_eq!(line["may_have_arrived"], true);
    assert_eq!(ended.status, Some(1));
}

/// Reads a request whose body ends with `}`.
fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !(request.ends_with(b"}") && request.windows(4).any(|it| it == b"\r\n\r\n")) {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the request is cut");
        request.extend_from_slice(&chunk[..count]);
    }
}

#[cfg(unix)]
#[test]
fn a_command_that_is_told_to_end_says_what_was_published_and_what_may_have_been() {
    for is_batch in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let app = ["--app-id", "1", "--key", "k", "--secret", "s", "--host", "127.0.0.1", "--port"];
        let what = match is_batch {
            false => &["publish", "news", "x", "1", "--count", "9", "--json"][..],
            true => &["publish", "--batch", "--rate", "1000", "--json"],
        };
        let words = [what, &app, &[&port]].concat();
        let mut input = None;
        let child = if is_batch {
            let mut child = piped(&words);
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(b"{\"channel\":\"news\",\"name\":\"x\",\"data\":1}\n").unwrap();
            input = Some(stdin);
            child
        } else {
            piped(&words)
        };
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        let expected = if let Some(input) = &mut input {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
            let two = b"{\"channel\":\"news\",\"name\":\"x\",\"data\":1}\n".repeat(2);
            input.write_all(&two).unwrap();
            read_request(&mut stream);
            1
        } else {
            0
        };
        let killed = std::process::Command::new("kill")
            .args(["-s", "INT", &child.id().to_string()])
            .status();
        assert!(killed.unwrap().success());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let stdout = text(output.stdout).lines().map(str::to_owned).collect();
        let ended = Ended { status: output.status.code(), stdout, stderr: text(output.stderr) };
        assert_eq!(ended.status, Some(130), "{ended:?}");
        let said = format!("ended after {expected} published events; ");
        assert!(ended.stderr.contains(&said), "{ended:?}");
        assert!(ended.stderr.contains("more may have arrived"), "{ended:?}");
        let line = failed(&ended);
        assert_eq!(line["published"], expected, "{line}");
        assert_eq!(line["may_have_arrived"], true, "{line}");
        drop(input);
    }
}
