//! Verifying a webhook: who signed it, and when ([protocol, webhooks](crate::protocol#webhooks)).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::error::WebhookError;
use super::event::WebhookEvent;
use super::id::WebhookId;
use crate::auth::Signer;
use crate::config::Config;
use crate::config::error::{self, ConfigError};
use crate::one_line;
use crate::wire::parts::Part;

const KEY: &str = "X-Pusher-Key";
const SIGNATURE: &str = "X-Pusher-Signature";

/// Servers try for 5 minutes, and clocks differ.
const LARGEST_AGE: Duration = Duration::from_secs(600);

/// Verifies and reads webhooks. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Webhooks {
    signers: Vec<Signer>,
    largest_age: Option<Duration>,
}

impl Webhooks {
    /// Creates a verifier for the webhooks of the app with this key and secret.
    ///
    /// # Errors
    /// [`ConfigError::Key`] if it is no key, [`ConfigError::EmptySecret`] if the secret is empty or
    /// blank: everyone could sign with that.
    pub fn new(key: &str, secret: &str) -> Result<Self, ConfigError> {
        Self { signers: Vec::new(), largest_age: Some(LARGEST_AGE) }.with_key(key, secret)
    }

    /// Creates a verifier for the webhooks of a configuration's app.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] if the configuration has no secret.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let signer = config.signer().ok_or(ConfigError::Missing { what: "secret" })?;
        Ok(Self { signers: alloc::vec![signer.clone()], largest_age: Some(LARGEST_AGE) })
    }

    /// Adds another pair of key and secret, as while they are being rotated. A webhook counts if it is
    /// signed with the secret of the key that it names; one key may have several secrets.
    ///
    /// ```
    /// # use pushest_proto::webhook::Webhooks;
    /// let webhooks = Webhooks::new("new-key", "new-secret")?.with_key("old-key", "old-secret")?;
    /// # Ok::<(), pushest_proto::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::Key`] if it is no key, [`ConfigError::EmptySecret`] if the secret is empty or
    /// blank.
    pub fn with_key(mut self, key: &str, secret: &str) -> Result<Self, ConfigError> {
        error::check_key(key)?;
        if secret.trim().is_empty() {
            return Err(ConfigError::EmptySecret);
        }
        self.signers.push(Signer::new(key, secret));
        Ok(self)
    }

    /// Sets how old a webhook may be, and how far in the future its time may lie, by this machine's
    /// clock. 10 minutes by default: servers try for 5. With `None`, for any age, a webhook that
    /// was once read by others can be replayed at any time.
    #[must_use]
    pub fn largest_age(mut self, age: Option<Duration>) -> Self {
        self.largest_age = age;
        self
    }

    /// Verifies and reads a webhook. `header` looks up a header of the request by its name, in any
    /// case; `body` must be the bytes as they came; `now` is the wall clock, since 1970.
    ///
    /// Signatures are compared in constant time.
    ///
    /// # Errors
    /// [`WebhookError`] says why it is not taken.
    pub fn read<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: Duration,
    ) -> Result<Webhook, WebhookError> {
        let get = |name| match header(name) {
            Some(value) => Ok(value.trim()),
            None => Err(WebhookError::Missing { header: name }),
        };
        let (key, signature) = (get(KEY)?, get(SIGNATURE)?);
        self.verify(key, signature, body)?;
        let (webhook, without_time) = Webhook::read(key, body)?;
        let time = webhook.time.ok_or(WebhookError::Malformed { problem: without_time });
        self.check_age(time, now)?;
        Ok(webhook)
    }

    fn verify(&self, key: &str, signature: &str, body: &[u8]) -> Result<(), WebhookError> {
        let mut named = self.signers.iter().filter(|signer| signer.key() == key).peekable();
        if named.peek().is_none() {
            return Err(WebhookError::UnknownKey { key: one_line::quotable(key) });
        }
        let signature = hex::decode(signature).map_err(|_| WebhookError::Signature)?;
        if named.any(|signer| signer.verifies(body, &signature)) {
            Ok(())
        } else {
            Err(WebhookError::Signature)
        }
    }

    fn check_age(
        &self,
        time: Result<Duration, WebhookError>,
        now: Duration,
    ) -> Result<(), WebhookError> {
        let Some(limit) = self.largest_age else { return Ok(()) };
        let time = time?;
        let (age, ahead) = (now.saturating_sub(time), time.saturating_sub(now));
        if age > limit {
            Err(WebhookError::TooOld { age, limit })
        } else if ahead > limit {
            Err(WebhookError::FromTheFuture { ahead, limit })
        } else {
            Ok(())
        }
    }
}

/// A webhook that was verified: the server has signed it, and it is not too old.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Webhook {
    /// The key that its header names: one of those that [`Webhooks`] was given.
    pub key: String,
    /// The time since 1970 at which the server made it, by its clock, to the millisecond. One that comes
    /// again has the same. Absent only where any age is allowed.
    pub time: Option<Duration>,
    /// The events that it tells of, in the server's order. Webhooks overtake each other: of two that
    /// contradict each other, the time decides.
    pub events: Vec<WebhookEvent>,
    id: WebhookId,
}

impl Webhook {
    /// Reads a body. Returns what is wrong with its time, too, for where it needs one.
    fn read(key: &str, body: &[u8]) -> Result<(Self, &'static str), WebhookError> {
        let malformed = |problem| WebhookError::Malformed { problem };
        let text = core::str::from_utf8(body).map_err(|_| malformed("it is not UTF-8"))?;
        let object = Some(Part::new(text)).filter(|body| body.is_json());
        let fields = object.and_then(|body| body.fields(["time_ms", "events"]));
        let [time, events] = fields.ok_or(malformed("it is not a JSON object"))?.values;
        let events =
            events.and_then(Part::values).ok_or(malformed("it has no list of `events`"))?;
        let without_time = match time {
            None => "it has no `time_ms`",
            Some(_) => "its `time_ms` is no number of milliseconds since 1970",
        };
        let webhook = Self {
            key: key.to_string(),
            time: time.and_then(Part::number).map(Duration::from_millis),
            events: events.flatten().map(WebhookEvent::read).collect(),
            id: WebhookId::of(body),
        };
        Ok((webhook, without_time))
    }

    /// Returns what tells this webhook from others. One that comes again has the same.
    #[must_use]
    pub fn id(&self) -> WebhookId {
        self.id
    }
}
