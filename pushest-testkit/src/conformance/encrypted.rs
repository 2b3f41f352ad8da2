//! Encrypted channels whose keys come with the authorization.
//!
//! What is published here was sealed once with NaCl's secretbox, as PyNaCl has it: the key is the
//! SHA-256 of channel and master key, the nonce 24 times the byte 7 (a constant one would be a
//! fault anywhere but here).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pushest_proto::{Event, RequestFailure};

use super::authorizing::{asking, granted, signer};
use super::driver::{Driver, DriverClient, Unmet};
use super::patience::{Expect, PATIENCE, started_with};
use super::{Remote, in_process};
use crate::Server;

/// The key that all encrypted channels derive theirs from.
pub(super) const MASTER_KEY: &[u8; 32] = b"an app's master key of 32 bytes.";

/// The channel that everything here was sealed for.
pub(super) const CHANNEL: &str = "private-encrypted-orders";

/// `{"id":7}`, sealed.
pub(super) const SEALED: &str = r#"{"nonce":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH","ciphertext":"4OmrV7DbXop/C4hfR4FP8tkWiBHqhoQ9"}"#;

/// The channel's key, as an authorization carries it.
const SHARED_SECRET: &str = "oh3hSMRqglR4b2T0XKSJr49RkT2uFkKxXPck4tY1OLw=";

/// The same for the master key `the key that came after that one`.
const ROTATED: &str = "58maZ+V4lvwCw8fW9hroseaqruw4FyKV56UmzgxMgQI=";

/// `1`, `2` and `3`, sealed with that.
const SEALED_LATER: [&str; 3] = [
    r#"{"nonce":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH","ciphertext":"CI3cvI+aotYZqwhRbSiZja4="}"#,
    r#"{"nonce":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH","ciphertext":"fVu9svOCicuV5mxDZUXrgq0="}"#,
    r#"{"nonce":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH","ciphertext":"8imeqFdrcMARItE1XWI9eKw="}"#,
];

/// Returns a client whose authorizer hands out the one key for as many requests, and then the
/// other; an empty one is none.
fn client<D: Driver>(
    server: &Server,
    first: u32,
    keys: [&'static str; 2],
) -> (D::Client, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let (signer, count) = (signer(server), asked.clone());
    let settings = asking(move |request| {
        let key = keys[usize::from(count.fetch_add(1, Ordering::SeqCst) >= first)];
        let answer = match key {
            "" => granted(&signer, &request),
            key => granted(&signer, &request).shared_secret(key),
        };
        Box::pin(async move { Ok(answer) })
    });
    let config = Remote::of(server).builder().build().expect("valid");
    (started_with::<D>(config, settings), asked)
}

pub fn a_rotated_key_is_asked_for_once_and_nothing_is_lost<D: Driver>() {
    let server = super::server();
    let (mut client, asked) = client::<D>(&server, 1, [SHARED_SECRET, ROTATED]);
    client.must_subscribe(CHANNEL);
    server.publish(CHANNEL, "order", SEALED);
    let event = client.next_of(CHANNEL);
    assert!(event.was_encrypted());
    assert_eq!(event.text(), r#"{"id":7}"#);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // What comes while the new key is asked for waits for it, in order.
    for sealed in SEALED_LATER {
        server.publish(CHANNEL, "order", sealed);
    }
    for number in 1..=3 {
        assert_eq!(client.next_of(CHANNEL).text(), number.to_string());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

pub fn what_no_key_opens_is_told_and_never_passed_on<D: Driver>() {
    let server = super::server();
    let (mut client, asked) = client::<D>(&server, u32::MAX, [SHARED_SECRET; 2]);
    client.must_subscribe(CHANNEL);
    let mut undecryptable = || {
        client.wait_for(|event| match event {
            Event::Undecryptable { .. } => Some(()),
            Event::Channel(event) => panic!("ciphertext is not data: {event:?}"),
            _ => None,
        });
    };
    server.publish(CHANNEL, "order", SEALED_LATER[0]);
    undecryptable();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    for bad in ["hello", "{}", r#"{"nonce":"AAAA","ciphertext":"AAAA"}"#] {
        server.publish(CHANNEL, "order", bad);
        undecryptable();
    }
    server.publish(CHANNEL, "order", SEALED);
    assert_eq!(client.next_of(CHANNEL).text(), r#"{"id":7}"#);
}

pub fn an_authorization_without_a_good_key_fails_the_channel_visibly<D: Driver>() {
    let (_, server) = in_process();
    for bad in ["", "c2hvcnQ=", "!sentinel!"] {
        let (mut client, _) = client::<D>(&server, 0, [bad; 2]);
        client.want(CHANNEL);
        let Err(Unmet::Failed(error)) = client.subscribed(CHANNEL, PATIENCE) else {
            panic!("it cannot be read")
        };
        assert!(error.contains("shared_secret"), "{error}");
        assert!(bad.is_empty() || !error.contains(bad), "{error}");
        let reason = client.wait_for(|event| match event {
            Event::SubscriptionFailed { reason, .. } => Some(reason.clone()),
            _ => None,
        });
        assert!(matches!(reason, RequestFailure::AuthorizationRefused(_)), "{reason:?}");
    }
}
