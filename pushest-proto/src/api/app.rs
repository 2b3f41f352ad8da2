//! An app, as its backend addresses it.

use alloc::string::{String, ToString};
use core::fmt;

use super::error::RequestError;
use super::limits::ApiLimits;
use crate::auth::Signer;
use crate::channel::name::ChannelKind;
use crate::channel::secret::NONCE_BYTES;
use crate::config::Config;
use crate::config::endpoint::Endpoint;
use crate::config::error::ConfigError;

/// An app, as its backend addresses it: id, key, secret, where the HTTP API is, and its limits.
/// Builds and signs requests. Its `Debug` shows neither the secret nor the master key.
#[derive(Clone)]
pub struct App {
    id: String,
    signer: Signer,
    endpoint: Endpoint,
    limits: ApiLimits,
}

impl App {
    /// Takes the app of a configuration, which must have the app's id and secret; publishing on
    /// encrypted channels needs the master key, too. The HTTP API is at [`Endpoint::api`] of the
    /// configuration's endpoint; of several endpoints that of the first, as they were given.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] names what is missing.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let id = config.app_id().ok_or(ConfigError::Missing { what: "app id" })?;
        let signer = config.signer().ok_or(ConfigError::Missing { what: "secret" })?;
        Ok(Self {
            id: id.to_string(),
            signer: signer.clone(),
            endpoint: config.endpoint().api(),
            limits: ApiLimits::from(config.limits()),
        })
    }

    /// Replaces the limits, for servers that take more or less than the hosted service.
    #[must_use]
    pub fn with_limits(mut self, limits: ApiLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Replaces where the HTTP API is, for servers that have it elsewhere than the WebSocket.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// Returns the app's id, which is part of every path.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the app's key, which requests are signed for.
    #[must_use]
    pub fn key(&self) -> &str {
        self.signer.key()
    }

    /// Returns where the HTTP API is.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the limits that calls are checked against.
    #[must_use]
    pub fn limits(&self) -> &ApiLimits {
        &self.limits
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Seals data for an encrypted channel; of other channels it stays as it is.
    pub(super) fn sealed(
        &self,
        channel: &str,
        data: &str,
        nonce: Option<&[u8; NONCE_BYTES]>,
    ) -> Result<String, RequestError> {
        if ChannelKind::of(channel) != ChannelKind::Encrypted {
            return Ok(data.to_string());
        }
        let channel = || channel.to_string();
        let master_key = self
            .signer
            .master_key
            .as_ref()
            .ok_or_else(|| RequestError::MasterKeyMissing { channel: channel() })?;
        let nonce = nonce.ok_or_else(|| RequestError::NonceMissing { channel: channel() })?;
        Ok(master_key.shared_secret(&channel()).seal(data, nonce))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("key", &self.key())
            .field("has_master_key", &self.signer.master_key.is_some())
            .field("endpoint", &self.endpoint)
            .field("limits", &self.limits)
            .finish()
    }
}
