//! Encrypted and cache channels, and counts.

use pushest_testkit::{MasterKey, Server};
use serde_json::json;

use crate::support::{Pushest, WAIT, listener, pushest, result, to, words};

const DIARY: &str = "private-encrypted-diary";

#[test]
fn an_encrypted_event_is_shown_decrypted() {
    let server = Server::start().unwrap();
    let key = server.app().master_key().to_base64();
    let options = ["--master-key", &key, "--json", "--count", "2"];
    let mut listener = listener(&server, DIARY, &options);
    server.publish_encrypted(DIARY, "entry", r#"{"text":"dear diary"}"#);
    let wanted = json!({
        "type": "event", "channel": DIARY, "event": "entry", "data": {"text": "dear diary"},
        "user_id": null, "decrypted": true,
    });
    assert_eq!(listener.stdout.json(), wanted);
    server.publish_encrypted(DIARY, "entry", "plain text");
    assert_eq!(listener.stdout.json()["data"], "plain text");
    assert_eq!(listener.end().status, Some(0));
}

#[test]
fn people_see_that_it_was_decrypted_and_the_key_may_be_a_variable() {
    let server = Server::start().unwrap();
    let (key, options) = (server.app().master_key().to_base64(), to(&server));
    let variables = [("PUSHER_ENCRYPTION_MASTER_KEY_BASE64", &*key)];
    let arguments = words(&["listen", DIARY, "--count", "1"], &options);
    let listener = Pushest::start_with(&arguments, &variables);
    server.wait_for_subscribers(DIARY, 1, WAIT).unwrap();
    server.publish_encrypted(DIARY, "entry", "dear diary");
    let ended = listener.end();
    assert_eq!(ended.stdout, ["private-encrypted-diary  entry  dear diary  decrypted"]);
}

#[test]
fn what_cannot_be_decrypted_is_told_with_the_reason_and_never_shown() {
    let server = Server::start().unwrap();
    let (key, other) = (server.app().master_key().to_base64(), MasterKey::random());
    let mut listener = listener(&server, DIARY, &["--master-key", &key, "--json", "--count", "1"]);
    let mut undecryptable = |data: &str, reason: &str| {
        server.publish(DIARY, "entry", data);
        let line = listener.stdout.json();
        assert_eq!((&line["type"], &line["event"]), (&json!("undecryptable"), &json!("entry")));
        assert!(line["reason"].as_str().unwrap().contains(reason), "{line}");
        assert!(line.get("data").is_none(), "{line}");
    };
    undecryptable(&other.seal(DIARY, "dear diary"), "the key does not fit");
    undecryptable(r#"{"nonce":"AAAA","ciphertext":"AAAA"}"#, "24 bytes");
    undecryptable("plain", "nonce");
    server.publish_encrypted(DIARY, "entry", "1");
    assert_eq!(listener.stdout.json()["data"], 1);
    assert_eq!(listener.end().status, Some(0));
}

#[test]
fn a_cache_channel_begins_with_its_last_event_or_a_miss() {
    let server = Server::start().unwrap();
    let mut empty = listener(&server, "cache-weather", &["--count", "1"]);
    assert_eq!(empty.stdout.next(), "cache-weather  cache miss");
    server.publish("cache-weather", "forecast", "fog");
    assert_eq!(empty.end().status, Some(0));
    let late = listener(&server, "cache-weather", &["--json", "--count", "1"]).end();
    let lines: Vec<_> = late.stdout.iter().filter_map(|line| result(line)).collect();
    assert!(lines.len() == 1 && lines[0]["data"] == "fog", "{late:?}");
}

#[test]
fn counts_are_shown_where_the_server_tells_them() {
    let server = Server::builder().subscription_counts(true).start().unwrap();
    let mut first = listener(&server, "news", &[]);
    first.stdout.until("news  subscriptions  1");
    let _second = listener(&server, "news", &[]);
    first.stdout.until("news  subscriptions  2");
}

#[test]
fn members_tells_what_comes_with_the_subscription() {
    let server = Server::start().unwrap();
    let channel = "presence-cache-room";
    let arguments = ["members", channel, "--user-id", "ada", "--sign-in", r#"{"id":"ada"}"#];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let wanted = ["signed in as ada", "presence-cache-room  cache miss", "ada  (this command)"];
    assert_eq!(ended.stdout, wanted);
    server.publish(channel, "topic", "rain");
    let ended = pushest(&words(&["members", channel, "--user-id", "ada"], &to(&server)));
    assert_eq!(ended.stdout, ["presence-cache-room  topic  rain", "ada  (this command)"]);
}
