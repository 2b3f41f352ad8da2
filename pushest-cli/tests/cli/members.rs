use pushest_testkit::Server;
use serde_json::{Value, json};

use crate::support::{WAIT, listener, pushest, to, words};

#[test]
fn it_lists_everybody_and_marks_itself() {
    let server = Server::start().unwrap();
    let ada = ["--user-id", "ada", "--user-info", r#"{"name":"Ada"}"#];
    let _ada = listener(&server, "presence-room", &ada);
    let _grace = listener(&server, "presence-room", &["--user-id", "grace"]);

    let ended = pushest(&words(&["members", "presence-room", "--json"], &to(&server)));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let mut lines: Vec<Value> =
        ended.stdout.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let me = lines.iter().position(|line| line["me"] == true).unwrap();
    let me = lines.remove(me);
    assert!(me["user_id"].as_str().unwrap().starts_with("pushest-cli-"), "{me}");
    lines.sort_by_key(|line| line["user_id"].as_str().unwrap().to_owned());
    let member = |id: &str, info: Value| {
        json!({
            "type": "member", "channel": "presence-room", "user_id": id, "user_info": info,
            "me": false,
        })
    };
    assert_eq!(lines, [member("ada", json!({"name": "Ada"})), member("grace", Value::Null)]);
    // It has left again.
    server.wait_for_subscribers("presence-room", 2, WAIT).unwrap();
    assert_eq!(server.members("presence-room"), ["ada", "grace"]);
}

#[test]
fn it_may_be_somebody_who_is_there() {
    let server = Server::start().unwrap();
    let mut ada = listener(&server, "presence-room", &["--user-id", "ada"]);
    ada.stdout.until("members");
    let arguments = ["members", "presence-room", "--user-id", "ada"];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, ["ada  (this command)"]);
    server.publish("presence-room", "end", "");
    // Nobody saw a join.
    assert!(ada.stdout.next().contains("  end  "));
}

#[test]
fn a_list_that_cannot_be_read_is_said_and_the_status_is_1() {
    let server = Server::start().unwrap();
    server.replace_presence_data(Some(r#"{"presence":{"ids":7,"hash":"x","count":2}}"#));
    let ended = pushest(&words(&["members", "presence-room"], &to(&server)));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(ended.stdout, [""; 0]);
    assert!(ended.stderr.contains("presence-room is not known"), "{ended:?}");
    assert!(ended.stderr.contains("list could not be read"), "{ended:?}");
}

#[test]
fn of_a_list_that_is_odd_in_part_the_rest_is_listed() {
    let server = Server::start().unwrap();
    // `ids` as a release of Reverb sent it.
    let list = r#"{"presence":{"ids":{"1.1":"ada","2.2":"grace","3.3":{}},"hash":{"ada":{}}}}"#;
    server.replace_presence_data(Some(list));
    let ended = pushest(&words(&["members", "presence-room"], &to(&server)));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.len(), 2, "{ended:?}");
    assert!(ended.stdout[0].starts_with("ada"), "{ended:?}");
    assert!(ended.stdout[1].starts_with("grace"), "{ended:?}");
    assert!(ended.stderr.contains("1 of its parts could not be read, 2 could"), "{ended:?}");
}

#[test]
fn listening_says_that_a_list_could_not_be_read_and_not_that_nobody_is_there() {
    let server = Server::start().unwrap();
    server.replace_presence_data(Some(r#"{"presence":7}"#));
    let mut text = listener(&server, "presence-room", &["--user-id", "ada"]);
    text.stdout.until("presence-room  members  unknown: the list could not be read");
    text.signal("INT");
    text.end();
    let mut json = listener(&server, "presence-room", &["--user-id", "eve", "--json"]);
    let line = json.stdout.json();
    assert_eq!((&line["type"], &line["known"]), (&json!("members"), &json!(false)), "{line}");
    json.signal("INT");
    json.end();
}
