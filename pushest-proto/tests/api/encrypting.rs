//! Events on encrypted channels are sealed before they leave (docs/protocol.md#encrypted-channels).

use crate::{NOW, app, sealing_app};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use pushest_proto::api::{ApiLimits, Batch, Call, Publish, RequestError};

const CHANNEL: &str = "private-encrypted-bla";
/// SHA-256 of the channel and the master key.
const SHARED: &str = "6b40e92beac57081b4db6c69ba23f4c7c136e07e326d2f330873f83cdd62dd3a";
const NONCE: [u8; 24] = [7; 24];

fn event(data: &str) -> Publish {
    Publish::new(CHANNEL, "e", data).nonce(NONCE)
}

fn open(data: &str) -> String {
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let bytes = |name: &str| BASE64.decode(data[name].as_str().unwrap()).unwrap();
    let key: [u8; 32] = hex::decode(SHARED).unwrap().try_into().unwrap();
    let nonce: [u8; 24] = bytes("nonce").try_into().unwrap();
    let cipher = XSalsa20Poly1305::new((&key).into());
    String::from_utf8(cipher.decrypt((&nonce).into(), bytes("ciphertext").as_slice()).unwrap())
        .unwrap()
}

fn field(body: &str, pointer: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body.pointer(pointer).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn the_data_of_an_encrypted_channel_is_sealed_with_the_channels_key() {
    for data in [r#"{"message":"hello world"}"#, "plain", "", "é"] {
        let request = sealing_app().request(&event(data), NOW).unwrap();
        assert!(data.is_empty() || !request.body().contains(&data.replace('"', "\\\"")));
        let sealed = field(request.body(), "/data");
        assert_eq!(open(&sealed), data);
        assert_eq!(field(&sealed, "/nonce"), BASE64.encode(NONCE));
    }
    let batch = Batch::new([event("first"), Publish::new("a", "e", "second")]);
    let request = sealing_app().request(&batch, NOW).unwrap();
    assert_eq!(open(&field(request.body(), "/batch/0/data")), "first");
    assert_eq!(field(request.body(), "/batch/1/data"), "second");
}

#[test]
fn without_master_key_or_nonce_nothing_is_sent_in_the_clear() {
    let error = app().request(&event("x"), NOW).unwrap_err();
    assert_eq!(error, RequestError::MasterKeyMissing { channel: CHANNEL.into() });
    let error = sealing_app().request(&Publish::new(CHANNEL, "e", "x"), NOW).unwrap_err();
    assert_eq!(error, RequestError::NonceMissing { channel: CHANNEL.into() });
    assert!(error.to_string().contains("24 random bytes"));
}

#[test]
fn an_encrypted_channel_among_others_is_refused() {
    let mixed = Publish::new(["a", CHANNEL, "private-encrypted-b"], "e", "x").nonce(NONCE);
    let error = sealing_app().request(&mixed, NOW).unwrap_err();
    assert_eq!(error, RequestError::EncryptedAmongOthers { channel: CHANNEL.into(), count: 3 });
    assert!(error.to_string().contains("cannot be one of 3"), "{error}");
}

#[test]
fn nonces_are_drawn_for_those_that_need_one() {
    let mut drawn = 0;
    let mut random = || {
        drawn += 1;
        [drawn; 24]
    };
    let own = event("own");
    let mut batch = Batch::new([
        Publish::new("a", "e", "x"),
        Publish::new(CHANNEL, "e", "first"),
        own.clone(),
        Publish::new(CHANNEL, "e", "second"),
    ]);
    batch.draw_nonces(&mut random);
    let mut alone = Publish::new(CHANNEL, "e", "third");
    alone.draw_nonces(&mut random);
    assert_eq!(drawn, 3);
    assert!(batch.events().any(|event| *event == own));
    let request = sealing_app().request(&batch, NOW).unwrap();
    let nonce = |index| field(&field(request.body(), &format!("/batch/{index}/data")), "/nonce");
    assert_eq!(
        [nonce(1), nonce(2), nonce(3)],
        [[1; 24], NONCE, [2; 24]].map(|nonce| BASE64.encode(nonce))
    );
}

#[test]
fn one_nonce_for_two_events_of_a_batch_is_refused() {
    let error = sealing_app().request(&Batch::new([event("a"), event("b")]), NOW).unwrap_err();
    let problem = Box::new(RequestError::NonceTwice);
    assert_eq!(error, RequestError::InBatch { position: 2, problem });
}

#[test]
fn the_sealed_data_counts_against_the_limit() {
    let limits = ApiLimits::default().event_data(100);
    let app = sealing_app().with_limits(limits);
    let error = app.request(&event(&"x".repeat(50)), NOW).unwrap_err();
    // 32 of the nonce, 88 of 66 bytes in base64, and 28 of names, quotes and braces.
    assert_eq!(error, RequestError::DataTooLarge { size: 148, limit: 100 });
}
