//! Encrypted channels whose keys come with the authorization.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pushest_tokio::proto::Signer;
use pushest_tokio::{
    Authorization, AuthorizationRequest, Client, CommandError, DecryptionFailure, Event, Options,
    RequestFailure, SubscribeError, SubscriptionError,
};

use crate::common::encrypted::{MASTER_KEY, seal, seal_with, shared_secret_of};
use crate::common::{Target, next_text, subscribed, wait_for, within};
use crate::start;

const ROTATED: &[u8; 32] = b"the key that came after that one";

/// A client whose authorizer hands the channel's key out: of the first master key for as many
/// requests, then of the second.
fn client(target: &Target, first: u32, keys: [&'static [u8]; 2]) -> (Client, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let (signer, count) = (Signer::new(&target.key, &target.secret), asked.clone());
    let options = Options::default().authorizer(move |request: AuthorizationRequest| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let channel = request.subject.channel().expect("nobody signs in").as_str();
        let auth = signer.channel(&request.socket_id, channel, None);
        let key = keys[usize::from(number >= first)];
        let granted = Authorization::new(auth).shared_secret(shared_secret_of(key, channel));
        async move { Ok(granted) }
    });
    (Client::with_options(target.builder().build().expect("valid"), options), asked)
}

async fn undecryptable(subscription: &mut pushest_tokio::Subscription) -> DecryptionFailure {
    wait_for(subscription, |event| match event {
        Event::Undecryptable { reason, .. } => Some(*reason),
        Event::Channel(event) => panic!("ciphertext is not data: {event:?}"),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_rotated_key_is_asked_for_once_and_nothing_is_lost() {
    let (target, server) = start();
    let (client, asked) = client(&target, 1, [MASTER_KEY, ROTATED]);
    let channel = "private-encrypted-orders";
    let mut orders = subscribed(&client, channel).await;
    server.publish(channel, "order", &seal(channel, "1"));
    assert_eq!(next_text(&mut orders, "order").await, "1");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // What comes while the new key is asked for waits for it, in order.
    for number in 2..5 {
        server.publish(channel, "order", &seal_with(ROTATED, channel, &number.to_string()));
    }
    for number in 2..5 {
        assert_eq!(next_text(&mut orders, "order").await, number.to_string());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_no_key_opens_is_told_and_never_passed_on() {
    let (target, server) = start();
    let (client, asked) = client(&target, u32::MAX, [MASTER_KEY, MASTER_KEY]);
    let channel = "private-encrypted-orders";
    let mut orders = subscribed(&client, channel).await;
    server.publish(channel, "order", &seal_with(ROTATED, channel, "1"));
    let reason = undecryptable(&mut orders).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2, "{reason:?}");
    for bad in [
        "hello",
        "{}",
        r#"{"nonce":"AAAA","ciphertext":"AAAA"}"#,
        r#"{"nonce":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH","ciphertext":"AA=="}"#,
    ] {
        server.publish(channel, "order", bad);
        undecryptable(&mut orders).await;
    }
    server.publish(channel, "order", &seal(channel, "7"));
    assert_eq!(next_text(&mut orders, "order").await, "7");
}

#[tokio::test]
async fn an_authorization_without_a_good_key_fails_the_channel_visibly() {
    let (target, _server) = start();
    for shared_secret in [None, Some("c2hvcnQ="), Some("not base64")] {
        let signer = Signer::new(&target.key, &target.secret);
        let options = Options::default().authorizer(move |request: AuthorizationRequest| {
            let channel = request.subject.channel().expect("nobody signs in").as_str();
            let granted = Authorization::new(signer.channel(&request.socket_id, channel, None));
            let granted = match shared_secret {
                Some(text) => granted.shared_secret(text),
                None => granted,
            };
            async move { Ok(granted) }
        });
        let client = Client::with_options(target.builder().build().expect("valid"), options);
        let orders = client.subscribe("private-encrypted-orders").expect("a good channel");
        let error = within(orders.subscribed()).await.expect_err("it cannot be read");
        let SubscriptionError::Failed { reason: RequestFailure::Denied(denied), .. } = &error
        else {
            panic!("not a denial: {error:?}")
        };
        assert!(denied.to_string().contains("shared_secret"), "{denied}");
        assert!(!format!("{error:?}").contains("c2hvcnQ="), "{error:?}");
    }
}

#[tokio::test]
async fn the_secret_alone_is_not_enough() {
    let (target, _server) = start();
    let client = target.connected().await;
    let error = client.subscribe("private-encrypted-orders").expect_err("no master key");
    assert!(
        matches!(error, SubscribeError::Command(CommandError::MasterKeyMissing { .. })),
        "{error}"
    );
}
