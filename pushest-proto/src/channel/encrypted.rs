//! What is told of encrypted channels ([protocol, encrypted
//! channels](crate::protocol#encrypted-channels)).

use core::fmt;

/// Why an event of an encrypted channel could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecryptionFailure {
    /// The data is not an object with `nonce` and `ciphertext`.
    NotEncrypted,
    /// The nonce is not base64 of 24 bytes.
    BadNonce,
    /// The ciphertext is not base64.
    BadCiphertext,
    /// The key does not fit, or the ciphertext is damaged; a key that was asked for afresh did not
    /// fit either.
    WrongKey,
    /// What was opened is not UTF-8.
    NotUtf8,
}

impl fmt::Display for DecryptionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEncrypted => "the data is not an object with `nonce` and `ciphertext`",
            Self::BadNonce => "the nonce is not base64 of 24 bytes",
            Self::BadCiphertext => "the ciphertext is not base64",
            Self::WrongKey => "the key does not fit, or the ciphertext is damaged",
            Self::NotUtf8 => "what was opened is not UTF-8",
        })
    }
}
