//! Headers that the command line gives, fixed or read from a file for each request.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use pushest_testkit::{AuthorizationEndpoint, Profile, Reply, Server};

use crate::endpoint::asking;
use crate::support::{Pushest, WAIT, pushest, to, words};

const SENTINEL: &str = "s3ntin3l";

/// A server whose door stays shut: it answers 503 to everybody, and keeps what they asked with.
fn shut() -> (Vec<String>, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (sender, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                request.push(byte[0]);
            }
            let _ = stream.write_all(b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n");
            if sender.send(String::from_utf8_lossy(&request).into_owned()).is_err() {
                return;
            }
        }
    });
    let options = ["--key", "k", "--host", "127.0.0.1", "--port", &port];
    (options.map(str::to_owned).to_vec(), requests)
}

#[test]
fn a_header_of_the_connection_is_sent_and_its_file_read_for_each_dial() {
    let (options, requests) = shut();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "first-s3ntin3l\n").unwrap();
    let token = format!("X-Token:@{}", file.path().display());
    let arguments = ["listen", "news", "--header", "Origin: https://a.example", "--header", &token];
    let mut listener = Pushest::start(&words(&arguments, &options));
    let request = requests.recv_timeout(WAIT).unwrap();
    assert!(request.contains("\r\nOrigin: https://a.example\r\n"), "{request}");
    assert!(request.contains("\r\nX-Token: first-s3ntin3l\r\n"), "{request}");
    listener.stderr.until("503");
    fs::write(file.path(), "second-s3ntin3l").unwrap();
    // One dial may have read it before it changed.
    let second = |request: &String| request.contains("\r\nX-Token: second-s3ntin3l\r\n");
    assert!(requests.iter().take(3).any(|request| second(&request)));
    // A file that cannot be read any more costs the attempt, and not the command.
    let moved = file.path().with_extension("moved");
    fs::rename(file.path(), &moved).unwrap();
    let line = listener.stderr.until("headers could not be provided");
    assert!(line.contains("X-Token") && !line.contains(SENTINEL), "{line}");
    fs::rename(&moved, file.path()).unwrap();
    while requests.try_recv().is_ok() {}
    assert!(second(&requests.recv_timeout(WAIT).unwrap()));
    #[cfg(unix)]
    listener.signal("TERM");
    #[cfg(unix)]
    assert!(!listener.end().stderr.contains(SENTINEL));
}

#[test]
fn a_server_that_asks_for_an_origin_gets_it() {
    let server = Server::builder().profile(Profile::Reverb).config(|config| {
        config.allowed_origins = vec!["a.example".to_owned()];
    });
    let server = server.start().unwrap();
    let arguments = ["members", "presence-room", "--user-id", "7"];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("Origin not allowed"), "{ended:?}");
    let origin = ["--header", "Origin:https://a.example"];
    let ended = pushest(&words(&[&arguments[..], &origin].concat(), &to(&server)));
    assert_eq!((ended.status, &*ended.stdout), (Some(0), &["7  (this command)".to_owned()][..]));
}

#[test]
fn a_header_for_the_endpoint_is_read_from_its_file_for_each_request() {
    let server = Server::start().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "Bearer first-s3ntin3l\n").unwrap();
    let path = file.path().to_owned();
    let gone = path.with_extension("gone");
    // The first request finds the old token, the next one none at all, the third one the new one.
    let endpoint = AuthorizationEndpoint::start_with(server.app(), {
        let (path, gone) = (path.clone(), gone.clone());
        move |request| {
            let token = request.header("Authorization");
            if token == Some("Bearer first-s3ntin3l") {
                fs::rename(&path, &gone).unwrap();
                return Reply::new(503, "the token first-s3ntin3l is too old");
            }
            assert_eq!(token, Some("Bearer second-s3ntin3l"));
            request.grant("7")
        }
    });
    let endpoint = endpoint.unwrap();
    let token = format!("Authorization:@{}", path.display());
    let arguments = ["listen", "private-chat", "--count", "1", "--auth-header", &token];
    let mut listener = Pushest::start(&words(&arguments, &asking(&endpoint, &server)));
    let line = listener.stderr.until("cannot be used");
    assert!(line.contains("--auth-header \"Authorization\""), "{line}");
    assert!(line.contains("again in"), "{line}");
    fs::write(&gone, "Bearer second-s3ntin3l").unwrap();
    fs::rename(&gone, &path).unwrap();
    server.wait_for_subscribers("private-chat", 1, WAIT).unwrap();
    server.publish("private-chat", "x", "1");
    let ended = listener.end();
    assert_eq!((ended.status, &*ended.stdout[0]), (Some(0), "private-chat  x  1"));
    for shown in [SENTINEL, &path.display().to_string()] {
        assert!(!ended.stderr.contains(shown), "{shown} in {}", ended.stderr);
    }
}

#[test]
fn what_is_no_header_or_no_file_is_refused_and_no_value_shown() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = |header: &str, path: &std::path::Path| format!("{header}:@{}", path.display());
    let from_file = path("X-Token", file.path());
    let refused = |option: &str, header: &str, text: &str| {
        let mut arguments = vec!["listen", "news", "--key", "k", "--host", "127.0.0.1"];
        if option == "--auth-header" {
            arguments.extend(["--auth-endpoint", "http://127.0.0.1/auth"]);
        }
        let ended = pushest(&[&arguments[..], &[option, header]].concat());
        assert_eq!(ended.status, Some(2), "{option} {header}: {ended:?}");
        assert!(ended.stderr.contains(text), "{option} {header}: {ended:?}");
        assert!(!ended.stderr.contains(SENTINEL), "{ended:?}");
    };
    for option in ["--header", "--auth-header"] {
        let refused = |header: &str, text: &str| refused(option, header, text);
        refused(SENTINEL, "no colon");
        refused(&format!("Authorization Bearer {SENTINEL}:x"), "is not the name of a header");
        refused(&format!("X: a\n{SENTINEL}"), &format!("the value of {option} \"X\""));
        refused(&format!("X:@{SENTINEL}"), "No such file");
        refused("X:@", "No such file");
        refused(&path("X", directory.path()), "directory");
        for wrong in ["", "\n", "s3ntin3l\n\n", "s3ntin3l\r\nX: y", "s3ntin3l\t", "s3ntin3l\u{e9}"]
        {
            fs::write(file.path(), wrong).unwrap();
            refused(&from_file, &format!("the value of {option} \"X-Token\" cannot be used"));
        }
        fs::write(file.path(), SENTINEL.repeat(10_000)).unwrap();
        refused(&from_file, "more than 64 KiB");
    }
    fs::write(file.path(), "x").unwrap();
    for own in ["Host", "Sec-WebSocket-Key", "connection"] {
        refused("--header", &format!("{own}: {SENTINEL}"), "belongs to the WebSocket upgrade");
        refused("--header", &path(own, file.path()), "belongs to the WebSocket upgrade");
    }
}

#[test]
fn a_header_goes_with_each_request_of_the_http_api_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "s3ntin3l\n").unwrap();
    let token = format!("X-Token:@{}", file.path().display());
    let more = ["--app-id", "1", "--secret", "s", "--header", "X-Gateway: yes", "--header", &token];
    for command in [
        &["publish", "news", "x", "1"][..],
        &["channels"],
        &["channel", "news"],
        &["users", "presence-a"],
        &["terminate", "7"],
    ] {
        let (options, requests) = shut();
        let ended = pushest(&words(&[command, &more, &["--timeout", "1"]].concat(), &options));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(!ended.stderr.contains(SENTINEL), "{ended:?}");
        let request = requests.recv_timeout(WAIT).unwrap().to_ascii_lowercase();
        assert!(request.contains("\r\nx-gateway: yes\r\n"), "{request}");
        assert!(request.contains("\r\nx-token: s3ntin3l\r\n"), "{request}");
    }
}
