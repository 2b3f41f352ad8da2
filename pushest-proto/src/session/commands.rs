//! The user's commands. After an error nothing has changed (contract, C6).

use alloc::borrow::Cow;
use alloc::string::ToString;

use serde::Serialize;
use serde_json::value::RawValue;

use super::Session;
use super::options::SubscribeOptions;
use crate::agenda::Key;
use crate::channel::name::ChannelName;
use crate::command::CommandError;
use crate::config::endpoint::Endpoint;
use crate::connection::Phase;
use crate::heartbeat::MOST_UNANSWERED;
use crate::id::PingId;
use crate::input::{Applied, Input};
use crate::loss::{CloseCode, Loss};
use crate::outgoing::{ClientEvent, Item};
use crate::time::Instant;
use crate::wire::encode;

impl Session {
    /// Connects and stays connected, until [`Session::disconnect`]. A session that waits for its
    /// next attempt makes it at once; one that is connected or connecting goes on. Of several endpoints
    /// one that was disconnected, or refused for good, begins with the first of its own order.
    pub fn connect(&mut self, now: Instant) {
        self.tell(Input::Connect, now);
    }

    /// Closes the connection and stays disconnected, until [`Session::connect`]. What was accepted
    /// before still goes out; the wanted channels stay wanted. The last action is
    /// `State(Disconnected)`.
    pub fn disconnect(&mut self, now: Instant) {
        self.tell(Input::Disconnect, now);
    }

    /// Goes on with another server, which takes the place of all endpoints of the configuration; the
    /// wanted channels stay wanted. An attempt or connection to the former server is given up.
    pub fn set_endpoint(&mut self, endpoint: Endpoint, now: Instant) {
        self.tell(Input::SetEndpoint { endpoint }, now);
    }

    /// Makes a channel wanted, from now on and over all connections. Returns its name, which has
    /// the id of the subscription ([`ChannelName::id`]). Wanting it twice changes nothing, except
    /// that a failed subscription is tried again, and other member data makes a new subscription.
    ///
    /// The server is told of a new subscription with an unsubscribe and a subscribe. What is sent
    /// to the channel between the two does not come: an [`Event::Gap`](crate::Event::Gap) with
    /// [`Loss::Resubscribed`] tells so at the new confirmation, and begins when the unsubscribe is
    /// polled. Events of the former subscription that still come are told before. After a
    /// [`Session::unsubscribe`] in between neither is reported: events that were sent before the
    /// new confirmation do not belong to the new subscription. If its subscribe is the second while
    /// the first is unanswered, the first answer is taken for its own.
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
        let (channel, options) = (name.into(), Cow::Borrowed(options));
        match self.apply(Input::Subscribe { channel, options }, now)? {
            Applied::Channel(name) => Ok(name),
            other => unreachable!("a subscription names its channel, and not {other:?}"),
        }
    }

    /// Makes a channel unwanted. What the server still sends to it is dropped.
    ///
    /// # Errors
    /// [`CommandError::NotSubscribed`] if it is not wanted.
    pub fn unsubscribe(&mut self, name: &str, now: Instant) -> Result<(), CommandError> {
        self.apply(Input::Unsubscribe { channel: name.into() }, now).map(drop)
    }

    /// Tries a failed channel again: now, or once connected.
    ///
    /// # Errors
    /// [`CommandError::NotSubscribed`] if it is not wanted.
    pub fn retry(&mut self, name: &str, now: Instant) -> Result<(), CommandError> {
        self.apply(Input::Retry { channel: name.into() }, now).map(drop)
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
        let data = match serde_json::value::to_raw_value(data) {
            Ok(data) => Cow::Owned(data),
            Err(error) => {
                // A name that is wrong as well is told first, as it is with data that is JSON.
                self.triggering(channel, event)?;
                return Err(CommandError::Data { problem: error.to_string() });
            }
        };
        let (channel, event) = (channel.into(), event.into());
        self.apply(Input::Trigger { channel, event, data }, now).map(drop)
    }

    /// Signs in as a user, on this and every later connection. `user_data` is JSON: `{"id": a
    /// string, "user_info"?: an object, "watchlist"?: at most 100 ids}`. Without the secret it goes
    /// to the authorizer, and may be `None`. The server's answer comes as
    /// [`Event::SignedIn`](crate::Event::SignedIn); from then on events to the user arrive on the
    /// channel `#server-to-user-ID`. After a failure this tries again.
    ///
    /// # Errors
    /// User data that breaks a rule or is over [`Limits::signed_data`](crate::Limits::signed_data),
    /// or none although the session signs by itself.
    pub fn sign_in(&mut self, user_data: Option<&str>, now: Instant) -> Result<(), CommandError> {
        let user_data = user_data.map(Into::into);
        self.apply(Input::SignIn { user_data }, now).map(drop)
    }

    /// Sends a ping. Its pong comes as [`Event::Pong`](crate::Event::Pong) once the server has read
    /// everything that was sent before; if it cannot come,
    /// [`Event::PingLost`](crate::Event::PingLost).
    ///
    /// # Errors
    /// No connection, or too much waiting to be sent or answered.
    pub fn ping(&mut self, now: Instant) -> Result<PingId, CommandError> {
        match self.apply(Input::Ping, now)? {
            Applied::Ping(ping) => Ok(ping),
            other => unreachable!("a ping has an id, and not {other:?}"),
        }
    }
}

impl Session {
    pub(super) fn want_connection(&mut self, now: Instant) {
        self.advance(now);
        match self.connection.phase {
            Phase::Idle => {
                self.connection.endpoints.begin(self.now);
                self.dial();
            }
            Phase::Waiting => self.dial(),
            Phase::Refused => self.begin_anew(),
            Phase::Connecting(_) | Phase::Opening(_) | Phase::Established(_) => {}
        }
    }

    pub(super) fn want_no_connection(&mut self, now: Instant) {
        self.advance(now);
        if self.connection.phase == Phase::Idle {
            return;
        }
        self.connection.sends_before_close |= self.connection.established().is_some();
        if self.connection.phase.connection().is_some() {
            self.close(CloseCode::Normal);
            self.end_connection(Loss::Disconnected);
        }
        self.timers.disarm_all();
        self.backoff.reset();
        self.connection.attempt = 0;
        self.enter(Phase::Idle, None, None);
    }

    pub(super) fn go_on_with(&mut self, endpoint: Endpoint, now: Instant) {
        self.advance(now);
        self.connection.endpoints.replace(endpoint);
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
        self.connection.endpoints.begin(self.now);
        self.connection.attempt = 0;
        self.dial();
    }

    pub(super) fn want(
        &mut self,
        name: &str,
        options: &SubscribeOptions,
        now: Instant,
    ) -> Result<ChannelName, CommandError> {
        let (name, channel_data) = self.config.subscription(name, options)?;
        let limits = &self.config.limits;
        // Only at the limit is it looked up, which is most of what a subscription costs among many.
        if self.channels.wanted_by_name() >= limits.channels
            && self.channels.wanted_key(name.as_str()).is_none()
        {
            return Err(CommandError::TooManyChannels { limit: limits.channels });
        }
        self.advance(now);
        let member = channel_data.zip(options.user_id.as_deref());
        let (channels, mut context) = self.channels();
        let key = channels.want(name, member, &mut context);
        Ok(channels.get(key).name().clone())
    }

    pub(super) fn unwant(&mut self, name: &str, now: Instant) -> Result<(), CommandError> {
        let key = self.wanted(name)?;
        self.advance(now);
        let (channels, mut context) = self.channels();
        channels.unwant(key, &mut context);
        Ok(())
    }

    pub(super) fn try_again(&mut self, name: &str, now: Instant) -> Result<(), CommandError> {
        let key = self.wanted(name)?;
        self.advance(now);
        let (channels, mut context) = self.channels();
        channels.retry(key, &mut context);
        Ok(())
    }

    pub(super) fn send_client_event(
        &mut self,
        channel: &str,
        event: &str,
        data: &RawValue,
        now: Instant,
    ) -> Result<(), CommandError> {
        let (name, key) = self.triggering(channel, event)?;
        self.config.event_data(data)?;
        if self.connection.established().is_none() {
            return Err(CommandError::NotConnected { state: self.state() });
        }
        if !self.channels.get(key).request().is_done() {
            return Err(CommandError::NotSubscribedYet { channel: name });
        }
        if let Some((retry_in, limit)) = self.rate.wait(now.max(self.now)) {
            return Err(CommandError::RateLimited { limit, retry_in });
        }
        let text = encode::client_event(event, channel, data);
        // An error that this may lead to is about the present subscription.
        let channel = self.channels.get(key).name().clone();
        let item = Item::ClientEvent(ClientEvent { channel, event: event.into(), text });
        let (size, limit) = (item.bytes(), self.config.limits.outgoing);
        if size > limit {
            return Err(CommandError::TooLarge { size, limit });
        }
        self.check_room(&item)?;
        self.advance(now);
        self.rate.take(self.now);
        let order = self.pending.next_order();
        self.outgoing.push(order, item);
        Ok(())
    }

    /// Returns the channel of a client event, if both have names that fit.
    pub(super) fn triggering(
        &self,
        channel: &str,
        event: &str,
    ) -> Result<(ChannelName, Key), CommandError> {
        let name = self.config.triggering(channel, event)?;
        Ok((name, self.wanted(channel)?))
    }

    pub(super) fn want_user(
        &mut self,
        user_data: Option<&str>,
        now: Instant,
    ) -> Result<(), CommandError> {
        self.config.check_sign_in(user_data)?;
        self.advance(now);
        let (user, mut context) = self.user();
        user.want(user_data.map(ToString::to_string), &mut context);
        Ok(())
    }

    pub(super) fn send_ping(&mut self, now: Instant) -> Result<PingId, CommandError> {
        if self.connection.established().is_none() {
            return Err(CommandError::NotConnected { state: self.state() });
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

    fn wanted(&self, name: &str) -> Result<Key, CommandError> {
        let missing = || CommandError::NotSubscribed { channel: name.chars().take(200).collect() };
        self.channels.wanted_key(name).ok_or_else(missing)
    }
}
