//! An application's endpoint for authorizations in place of a secret.

use pushest_testkit::{AuthorizationEndpoint, Reply, Server};
use serde_json::Value;

use crate::support::{Pushest, WAIT, pushest, words};

/// An endpoint that signs for a server's app, until it is told otherwise.
pub(crate) fn endpoint(server: &Server) -> AuthorizationEndpoint {
    AuthorizationEndpoint::start(server.app()).unwrap()
}

/// The options that lead to a server by way of an endpoint.
pub(crate) fn asking(endpoint: &AuthorizationEndpoint, server: &Server) -> Vec<String> {
    let (host, port) = (server.addr().ip().to_string(), server.port().to_string());
    let options = [
        ("--host", host),
        ("--port", port),
        ("--key", server.app().key.clone()),
        ("--auth-endpoint", endpoint.url("/auth")),
    ];
    options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
}

#[test]
fn it_signs_a_private_channel_and_gets_the_headers() {
    let server = Server::start().unwrap();
    let endpoint = endpoint(&server);
    let options = asking(&endpoint, &server);
    let headers = ["--auth-header", "X-CSRF: hush", "--auth-header", "Authorization:Bearer hush"];
    let arguments = [&["listen", "private-chat", "--count", "1", "-vv"], &headers[..]].concat();
    let listener = Pushest::start(&words(&arguments, &options));
    server.wait_for_subscribers("private-chat", 1, WAIT).unwrap();
    server.publish("private-chat", "headline", "rain");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, ["private-chat  headline  rain"]);
    assert!(!ended.stderr.contains("hush"), "{ended:?}");
    let request = &endpoint.requests()[0];
    assert_eq!(request.channel(), Some("private-chat"));
    assert_eq!(request.header("x-csrf"), Some("hush"));
    assert_eq!(request.header("authorization"), Some("Bearer hush"));
}

#[test]
fn it_gives_the_key_of_an_encrypted_channel() {
    const DIARY: &str = "private-encrypted-diary";
    let server = Server::start().unwrap();
    let endpoint = endpoint(&server);
    endpoint.respond_with(|request| Reply::new(201, request.grant("7").body()));
    let options = asking(&endpoint, &server);
    let listener = Pushest::start(&words(&["listen", DIARY, "--count", "1"], &options));
    server.wait_for_subscribers(DIARY, 1, WAIT).unwrap();
    server.publish_encrypted(DIARY, "entry", "dear diary");
    let ended = listener.end();
    assert_eq!(ended.stdout, ["private-encrypted-diary  entry  dear diary  decrypted"]);
    // An answer without it is none.
    endpoint.respond_with(|request| {
        let mut answer: Value = serde_json::from_slice(request.grant("7").body()).unwrap();
        answer.as_object_mut().unwrap().remove("shared_secret").unwrap();
        Reply::new(200, answer.to_string())
    });
    let ended = pushest(&words(&["listen", DIARY], &options));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("shared_secret"), "{ended:?}");
}

#[test]
fn it_says_who_is_present() {
    let server = Server::start().unwrap();
    let endpoint = endpoint(&server);
    endpoint.grant("ada");
    let ended = pushest(&words(&["members", "presence-room"], &asking(&endpoint, &server)));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, ["ada  (this command)"]);
}

#[test]
fn it_says_who_signs_in() {
    let server = Server::start().unwrap();
    let endpoint = endpoint(&server);
    endpoint.grant("ada");
    let arguments = ["listen", "--sign-in", "null", "--count", "1"];
    let mut listener = Pushest::start(&words(&arguments, &asking(&endpoint, &server)));
    assert_eq!(listener.stdout.next(), "signed in as ada");
    listener.stderr.until("subscribed to #server-to-user-ada");
    server.publish_to_user("ada", "message", "hello");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout[1], "#server-to-user-ada  message  hello");
}

#[test]
fn sign_ins_may_have_an_endpoint_of_their_own() {
    let server = Server::start().unwrap();
    let endpoint = endpoint(&server);
    endpoint.grant("ada");
    let url = endpoint.url("/user-auth");
    let arguments = ["listen", "private-chat", "--sign-in", "null", "--count", "1"];
    let arguments = [&arguments[..], &["--user-auth-endpoint", &url]].concat();
    let mut listener = Pushest::start(&words(&arguments, &asking(&endpoint, &server)));
    listener.stderr.until("subscribed to #server-to-user-ada");
    server.wait_for_subscribers("private-chat", 1, WAIT).unwrap();
    server.publish_to_user("ada", "message", "hello");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let requests = endpoint.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        let path = if request.channel().is_some() { "/auth" } else { "/user-auth" };
        assert_eq!((request.method(), request.target()), ("POST", path));
    }
}

#[test]
fn its_refusal_ends_every_command_and_is_told_in_its_words() {
    let server = Server::start().unwrap();
    let endpoint = endpoint(&server);
    endpoint.refuse(403, "members only");
    let commands: [&[&str]; 4] = [
        &["listen", "private-chat"],
        &["listen", "--sign-in", "null"],
        &["trigger", "private-chat", "client-x", "1"],
        &["members", "presence-room"],
    ];
    for command in commands {
        let ended = pushest(&words(command, &asking(&endpoint, &server)));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("HTTP status 403: members only"), "{ended:?}");
    }
}

#[test]
fn the_doctor_tells_it_from_the_server() {
    let server = Server::start().unwrap();
    let endpoint = endpoint(&server);
    let doctor = || {
        let ended = pushest(&words(&["doctor", "--json"], &asking(&endpoint, &server)));
        let lines = ended.stdout.iter().map(|line| serde_json::from_str(line).unwrap());
        (ended.status, lines.collect::<Vec<Value>>())
    };
    let result = |lines: &[Value], step: &str| {
        lines.iter().find(|line| line["step"] == step).unwrap()["result"].clone()
    };
    let (status, lines) = doctor();
    assert_eq!(status, Some(0), "{lines:#?}");
    for step in ["sign", "private", "presence", "trigger"] {
        assert_eq!(result(&lines, step), "ok", "{step}");
    }
    endpoint.refuse(403, "members only");
    let (status, lines) = doctor();
    assert_eq!(status, Some(1), "{lines:#?}");
    assert_eq!((result(&lines, "public"), result(&lines, "sign")), ("ok".into(), "failed".into()));
    assert_eq!(result(&lines, "private"), "skipped");
    let sign = lines.iter().find(|line| line["step"] == "sign").unwrap();
    assert!(sign["text"].as_str().unwrap().contains("members only"), "{sign}");
    assert!(sign["hint"].as_str().unwrap().contains("doctor CHANNEL"), "{sign}");
    for (status, hint) in [
        (419, "CSRF"),
        (500, "log"),
        (502, "log"),
        (302, "--auth-header"),
        (404, "--auth-endpoint"),
    ] {
        endpoint.refuse(status, "Page Expired");
        let (_, lines) = doctor();
        let sign = lines.iter().find(|line| line["step"] == "sign").unwrap();
        assert_eq!(sign["result"], "failed", "{status}: {sign}");
        assert!(sign["text"].as_str().unwrap().contains(&status.to_string()), "{sign}");
        assert!(sign["hint"].as_str().unwrap().contains(hint), "{status}: {sign}");
    }
}
