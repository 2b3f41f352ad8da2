//! What the app's server does for encrypted channels ([protocol, encrypted
//! channels](pushest_proto::protocol#encrypted-channels)): the testkit's own few lines, so that a
//! mistake in the client's cannot hide behind the same mistake here.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use sha2::{Digest as _, Sha256};

/// The key that the keys of all encrypted channels of an app are derived from. The app's server has
/// it; clients have it, or are given the key of a channel ([`MasterKey::shared_secret`]) with its
/// authorization.
///
/// For tests: the nonces that it seals with are different ones, but no cryptographer's.
///
/// ```
/// use pushest_testkit::MasterKey;
///
/// let key = MasterKey::new(*b"an app's master key of 32 bytes.");
/// assert_eq!(key.to_base64(), "YW4gYXBwJ3MgbWFzdGVyIGtleSBvZiAzMiBieXRlcy4=");
/// let data = key.seal("private-encrypted-diary", "dear diary");
/// assert!(data.contains("ciphertext") && !data.contains("dear"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Makes up a key.
    #[must_use]
    pub fn random() -> Self {
        Self(random())
    }

    /// Returns the bytes, as `pushest_proto::ConfigBuilder::master_key` takes them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the bytes in base64, as configurations and command lines carry them.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64.encode(self.0)
    }

    /// Returns the key of a channel in base64, as the `shared_secret` of an authorization carries
    /// it.
    #[must_use]
    pub fn shared_secret(&self, channel: &str) -> String {
        BASE64.encode(self.channel_key(channel))
    }

    /// Encrypts an event's data for a channel, under a new nonce. Returns the event's data: an object
    /// of `nonce` and `ciphertext`.
    #[must_use]
    pub fn seal(&self, channel: &str, data: &str) -> String {
        self.seal_with(random(), channel, data)
    }

    fn seal_with(&self, nonce: [u8; 24], channel: &str, data: &str) -> String {
        let ciphertext = XSalsa20Poly1305::new(&self.channel_key(channel).into())
            .encrypt((&nonce).into(), data.as_bytes())
            .expect("the data is in memory, and therefore short enough");
        let (nonce, ciphertext) = (BASE64.encode(nonce), BASE64.encode(ciphertext));
        serde_json::json!({ "nonce": nonce, "ciphertext": ciphertext }).to_string()
    }

    fn channel_key(&self, channel: &str) -> [u8; 32] {
        Sha256::new().chain_update(channel).chain_update(self.0).finalize().into()
    }
}

impl Default for MasterKey {
    /// The key of an app that says nothing else. It is the same in every process.
    fn default() -> Self {
        Self(*b"the testkit's key has 32 bytes..")
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MasterKey").finish_non_exhaustive()
    }
}

/// Returns bytes that differ at each call.
fn random<const N: usize>() -> [u8; N] {
    let mut generator = fastrand::Rng::with_seed(RandomState::new().hash_one(0));
    std::array::from_fn(|_| generator.u8(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PyNaCl has it.
    #[test]
    fn what_another_implementation_sealed_is_the_same_here() {
        let (channel, key) = ("private-encrypted-orders", "an app's master key of 32 bytes.");
        let key = MasterKey::new(key.as_bytes().try_into().expect("32 bytes"));
        assert_eq!(key.shared_secret(channel), "oh3hSMRqglR4b2T0XKSJr49RkT2uFkKxXPck4tY1OLw=");
        let sealed = key.seal_with([7; 24], channel, r#"{"id":7}"#);
        let sealed: serde_json::Value = serde_json::from_str(&sealed).expect("JSON");
        assert_eq!(sealed["nonce"], "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH");
        assert_eq!(sealed["ciphertext"], "4OmrV7DbXop/C4hfR4FP8tkWiBHqhoQ9");
    }

    #[test]
    fn no_nonce_and_no_made_up_key_comes_twice_and_no_byte_of_a_key_is_shown() {
        let key = MasterKey::random();
        assert_ne!(key, MasterKey::random());
        let seal = || key.seal("private-encrypted-orders", "1");
        assert_ne!(seal(), seal());
        assert_eq!(format!("{key:?}"), "MasterKey { .. }");
    }
}
