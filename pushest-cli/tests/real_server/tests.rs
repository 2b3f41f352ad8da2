//! The program against a server that is not ours: the one that PUSHEST_TEST_URL names, as
//! `pusher://KEY:SECRET@HOST:PORT`, with the app's id in PUSHEST_TEST_APP_ID (`1` by default).
#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

#[path = "../cli/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod support;

use std::env;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use pushest_testkit::MasterKey;
use serde_json::json;
use sha2::Sha256;

use support::{Pushest, pushest};

fn url() -> String {
    env::var("PUSHEST_TEST_URL").expect("PUSHEST_TEST_URL names the server to test against")
}

/// A channel that no other run uses.
fn channel(kind: &str, test: &str) -> String {
    format!("{kind}{test}-{}", process::id())
}

/// Publishes by the server's HTTP API (docs/protocol.md#signed-requests).
fn publish(channel: &str, event: &str, data: &str) {
    let url = url();
    let (user, address) = url.strip_prefix("pusher://").unwrap().split_once('@').unwrap();
    let (key, secret) = user.split_once(':').unwrap();
    let app_id = env::var("PUSHEST_TEST_APP_ID").unwrap_or_else(|_| "1".to_owned());
    let body = json!({"name": event, "channel": channel, "data": data}).to_string();
    let path = format!("/apps/{app_id}/events");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let digest = hex::encode(Md5::digest(&body));
    let query = format!("auth_key={key}&auth_timestamp={now}&auth_version=1.0&body_md5={digest}");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("POST\n{path}\n{query}").as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {path}?{query}&auth_signature={signature} HTTP/1.1\r\nHost: {address}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n\
         {body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

fn run(arguments: &[&str]) -> support::Ended {
    pushest(&[arguments, &["--url", &url()]].concat())
}

fn listener(channel: &str, options: &[&str]) -> Pushest {
    let url = url();
    let arguments = [&["listen", channel, "--json", "--url", &url], options].concat();
    let mut listener = Pushest::start(&arguments);
    listener.stderr.until(&format!("subscribed to {channel}"));
    listener
}

#[test]
fn a_public_channel_carries_what_the_server_publishes() {
    let channel = channel("", "public");
    let mut listener = listener(&channel, &["--count", "2"]);
    publish(&channel, r"App\Events\OrderShipped", r#"{"id":7}"#);
    let line = listener.stdout.json();
    assert_eq!(line["event"], r"App\Events\OrderShipped");
    assert_eq!(line["data"], json!({"id": 7}));
    publish(&channel, "headline", "rain");
    assert_eq!(listener.stdout.json()["data"], "rain");
    assert_eq!(listener.end().status, Some(0));
}

#[test]
fn a_private_channel_carries_client_events() {
    let channel = channel("private-", "chat");
    let mut listener = listener(&channel, &["--count", "1"]);
    let ended = run(&["trigger", &channel, "client-x", r#"{"a":[1]}"#]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(listener.stdout.json()["data"], json!({"a": [1]}));
    assert_eq!(listener.end().status, Some(0));
}

#[test]
fn a_presence_channel_tells_who_is_there() {
    let channel = channel("presence-", "room");
    let mut listener =
        listener(&channel, &["--user-id", "ada", "--user-info", r#"{"name":"Ada"}"#]);
    let line = listener.stdout.json();
    assert_eq!(line["joined"][0], json!({"user_id": "ada", "user_info": {"name": "Ada"}}));

    let ended = run(&["members", &channel, "--json", "--user-id", "grace"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let mut members: Vec<serde_json::Value> =
        ended.stdout.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    members.sort_by_key(|member| member["user_id"].to_string());
    let ids: Vec<_> = members.iter().map(|member| (&member["user_id"], &member["me"])).collect();
    assert_eq!(ids, [(&json!("ada"), &json!(false)), (&json!("grace"), &json!(true))]);
    assert_eq!(members[0]["user_info"], json!({"name": "Ada"}));

    for kind in ["joined", "left"] {
        let line = listener.stdout.json();
        assert_eq!((&line["type"], &line["user_id"]), (&json!(kind), &json!("grace")));
    }
    let ended = run(&["trigger", &channel, "client-wave", "1", "--user-id", "grace"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(listener.stdout.json()["type"], "joined");
    assert_eq!(listener.stdout.json()["event"], "client-wave");
}

#[test]
fn a_wrong_secret_is_refused_in_the_servers_words() {
    let channel = channel("private-", "refused");
    let ended = run(&["trigger", &channel, "client-x", "1", "--secret", "wrong-secret"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("the server refused: "), "{ended:?}");
    assert!(!ended.stderr.contains("wrong-secret"), "{ended:?}");
}

#[test]
fn an_encrypted_event_is_decrypted() {
    let channel = channel("private-encrypted-", "diary");
    let key = MasterKey::random();
    let mut listener = listener(&channel, &["--master-key", &key.to_base64(), "--count", "1"]);
    publish(&channel, "entry", &key.seal(&channel, r#"{"text":"dear diary"}"#));
    let line = listener.stdout.json();
    assert_eq!((&line["data"], &line["decrypted"]), (&json!({"text": "dear diary"}), &json!(true)));
    assert_eq!(listener.end().status, Some(0));
}

#[test]
fn a_cache_channel_begins_with_a_miss_or_its_last_event() {
    let channel = channel("cache-", "weather");
    let mut early = listener(&channel, &["--count", "1"]);
    let miss = json!({"type": "cache_miss", "channel": channel});
    assert_eq!(early.stdout.json(), miss);
    publish(&channel, "forecast", "fog");
    assert_eq!(early.stdout.json()["data"], "fog");
    let mut late = listener(&channel, &["--count", "1"]);
    assert_eq!(late.stdout.json()["data"], "fog");
    assert_eq!((early.end().status, late.end().status), (Some(0), Some(0)));
}

#[test]
fn a_user_signs_in_and_hears_of_its_watchlist() {
    let (ada, grace) = (format!("ada-{}", process::id()), format!("grace-{}", process::id()));
    let url = url();
    let sign_in = |user: String| {
        let arguments = ["listen", "--json", "--url", &url, "--sign-in", &user];
        let mut listener = Pushest::start(&arguments);
        listener.stderr.until("subscribed to #server-to-user-");
        listener
    };
    let watching = |user: &str, watched: &[&str]| {
        sign_in(json!({"id": user, "watchlist": watched}).to_string())
    };
    let mut first = watching(&ada, &[&grace]);
    // In either order.
    let lines = [first.stdout.json(), first.stdout.json()];
    let of_type = |kind: &str| lines.iter().find(|line| line["type"] == kind).unwrap();
    assert_eq!(of_type("signed_in")["user_id"], *ada);
    assert_eq!(of_type("offline")["user_ids"], json!([grace]));
    // Sockudo tells watchers who comes, and not who goes.
    let _second = watching(&grace, &[&ada]);
    let online = first.stdout.until("\"online\"");
    assert!(online.contains(&grace), "{online}");
    publish(&format!("#server-to-user-{ada}"), "message", "hello");
    let line = first.stdout.json();
    assert_eq!((&line["event"], &line["data"]), (&json!("message"), &json!("hello")));
}

#[test]
fn a_refused_sign_in_is_told() {
    let ended = run(&["listen", "--sign-in", r#"{"id":"ada"}"#, "--secret", "wrong-secret"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("not signed in: the server refused: "), "{ended:?}");
}

#[test]
fn the_doctor_finds_nothing_wrong_and_what_is_wrong() {
    let ended = run(&["doctor"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ended = run(&["doctor", "--secret", "wrong-secret"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("private, presence"), "{ended:?}");
}
