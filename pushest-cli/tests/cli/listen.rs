use pushest_testkit::{Server, UpgradeFault};
use serde_json::json;

use crate::support::{Pushest, WAIT, listener, pushest, to, words};

#[test]
fn it_prints_so_many_events_and_ends() {
    let server = Server::start().unwrap();
    let mut listener = listener(&server, "news", &["--count", "2"]);
    server.publish("news", "headline", r#"{"text":"rain"}"#);
    assert_eq!(listener.stdout.next(), r#"news  headline  {"text":"rain"}"#);
    server.publish("news", r"App\Events\OrderShipped", "line\nbreak \u{1b}[31m");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout[1], r"news  App\Events\OrderShipped  line\nbreak \u{1b}[31m");
    assert!(ended.stderr.contains("connected as "), "{ended:?}");
    assert!(ended.stderr.contains("subscribed to news"), "{ended:?}");
}

#[test]
fn json_lines_carry_the_data_as_a_value() {
    let server = Server::start().unwrap();
    let mut listener = listener(&server, "news", &["--json", "--count", "4"]);
    let cases = [
        ("{\n \"text\": \"a b\" }", json!({"text": "a b"})),
        ("plain text", json!("plain text")),
        ("", json!("")),
        ("17", json!(17)),
    ];
    for (sent, received) in cases {
        server.publish("news", "headline", sent);
        let line = listener.stdout.json();
        let wanted = json!({
            "type": "event", "channel": "news", "event": "headline", "data": received,
            "user_id": null, "decrypted": false,
        });
        assert_eq!(line, wanted);
    }
    assert_eq!(listener.end().status, Some(0));
}

#[test]
fn a_private_channel_carries_client_events() {
    let server = Server::start().unwrap();
    let mut listener = listener(&server, "private-chat", &["--json", "--count", "1"]);
    let arguments = ["trigger", "private-chat", "client-typing", r#"{"who":"ada"}"#];
    assert_eq!(pushest(&words(&arguments, &to(&server))).status, Some(0));
    let line = listener.stdout.json();
    assert_eq!(line["event"], "client-typing");
    assert_eq!(line["data"], json!({"who": "ada"}));
    assert_eq!(listener.end().status, Some(0));
}

#[test]
fn a_presence_channel_tells_who_comes_and_goes() {
    let server = Server::start().unwrap();
    let user = ["--json", "--user-id", "ada", "--user-info", r#"{"name":"Ada"}"#];
    let mut listener = listener(&server, "presence-room", &user);
    let line = listener.stdout.json();
    let ada = json!({"user_id": "ada", "user_info": {"name": "Ada"}});
    let members = json!({
        "type": "members", "channel": "presence-room", "joined": [ada], "left": [], "known": true,
    });
    assert_eq!(line, members);

    let arguments = ["trigger", "presence-room", "client-wave", "1", "--user-id", "7"];
    assert_eq!(pushest(&words(&arguments, &to(&server))).status, Some(0));
    let seven =
        |kind| json!({"type": kind, "channel": "presence-room", "user_id": "7", "user_info": null});
    assert_eq!(listener.stdout.json(), seven("joined"));
    let line = listener.stdout.json();
    assert_eq!((&line["event"], &line["user_id"]), (&json!("client-wave"), &json!("7")));
    assert_eq!(listener.stdout.json(), seven("left"));
}

#[test]
fn people_see_who_comes_and_goes() {
    let server = Server::start().unwrap();
    let mut listener = listener(&server, "presence-room", &["--user-id", "ada"]);
    assert_eq!(listener.stdout.next(), "presence-room  members  + ada");
    let arguments = ["trigger", "presence-room", "client-wave", "1", "--user-id", "7"];
    assert_eq!(pushest(&words(&arguments, &to(&server))).status, Some(0));
    assert_eq!(listener.stdout.next(), "presence-room  joined  7");
    assert_eq!(listener.stdout.next(), "presence-room  client-wave  1  from 7");
    assert_eq!(listener.stdout.next(), "presence-room  left  7");
}

#[test]
fn only_events_of_the_name_are_printed_and_counted() {
    let server = Server::start().unwrap();
    let options = ["--event", "right", "--count", "2", "--user-id", "ada"];
    let listener = listener(&server, "presence-room", &options);
    for (event, data) in [("wrong", "1"), ("right", "2"), ("wrong", "3"), ("right", "4")] {
        server.publish("presence-room", event, data);
    }
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, ["presence-room  right  2", "presence-room  right  4"]);
}

#[test]
fn several_channels_and_one_of_them_twice() {
    let server = Server::start().unwrap();
    let listener = listener(&server, "a", &["b", "a", "--count", "2"]);
    server.wait_for_subscribers("b", 1, WAIT).unwrap();
    server.publish("a", "x", "1");
    server.publish("b", "y", "2");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, ["a  x  1", "b  y  2"]);
}

#[test]
fn a_timeout_ends_it_with_1_and_says_what_was_missing() {
    let server = Server::start().unwrap();
    let arguments = ["listen", "news", "--count", "1", "--timeout", "0.5"];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("timed out after 0.5 s; 1 more"), "{ended:?}");
}

#[test]
fn without_a_server_the_timeout_says_why_there_is_no_connection() {
    let server = Server::start().unwrap();
    let address = to(&server);
    server.stop();
    let ended = pushest(&words(&["listen", "news", "--timeout", "1"], &address));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("timed out after 1 s"), "{ended:?}");
    assert!(ended.stderr.contains("could not be reached"), "{ended:?}");
    assert_eq!(ended.stderr.matches("`pushest doctor`").count(), 1, "{ended:?}");
}

#[test]
fn a_refusal_points_to_the_doctor_and_a_later_loss_does_not() {
    let server = Server::start().unwrap();
    let mut options = to(&server);
    *options.iter_mut().find(|word| *word == "app-key").unwrap() = "other-key".to_owned();
    let ended = pushest(&words(&["listen", "news"], &options));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("`pushest doctor`"), "{ended:?}");
    let mut listener = listener(&server, "news", &["--count", "1"]);
    server.drop_connections(pushest_testkit::Target::All);
    listener.stderr.until("warning: waiting");
    assert!(listener.stdout.next().starts_with("news  gap  "));
    server.publish("news", "headline", "rain");
    let ended = listener.end();
    assert!(!ended.stderr.contains("doctor"), "{ended:?}");
}

#[test]
fn a_name_almost_of_another_kind_is_warned_about() {
    let server = Server::start().unwrap();
    for (name, warning) in [
        ("privat-chat", "is private-chat meant? to servers privat-chat is a public channel"),
        ("private_chat", "is private-chat meant? to servers private_chat is a public channel"),
        ("prescence-room", "is presence-room meant?"),
        (
            "private-cache_x",
            "is private-cache-x meant? to servers private-cache_x is a private channel without a \
             cached event",
        ),
    ] {
        let listener = listener(&server, name, &["--count", "1"]);
        server.publish(name, "x", "1");
        let ended = listener.end();
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert_eq!(ended.stderr.matches("warning: ").count(), 1, "{ended:?}");
        assert!(ended.stderr.contains(warning), "{ended:?}");
    }
    let arguments = ["trigger", "private_chat", "client-x", "1"];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert!(ended.stderr.contains("is private-chat meant?"), "{ended:?}");
    let arguments = ["members", "presence_room"];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert!(ended.stderr.contains("is presence-room meant?"), "{ended:?}");
    let listener = listener(&server, "news-private", &["--count", "1"]);
    server.publish("news-private", "x", "1");
    assert!(!listener.end().stderr.contains("warning"));
}

#[test]
fn a_message_that_belongs_nowhere_is_a_warning_and_for_programs_a_line() {
    const MESSAGE: &str = r#"{"event":"maintenance", "data":{"at":"\u001b[31mnoon"}}"#;
    let server = Server::start().unwrap();
    for options in [&["--count", "1"][..], &["--count", "1", "--event", "x"]] {
        let listener = listener(&server, "news", options);
        server.send_raw(pushest_testkit::Target::All, MESSAGE);
        server.publish("news", "x", "1");
        let ended = listener.end();
        assert_eq!(ended.stdout, ["news  x  1"]);
        let warning = "warning: maintenance belongs to no channel and is not known: {\"event\"";
        assert!(ended.stderr.contains(warning), "{ended:?}");
    }
    let mut listener = listener(&server, "news", &["--count", "1", "--json"]);
    server.send_raw(pushest_testkit::Target::All, MESSAGE);
    server.publish("news", "x", "1");
    let message = json!({"event": "maintenance", "data": {"at": "\u{1b}[31mnoon"}});
    let line = json!({"type": "unrouted", "event": "maintenance", "message": message});
    assert_eq!(listener.stdout.json(), line);
    assert_eq!(listener.stdout.json()["event"], "x");
    assert!(listener.end().stderr.contains("warning: maintenance"));
}

#[test]
fn nobody_reading_its_output_ends_it_quietly() {
    let server = Server::start().unwrap();
    let listener = Pushest::start_unread(&words(&["listen", "news"], &to(&server)));
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    server.publish("news", "headline", "rain");
    let ended = listener.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("error"), "{ended:?}");
}

#[cfg(unix)]
#[test]
fn a_signal_is_the_normal_end_without_a_count_only() {
    let server = Server::start().unwrap();
    let endless = listener(&server, "news", &[]);
    endless.signal("INT");
    assert_eq!(endless.end().status, Some(0));
    let counting = listener(&server, "news", &["--count", "1"]);
    counting.signal("TERM");
    assert_eq!(counting.end().status, Some(143));
    server.wait_for_subscribers("news", 0, WAIT).unwrap();
}

#[test]
fn a_deployment_in_between_is_survived_whatever_answers() {
    let server = Server::start().unwrap();
    let mut listener = listener(&server, "news", &["--count", "1"]);
    listener.stderr.until("subscribed to news");
    server.fault_upgrades(1, UpgradeFault::status(404, &[]));
    server.drop_connections(pushest_testkit::Target::All);
    listener.stderr.until("404");
    listener.stderr.until("subscribed to news");
    assert!(listener.stdout.next().starts_with("news  gap  "));
    server.publish("news", "headline", "rain");
    let ended = listener.end();
    assert_eq!((ended.status, &*ended.stdout[1]), (Some(0), "news  headline  rain"));
}
