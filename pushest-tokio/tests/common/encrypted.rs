//! What a publisher to an encrypted channel does (docs/protocol.md#encrypted-channels): with its
//! own few lines, not with the client's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit, XSalsa20Poly1305};
use sha2::{Digest, Sha256};

/// The key that all encrypted channels of the tests derive theirs from.
pub(crate) const MASTER_KEY: &[u8; 32] = b"an app's master key of 32 bytes.";

fn shared_secret(master_key: &[u8], channel: &str) -> [u8; 32] {
    Sha256::new().chain_update(channel).chain_update(master_key).finalize().into()
}

/// The channel's key, as an authorization carries it.
pub(crate) fn shared_secret_base64(channel: &str) -> String {
    BASE64.encode(shared_secret(MASTER_KEY, channel))
}

/// The same for another master key.
pub(crate) fn shared_secret_of(master_key: &[u8], channel: &str) -> String {
    BASE64.encode(shared_secret(master_key, channel))
}

/// An event's data, sealed for the channel.
pub(crate) fn seal(channel: &str, data: &str) -> String {
    seal_with(MASTER_KEY, channel, data)
}

/// The same with another master key.
pub(crate) fn seal_with(master_key: &[u8], channel: &str, data: &str) -> String {
    // A constant nonce would be a fault anywhere but in a test.
    let nonce = [7; 24];
    let key = shared_secret(master_key, channel);
    let ciphertext = XSalsa20Poly1305::new(&key.into())
        .encrypt(&nonce.into(), data.as_bytes())
        .expect("a short text can be sealed");
    serde_json::json!({ "nonce": BASE64.encode(nonce), "ciphertext": BASE64.encode(ciphertext) })
        .to_string()
}
