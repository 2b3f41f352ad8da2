//! Signing with the app's secret, and asking an endpoint that has it.

#[cfg(feature = "endpoint")]
pub(crate) mod answer;
#[cfg(feature = "endpoint")]
pub(crate) mod endpoint;
#[cfg(feature = "endpoint")]
mod endpoint_url;
#[cfg(feature = "api")]
pub(crate) mod form;
#[cfg(feature = "api")]
pub(crate) mod grant;
#[cfg(feature = "api")]
pub(crate) mod limits;
pub(crate) mod member;
mod repeats;
#[cfg(feature = "api")]
pub(crate) mod reply;
pub(crate) mod request;

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::channel::secret::MasterKey;
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
    /// Authorizing others for encrypted channels needs it.
    pub(crate) master_key: Option<MasterKey>,
    #[cfg(feature = "api")]
    limits: limits::SignLimits,
}

impl Signer {
    /// Creates a signer for the app with this key and secret.
    #[must_use]
    pub fn new(key: &str, secret: &str) -> Self {
        Self {
            key: key.to_string(),
            secret: secret.to_string().into(),
            master_key: None,
            #[cfg(feature = "api")]
            limits: limits::SignLimits::DEFAULT,
        }
    }

    /// Returns the app's key, which every signature begins with.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Signs the subscription to a private channel, or with `channel_data` (JSON, sent byte for byte as
    /// signed) to a presence channel: `KEY:HEX`. The name is signed as it stands: one that a client
    /// chose must be a [`ChannelName`](crate::ChannelName), as `Signer::authorize_channel` takes it.
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

    /// Signs the authentication of a user, `user_data` being the JSON that is sent: `KEY:HEX`.
    #[must_use]
    pub fn user(&self, socket_id: &SocketId, user_data: &str) -> String {
        self.sign(&[socket_id.as_str(), "::user::", user_data])
    }

    fn sign(&self, parts: &[&str]) -> String {
        format!("{}:{}", self.key, self.signature(parts))
    }

    /// Returns the signature of a text that is given in parts, in hexadecimal digits.
    pub(crate) fn signature(&self, parts: &[&str]) -> String {
        let mut mac = self.mac();
        for part in parts {
            mac.update(part.as_bytes());
        }
        hex::encode(mac.finalize().into_bytes())
    }

    /// Returns whether this is the signature of some bytes, in constant time.
    #[cfg(feature = "api")]
    pub(crate) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let mut mac = self.mac();
        mac.update(bytes);
        mac.verify_slice(signature).is_ok()
    }

    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(self.secret.as_bytes()).expect("HMAC takes a key of any length")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("key", &self.key).finish_non_exhaustive()
    }
}
