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
    // At once: Soketi answers a request that comes in pieces with 505.
    let request = format!(
        "POST {path}?{query}&auth_signature={signature} HTTP/1.1\r\nHost: {address}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n\
         {body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
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

/// Runs a command that calls the HTTP API. Returns its lines of JSON.
fn api(arguments: &[&str]) -> Vec<serde_json::Value> {
    let app_id = env::var("PUSHEST_TEST_APP_ID").unwrap_or_else(|_| "1".to_owned());
    let ended = run(&[arguments, &["--json", "--app-id", &app_id]].concat());
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""), "{ended:?}");
    ended.stdout.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_the_command_publishes_arrives() {
    let (news, audit) = (channel("", "published"), channel("private-", "published"));
    let mut listeners = [listener(&news, &[]), listener(&audit, &[])];
    let accepted = api(&["publish", &news, &audit, "shipped", r#"{"id":7}"#, "--count", "2"]);
    assert_eq!((&accepted[0]["type"], &accepted[0]["count"]), (&json!("accepted"), &json!(2)));
    for listener in &mut listeners {
        for _ in 0..2 {
            let line = listener.stdout.json();
            assert_eq!((&line["event"], &line["data"]), (&json!("shipped"), &json!({"id": 7})));
        }
    }
    let key = MasterKey::random().to_base64();
    let diary = channel("private-encrypted-", "published");
    let mut listener = listener(&diary, &["--master-key", &key]);
    api(&["publish", &diary, "entry", r#"{"text":"dear"}"#, "--encrypted", "--master-key", &key]);
    let line = listener.stdout.json();
    assert_eq!((&line["data"], &line["decrypted"]), (&json!({"text": "dear"}), &json!(true)));
}

#[test]
fn what_is_published_in_batches_arrives_in_order() {
    let news = channel("", "batched");
    let mut listener = listener(&news, &[]);
    let app_id = env::var("PUSHEST_TEST_APP_ID").unwrap_or_else(|_| "1".to_owned());
    let url = url();
    let mut child = support::piped(&["publish", "--batch", "--url", &url, "--app-id", &app_id]);
    let mut stdin = child.stdin.take().unwrap();
    for n in 0..25 {
        writeln!(stdin, "{}", json!({"channel": news, "name": "x", "data": {"n": n}})).unwrap();
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
    for n in 0..25 {
        assert_eq!(listener.stdout.json()["data"], json!({"n": n}));
    }
}

#[test]
fn channels_and_users_are_told_and_users_are_sent_away() {
    let room = channel("presence-", "listed");
    let listener = listener(&room, &["--user-id", "ada"]);
    assert_eq!(api(&["channels", "--prefix", &room])[0]["channel"], *room);
    let one = api(&["channel", &room]);
    assert_eq!((&one[0]["occupied"], &one[0]["user_count"]), (&json!(true), &json!(1)));
    assert_eq!(api(&["channel", &channel("", "nobody")])[0]["occupied"], false);
    let user = json!({"type": "user", "channel": room, "user_id": "ada"});
    assert_eq!(api(&["users", &room]), [user]);
    drop(listener);

    let user = format!("parcel-{}", process::id());
    let sign_in = json!({"id": user}).to_string();
    let url = url();
    let mut seven = Pushest::start(&["listen", "--json", "--url", &url, "--sign-in", &sign_in]);
    seven.stderr.until("subscribed to #server-to-user-");
    api(&["publish", "--to-user", &user, "parcel", r#"{"n":1}"#]);
    assert_eq!(seven.stdout.json_of("event")["data"], json!({"n": 1}));
    api(&["terminate", &user]);
    let end = seven.stdout.until("\"reason\":\"");
    assert!(end.contains("\"state\""), "{end}");
}

#[test]
fn users_are_counted_in_a_list_of_channels() {
    let room = channel("presence-", "counted");
    let _listener = listener(&room, &["--user-id", "ada"]);
    let counted = api(&["channels", "--prefix", &room, "--user-count"]);
    assert_eq!((&counted[0]["channel"], &counted[0]["user_count"]), (&json!(room), &json!(1)));
}

#[test]
fn the_doctor_publishes_and_receives() {
    let app_id = env::var("PUSHEST_TEST_APP_ID").unwrap_or_else(|_| "1".to_owned());
    let ended = run(&["doctor", "--app-id", &app_id]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let [.., publish, receive] = &ended.stdout[..] else { panic!("{ended:?}") };
    assert!(publish.starts_with("ok       publish "), "{ended:?}");
    assert!(receive.starts_with("ok       receive "), "{ended:?}");
    let ended = run(&["doctor", "--app-id", "no-such-app"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("publish does not work"), "{ended:?}");
}

#[test]
fn the_servers_webhooks_are_verified_and_read() {
    let webhooks = env::var("PUSHEST_TEST_WEBHOOKS")
        .expect("PUSHEST_TEST_WEBHOOKS is the URL that the server sends webhooks to");
    let port = webhooks.rsplit(':').next().unwrap().split('/').next().unwrap();
    let (url, room) = (url(), channel("presence-", "told"));
    let mut printer = Pushest::start(&[
        "webhooks",
        "--json",
        "--port",
        port,
        "--url",
        &url,
        "--largest-age",
        "60",
    ]);
    printer.stdout.json_of("serving");
    let listener = listener(&room, &["--user-id", "ada"]);
    // They overtake each other, and other tests make some happen, too.
    let mut early: Vec<serde_json::Value> = Vec::new();
    let mut told = |name: &str| loop {
        let place = early.iter().position(|line| line["channel"] == *room && line["name"] == name);
        if let Some(place) = place {
            return early.remove(place);
        }
        let line = printer.stdout.json_of("webhook");
        assert!(line["time_ms"].as_u64().unwrap() > 1_700_000_000_000, "{line}");
        early.push(line);
    };
    told("channel_occupied");
    assert_eq!(told("member_added")["user_id"], "ada");
    let ended = run(&["trigger", &room, "client-x", r#"{"a":[1]}"#, "--user-id", "grace"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let sent = told("client_event");
    assert_eq!((&sent["event"], &sent["data"]), (&json!("client-x"), &json!({"a": [1]})));
    listener.kill();
    told("channel_vacated");
}
