//! The key that an app keeps for its encrypted channels, as a builder is given it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::ConfigBuilder;

impl ConfigBuilder {
    /// Sets the master key for encrypted channels: 32 bytes that the app's publishers have, too.
    /// With it and the secret the session opens encrypted events by itself. Needs the feature
    /// `encrypted`.
    #[must_use]
    pub fn master_key(mut self, bytes: &[u8]) -> Self {
        self.master_key = Some(Ok(bytes.to_vec().into()));
        self
    }

    /// Sets the master key from base64, as the official libraries' `encryptionMasterKeyBase64`
    /// does. Needs the feature `encrypted`.
    #[must_use]
    pub fn master_key_base64(mut self, text: &str) -> Self {
        let bytes = BASE64.decode(text.trim()).map(Into::into).map_err(|_| ());
        self.master_key = Some(bytes);
        self
    }
}
