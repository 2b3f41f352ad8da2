//! A configuration from a file: the settings of a [`ConfigBuilder`] by name.
//!
//! What a file says may be a secret in the wrong place. So all values are read by one visitor
//! (`unquoted`) whose errors name the setting and never quote what stands there, as serde's own do.

mod table;
mod unquoted;
mod value;

use alloc::string::String;

use serde::de::{self, Deserialize, Deserializer, Error as _, MapAccess};
use zeroize::Zeroizing;

use self::table::{Reader, Section};
use self::value::{Pauses, Rate, Texts};
use super::backoff::BackoffConfig;
use super::{Config, ConfigBuilder, Limits, Timeouts};
use crate::channel::name::NameRules;

/// The settings of a [`ConfigBuilder`]; validated as [`ConfigBuilder::build`] does, with its errors.
impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        ConfigBuilder::deserialize(from)?.build().map_err(D::Error::custom)
    }
}

/// Named as the methods are, durations in milliseconds with `_ms` behind the name. Of a `url` counts
/// what no setting of its own says otherwise. Unknown settings are refused by name.
impl<'de> Deserialize<'de> for ConfigBuilder {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        table::read(from, "", Settings::default()).map(|all| all.builder)
    }
}

/// The settings of the configuration itself.
#[derive(Default)]
struct Settings {
    builder: ConfigBuilder,
    url: Option<Zeroizing<String>>,
}

impl Section for Settings {
    const NAMES: &'static [&'static str] = &[
        "url",
        "key",
        "app_id",
        "secret",
        #[cfg(feature = "encrypted")]
        "master_key_base64",
        "cluster",
        "host",
        "endpoints",
        "port",
        "path",
        "tls",
        "client_events_per_second",
        "stop_on_refusal",
        "channel_statistics",
        "timeouts",
        "backoff",
        "limits",
    ];

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        name: &'static str,
        at: &mut Reader<'_, A>,
    ) -> Result<(), A::Error> {
        let builder = &mut self.builder;
        match name {
            "url" => self.url = at.value()?,
            "key" => builder.key = at.plain()?,
            "app_id" => builder.app_id = at.plain()?,
            "secret" => builder.secret = at.value()?,
            #[cfg(feature = "encrypted")]
            "master_key_base64" => {
                if let Some(text) = at.value::<Zeroizing<String>>()? {
                    *builder = core::mem::take(builder).master_key_base64(&text);
                }
            }
            "cluster" => builder.cluster = at.plain()?,
            "host" => builder.host = at.plain()?,
            "endpoints" => {
                builder.endpoints = at.value::<Texts>()?.map(|Texts(texts)| texts);
            }
            "port" => builder.port = at.value()?,
            "path" => builder.path = at.plain()?,
            "tls" => builder.tls = at.value()?,
            "client_events_per_second" => {
                builder.client_events_per_second = at.value::<Rate>()?.map(|Rate(rate)| rate);
            }
            "stop_on_refusal" => at.replace(&mut builder.stop_on_refusal)?,
            "channel_statistics" => at.replace(&mut builder.channel_statistics)?,
            "timeouts" => at.section("timeouts.", &mut builder.timeouts)?,
            "backoff" => at.section("backoff.", &mut builder.backoff)?,
            _ => at.section("limits.", &mut builder.limits)?,
        }
        Ok(())
    }

    fn end<E: de::Error>(mut self) -> Result<Self, E> {
        if let Some(url) = &self.url {
            let of_url = ConfigBuilder::default().url(url).map_err(E::custom)?;
            self.builder = self.builder.over(of_url);
        }
        Ok(self)
    }
}

impl ConfigBuilder {
    /// The same, with what it does not say taken from what a URL says.
    fn over(self, url: Self) -> Self {
        // A list of endpoints counts as a host: it takes the place of the URL's.
        let host = if self.endpoints.is_some() { None } else { url.host };
        Self {
            key: self.key.or(url.key),
            app_id: self.app_id.or(url.app_id),
            secret: self.secret.or(url.secret),
            cluster: self.cluster.or(url.cluster),
            host: self.host.or(host),
            port: self.port.or(url.port),
            path: self.path.or(url.path),
            tls: self.tls.or(url.tls),
            ..self
        }
    }
}

impl Section for Timeouts {
    const NAMES: &'static [&'static str] = &[
        "dial_ms",
        "handshake_ms",
        "activity_ms",
        "pong_ms",
        "pong_after_change_ms",
        "subscribe_ms",
        "authorization_ms",
        "stable_ms",
    ];

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        name: &'static str,
        at: &mut Reader<'_, A>,
    ) -> Result<(), A::Error> {
        let Self {
            dial,
            handshake,
            activity,
            pong,
            pong_after_change,
            subscribe,
            authorization,
            stable,
        } = self;
        at.replace(match name {
            "dial_ms" => dial,
            "handshake_ms" => handshake,
            "activity_ms" => activity,
            "pong_ms" => pong,
            "pong_after_change_ms" => pong_after_change,
            "subscribe_ms" => subscribe,
            "authorization_ms" => authorization,
            _ => stable,
        })
    }
}

impl Section for BackoffConfig {
    const NAMES: &'static [&'static str] =
        &["initial_ms", "maximum_ms", "schedule_ms", "retry_after_limit_ms"];

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        name: &'static str,
        at: &mut Reader<'_, A>,
    ) -> Result<(), A::Error> {
        let Self { initial, maximum, schedule, retry_after_limit } = self;
        at.replace(match name {
            "initial_ms" => initial,
            "maximum_ms" => maximum,
            "schedule_ms" => {
                *schedule = at.value::<Pauses>()?.map(|Pauses(pauses)| pauses);
                return Ok(());
            }
            _ => retry_after_limit,
        })
    }
}

impl Section for Limits {
    const NAMES: &'static [&'static str] = &[
        "message",
        "channels",
        "members",
        "member_bytes",
        "stored_events",
        "stored_bytes",
        "outgoing",
        "channel_name",
        "event_name",
        "event_data",
        "signed_data",
    ];

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        name: &'static str,
        at: &mut Reader<'_, A>,
    ) -> Result<(), A::Error> {
        let Self {
            message,
            channels,
            members,
            member_bytes,
            stored_events,
            stored_bytes,
            outgoing,
            channel_name,
            event_name,
            event_data,
            signed_data,
        } = self;
        at.replace(match name {
            "message" => message,
            "channels" => channels,
            "members" => members,
            "member_bytes" => member_bytes,
            "stored_events" => stored_events,
            "stored_bytes" => stored_bytes,
            "outgoing" => outgoing,
            "channel_name" => return at.section("limits.channel_name.", channel_name),
            "event_name" => event_name,
            "event_data" => event_data,
            _ => signed_data,
        })
    }
}

impl Section for NameRules {
    const NAMES: &'static [&'static str] = &["bytes", "extra_characters"];

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        name: &'static str,
        at: &mut Reader<'_, A>,
    ) -> Result<(), A::Error> {
        let Self { bytes, extra_characters } = self;
        match name {
            "bytes" => at.replace(bytes),
            _ => {
                if let Some(characters) = at.plain()? {
                    *extra_characters = characters;
                }
                Ok(())
            }
        }
    }
}
