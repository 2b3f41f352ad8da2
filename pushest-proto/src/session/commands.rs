//! What the user wants. An error means that the user is mistaken, and then nothing has changed.

use alloc::string::{String, ToString};

use serde::Serialize;
use serde_json::value::RawValue;

use super::Session;
use crate::Instant;
use crate::action::CloseCode;
use crate::channel::{ChannelKind, ChannelName};
use crate::command::CommandError;
use crate::config::Endpoint;
use crate::connection::Phase;
use crate::heartbeat::{MOST_UNANSWERED, PingId};
use crate::loss::Loss;
use crate::outgoing::{ClientEvent, Item};
use crate::trace::Line;
use crate::user;
use crate::wire::encode;

/// The longest user id (protocol, limits).
const USER_ID_BYTES: usize = 128;

/// What to subscribe with; `SubscribeOptions::default()` for all but presence channels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SubscribeOptions {
    /// Who subscribes, on presence channels.
    pub user_id: Option<String>,
    /// What the other members may know of the user (JSON).
    pub user_info: Option<String>,
}

impl SubscribeOptions {
    /// A subscription to a presence channel as this user.
    #[must_use]
    pub fn member(user_id: &str) -> Self {
        Self { user_id: Some(user_id.to_string()), user_info: None }
    }

    /// The same with what the other members may know of the user (JSON).
    #[must_use]
    pub fn info(mut self, json: &str) -> Self {
        self.user_info = Some(json.to_string());
        self
    }

    /// `channel_data` of the protocol: `{"user_id": …, "user_info": …}`.
    fn channel_data(&self) -> Result<Option<String>, CommandError> {
        #[derive(Serialize)]
        struct ChannelData<'a> {
            user_id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            user_info: Option<&'a RawValue>,
        }
        let Some(user_id) = self.user_id.as_deref() else {
            return Ok(None);
        };
        if !(1..=USER_ID_BYTES).contains(&user_id.len()) {
            return Err(CommandError::UserId { user_id: user_id.chars().take(200).collect() });
        }
        let user_info = match self.user_info.as_deref() {
            None => None,
            Some(info) => Some(serde_json::from_str(info).map_err(|error| {
                CommandError::UserInfo { info: info.to_string(), problem: error.to_string() }
            })?),
        };
        let data = serde_json::to_string(&ChannelData { user_id, user_info })
            .expect("strings and checked JSON can always be written");
        Ok(Some(data))
    }
}

impl Session {
    /// Connects and stays connected, until [`Session::disconnect`]. A session that waits for its
    /// next attempt makes it at once; one that is connected or connecting goes on.
    pub fn connect(&mut self, now: Instant) {
        self.note(|| Line::Connect { at: now.as_micros() });
        self.advance(now);
        match self.connection.phase {
            Phase::Idle | Phase::Waiting => self.dial(),
            Phase::Refused => self.begin_anew(),
            Phase::Connecting(_) | Phase::Opening(_) | Phase::Established(_) => {}
        }
    }

    /// Closes the connection and stays disconnected, until [`Session::connect`]. What was accepted
    /// before still goes out; the wanted channels stay wanted. The last action is
    /// `State(Disconnected)`.
    pub fn disconnect(&mut self, now: Instant) {
        self.note(|| Line::Disconnect { at: now.as_micros() });
        self.advance(now);
        if self.connection.phase == Phase::Idle {
            return;
        }
        self.connection.farewell |= self.connection.established().is_some();
        if self.connection.phase.connection().is_some() {
            self.close(CloseCode::Normal);
            self.end_connection(Loss::Disconnected);
        }
        self.timers.disarm_all();
        self.backoff.reset();
        self.connection.attempt = 0;
        self.enter(Phase::Idle, None, None);
    }

    /// Goes on with another server; the wanted channels stay wanted. An attempt or connection to
    /// the former server is given up.
    pub fn set_endpoint(&mut self, endpoint: Endpoint, now: Instant) {
        self.note(|| Line::SetEndpoint { at: now.as_micros(), endpoint: endpoint.clone() });
        self.advance(now);
        self.connection.endpoint = endpoint;
        self.forget_suspects();
        match self.connection.phase {
            Phase::Connecting(_) | Phase::Opening(_) | Phase::Established(_) => {
                self.close(CloseCode::Away);
                let loss = self.end_connection(Loss::EndpointChanged);
                self.enter(Phase::Waiting, Some(loss), None);
                self.begin_anew();
            }
            Phase::Waiting => self.begin_anew(),
            Phase::Idle | Phase::Refused => {}
        }
    }

    fn begin_anew(&mut self) {
        self.backoff.reset();
        self.connection.attempt = 0;
        self.dial();
    }

    /// Wants a channel, from now on and over all connections. Wanting it twice changes nothing,
    /// except that a failed subscription is tried again, and other member data makes a new
    /// subscription.
    ///
    /// # Errors
    /// A bad name, too many channels, or for a presence channel without a user id when the session
    /// signs by itself; a bad user id or info, or member data over [`Limits::signed_data`]; an
    /// encrypted channel without the master key when the session signs by itself.
    ///
    /// [`Limits::signed_data`]: crate::Limits::signed_data
    pub fn subscribe(
        &mut self,
        name: &str,
        options: &SubscribeOptions,
        now: Instant,
    ) -> Result<ChannelName, CommandError> {
        self.note(|| Line::Subscribe {
            at: now.as_micros(),
            channel: name.into(),
            user_id: options.user_id.as_deref().map(Into::into),
            user_info: options.user_info.as_deref().map(Into::into),
        });
        let limits = &self.config.limits;
        let name = ChannelName::with_rules(name, &limits.channel_name)?;
        let is_presence = name.kind() == ChannelKind::Presence;
        let channel_data = if is_presence { options.channel_data()? } else { None };
        if let Some(data) = &channel_data
            && data.len() > limits.signed_data
        {
            let (size, limit) = (data.len(), limits.signed_data);
            return Err(CommandError::TooLarge { size, limit });
        }
        if is_presence && channel_data.is_none() && self.config.has_secret() {
            return Err(CommandError::MemberDataMissing { channel: name });
        }
        if name.kind() == ChannelKind::Encrypted
            && self.config.has_secret()
            && !self.config.has_master_key()
        {
            return Err(CommandError::MasterKeyMissing { channel: name });
        }
        if self.channels.wanted_key(name.as_str()).is_none()
            && self.channels.wanted_by_name() >= limits.channels
        {
            return Err(CommandError::TooManyChannels { limit: limits.channels });
        }
        self.advance(now);
        let connected = self.connection.established().is_some();
        self.channels.want(name.clone(), channel_data, connected, &mut self.pending);
        Ok(name)
    }

    /// No longer wants a channel. What the server still sends for it is dropped.
    ///
    /// # Errors
    /// [`CommandError::NotSubscribed`] if it is not wanted.
    pub fn unsubscribe(&mut self, name: &str, now: Instant) -> Result<(), CommandError> {
        self.note(|| Line::Unsubscribe { at: now.as_micros(), channel: name.into() });
        let key = self.wanted(name)?;
        self.advance(now);
        let connected = self.connection.established().is_some();
        self.channels.unwant(key, connected, &mut self.pending);
        Ok(())
    }

    /// Tries a failed channel again: now, or once connected.
    ///
    /// # Errors
    /// [`CommandError::NotSubscribed`] if it is not wanted.
    pub fn retry(&mut self, name: &str, now: Instant) -> Result<(), CommandError> {
        self.note(|| Line::Retry { at: now.as_micros(), channel: name.into() });
        let key = self.wanted(name)?;
        self.advance(now);
        let connected = self.connection.established().is_some();
        self.channels.retry(key, connected, &mut self.pending);
        Ok(())
    }

    /// Sends a client event to the other subscribers of a private or presence channel. `data` goes
    /// out as the JSON that it serializes to; a [`RawValue`] goes out as it is.
    ///
    /// # Errors
    /// A name that does not begin with `client-` or is too long; a channel that is not subscribed
    /// at the moment, or of a kind that has no client events; data that is too large or not JSON;
    /// no connection; more than the allowed number a second; too much waiting to be sent.
    pub fn trigger<T: Serialize + ?Sized>(
        &mut self,
        channel: &str,
        event: &str,
        data: &T,
        now: Instant,
    ) -> Result<(), CommandError> {
        let limits = &self.config.limits;
        let is_named = event.strip_prefix("client-").is_some_and(|rest| !rest.is_empty());
        if !is_named || event.len() > limits.event_name {
            let (event, limit) = (event.chars().take(200).collect(), limits.event_name);
            return Err(CommandError::EventName { event, limit });
        }
        let name = ChannelName::with_rules(channel, &limits.channel_name)?;
        if !name.kind().allows_client_events() {
            return Err(CommandError::NoClientEvents { channel: name });
        }
        let key = self.wanted(channel)?;
        let data = serde_json::value::to_raw_value(data)
            .map_err(|error| CommandError::Data { problem: error.to_string() })?;
        // What is refused before changes nothing.
        self.note(|| Line::Trigger {
            at: now.as_micros(),
            channel: channel.into(),
            event: event.into(),
            data: data.clone(),
        });
        let (size, limit) = (data.get().len(), self.config.limits.event_data);
        if size > limit {
            return Err(CommandError::TooLarge { size, limit });
        }
        if self.connection.established().is_none() {
            return Err(CommandError::NotConnected);
        }
        if !self.channels.is_subscribed(key) {
            return Err(CommandError::NotSubscribedYet { channel: name });
        }
        if let Some((retry_in, limit)) = self.rate.wait(now.max(self.now)) {
            return Err(CommandError::RateLimited { limit, retry_in });
        }
        let text = encode::client_event(event, channel, &data);
        if text.len() > self.config.limits.outgoing {
            let limit = self.config.limits.outgoing;
            return Err(CommandError::TooLarge { size: text.len(), limit });
        }
        let item = Item::ClientEvent(ClientEvent { channel: name, event: event.into(), text });
        self.check_room(&item)?;
        self.advance(now);
        self.rate.take(self.now);
        let order = self.pending.next_order();
        self.outgoing.push(order, item);
        Ok(())
    }

    /// Signs in as a user, on this and every later connection. `user_data` is JSON: `{"id": a
    /// string, "user_info"?: an object, "watchlist"?: at most 100 ids}`. Without the secret it is
    /// handed to whoever authorizes, and may be `None`. The server's answer comes as
    /// [`Event::SignedIn`](crate::Event::SignedIn); from then on events to the user arrive on the
    /// channel `#server-to-user-ID`. After a failure this tries again.
    ///
    /// # Errors
    /// User data that breaks a rule or is over [`Limits::signed_data`](crate::Limits::signed_data),
    /// or none although the session signs by itself.
    pub fn sign_in(&mut self, user_data: Option<&str>, now: Instant) -> Result<(), CommandError> {
        self.note(|| Line::SignIn { at: now.as_micros(), user_data: user_data.map(Into::into) });
        match user_data {
            None if self.config.has_secret() => return Err(CommandError::UserDataMissing),
            None => {}
            Some(data) if data.len() > self.config.limits.signed_data => {
                let (size, limit) = (data.len(), self.config.limits.signed_data);
                return Err(CommandError::TooLarge { size, limit });
            }
            Some(data) => user::check(data).map_err(|problem| CommandError::UserData {
                user_data: data.chars().take(200).collect(),
                problem,
            })?,
        }
        self.advance(now);
        let connected = self.connection.established().is_some();
        let (user, mut context) = self.user();
        user.want(user_data.map(ToString::to_string), connected, &mut context);
        Ok(())
    }

    /// Sends a ping. Its pong comes as [`Event::Pong`](crate::Event::Pong) once the server has read
    /// everything that was sent before; if it cannot come, [`Event::PingLost`](crate::Event::PingLost).
    ///
    /// # Errors
    /// No connection, or too much waiting to be sent or answered.
    pub fn ping(&mut self, now: Instant) -> Result<PingId, CommandError> {
        self.note(|| Line::Ping { at: now.as_micros() });
        if self.connection.established().is_none() {
            return Err(CommandError::NotConnected);
        }
        let limit = self.config.limits.outgoing;
        if self.heartbeat.unanswered() >= MOST_UNANSWERED {
            return Err(CommandError::OutgoingFull { limit });
        }
        self.check_room(&Item::Ping(PingId(0)))?;
        self.advance(now);
        let ping = self.heartbeat.next_id();
        let order = self.pending.next_order();
        self.outgoing.push(order, Item::Ping(ping));
        Ok(ping)
    }

    fn check_room(&self, item: &Item) -> Result<(), CommandError> {
        let limit = self.config.limits.outgoing;
        if self.outgoing.has_room(item) {
            Ok(())
        } else {
            Err(CommandError::OutgoingFull { limit })
        }
    }

    fn wanted(&self, name: &str) -> Result<crate::channel::Key, CommandError> {
        let missing = || CommandError::NotSubscribed { channel: name.chars().take(200).collect() };
        self.channels.wanted_key(name).ok_or_else(missing)
    }
}
