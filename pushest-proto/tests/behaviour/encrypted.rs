//! Channels whose events the server cannot read.

use std::time::Duration;

use crate::harness::{Harness, SECRET, asking, message, object, signing};
use pushest_proto::{
    Authorization, AuthorizationError, AuthorizationRequest, ChannelState, DecryptionFailure, Event,
};
use serde_json::{Value, json};

const ROOM: &str = "private-encrypted-room";
/// The key of the protocol's second vector, and what it opens.
const KEY: &str = "iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=";
const OTHER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn sealed() -> Value {
    json!({
        "nonce": "4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9",
        "ciphertext": "/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A=",
    })
}

fn answer(harness: &mut Harness, request: &AuthorizationRequest, key: &str) {
    let granted = Authorization::new("key:signature").shared_secret(key);
    harness.session.handle_authorization(request.ticket, Ok(granted), harness.now);
    harness.drain();
}

/// A session that asks, subscribed with this key.
fn subscribed(key: &str) -> Harness {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe(ROOM);
    let request = harness.requests().remove(0);
    answer(&mut harness, &request, key);
    harness.succeed(ROOM);
    harness.actions.clear();
    harness
}

/// `name text`, or `name !why`, for each event.
fn told(harness: &mut Harness) -> Vec<String> {
    let line = |event: &Event| match event {
        Event::Channel(event) => {
            assert!(event.was_encrypted());
            format!("{} {}", event.name(), event.text())
        }
        Event::Undecryptable { name, reason, .. } => format!("{name} !{reason:?}"),
        other => panic!("{other:?}"),
    };
    harness.events().iter().map(line).collect()
}

#[test]
fn the_key_of_the_authorization_opens_events() {
    let mut harness = subscribed(KEY);
    harness.receive(&message("string", Some(ROOM), &sealed().to_string()));
    harness.receive(&object("object", Some(ROOM), sealed()));
    let events = harness.events();
    for event in &events {
        let Event::Channel(event) = event else { panic!("{event:?}") };
        assert_eq!(event.text(), r#"{"message":"hello world"}"#);
        assert_eq!(event.raw(), r#"{"message":"hello world"}"#);
        assert_eq!(event.json::<Value>().unwrap(), json!({"message": "hello world"}));
    }
    assert_eq!(events.len(), 2);
}

#[test]
fn the_master_key_and_the_secret_need_nobody_else() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use crypto_secretbox::aead::Aead as _;
    use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
    use sha2::{Digest as _, Sha256};

    let master = [9_u8; 32];
    let mut hash = Sha256::new();
    hash.update(ROOM.as_bytes());
    hash.update(master);
    let cipher = XSalsa20Poly1305::new(hash.finalize().as_slice().into());
    let nonce = [5_u8; 24];
    let ciphertext = cipher.encrypt((&nonce).into(), b"plain words".as_slice()).unwrap();
    let sealed = json!({
        "nonce": STANDARD.encode(nonce),
        "ciphertext": STANDARD.encode(ciphertext),
    });

    let mut harness = Harness::new(signing().master_key_base64(&STANDARD.encode(master)));
    harness.connect();
    harness.subscribe(ROOM);
    assert!(harness.sent()[0].contains("auth"));
    harness.succeed(ROOM);
    harness.actions.clear();
    harness.receive(&message("e", Some(ROOM), &sealed.to_string()));
    let events = harness.events();
    let [Event::Channel(event)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.json::<String>().unwrap(), "plain words");
    // Another key cannot be had, so that none is asked for.
    harness.receive(&object("e", Some(ROOM), self::sealed()));
    assert_eq!(told(&mut harness), ["e !WrongKey"]);
    assert!(harness.requests().is_empty());
}

#[test]
fn a_key_that_rotated_is_asked_for_once_and_nothing_is_lost_or_out_of_order() {
    let mut harness = subscribed(OTHER_KEY);
    for name in ["a", "b", "c"] {
        harness.receive(&object(name, Some(ROOM), sealed()));
    }
    let requests = harness.requests();
    assert_eq!(requests.len(), 1);
    assert!(harness.events().is_empty());
    assert_eq!(harness.session.channel(ROOM).unwrap().state(), ChannelState::Subscribed);
    answer(&mut harness, &requests[0], KEY);
    harness.receive(&object("d", Some(ROOM), sealed()));
    let text = r#"{"message":"hello world"}"#;
    let expected: Vec<String> =
        ["a", "b", "c", "d"].iter().map(|name| format!("{name} {text}")).collect();
    assert_eq!(told(&mut harness), expected);
    assert!(harness.sent().is_empty(), "the subscription stands");
}

#[test]
fn a_key_that_came_leaves_no_deadline_behind() {
    let mut harness = subscribed(OTHER_KEY);
    harness.pass_seconds(60);
    let before = harness.session.poll_timeout();
    harness.receive(&object("a", Some(ROOM), sealed()));
    let request = harness.requests().remove(0);
    assert_ne!(harness.session.poll_timeout(), before, "until then the answer is waited for");
    answer(&mut harness, &request, KEY);
    assert_eq!(told(&mut harness), [r#"a {"message":"hello world"}"#]);
    assert_eq!(harness.session.poll_timeout(), before);
}

#[test]
fn what_the_fresh_key_does_not_open_is_reported_and_does_not_ask_again() {
    let mut harness = subscribed(OTHER_KEY);
    harness.receive(&object("a", Some(ROOM), sealed()));
    let request = harness.requests().remove(0);
    answer(&mut harness, &request, OTHER_KEY);
    assert_eq!(told(&mut harness), ["a !WrongKey"]);
    for _ in 0..10 {
        harness.receive(&object("b", Some(ROOM), sealed()));
    }
    assert_eq!(told(&mut harness).len(), 10);
    assert!(harness.requests().is_empty());
}

/// Asking for the key took the subscription's own deadline away, so that it was not tried again.
#[test]
fn an_event_before_the_confirmation_asks_for_no_key_and_the_subscription_is_not_forgotten() {
    let mut harness = Harness::new(asking());
    harness.connect();
    harness.subscribe(ROOM);
    let request = harness.requests().remove(0);
    answer(&mut harness, &request, OTHER_KEY);
    harness.receive(&object("early", Some(ROOM), sealed()));
    assert!(harness.requests().is_empty(), "the key was granted just now");
    assert_eq!(told(&mut harness), ["early !WrongKey"]);
    // The server never confirms; the authorizer goes on to answer.
    for _ in 0..100 {
        harness.pass_seconds(1);
        for request in harness.requests() {
            answer(&mut harness, &request, OTHER_KEY);
        }
    }
    assert_eq!(harness.session.channel(ROOM).unwrap().state(), ChannelState::Failed);
}

#[test]
fn a_key_that_is_not_to_be_had_is_reported() {
    for denied in [
        AuthorizationError::refused(Some(403), "no"),
        AuthorizationError::unavailable(Some(500), "oops"),
    ] {
        let mut harness = subscribed(OTHER_KEY);
        harness.receive(&object("a", Some(ROOM), sealed()));
        let ticket = harness.requests()[0].ticket;
        harness.session.handle_authorization(ticket, Err(denied), harness.now);
        harness.drain();
        assert_eq!(told(&mut harness), ["a !WrongKey"]);
        assert_eq!(harness.session.channel(ROOM).unwrap().state(), ChannelState::Subscribed);
    }
    let mut harness = subscribed(OTHER_KEY);
    harness.receive(&object("a", Some(ROOM), sealed()));
    let ticket = harness.requests()[0].ticket;
    harness.pass(Duration::from_secs(10));
    assert_eq!(told(&mut harness), ["a !WrongKey"]);
    assert_eq!(harness.abandoned(), [ticket]);
}

#[test]
fn what_waits_for_a_key_is_reported_when_the_connection_or_the_subscription_ends() {
    let mut harness = subscribed(OTHER_KEY);
    harness.receive(&object("a", Some(ROOM), sealed()));
    harness.requests();
    harness.close(4200);
    assert_eq!(told(&mut harness), ["a !WrongKey"]);
    assert_eq!(harness.abandoned().len(), 1);

    let mut harness = subscribed(OTHER_KEY);
    harness.receive(&object("a", Some(ROOM), sealed()));
    harness.session.unsubscribe(ROOM, harness.now).unwrap();
    harness.drain();
    assert_eq!(told(&mut harness), ["a !WrongKey"]);
    assert_eq!(harness.abandoned().len(), 1);
}

#[test]
fn what_waits_for_a_key_is_bounded() {
    let mut harness = subscribed(OTHER_KEY);
    for _ in 0..100 {
        harness.receive(&object("a", Some(ROOM), sealed()));
    }
    assert_eq!(told(&mut harness).len(), 100 - 64);
    let request = harness.requests().remove(0);
    answer(&mut harness, &request, KEY);
    assert_eq!(told(&mut harness).len(), 64);
}

#[test]
fn what_waits_for_a_key_is_bounded_in_bytes_too() {
    let mut harness = subscribed(OTHER_KEY);
    let long = |bytes: usize| {
        let nonce = "4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9";
        json!({"nonce": nonce, "ciphertext": "AAAA".repeat(bytes / 4)})
    };
    for (name, bytes) in [("a", 100_000), ("b", 100_000), ("c", 100_000), ("d", 50_000)] {
        harness.receive(&object(name, Some(ROOM), long(bytes)));
    }
    assert_eq!(told(&mut harness), ["c !WrongKey"], "256 KiB are kept at most");
    let request = harness.requests().remove(0);
    answer(&mut harness, &request, KEY);
    assert_eq!(told(&mut harness), ["a !WrongKey", "b !WrongKey", "d !WrongKey"]);
}

#[test]
fn ciphertext_is_never_passed_on_as_data() {
    let nonce = "4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9";
    let cases = [
        (json!("plain words"), DecryptionFailure::NotEncrypted),
        (json!({"a": 1}), DecryptionFailure::NotEncrypted),
        (json!({"nonce": "AAAA", "ciphertext": "AAAA"}), DecryptionFailure::BadNonce),
        (json!({"nonce": nonce, "ciphertext": "?"}), DecryptionFailure::BadCiphertext),
    ];
    for (data, expected) in cases {
        let mut harness = subscribed(KEY);
        harness.receive(&object("e", Some(ROOM), data.clone()));
        let events = harness.events();
        assert!(
            matches!(&events[..], [Event::Undecryptable { reason, .. }] if *reason == expected),
            "{data}: {events:?}"
        );
    }
    let mut harness = subscribed(KEY);
    let cut_short = json!({"nonce": nonce, "ciphertext": "/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fg"});
    harness.receive(&object("e", Some(ROOM), cut_short));
    let request = harness.requests().remove(0);
    answer(&mut harness, &request, KEY);
    assert_eq!(told(&mut harness), ["e !WrongKey"]);
}

#[test]
fn an_authorization_without_a_usable_key_is_a_refusal() {
    let mut answers = vec![Authorization::new("k:s")];
    answers.extend(["", "AAAA", "?"].map(|key| Authorization::new("k:s").shared_secret(key)));
    for granted in answers {
        let mut harness = Harness::new(asking());
        harness.connect();
        harness.subscribe(ROOM);
        let ticket = harness.requests()[0].ticket;
        harness.session.handle_authorization(ticket, Ok(granted), harness.now);
        harness.drain();
        let view = harness.session.channel(ROOM).unwrap();
        assert_eq!(view.state(), ChannelState::Failed);
        assert!(view.failure().unwrap().to_string().contains("shared_secret"));
    }
}

#[test]
fn the_secret_alone_does_not_subscribe() {
    let mut harness = Harness::new(asking().secret(SECRET));
    let plain = pushest_proto::SubscribeOptions::default();
    assert!(harness.session.subscribe(ROOM, &plain, harness.now).is_err());
}

#[test]
fn each_reason_has_words_of_its_own() {
    for (reason, text) in [
        (
            DecryptionFailure::NotEncrypted,
            "the data is not an object with `nonce` and `ciphertext`",
        ),
        (DecryptionFailure::BadNonce, "the nonce is not base64 of 24 bytes"),
        (DecryptionFailure::BadCiphertext, "the ciphertext is not base64"),
        (DecryptionFailure::WrongKey, "the key does not fit, or the ciphertext is damaged"),
        (DecryptionFailure::NotUtf8, "what was opened is not UTF-8"),
    ] {
        assert_eq!(reason.to_string(), text);
    }
}
