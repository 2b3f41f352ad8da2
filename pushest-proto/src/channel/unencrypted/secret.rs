//! In the place of `secret.rs` in a build without the feature `encrypted`: there is no key.

/// Nothing: no key can be made.
#[derive(Clone)]
enum Never {}

/// There is no key that an app keeps.
#[derive(Clone)]
pub(crate) struct MasterKey(Never);

impl MasterKey {
    pub(crate) fn new(_bytes: &[u8]) -> Option<Self> {
        None
    }

    pub(crate) fn shared_secret(&self, _channel: &str) -> SharedSecret {
        match self.0 {}
    }
}

/// There is no key of any channel.
pub(crate) struct SharedSecret(Never);

impl SharedSecret {
    pub(crate) fn from_base64(_text: &str) -> Option<Self> {
        None
    }

    /// Returns any value: it is never called, as there is no key.
    pub(super) fn absurd<T>(self) -> T {
        match self.0 {}
    }
}
