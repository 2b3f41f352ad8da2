//! What the user wants. An error means that the user is mistaken, and then nothing has changed.

use alloc::string::ToString;

use serde::Serialize;

use super::Session;
use super::options::SubscribeOptions;
use crate::channel::name::ChannelName;
use crate::command::CommandError;
use crate::config::endpoint::Endpoint;
use crate::connection::Phase;
use crate::heartbeat::MOST_UNANSWERED;
use crate::id::PingId;
use crate::loss::{CloseCode, Loss};
use crate::outgoing::{ClientEvent, Item};
use crate::time::Instant;
use crate::trace::line::Line;
use crate::wire::encode;

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
    /// What is sent between the end of the former one and the new one is missed, and no
    /// [`Event::Gap`](crate::Event::Gap) tells of it.
    ///
    /// # Errors
    /// A bad name, too many channels, or for a presence channel without a user id when the session
    /// signs by itself; a bad user id or info, or member data over [`Limits::signed_data`]; an
    /// encrypted channel without the master key when the session signs by itself, or in a build
    /// without the feature `encrypted`.
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
        let (name, channel_data) = self.config.subscription(name, options)?;
        let limits = &self.config.limits;
        if self.channels.wanted_key(name.as_str()).is_none()
            && self.channels.wanted_by_name() >= limits.channels
        {
            return Err(CommandError::TooManyChannels { limit: limits.channels });
        }
        self.advance(now);
        let connected = self.connection.established().is_some();
        let member = channel_data.zip(options.user_id.as_deref());
        self.channels.want(name.clone(), member, connected, &mut self.pending);
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
    /// out as the JSON that it serializes to; a [`RawValue`](serde_json::value::RawValue) goes out
    /// as it is.
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
        let name = self.config.triggering(channel, event)?;
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
        self.config.event_data(&data)?;
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
        self.config.check_sign_in(user_data)?;
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
