//! Publishing: one event on some channels, a batch of events, an event to a user; and what of them
//! is sealed, because its channel is encrypted ([protocol, HTTP API](crate::protocol#http-api)).

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use super::answer::{BatchPublished, Published};
use super::app::App;
use super::call::{Build, Call};
use super::channels::{self, ChannelList};
use super::error::RequestError;
use super::limits::ApiLimits;
use super::unsigned::Unsigned;
use crate::channel::name::ChannelKind;
use crate::channel::secret::NONCE_BYTES;
use crate::id::SocketId;
use crate::one_line;

/// Publishes an event on one or more channels.
///
/// ```
/// # use pushest_proto::api::Publish;
/// // The data is text: JSON as a rule, which is sent as it stands.
/// let shipped = Publish::new("orders", "shipped", r#"{"id":7}"#);
/// // Not to the connection that caused it; and say how many are there.
/// let shipped = shipped.exclude("1234.5678").with_subscription_count();
/// ```
#[doc(alias = "trigger")]
#[derive(Clone, PartialEq, Eq)]
pub struct Publish {
    channels: ChannelList,
    name: String,
    data: String,
    socket_id: Option<String>,
    info: Info,
    nonce: Option<[u8; NONCE_BYTES]>,
}

impl Publish {
    /// Creates an event with this name and data on these channels: one name, or a list of up to
    /// 100, each once. The data goes out as it stands.
    #[must_use]
    pub fn new(
        channels: impl Into<ChannelList>,
        name: impl Into<String>,
        data: impl Into<String>,
    ) -> Self {
        Self {
            channels: channels.into(),
            name: name.into(),
            data: data.into(),
            socket_id: None,
            info: Info::default(),
            nonce: None,
        }
    }

    /// Creates an event whose data is any value, written as JSON.
    ///
    /// # Errors
    /// [`RequestError::Data`] if it cannot be.
    pub fn json<T: Serialize + ?Sized>(
        channels: impl Into<ChannelList>,
        name: impl Into<String>,
        data: &T,
    ) -> Result<Self, RequestError> {
        let data = serde_json::to_string(data)
            .map_err(|error| RequestError::Data { problem: error.to_string() })?;
        Ok(Self::new(channels, name, data))
    }

    /// Creates an event to all connections that are signed in as a user ([protocol,
    /// sign-in](crate::protocol#sign-in)).
    #[doc(alias = "send_to_user")]
    #[must_use]
    pub fn to_user(user_id: &str, name: impl Into<String>, data: impl Into<String>) -> Self {
        Self::new(channels::of_user(user_id), name, data)
    }

    /// Creates an event to all connections that are signed in as a user, whose data is any value, written
    /// as JSON.
    ///
    /// # Errors
    /// [`RequestError::Data`] if it cannot be.
    pub fn json_to_user<T: Serialize + ?Sized>(
        user_id: &str,
        name: impl Into<String>,
        data: &T,
    ) -> Result<Self, RequestError> {
        Self::json(channels::of_user(user_id), name, data)
    }

    /// Excludes the connection with this socket id, usually the one whose request caused the event.
    #[must_use]
    pub fn exclude(mut self, socket_id: impl AsRef<str>) -> Self {
        self.socket_id = Some(socket_id.as_ref().to_string());
        self
    }

    /// Asks how many users each presence channel has. Some servers charge for it.
    #[must_use]
    pub fn with_user_count(mut self) -> Self {
        self.info.user_count = true;
        self
    }

    /// Asks how many connections are subscribed to each channel, if the app has that enabled.
    #[must_use]
    pub fn with_subscription_count(mut self) -> Self {
        self.info.subscription_count = true;
        self
    }

    /// Sets the nonce for an encrypted channel: 24 random bytes, fresh for each event. One that was
    /// used before with the same channel gives both events away to the server. Other channels need
    /// none.
    #[must_use]
    pub fn nonce(mut self, random: [u8; NONCE_BYTES]) -> Self {
        self.nonce = Some(random);
        self
    }

    /// Returns the names of the channels that it goes to.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        self.channels.0.iter().map(String::as_str)
    }

    /// Returns the event's name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the event's data, as it was given.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    fn needs_nonce(&self) -> bool {
        let is_encrypted = |name| ChannelKind::of(name) == ChannelKind::Encrypted;
        self.nonce.is_none() && self.channels().any(is_encrypted)
    }

    /// Checks all but how many channels there are, and returns the data as it is sent.
    fn checked_data(&self, app: &App) -> Result<String, RequestError> {
        let limits = app.limits();
        self.channels().try_for_each(|name| channels::check(name, limits))?;
        check_name(&self.name, limits)?;
        if let Some(socket_id) = &self.socket_id
            && SocketId::new(socket_id).is_none()
        {
            return Err(RequestError::SocketId { socket_id: one_line::quotable(socket_id) });
        }
        let data = match self.channels.0.as_slice() {
            [channel] => app.sealed(channel, &self.data, self.nonce.as_ref())?,
            // One ciphertext cannot be opened with the keys of two channels.
            several => match several.iter().find(|name| is_encrypted(name)) {
                Some(channel) => {
                    let (channel, count) = (channel.clone(), several.len());
                    return Err(RequestError::EncryptedAmongOthers { channel, count });
                }
                None => self.data.clone(),
            },
        };
        let (size, limit) = (data.len(), limits.event_data);
        if size > limit {
            return Err(RequestError::DataTooLarge { size, limit });
        }
        Ok(data)
    }
}

fn is_encrypted(name: &str) -> bool {
    ChannelKind::of(name) == ChannelKind::Encrypted
}

fn check_name(name: &str, limits: &ApiLimits) -> Result<(), RequestError> {
    let (length, limit) = (name.chars().count(), limits.event_name);
    if (1..=limit).contains(&length) {
        return Ok(());
    }
    Err(RequestError::EventName { name: one_line::quotable(name), length, limit })
}

/// The data may be what only its subscribers should read, and so stays out.
impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("channels", &self.channels.0)
            .field("name", &self.name)
            .field("data_bytes", &self.data.len())
            .field("exclude", &self.socket_id)
            .finish_non_exhaustive()
    }
}

/// The counts that are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) user_count: bool,
    pub(super) subscription_count: bool,
    pub(super) cache: bool,
}

impl Info {
    /// Returns the parameter's value; `None` if nothing is asked for.
    pub(super) fn value(self) -> Option<String> {
        let all = [
            (self.user_count, "user_count"),
            (self.subscription_count, "subscription_count"),
            (self.cache, "cache"),
        ];
        let names: Vec<&str> =
            all.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, name)| name).collect();
        (!names.is_empty()).then(|| names.join(","))
    }
}

/// The body of `events`, and an entry of `batch_events`. The order is that of npm's `pusher`.
#[derive(Serialize)]
struct EventBody<'a> {
    name: &'a str,
    data: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    socket_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<String>,
}

impl<'a> EventBody<'a> {
    fn new(event: &'a Publish, data: String) -> Self {
        Self {
            name: &event.name,
            data,
            channels: None,
            channel: None,
            socket_id: event.socket_id.as_deref(),
            info: event.info.value(),
        }
    }
}

fn written(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("strings can always be written")
}

impl Build for Publish {
    fn unsigned(&self, app: &App) -> Result<Unsigned, RequestError> {
        let (count, limit) = (self.channels.0.len(), app.limits().channels);
        if count == 0 {
            return Err(RequestError::NoChannels);
        }
        if count > limit {
            return Err(RequestError::TooManyChannels { count, limit });
        }
        let data = self.checked_data(app)?;
        let mut names = BTreeSet::new();
        if let Some(channel) = self.channels().find(|name| count > 1 && !names.insert(*name)) {
            return Err(RequestError::ChannelTwice { channel: channel.to_string() });
        }
        let channels = Some(self.channels.0.as_slice());
        let body = written(&EventBody { channels, ..EventBody::new(self, data) });
        Ok(Unsigned::post("/events", body))
    }
}

impl Call for Publish {
    type Answer = Published;

    fn draw_nonces(&mut self, random: &mut dyn FnMut() -> [u8; NONCE_BYTES]) {
        if self.needs_nonce() {
            self.nonce = Some(random());
        }
    }
}

/// Publishes up to 10 events in one call, each on one channel.
///
/// ```
/// # use pushest_proto::api::{Batch, Publish};
/// let batch = Batch::new([
///     Publish::new("orders", "shipped", r#"{"id":7}"#),
///     Publish::to_user("ada", "parcel", r#"{"id":7}"#),
/// ]);
/// ```
#[doc(alias = "trigger_batch")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch(Vec<Publish>);

impl Batch {
    /// Creates a batch of these events, each with one channel.
    #[must_use]
    pub fn new(events: impl IntoIterator<Item = Publish>) -> Self {
        Self(events.into_iter().collect())
    }

    /// Returns the events, in the order in which they were given.
    pub fn events(&self) -> impl Iterator<Item = &Publish> {
        self.0.iter()
    }
}

impl Build for Batch {
    fn unsigned(&self, app: &App) -> Result<Unsigned, RequestError> {
        #[derive(Serialize)]
        struct Body<'a> {
            batch: Vec<EventBody<'a>>,
        }

        let (count, limit) = (self.0.len(), app.limits().batch);
        if count == 0 {
            return Err(RequestError::NoEvents);
        }
        if count > limit {
            return Err(RequestError::TooManyEvents { count, limit });
        }
        let mut batch = Vec::with_capacity(count);
        for (index, event) in self.0.iter().enumerate() {
            let entry = self.entry(index, event, app).map_err(|problem| RequestError::InBatch {
                position: index + 1,
                problem: Box::new(problem),
            })?;
            batch.push(entry);
        }
        Ok(Unsigned::post("/batch_events", written(&Body { batch })))
    }
}

impl Batch {
    fn entry<'a>(
        &self,
        index: usize,
        event: &'a Publish,
        app: &App,
    ) -> Result<EventBody<'a>, RequestError> {
        let [channel] = event.channels.0.as_slice() else {
            return Err(RequestError::BatchChannels { count: event.channels.0.len() });
        };
        let is_twice = |other: &Publish| other.nonce == event.nonce && is_encrypted(channel);
        if event.nonce.is_some() && self.0[..index].iter().any(is_twice) {
            return Err(RequestError::NonceTwice);
        }
        let data = event.checked_data(app)?;
        Ok(EventBody { channel: Some(channel), ..EventBody::new(event, data) })
    }
}

impl Call for Batch {
    type Answer = BatchPublished;

    fn draw_nonces(&mut self, random: &mut dyn FnMut() -> [u8; NONCE_BYTES]) {
        for event in &mut self.0 {
            event.draw_nonces(random);
        }
    }
}
