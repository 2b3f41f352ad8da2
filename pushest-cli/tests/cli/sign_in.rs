use pushest_testkit::Server;
use serde_json::json;

use crate::support::{Pushest, pushest, to, words};

const ADA: &str = r#"{"id":"ada","watchlist":["grace","linus"]}"#;

#[test]
fn a_user_receives_its_events_and_hears_of_its_watchlist() {
    let server = Server::start().unwrap();
    let options = to(&server);
    let arguments = ["listen", "--sign-in", ADA, "--json"];
    let mut ada = Pushest::start(&words(&arguments, &options));
    assert_eq!(ada.stdout.json(), json!({"type": "signed_in", "user_id": "ada"}));
    let offline = json!({"type": "offline", "user_ids": ["grace", "linus"]});
    assert_eq!(ada.stdout.json(), offline);
    ada.stderr.until("subscribed to #server-to-user-ada");
    server.publish_to_user("ada", "message", r#"{"text":"hello"}"#);
    let line = ada.stdout.json();
    assert_eq!(
        (&line["channel"], &line["event"]),
        (&json!("#server-to-user-ada"), &json!("message"))
    );

    let arguments = ["listen", "--sign-in", r#"{"id":"grace"}"#];
    let mut grace = Pushest::start(&words(&arguments, &options));
    assert_eq!(grace.stdout.next(), "signed in as grace");
    assert_eq!(ada.stdout.json(), json!({"type": "online", "user_ids": ["grace"]}));
    drop(grace);
    assert_eq!(ada.stdout.json(), json!({"type": "offline", "user_ids": ["grace"]}));
}

#[test]
fn people_see_who_comes_and_goes() {
    let server = Server::start().unwrap();
    let mut ada = Pushest::start(&words(&["listen", "--sign-in", ADA], &to(&server)));
    assert_eq!(ada.stdout.next(), "signed in as ada");
    assert_eq!(ada.stdout.next(), "offline  grace, linus");
}

#[test]
fn it_signs_in_again_after_a_lost_connection() {
    let server = Server::start().unwrap();
    let arguments =
        ["listen", "--sign-in", r#"{"id":"ada"}"#, "--event", "message", "--count", "1"];
    let mut ada = Pushest::start(&words(&arguments, &to(&server)));
    for _ in 0..2 {
        ada.stderr.until("subscribed to #server-to-user-ada");
        server.drop_connections(pushest_testkit::Target::All);
    }
    ada.stderr.until("subscribed to #server-to-user-ada");
    server.publish_to_user("ada", "message", "hello");
    let ended = ada.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.last().unwrap(), "#server-to-user-ada  message  hello");
}

#[test]
fn a_refused_sign_in_ends_it_in_the_servers_words() {
    let server = Server::start().unwrap();
    let mut options = to(&server);
    *options.last_mut().unwrap() = "wrong-secret".to_owned();
    let commands: [&[&str]; 2] =
        [&["listen", "news", "--sign-in", ADA], &["members", "presence-a", "--sign-in", ADA]];
    for command in commands {
        let ended = pushest(&words(command, &options));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("not signed in: the server refused: "), "{ended:?}");
        assert!(ended.stderr.contains("signature"), "{ended:?}");
        assert!(!ended.stderr.contains("wrong-secret"), "{ended:?}");
    }
}
