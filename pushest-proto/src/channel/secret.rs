//! Encrypted channels: keys, and opening what the server cannot read ([protocol, encrypted
//! channels](crate::protocol#encrypted-channels)).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytestring::ByteString;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::encrypted::DecryptionFailure;
use crate::wire::parts::Part;

const KEY_BYTES: usize = 32;
pub(crate) const NONCE_BYTES: usize = 24;

/// The key that an app keeps for all of its encrypted channels. It cannot be printed.
#[derive(Clone)]
pub(crate) struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

impl MasterKey {
    /// Takes a key of 32 bytes; `None` if it has another length.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// Returns the key of one channel: SHA-256 over its name and the master key.
    pub(crate) fn shared_secret(&self, channel: &str) -> SharedSecret {
        let mut hash = Sha256::new();
        hash.update(channel.as_bytes());
        hash.update(self.0.as_slice());
        SharedSecret(Zeroizing::new(hash.finalize().into()))
    }
}

/// The key of one channel. It cannot be printed.
#[derive(Clone)]
pub(crate) struct SharedSecret(Zeroizing<[u8; KEY_BYTES]>);

impl SharedSecret {
    /// Decodes a key; `None` if it is not base64 of 32 bytes.
    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64.decode(text).ok()?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    /// Returns the key as base64, as authorizations carry it.
    #[cfg(feature = "api")]
    pub(crate) fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64.encode(self.0.as_slice()))
    }

    /// Seals an event's data as `{"nonce": base64 of 24 bytes, "ciphertext": base64}`. A nonce that
    /// was used before with this key gives both texts away.
    #[cfg(feature = "api")]
    pub(crate) fn seal(&self, data: &str, nonce: &[u8; NONCE_BYTES]) -> String {
        let cipher = XSalsa20Poly1305::new(self.0.as_slice().into());
        let ciphertext = cipher
            .encrypt(nonce.into(), data.as_bytes())
            .expect("XSalsa20 has room for more than fits into memory");
        alloc::format!(
            r#"{{"nonce":"{}","ciphertext":"{}"}}"#,
            BASE64.encode(nonce),
            BASE64.encode(ciphertext)
        )
    }

    /// Opens an event's data, `{"nonce": base64 of 24 bytes, "ciphertext": base64}`.
    pub(crate) fn open(&self, payload: &str) -> Result<ByteString, DecryptionFailure> {
        let fields = Part::new(payload).fields(["nonce", "ciphertext"]);
        let fields = fields.ok_or(DecryptionFailure::NotEncrypted)?;
        let [Some(nonce), Some(ciphertext)] =
            fields.values.map(|value| value.and_then(Part::string))
        else {
            return Err(DecryptionFailure::NotEncrypted);
        };
        let nonce = BASE64.decode(&*nonce).map_err(|_| DecryptionFailure::BadNonce)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| DecryptionFailure::BadNonce)?;
        let ciphertext =
            BASE64.decode(&*ciphertext).map_err(|_| DecryptionFailure::BadCiphertext)?;
        let cipher = XSalsa20Poly1305::new(self.0.as_slice().into());
        let opened: Vec<u8> = cipher
            .decrypt((&nonce).into(), ciphertext.as_slice())
            .map_err(|_| DecryptionFailure::WrongKey)?;
        String::from_utf8(opened).map(Into::into).map_err(|_| DecryptionFailure::NotUtf8)
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn a_channels_key_is_the_hash_of_its_name_and_the_master_key() {
        assert!(MasterKey::new(b"This is a string that is 32 chars").is_none(), "it has 33 bytes");
        let master = MasterKey::new(b"This is a string that is 32 char").unwrap();
        let secret = master.shared_secret("private-encrypted-bla");
        assert_eq!(
            hex::encode(secret.0.as_slice()),
            "6b40e92beac57081b4db6c69ba23f4c7c136e07e326d2f330873f83cdd62dd3a"
        );
    }

    #[test]
    fn the_vectors_open() {
        let open = |secret: &str, nonce: &str, ciphertext: &str| {
            let sealed = alloc::format!(r#"{{"nonce":"{nonce}","ciphertext":"{ciphertext}"}}"#);
            SharedSecret::from_base64(secret).unwrap().open(&sealed).unwrap().to_string()
        };
        assert_eq!(
            open(
                "iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=",
                "4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9",
                "/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A="
            ),
            r#"{"message":"hello world"}"#
        );
        let bytes = hex::decode("004831f99d2a4e86723e893caded3a2897deeddbed9514fe9497dcddc52bd50b")
            .unwrap();
        assert_eq!(
            open(
                &BASE64.encode(bytes),
                "sjklahvpWWQgAjTx5FfYHCCxd2AmaL9T",
                "zoDEe8dA3nDXKsybAWce/hXGW4szJw=="
            ),
            "Hello!"
        );
    }

    #[test]
    fn what_is_not_needed_keeps_no_event_closed() {
        let secret =
            SharedSecret::from_base64("iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=").unwrap();
        let sealed = r#"{"nonce":7,"extra":nope,"nonce":"4sVYwy4j\/8dCcjyxtPCWyk19GaaViaW9",
            "ciphertext":"/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD501A=","x":[}}"#;
        assert_eq!(secret.open(sealed).unwrap(), r#"{"message":"hello world"}"#);
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let secret =
            SharedSecret::from_base64("iBvNoPVYwByqSfg6anjPpEQ2j051b3rt1Vmnb+z5doo=").unwrap();
        let nonce = "4sVYwy4j/8dCcjyxtPCWyk19GaaViaW9";
        let failure = |payload: &str| secret.open(payload).unwrap_err();
        let sealed = |nonce: &str, ciphertext: &str| {
            alloc::format!(r#"{{"nonce":"{nonce}","ciphertext":"{ciphertext}"}}"#)
        };
        for payload in ["null", "7", "{}", r#"{"nonce":1,"ciphertext":2}"#, "junk"] {
            assert_eq!(failure(payload), DecryptionFailure::NotEncrypted, "{payload}");
        }
        assert_eq!(failure(&sealed("!", "AAAA")), DecryptionFailure::BadNonce);
        assert_eq!(failure(&sealed("AAAA", "AAAA")), DecryptionFailure::BadNonce);
        assert_eq!(failure(&sealed(nonce, "?")), DecryptionFailure::BadCiphertext);
        for cut_short in ["", "AAAA", "/GMESnFGlbNn01BuBjp31XYa3i9vZsGKR8fgR9EDhXKx3lzGiUD5"] {
            assert_eq!(failure(&sealed(nonce, cut_short)), DecryptionFailure::WrongKey);
        }
        assert!(SharedSecret::from_base64("AAAA").is_none());
        assert!(MasterKey::new(&[0; 31]).is_none());
    }
}
