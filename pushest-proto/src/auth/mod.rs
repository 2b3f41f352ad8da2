//! Signing with the app's secret, and asking somebody else to.

#[cfg(feature = "endpoint")]
pub(crate) mod answer;
#[cfg(feature = "endpoint")]
pub(crate) mod endpoint;
#[cfg(feature = "endpoint")]
mod endpoint_url;
mod repeats;
pub(crate) mod request;

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::id::SocketId;

/// Signs with an app's secret ([protocol, signing](crate::protocol#signing)). Its `Debug` shows the
/// key only.
///
/// ```
/// use pushest_proto::{Signer, SocketId};
///
/// let signer = Signer::new("278d425bdf160c739803", "7ad3773142a6692b25b8");
/// let socket_id = SocketId::new("1234.1234").expect("two runs of digits");
/// assert_eq!(
///     signer.channel(&socket_id, "private-foobar", None),
///     "278d425bdf160c739803:\
///      58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
/// );
/// ```
#[derive(Clone)]
pub struct Signer {
    key: String,
    secret: Zeroizing<String>,
}

impl Signer {
    /// A signer for the app with this key and secret.
    #[must_use]
    pub fn new(key: &str, secret: &str) -> Self {
        Self { key: key.to_string(), secret: secret.to_string().into() }
    }

    /// The authorization of a private channel, or with `channel_data` (JSON, sent byte for byte as
    /// signed) of a presence channel: `KEY:HEX`.
    #[must_use]
    pub fn channel(
        &self,
        socket_id: &SocketId,
        channel: &str,
        channel_data: Option<&str>,
    ) -> String {
        match channel_data {
            Some(data) => self.sign(&[socket_id.as_str(), ":", channel, ":", data]),
            None => self.sign(&[socket_id.as_str(), ":", channel]),
        }
    }

    /// The authentication of a user at sign-in, `user_data` being the JSON that is sent: `KEY:HEX`.
    #[must_use]
    pub fn user(&self, socket_id: &SocketId, user_data: &str) -> String {
        self.sign(&[socket_id.as_str(), "::user::", user_data])
    }

    fn sign(&self, parts: &[&str]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())
            .expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(part.as_bytes());
        }
        format!("{}:{}", self.key, hex::encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("key", &self.key).finish_non_exhaustive()
    }
}
