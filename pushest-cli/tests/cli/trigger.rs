use pushest_testkit::Server;
use serde_json::json;

use crate::support::{listener, pushest, to, words};

#[test]
fn another_listener_receives_it() {
    let server = Server::start().unwrap();
    let mut listener = listener(&server, "private-chat", &["--json"]);
    for data in [r#"{"a":[1,2]}"#, "-5", "null", r#""text""#] {
        let arguments = ["trigger", "private-chat", "client-x", data];
        let ended = pushest(&words(&arguments, &to(&server)));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(ended.stdout[0].contains("private-chat  client-x  sent; round trip "), "{ended:?}");
        let received = listener.stdout.json();
        assert_eq!(received["data"], serde_json::from_str::<serde_json::Value>(data).unwrap());
    }
}

#[test]
fn it_tells_the_round_trip_as_json() {
    let server = Server::start().unwrap();
    let arguments = ["trigger", "private-chat", "client-x", "1", "--json"];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let line: serde_json::Value = serde_json::from_str(&ended.stdout[0]).unwrap();
    assert_eq!((&line["type"], &line["event"]), (&json!("triggered"), &json!("client-x")));
    assert!(line["round_trip_ms"].is_f64(), "{line}");
}

#[test]
fn an_error_of_the_server_makes_it_fail_in_the_servers_words() {
    let server = Server::builder().config(|config| config.client_events = false).start().unwrap();
    let listener = listener(&server, "private-chat", &["--count", "1", "--timeout", "1"]);
    let arguments = ["trigger", "private-chat", "client-x", "1"];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    assert!(ended.stderr.contains("the server says: "), "{ended:?}");
    assert_eq!(listener.end().status, Some(1));
}
