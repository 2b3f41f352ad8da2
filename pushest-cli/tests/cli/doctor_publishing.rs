//! The last steps of `doctor`: an event that it publishes and receives, and which half fails.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use pushest_testkit::{MasterKey, Server, UpgradeFault};
use serde_json::Value;

use crate::doctor::{examine, with, with_app_id};
use crate::support::to;

/// The last two steps, by their results and texts.
fn halves(arguments: &[&str], options: &[String]) -> [Value; 2] {
    let (_, lines, _) = examine(arguments, options);
    let last: Vec<Value> = lines.into_iter().rev().take(2).collect();
    let [receive, publish] = last.try_into().unwrap();
    assert_eq!([&publish["step"], &receive["step"]], ["publish", "receive"]);
    [publish, receive]
}

#[test]
fn with_the_apps_id_an_event_is_published_and_received() {
    let key = MasterKey::random();
    let server = Server::builder().master_key(key.clone()).start().unwrap();
    let options = with_app_id(&server);
    for channel in [None, Some("cache-x"), Some("private-x"), Some("presence-x")] {
        let arguments: Vec<&str> = channel.into_iter().collect();
        let [publish, receive] = halves(&arguments, &options);
        assert_eq!([&publish["result"], &receive["result"]], ["ok", "ok"], "{publish} {receive}");
        let text = publish["text"].as_str().unwrap();
        assert!(text.contains("for the app 1"), "{text}");
    }
    let encrypted = ["private-encrypted-x", "--master-key", &key.to_base64()];
    let [publish, receive] = halves(&encrypted, &options);
    assert_eq!([&publish["result"], &receive["result"]], ["ok", "ok"], "{publish} {receive}");
    let [publish, _] = halves(&[], &to(&server));
    assert_eq!(publish["result"], "skipped");
    assert!(publish["text"].as_str().unwrap().contains("--app-id"), "{publish}");
    let (_, _, ended) = examine(&[], &to(&server));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let note = "the publishing half was not tried: give --app-id";
    assert!(ended.stderr.contains(note), "{ended:?}");
}

#[test]
fn the_half_that_fails_is_named() {
    let server = Server::start().unwrap();
    let mut options = with_app_id(&server);
    *options.last_mut().unwrap() = "77".to_owned();
    let [publish, receive] = halves(&[], &options);
    assert_eq!([&publish["result"], &receive["result"]], ["failed", "skipped"]);
    assert!(publish["text"].as_str().unwrap().contains("No app with id 77"), "{publish}");
    assert!(publish["hint"].as_str().unwrap().contains("--app-id"), "{publish}");

    // What is accepted and goes nowhere: here an app of its own behind the same port.
    let other = Server::start().unwrap();
    let relay = Relay::start(server.addr(), other.addr());
    let options = with(&server, "--port", &relay.port.to_string());
    let options = [options, vec!["--app-id=1".to_owned()]].concat();
    let [publish, receive] = halves(&["--timeout", "1"], &options);
    assert_eq!([&publish["result"], &receive["result"]], ["ok", "failed"], "{publish} {receive}");
    let (_, _, ended) = examine(&["--timeout", "1"], &options);
    assert!(ended.stderr.contains("error: publishing does not work"), "{ended:?}");
    let hint = receive["hint"].as_str().unwrap();
    assert!(hint.contains("the publishing half fails"), "{hint}");

    // And the other half: the API works, and the WebSocket does not.
    server.fault_upgrades(usize::MAX, UpgradeFault::status(503, &[]));
    let [publish, receive] = halves(&["--timeout", "1"], &with_app_id(&server));
    assert_eq!([&publish["result"], &receive["result"]], ["ok", "skipped"], "{publish} {receive}");
}

#[test]
fn the_hint_is_for_what_an_answer_means_and_what_may_have_arrived_is_not_denied() {
    let server = Server::start().unwrap();
    for (status, body, hint, skipped) in [
        (200, r#"{"error":"No such app","code":401}"#, "--secret", "nothing was published"),
        (200, r#"{"error":"No such app","code":404}"#, "--path", "nothing was published"),
        (403, "over the quota", "quota", "nothing was published"),
        (500, "oh", "", "whether it was published is not known"),
        (200, "<html>a page</html>", "", "whether it was published is not known"),
    ] {
        let relay = Relay::start(server.addr(), answering(status, body));
        let options = with(&server, "--port", &relay.port.to_string());
        let options = [options, vec!["--app-id=1".to_owned()]].concat();
        let [publish, receive] = halves(&["--timeout", "5"], &options);
        assert_eq!([&publish["result"], &receive["result"]], ["failed", "skipped"], "{body}");
        let told = publish["hint"].as_str().unwrap_or_default();
        assert!(told.contains(hint) && (told.is_empty() == hint.is_empty()), "{body}: {publish}");
        let text = publish["text"].as_str().unwrap();
        assert!(text.contains(&format!("the server answered {status}")), "{body}: {publish}");
        assert_eq!(receive["text"], skipped, "{body}");
    }
}

/// Beside `--url` the options for its parts are bad input: what is wrong with it stands in the URL.
#[test]
fn the_hints_for_publishing_name_the_url_where_it_was_given() {
    let server = Server::start().unwrap();
    for (code, hint) in [(401, "compare those of --url"), (404, "the URL's id")] {
        let body = format!(r#"{{"error":"No such app","code":{code}}}"#);
        let relay = Relay::start(server.addr(), answering(200, body.leak()));
        let url = format!("http://app-key:app-secret@127.0.0.1:{}/apps/1", relay.port);
        let [publish, _] = halves(&["--timeout", "5"], &["--url".to_owned(), url]);
        assert_eq!(publish["result"], "failed", "{publish}");
        let told = publish["hint"].as_str().unwrap();
        assert!(told.contains(hint) && !told.contains("--app-id"), "{publish}");
        assert!(!told.contains("--path") && !told.contains("--secret"), "{publish}");
    }
}

/// A server that answers each request so. It ends with the process.
fn answering(status: u16, body: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The head and the body come at once, or nearly.
            let mut request = [0; 8192];
            let _ = stream.read(&mut request);
            let length = body.len();
            let head = format!("HTTP/1.1 {status} Told\r\nContent-Length: {length}\r\n\r\n");
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
            // It is closed by the client.
            let _ = io::copy(&mut stream, &mut io::sink());
        }
    });
    address
}

/// One port for two servers: WebSockets go to the first, and everything else to the second. It ends
/// with the process.
struct Relay {
    port: u16,
}

impl Relay {
    fn start(sockets: SocketAddr, api: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    let mut begin = [0; 4096];
                    let count = stream.read(&mut begin).unwrap();
                    let is_socket = begin[..count].starts_with(b"GET /app/");
                    let mut server =
                        TcpStream::connect(if is_socket { sockets } else { api }).unwrap();
                    server.write_all(&begin[..count]).unwrap();
                    let (mut from, mut to) =
                        (server.try_clone().unwrap(), stream.try_clone().unwrap());
                    // Either end may go away first.
                    thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                    let _ = io::copy(&mut stream, &mut server);
                    let _ = server.shutdown(Shutdown::Both);
                });
            }
        });
        Self { port }
    }
}
