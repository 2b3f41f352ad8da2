//! The first line of a recording: everything that decides what a session does, inputs apart.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::texts::{BackoffText, LimitsText, TimeoutsText, endpoint};
use super::version::{LIBRARY, VERSION};
use crate::config::Config;
use crate::config::backoff::BackoffConfig;
use crate::config::endpoint::Endpoint;
use crate::config::endpoints;
use crate::config::error::ConfigError;
use crate::config::limits::Limits;
use crate::config::timeouts::Timeouts;
use crate::time::Instant;

/// Everything that decides what a session does.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(super) version: u32,
    /// The version of this library, for people who read a report.
    pub(super) library: String,
    pub(super) at: u64,
    pub(super) seed: u64,
    key: String,
    has_secret: bool,
    has_master_key: bool,
    client_events_per_second: Option<u32>,
    stop_on_refusal: bool,
    /// The first endpoint that was given, as each session has one.
    #[serde(with = "endpoint")]
    endpoint: Endpoint,
    /// The others, in the order in which they were given; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    other_endpoints: Vec<OtherEndpoint>,
    #[serde(with = "TimeoutsText")]
    timeouts: Timeouts,
    #[serde(with = "BackoffText")]
    backoff: BackoffConfig,
    #[serde(with = "LimitsText")]
    limits: Limits,
}

/// An endpoint in a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct OtherEndpoint(#[serde(with = "endpoint")] Endpoint);

impl Header {
    pub(crate) fn new(config: &Config, seed: u64, now: Instant) -> Self {
        let settings = &config.settings;
        Self {
            version: VERSION,
            library: LIBRARY.to_string(),
            at: now.as_micros(),
            seed,
            key: settings.key.clone(),
            has_secret: config.has_secret(),
            has_master_key: config.has_master_key(),
            client_events_per_second: settings.client_events_per_second,
            stop_on_refusal: settings.stop_on_refusal,
            endpoint: config.endpoint().clone(),
            other_endpoints: config.endpoints()[1..].iter().cloned().map(OtherEndpoint).collect(),
            timeouts: settings.timeouts.clone(),
            backoff: settings.backoff.clone(),
            limits: settings.limits.clone(),
        }
    }

    /// Returns the configuration, with something in the place of the secrets.
    pub(super) fn config(self) -> Result<Config, ConfigError> {
        let mut timeouts = self.timeouts;
        if timeouts.pong_after_change.is_zero() {
            timeouts.pong_after_change = timeouts.pong;
        }
        let mut builder = Config::builder(&self.key)
            .client_events_per_second(self.client_events_per_second)
            .stop_on_refusal(self.stop_on_refusal)
            .timeouts(timeouts)
            .backoff(self.backoff)
            .limits(self.limits);
        if self.has_secret {
            builder = builder.secret("not in the recording");
        }
        #[cfg(feature = "encrypted")]
        if self.has_master_key {
            builder = builder.master_key(&[0; 32]);
        }
        let others = self.other_endpoints.into_iter().map(|OtherEndpoint(endpoint)| endpoint);
        let all: Vec<Endpoint> = core::iter::once(self.endpoint).chain(others).collect();
        endpoints::check(&all)?;
        Ok(builder.build()?.with_endpoints(all.into()))
    }
}
