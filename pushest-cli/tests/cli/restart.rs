//! The server goes away under a listener, and comes back.

use pushest_testkit::Server;

use crate::support::{Pushest, WAIT, listener, pushest, words};

#[test]
fn a_listener_survives_a_server_that_is_started_again() {
    let server = Server::start().unwrap();
    let port = server.port();
    let mut listener = listener(&server, "news", &["--json", "--count", "2"]);
    server.publish("news", "headline", "before");
    assert_eq!(listener.stdout.json()["data"], "before");

    drop(server);
    listener.stderr.until("waiting: ");
    let server = Server::builder().port(port).start().unwrap();
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    server.publish("news", "headline", "after");
    let gap = listener.stdout.json();
    assert_eq!((&gap["type"], &gap["channel"]), (&"gap".into(), &"news".into()));
    assert!(gap["silent_ms"].is_u64() && gap["cause"].is_string(), "{gap}");
    assert_eq!(listener.stdout.json()["data"], "after");
    assert_eq!(listener.end().status, Some(0));
}

#[test]
fn a_listener_survives_the_killing_of_pushest_serve() {
    let mut server = Pushest::start(&["serve", "--port", "0", "--json"]);
    let port = server.stdout.json()["port"].to_string();
    let options: Vec<String> =
        ["--host", "127.0.0.1", "--port", &port, "--key", "app-key", "--secret", "app-secret"]
            .map(str::to_owned)
            .into();
    let listen = ["listen", "private-chat", "presence-room", "--user-id", "ada"];
    let mut listener = Pushest::start(&words(&listen, &options));
    let trigger = |text: &str| {
        let ended = pushest(&words(&["trigger", "private-chat", "client-x", text], &options));
        assert_eq!(ended.status, Some(0), "{ended:?}");
    };
    listener.stderr.until("subscribed to private-chat");
    trigger("1");
    listener.stdout.until("private-chat  client-x  1");

    server.kill();
    listener.stderr.until("waiting: ");
    let mut server = Pushest::start(&["serve", "--port", &port]);
    assert!(server.stdout.next().contains(&format!("listening on 127.0.0.1:{port}")));
    listener.stdout.until("private-chat  gap  ");
    trigger("2");
    listener.stdout.until("private-chat  client-x  2");
}

#[test]
fn the_example_that_serve_prints_is_right() {
    let mut server = Pushest::start(&["serve", "--port", "0"]);
    server.stdout.until("listening on");
    let listen = server.stdout.until("pushest listen");
    let listen: Vec<&str> = listen.split_whitespace().skip(1).collect();
    let mut listener = Pushest::start(&[&listen[..], &["--count", "1"]].concat());
    listener.stderr.until("subscribed to private-chat");
    let trigger = server.stdout.until("pushest trigger");
    let trigger: Vec<&str> =
        trigger.split_whitespace().skip(1).map(|word| word.trim_matches('\'')).collect();
    assert_eq!(pushest(&trigger).status, Some(0), "{trigger:?}");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0));
    assert_eq!(ended.stdout, [r#"private-chat  client-hello  {"text":"hello"}"#]);
}

#[cfg(unix)]
#[test]
fn serve_ends_well_when_it_is_asked_to_and_keeps_another_secret_to_itself() {
    let mut server = Pushest::start(&["serve", "--port", "0", "--secret", "hush"]);
    server.stdout.until("pushest trigger");
    server.signal("TERM");
    let ended = server.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(!ended.stdout.concat().contains("hush"), "{ended:?}");
}
