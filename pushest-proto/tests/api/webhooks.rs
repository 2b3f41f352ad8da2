//! Webhooks are verified, read, and told apart (docs/protocol.md#webhooks).

use std::time::Duration;

use crate::config;
use hmac::{Hmac, KeyInit, Mac};
use pushest_proto::ConfigError;
use pushest_proto::webhook::{
    Delivery, Handling, Seen, Webhook, WebhookError, WebhookEvent, Webhooks,
};

/// The protocol's vector.
const BODY: &str = r#"{"time_ms":1327078148132,"events":[{"name":"event_name","some":"data"}]}"#;
const SIGNATURE: &str = "05a115b7898e4956cf46df2dd2822b3b913a4255343acd82d31609f222765c6a";
const NOW: Duration = Duration::from_millis(1_327_078_148_132);

fn webhooks() -> Webhooks {
    Webhooks::new("key", "secret").unwrap()
}

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn read_with(
    webhooks: &Webhooks,
    key: &str,
    signature: &str,
    body: &[u8],
    now: Duration,
) -> Result<Webhook, WebhookError> {
    let header = |name: &str| match name.to_ascii_lowercase().as_str() {
        "x-pusher-key" => Some(key),
        "x-pusher-signature" => Some(signature),
        _ => None,
    };
    webhooks.read(header, body, now)
}

/// Reads a body that the server has signed.
fn read(body: &str) -> Result<Webhook, WebhookError> {
    read_with(&webhooks(), "key", &sign("secret", body.as_bytes()), body.as_bytes(), NOW)
}

fn events(events: &str) -> Vec<WebhookEvent> {
    read(&format!(r#"{{"time_ms":1327078148132,"events":{events}}}"#)).unwrap().events
}

#[test]
fn a_webhook_is_verified_as_the_protocols_vector_is() {
    for signature in [SIGNATURE.to_owned(), SIGNATURE.to_uppercase(), format!(" {SIGNATURE} ")] {
        let webhook = read_with(&webhooks(), "key", &signature, BODY.as_bytes(), NOW).unwrap();
        assert_eq!((webhook.key.as_str(), webhook.time), ("key", Some(NOW)));
        let json = r#"{"name":"event_name","some":"data"}"#.to_owned();
        assert_eq!(webhook.events, [WebhookEvent::Other { name: "event_name".into(), json }]);
    }
}

#[test]
fn what_is_not_signed_by_the_named_keys_secret_is_not_taken() {
    let refused = |key: &str, signature: &str, body: &str| {
        read_with(&webhooks(), key, signature, body.as_bytes(), NOW).unwrap_err()
    };
    for place in 0..64 {
        let digit = if &SIGNATURE[place..=place] == "0" { "1" } else { "0" };
        let flipped = format!("{}{digit}{}", &SIGNATURE[..place], &SIGNATURE[place + 1..]);
        assert_eq!(refused("key", &flipped, BODY), WebhookError::Signature);
    }
    for signature in ["", "0", "zz", &SIGNATURE[..62], &format!("{SIGNATURE}00"), "é"] {
        assert_eq!(refused("key", signature, BODY), WebhookError::Signature, "{signature}");
    }
    for body in ["", "{}", &BODY.replace("data", "Data"), &format!("{BODY}\n")] {
        assert_eq!(refused("key", SIGNATURE, body), WebhookError::Signature, "{body}");
    }
    let error = refused("other", SIGNATURE, BODY);
    assert_eq!(error, WebhookError::UnknownKey { key: "other".into() });
    let error = refused(&"x".repeat(100_000), SIGNATURE, BODY);
    assert!(error.to_string().len() < 400);
    assert_eq!(error.status(), 401);
    assert!(!format!("{error}{error:?}").contains(SIGNATURE));
}

#[test]
fn missing_headers_are_named() {
    let missing = |name: &str| {
        let header = |other: &str| (other != name).then_some("key");
        webhooks().read(header, BODY.as_bytes(), NOW).unwrap_err().to_string()
    };
    assert_eq!(missing("X-Pusher-Key"), "the webhook has no header X-Pusher-Key");
    assert_eq!(missing("X-Pusher-Signature"), "the webhook has no header X-Pusher-Signature");
}

#[test]
fn while_keys_are_rotated_each_counts_with_its_own_secret() {
    let both = webhooks().with_key("new", "s3cret").unwrap().with_key("key", "second").unwrap();
    let read = |key: &str, secret: &str| {
        read_with(&both, key, &sign(secret, BODY.as_bytes()), BODY.as_bytes(), NOW)
    };
    for (key, secret) in [("key", "secret"), ("key", "second"), ("new", "s3cret")] {
        assert_eq!(read(key, secret).unwrap().key, key);
    }
    for (key, secret) in [("new", "secret"), ("key", "s3cret"), ("new", "second")] {
        assert_eq!(read(key, secret), Err(WebhookError::Signature));
    }
}

#[test]
fn keys_and_secrets_that_anybody_could_sign_with_are_refused() {
    for secret in ["", " ", "\n"] {
        assert_eq!(Webhooks::new("key", secret).unwrap_err(), ConfigError::EmptySecret);
        assert_eq!(webhooks().with_key("new", secret).unwrap_err(), ConfigError::EmptySecret);
    }
    assert!(matches!(Webhooks::new("k\ney", "secret"), Err(ConfigError::Key { .. })));
    let of_config = Webhooks::from_config(&config().build().unwrap()).unwrap();
    let signature = sign(crate::SECRET, BODY.as_bytes());
    read_with(&of_config, crate::KEY, &signature, BODY.as_bytes(), NOW).unwrap();
    let without = pushest_proto::Config::builder("k").build().unwrap();
    assert_eq!(
        Webhooks::from_config(&without).unwrap_err(),
        ConfigError::Missing { what: "secret" }
    );
    assert!(!format!("{of_config:?}").contains(crate::SECRET));
}

#[test]
fn a_replay_is_refused_once_it_is_old() {
    let at = |webhooks: &Webhooks, now| read_with(webhooks, "key", SIGNATURE, BODY.as_bytes(), now);
    let seconds = Duration::from_secs;
    // Servers try for 5 minutes.
    for now in [NOW + seconds(300), NOW + seconds(600), NOW - seconds(600)] {
        at(&webhooks(), now).unwrap();
    }
    let error = at(&webhooks(), NOW + seconds(601)).unwrap_err();
    assert_eq!(error.to_string(), "the webhook is 601 s old, at most 600 s are allowed");
    let error = at(&webhooks(), NOW - seconds(700)).unwrap_err();
    let expected =
        "the webhook was made 700 s in the future, at most 600 s are allowed: is the clock right?";
    assert_eq!((&*error.to_string(), error.status()), (expected, 401));
    let strict = webhooks().largest_age(Some(seconds(10)));
    at(&strict, NOW + seconds(10)).unwrap();
    assert!(matches!(at(&strict, NOW + seconds(11)), Err(WebhookError::TooOld { .. })));
    let lax = webhooks().largest_age(None);
    for now in [Duration::ZERO, NOW * 2, Duration::MAX] {
        at(&lax, now).unwrap();
    }
    // Without a time its age cannot be known.
    let (none, odd) =
        ("it has no `time_ms`", "its `time_ms` is no number of milliseconds since 1970");
    for (time, problem) in [
        ("", none),
        (r#""time_ms":null,"#, none),
        (r#""time_ms":"x","#, odd),
        (r#""time_ms":-5,"#, odd),
        (r#""time_ms":[1],"#, odd),
    ] {
        let body = format!(r#"{{{time}"events":[]}}"#);
        let error = read(&body).unwrap_err();
        assert_eq!(error, WebhookError::Malformed { problem });
        let signature = sign("secret", body.as_bytes());
        assert_eq!(read_with(&lax, "key", &signature, body.as_bytes(), NOW).unwrap().time, None);
    }
}

#[test]
fn a_signed_body_that_is_no_webhook_says_so() {
    for body in ["", "junk", "[]", "7", r#"{"time_ms":1,"events":[{]}"#, "{}", r#"{"events":7}"#] {
        let error = read(body).unwrap_err();
        assert!(matches!(error, WebhookError::Malformed { .. }), "{body}: {error}");
        assert_eq!(error.status(), 400);
    }
    let body = b"{\"events\":[\"\xff\"]}";
    let error = read_with(&webhooks(), "key", &sign("secret", body), body, NOW).unwrap_err();
    assert_eq!(error, WebhookError::Malformed { problem: "it is not UTF-8" });
}

#[test]
fn each_event_has_its_type() {
    let channel = |event: &WebhookEvent| event.channel().map(str::to_owned);
    let all = events(
        r#"[{"name":"channel_occupied","channel":"a"},
            {"channel":"a\u0021","name":"channel_vacated"},
            {"name":"member_added","channel":"presence-a","user_id":"ada"},
            {"name":"member_removed","channel":"presence-a","user_id":7.0},
            {"name":"cache_miss","channel":"cache-a","data":"{}"},
            {"name":"subscription_count","channel":"a","subscription_count":3}]"#,
    );
    assert_eq!(all[0], WebhookEvent::ChannelOccupied { channel: "a".into() });
    assert_eq!(all[1], WebhookEvent::ChannelVacated { channel: "a!".into() });
    let (room, ada) = ("presence-a".to_owned(), "ada".to_owned());
    assert_eq!(all[2], WebhookEvent::MemberAdded { channel: room.clone(), user_id: ada });
    assert_eq!(all[3], WebhookEvent::MemberRemoved { channel: room, user_id: "7".into() });
    assert_eq!(all[4], WebhookEvent::CacheMiss { channel: "cache-a".into() });
    assert_eq!(all[5], WebhookEvent::SubscriptionCount { channel: "a".into(), count: 3 });
    let names: Vec<_> = all.iter().map(WebhookEvent::name).collect();
    let expected =
        ["channel_occupied", "channel_vacated", "member_added", "member_removed", "cache_miss"];
    assert_eq!(names[..5], expected);
    assert_eq!(channel(&all[5]).as_deref(), Some("a"));
}

#[test]
fn a_client_event_says_who_sent_what() {
    let client = |fields: &str| {
        let event = format!(
            r#"[{{"name":"client_event","channel":"private-a","event":"client-x"{fields}}}]"#
        );
        match events(&event).remove(0) {
            WebhookEvent::ClientEvent(event) => event,
            other => panic!("{other:?}"),
        }
    };
    let event = client(r#","data":"{\"x\":1}","socket_id":"1.2","user_id":"ada""#);
    assert_eq!((event.channel.as_str(), event.event.as_str()), ("private-a", "client-x"));
    assert_eq!(event.data, r#"{"x":1}"#);
    assert_eq!((event.socket_id.as_deref(), event.user_id.as_deref()), (Some("1.2"), Some("ada")));
    // Sockudo passes the data on as it was, and may not know the socket.
    let event = client(r#","data":{"x": 1},"socket_id":null"#);
    assert_eq!((event.data.as_str(), event.socket_id, event.user_id), (r#"{"x": 1}"#, None, None));
    assert_eq!(client("").data, "");
}

#[test]
fn an_event_that_is_not_known_or_odd_is_kept_as_it_stands_and_costs_no_other() {
    let odd = [
        (r#"{"name":"ai_run_started","channel":"a","n":[1, 2]}"#, "ai_run_started"),
        (r#"{"name":"channel_occupied"}"#, "channel_occupied"),
        (r#"{"name":"member_added","channel":"a","user_id":[]}"#, "member_added"),
        (
            r#"{"name":"subscription_count","channel":"a","subscription_count":-1}"#,
            "subscription_count",
        ),
        (r#"{"name":"client_event","channel":"a"}"#, "client_event"),
        (r#"{"name":7,"channel":"a"}"#, ""),
        ("{}", ""),
        ("[1]", ""),
        ("null", ""),
    ];
    for (json, name) in odd {
        let known = r#"{"name":"cache_miss","channel":"a"}"#;
        let read = events(&format!("[{known},{json},{known}]"));
        let known = WebhookEvent::CacheMiss { channel: "a".into() };
        let other = WebhookEvent::Other { name: name.into(), json: json.into() };
        assert_eq!(other.channel(), None);
        assert_eq!(read, [known.clone(), other, known]);
    }
    assert!(events("[]").is_empty());
}

#[test]
fn one_that_comes_again_is_told_from_one_of_its_own() {
    let mut seen = Seen::new(2);
    let first = read(BODY).unwrap();
    // The same, signed with another key.
    let rotated = webhooks().with_key("new", "s3cret").unwrap();
    let signature = sign("s3cret", BODY.as_bytes());
    let again = read_with(&rotated, "new", &signature, BODY.as_bytes(), NOW).unwrap();
    assert_eq!(first.id(), again.id());
    assert!(!seen.contains(&first));
    carry_out(&mut seen, &first);
    assert!(seen.contains(&again) && matches!(seen.begin(&again), Delivery::Again));
    let other = |number: u64| {
        let time = NOW.as_millis();
        read(&format!(r#"{{"time_ms":{time},"events":[{{"name":"x{number}"}}]}}"#)).unwrap()
    };
    assert!(!seen.contains(&other(1)));
    carry_out(&mut seen, &other(1));
    assert!(seen.contains(&other(1)) && matches!(seen.begin(&first), Delivery::Again));
    // The oldest goes.
    carry_out(&mut seen, &other(2));
    assert!(matches!(seen.begin(&other(2)), Delivery::Again) && !seen.contains(&first));
    assert!(seen.contains(&other(1)) && seen.contains(&other(2)));
    assert_eq!(first.id().to_string().len(), 64);
    assert_ne!(first.id().to_string(), SIGNATURE);
}

fn begin(seen: &mut Seen, webhook: &Webhook) -> Handling {
    match seen.begin(webhook) {
        Delivery::First(handling) => handling,
        other => panic!("{other:?}"),
    }
}

fn carry_out(seen: &mut Seen, webhook: &Webhook) {
    begin(seen, webhook).done();
}

#[test]
fn of_equal_ones_at_the_same_time_one_is_carried_out() {
    let (mut seen, webhook) = (Seen::new(1), read(BODY).unwrap());
    let handling = begin(&mut seen, &webhook);
    for _ in 0..3 {
        assert!(matches!(seen.begin(&webhook), Delivery::Underway));
        assert!(!seen.contains(&webhook));
    }
    // Others are not held up by it, and do not make room of its place.
    for number in 0..10 {
        let time = NOW.as_millis();
        let body = format!(r#"{{"time_ms":{time},"events":[{{"name":"x{number}"}}]}}"#);
        carry_out(&mut seen, &read(&body).unwrap());
    }
    assert!(matches!(seen.begin(&webhook), Delivery::Underway));
    handling.done();
    assert!(seen.contains(&webhook) && matches!(seen.begin(&webhook), Delivery::Again));
}

#[test]
fn one_that_failed_or_was_given_up_is_new_when_it_comes_again() {
    let (mut seen, webhook) = (Seen::new(1), read(BODY).unwrap());
    drop(begin(&mut seen, &webhook));
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _handling = begin(&mut seen, &webhook);
        panic!("the handler's own");
    }));
    unwound.unwrap_err();
    assert!(!seen.contains(&webhook));
    carry_out(&mut seen, &webhook);
    assert!(matches!(seen.begin(&webhook), Delivery::Again));
}

#[test]
fn of_handlers_on_many_threads_one_carries_an_equal_webhook_out() {
    let (seen, webhook) = (std::sync::Mutex::new(Seen::new(9)), read(BODY).unwrap());
    let barrier = std::sync::Barrier::new(8);
    let handle = || {
        barrier.wait();
        let delivery = seen.lock().unwrap().begin(&webhook);
        let Delivery::First(handling) = delivery else { return 0 };
        std::thread::yield_now(); // the work
        handling.done();
        1
    };
    let carried_out: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(handle)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(carried_out, 1);
}
