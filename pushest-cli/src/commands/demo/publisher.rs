//! Encrypts events as an app's server does, before it publishes them ([protocol, encrypted
//! channels](pushest_proto::protocol#encrypted-channels)).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Whoever has the app's master key, and publishes.
pub(crate) struct Publisher {
    master_key: [u8; 32],
}

impl Publisher {
    /// With a key for show: a real one comes from a source that nobody can guess.
    pub(crate) fn new() -> Self {
        Self { master_key: std::array::from_fn(|_| fastrand::u8(..)) }
    }

    pub(crate) fn master_key(&self) -> &[u8] {
        &self.master_key
    }

    /// The key of one channel.
    pub(crate) fn shared_secret(&self, channel: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(channel);
        hash.update(self.master_key);
        hash.finalize().into()
    }

    /// The data of an encrypted event: nonce and ciphertext.
    pub(crate) fn seal(&self, channel: &str, data: &str) -> String {
        let key = self.shared_secret(channel);
        let nonce: [u8; 24] = std::array::from_fn(|_| fastrand::u8(..));
        let ciphertext = XSalsa20Poly1305::new((&key).into())
            .encrypt((&nonce).into(), data.as_bytes())
            .expect("data for show is short");
        json!({ "nonce": BASE64.encode(nonce), "ciphertext": BASE64.encode(ciphertext) })
            .to_string()
    }
}
