//! Target `api`: what a backend is told, by servers and by its clients: answers of the HTTP API,
//! webhooks, and forms that ask for an authorization; and the requests that it builds.
//!
//! An input is a byte for the kind, one for the case, and a text or a body.

use std::time::Duration;

use pushest_proto::api::{
    App, Batch, Call, Custom, GetChannel, HttpAnswer, ListChannels, ListUsers, Publish, Terminate,
};
use pushest_proto::webhook::{WebhookError, WebhookEvent, Webhooks};
use pushest_proto::{ChannelForm, Config, Instant, MemberData, UserData, UserForm};
use pushest_testkit::protocol::{App as ServerApp, Broker, HttpRequest, ServerConfig};
use ring::{digest, hmac};
use serde::de::IgnoredAny;
use serde_json::Value;

const KEY: &str = "app-key";
const SECRET: &str = "app-5ecret";
const NOW: Duration = Duration::from_secs(1_353_088_179);

/// What `Content-Type` may say.
const CONTENT_TYPES: [&str; 3] =
    ["application/x-www-form-urlencoded", "application/json", "text/plain"];

const STATUSES: [u16; 13] = [200, 200, 200, 201, 204, 301, 400, 401, 403, 413, 429, 500, 503];

/// Checks one input.
///
/// # Panics
/// If an answer or a webhook is taken for what it is not, a signature shows, a client chooses what is
/// signed, or a server refuses the signature of a request.
pub fn check(bytes: &[u8]) {
    let [kind, case, rest @ ..] = bytes else { return };
    match kind % 4 {
        0 => answer(*case, rest),
        1 => webhook(*case, rest),
        2 => form(*case, rest),
        _ => request(*case, &String::from_utf8_lossy(rest)),
    }
}

fn app() -> App {
    let config = Config::builder(KEY).app_id("3").secret(SECRET).master_key(&[7; 32]);
    let config = config.host("localhost").build().expect("these settings keep the rules");
    App::new(&config).expect("it has an id and a secret")
}

fn answer(case: u8, bytes: &[u8]) {
    let place = usize::from(case);
    let status = STATUSES[place / 8 % STATUSES.len()];
    // A header's value, then the body.
    let (value, body) = match bytes.iter().position(|byte| *byte == 0) {
        Some(end) => (std::str::from_utf8(&bytes[..end]).unwrap_or("?"), &bytes[end + 1..]),
        None => ("", bytes),
    };
    let headers = [("Date", value), ("Retry-After", value), ("location", value)];
    let answer = HttpAnswer::new(status, body).headers(headers);
    match place % 8 {
        0 => read(
            &Publish::new(["a", "presence-b"], "e", "x").with_user_count(),
            &answer,
            status,
            body,
        ),
        1 => read(&Batch::new([Publish::new("a", "e", "x")]), &answer, status, body),
        2 => read(&ListChannels::new(), &answer, status, body),
        3 => read(&GetChannel::new("a"), &answer, status, body),
        4 => read(&ListUsers::new("presence-a"), &answer, status, body),
        5 => read(&Terminate::user("7"), &answer, status, body),
        _ => read(&Custom::get("/x"), &answer, status, body),
    }
}

/// What the reading of an answer must keep to, whatever call it answers.
fn read<C: Call>(call: &C, answer: &HttpAnswer<'_>, status: u16, body: &[u8]) {
    let request = app().request(call, NOW).expect("it keeps the rules");
    let (_, signature) = request.target().split_once("auth_signature=").expect("it is signed");
    match request.read(answer, NOW) {
        Ok(_) => {
            assert!((200..300).contains(&status), "{status} is no success");
            let text = std::str::from_utf8(body).expect("a success is text");
            if let Some(body) = json(text.trim_start_matches('\u{feff}').as_bytes()) {
                let is_empty_list = body == Value::Array(Vec::new());
                assert!(body.is_object() || is_empty_list, "and an object: {body}");
                let error = &body["error"];
                assert!(error.is_null() || *error == Value::Bool(false), "and no error: {body}");
            }
        }
        Err(error) => {
            assert!(!(request.is_query() && error.may_have_arrived), "a query changes nothing");
            let may = !error.may_have_arrived || request.is_query();
            assert!(may || !error.may_repeat(), "it could arrive twice: {error:?}");
            // Escapes are longer than what they stand for.
            assert!(error.message.chars().count() <= 200 * 10 + 20, "a short text: {error}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(char::is_control), "{shown:?} shows a control character");
            assert!(!shown.contains(signature), "{shown} shows the signature");
        }
    }
    // What repeats the request does not show its signature either.
    let repeated = [body, request.url().as_bytes()].concat();
    if let Err(error) = request.read(&HttpAnswer::new(401, &repeated), NOW) {
        assert!(!error.to_string().contains(signature), "{error} shows the signature");
    }
}

/// What was read must be JSON. Nothing if it holds a number that no value of `serde_json` can: JSON has
/// no largest one.
fn json(text: &[u8]) -> Option<Value> {
    serde_json::from_slice::<IgnoredAny>(text).expect("what is read is JSON");
    serde_json::from_slice(text).ok()
}

fn webhook(case: u8, body: &[u8]) {
    let webhooks = Webhooks::new(KEY, SECRET).expect("a key and a secret").largest_age(None);
    let signature = sign(body);
    let read = |signature: &str, body: &[u8]| {
        let header = |name: &str| match name {
            "X-Pusher-Key" => Some(KEY),
            _ => Some(signature),
        };
        webhooks.read(header, body, NOW)
    };
    let place = usize::from(case);
    let mut changed = body.to_vec();
    if let Some(byte) = changed.get_mut(place) {
        *byte ^= 1;
        assert_eq!(read(&signature, &changed), Err(WebhookError::Signature), "a changed body");
    }
    let digit = if &signature[place % 64..=place % 64] == "0" { "1" } else { "0" };
    let flipped = format!("{}{digit}{}", &signature[..place % 64], &signature[place % 64 + 1..]);
    assert_eq!(read(&flipped, body), Err(WebhookError::Signature), "a changed signature");

    match read(&signature, body) {
        Ok(webhook) => {
            let Some(expected) = json(body) else { return };
            let list = match &expected["events"] {
                Value::Array(list) => list.iter().collect::<Vec<_>>(),
                // Twice the same key: this second reader keeps one of them.
                Value::Object(list) => list.values().collect(),
                other => panic!("a list of events: {other}"),
            };
            if expected["events"].is_array() {
                assert_eq!(webhook.events.len(), list.len(), "the events");
                webhook.events.iter().zip(list).for_each(|(event, value)| same(event, value));
            }
            let sum = digest::digest(&digest::SHA256, body);
            assert_eq!(webhook.id().as_bytes(), sum.as_ref(), "the id");
        }
        Err(WebhookError::Malformed { .. }) => {
            let expected: Option<Value> = serde_json::from_slice(body).ok();
            let events = expected.as_ref().map(|body| &body["events"]);
            assert!(!events.is_some_and(Value::is_array), "a webhook that is not read");
        }
        Err(other) => panic!("it is signed: {other}"),
    }
}

/// Whether an event says what a second reader finds.
fn same(event: &WebhookEvent, value: &Value) {
    if let WebhookEvent::Other { json, .. } = event {
        assert_eq!(serde_json::from_str::<Value>(json).ok().as_ref(), Some(value), "as it stands");
        return;
    }
    assert_eq!(value["name"], event.name());
    assert_eq!(value["channel"].as_str(), event.channel());
    match event {
        WebhookEvent::ClientEvent(event) => {
            assert_eq!(value["event"], *event.event);
            assert_eq!(value["socket_id"].as_str(), event.socket_id.as_deref());
        }
        WebhookEvent::MemberAdded { user_id, .. } if value["user_id"].is_string() => {
            assert_eq!(value["user_id"], **user_id);
        }
        _ => {}
    }
}

fn form(case: u8, body: &[u8]) {
    let content_type = CONTENT_TYPES[usize::from(case) % CONTENT_TYPES.len()];
    let config = Config::builder(KEY).secret(SECRET).master_key(&[7; 32]);
    let config = config.build().expect("these settings keep the rules");
    let signer = config.signer().expect("it has the secret");
    if let Ok(asked) = ChannelForm::read(content_type, body) {
        let (socket_id, channel) = (asked.socket_id.as_str(), asked.channel.as_str());
        assert!(!socket_id.contains(':') && !channel.contains(':'), "a colon: {asked:?}");
        let member = MemberData::new("me");
        if let Ok(granted) =
            signer.authorize_channel(&asked.socket_id, &asked.channel, Some(&member))
        {
            let is_presence = channel.starts_with("presence-");
            assert!(is_presence || channel.starts_with("private-"), "a public channel: {channel}");
            let data = r#"{"user_id":"me"}"#;
            let signed = match is_presence {
                true => format!("{socket_id}:{channel}:{data}"),
                false => format!("{socket_id}:{channel}"),
            };
            assert_eq!(granted.auth, format!("{KEY}:{}", sign(signed.as_bytes())), "{signed}");
            assert_eq!(granted.channel_data.as_deref(), is_presence.then_some(data));
            let read: Value = serde_json::from_str(&granted.to_json()).expect("it is JSON");
            assert_eq!(read["auth"], *granted.auth);
        }
    }
    if let Ok(asked) = UserForm::read(content_type, body) {
        let user = UserData::new("me");
        let granted =
            signer.authenticate_user(&asked.socket_id, &user).expect("it keeps the rules");
        let signed = format!("{}::user::{{\"id\":\"me\"}}", asked.socket_id);
        assert_eq!(granted.auth, format!("{KEY}:{}", sign(signed.as_bytes())), "{signed}");
    }
}

/// Whatever is asked for, a server accepts the signature.
fn request(case: u8, text: &str) {
    let (first, second) = match text.find('|') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, text),
    };
    match case % 8 {
        0 => send(&Publish::new(first, second, first)),
        1 => send(&Publish::to_user(first, second, second).exclude(second)),
        2 => send(&Publish::new("private-encrypted-a", first, second).nonce([7; 24])),
        3 => {
            send(&Batch::new([Publish::new("a", first, second), Publish::new(first, "e", second)]))
        }
        4 => send(&ListChannels::new().prefix(first)),
        5 => send(&GetChannel::new(first).with_subscription_count().with_cache()),
        6 => send(&Terminate::user(first)),
        _ => send(&Custom::get(first).parameter("q", second)),
    }
}

fn send<C: Call>(call: &C) {
    let Ok(request) = app().request(call, NOW) else { return };
    let target = request.target();
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    assert!(target.bytes().all(is_plain), "{target} is not a request's target");
    assert!(!target.contains("/../") && !target.contains("/./"), "{target} is another path");
    let config = ServerConfig::default().app(ServerApp::new("3", KEY, SECRET));
    let body = request.body().to_owned().into_bytes();
    let asked = HttpRequest::new(request.method().as_str(), target, NOW.as_secs()).body(body);
    let answer = Broker::new(config).http(&asked, Instant::ORIGIN);
    assert_ne!(answer.status, 401, "{target}: {}", answer.body);
}

fn sign(text: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::sign(&key, text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
