//! The handle that users hold.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pushest_proto::{
    ChannelName, ChannelState, ChannelView, CommandError, Config, Endpoint, Member, Statistics,
    Status, SubscribeOptions,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{SignInError, SubscribeError};
use crate::hub::Hub;
use crate::subscription::{Events, Subscription};
use crate::trigger::{self, TriggerWhenAllowed};
use crate::user::SignedIn;
use crate::waiting::{Connected, Flush, Shutdown, Subscribed};

/// A client of one app: a handle to a connection that lasts, however often it is made anew.
///
/// Cloning it is cheap, and all clones are the same client. Commands take effect when they return;
/// only what the server has to say about them is waited for. When the last clone is dropped the
/// connection is closed, its receivers end, and nothing of the client remains.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

/// Ends the client when the last one is dropped. The pump and the receivers do not have it.
struct Handle {
    hub: Arc<Hub>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.hub.end();
    }
}

impl AsRef<Client> for Client {
    fn as_ref(&self) -> &Client {
        self
    }
}

impl Client {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { handle: Arc::new(Handle { hub }) }
    }

    fn hub(&self) -> &Arc<Hub> {
        &self.handle.hub
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.hub().config
    }

    /// Why the client is or is not connected, as data: state, socket id, attempt, next attempt,
    /// the last loss and the last error.
    #[must_use]
    pub fn status(&self) -> Status {
        self.hub().lock().session.status()
    }

    /// How long until the next attempt begins, while waiting for it.
    #[must_use]
    pub fn retry_in(&self) -> Option<Duration> {
        let retry = self.status().next_retry?;
        Some(retry.saturating_duration_since(self.hub().now()))
    }

    /// Connects and stays connected. A client does so by itself, except after
    /// [`Client::disconnect`], after a refusal, and with
    /// [`Options::start_disconnected`](crate::Options::start_disconnected). While it waits for its
    /// next attempt, this makes it at once.
    pub fn connect(&self) {
        self.hub().command(|state, now| {
            // Without its pump nothing would come of it.
            if !state.is_ended() {
                state.session.connect(now);
            }
        });
    }

    /// Closes the connection and stays disconnected until [`Client::connect`]. What was triggered
    /// before still goes out. All channels stay wanted.
    pub fn disconnect(&self) {
        self.hub().command(|state, now| state.session.disconnect(now));
    }

    /// Waits until connected, and answers the socket id.
    ///
    /// # Errors
    /// [`NotConnected`](crate::NotConnected) once no connection will come by itself: refused or
    /// disconnected. Other failures are tried again and keep it waiting; see
    /// [`Client::connected_within`].
    pub fn connected(&self) -> Connected {
        Connected::new(self.hub().clone(), None)
    }

    /// As [`Client::connected`], but no longer than this. The client goes on trying.
    ///
    /// # Errors
    /// As [`Client::connected`], and after that time, with what was learned last.
    pub fn connected_within(&self, limit: Duration) -> Connected {
        Connected::new(self.hub().clone(), Some(limit))
    }

    /// Subscribes to a channel, connected or not, from now on and over all connections.
    ///
    /// The channel is subscribed to as long as one of its [`Subscription`]s exists; each of them
    /// gets each event. Await [`Subscription::subscribed`] to know that the server has confirmed.
    /// Subscribing anew tries a failed channel again.
    ///
    /// # Errors
    /// A bad name, a presence channel without member data (see [`Client::subscribe_with`]), a
    /// private or presence channel with neither secret nor authorizer, or too many channels. Then
    /// nothing has changed.
    pub fn subscribe(&self, channel: &str) -> Result<Subscription, SubscribeError> {
        self.subscribe_with(channel, &SubscribeOptions::default())
    }

    /// As [`Client::subscribe`], with who subscribes on a presence channel:
    /// `SubscribeOptions::member("42").info(r#"{"name":"Ann"}"#)`. Other data than before makes a
    /// new subscription on the server, which all [`Subscription`]s of the channel share.
    ///
    /// # Errors
    /// As [`Client::subscribe`], and for a bad user id or info.
    pub fn subscribe_with(
        &self,
        channel: &str,
        options: &SubscribeOptions,
    ) -> Result<Subscription, SubscribeError> {
        let (place, name, id) = self.hub().subscribe(channel, options)?;
        Ok(Subscription::new(self.hub().clone(), place, name, id))
    }

    /// As [`Subscription::subscribed`], by the channel's name, for those who keep no
    /// [`Subscription`] ([`Subscription::detach`]).
    ///
    /// # Errors
    /// As there.
    pub fn subscribed(&self, channel: &ChannelName) -> Subscribed {
        let id = self.hub().present_subscription(channel);
        Subscribed::new(self.hub().clone(), channel.clone(), id)
    }

    /// Unsubscribes from a channel, whatever [`Subscription`]s there are: they end.
    ///
    /// # Errors
    /// [`CommandError::NotSubscribed`] if it is not subscribed to.
    pub fn unsubscribe(&self, channel: &str) -> Result<(), CommandError> {
        self.hub().command(|state, now| {
            state.session.unsubscribe(channel, now)?;
            state.forget(channel);
            Ok(())
        })
    }

    /// Tries a failed channel again: now, or once connected.
    ///
    /// # Errors
    /// [`CommandError::NotSubscribed`] if it is not subscribed to.
    pub fn retry(&self, channel: &str) -> Result<(), CommandError> {
        self.hub().command(|state, now| state.session.retry(channel, now))
    }

    /// Signs in as a user, on this and every later connection. `user_data` is JSON:
    /// `{"id": a string, "user_info"?: an object, "watchlist"?: at most 100 ids}`; whoever
    /// authorizes may know it better, and then it may be `None`. Await [`Client::signed_in`] to
    /// know that the server has confirmed. After a failure this tries again.
    ///
    /// What the server sends to the user arrives at [`Client::user_events`], who of the watchlist
    /// comes and goes at [`Client::events`] ([`Event::Watchlist`](crate::Event::Watchlist)).
    ///
    /// # Errors
    /// Neither secret nor authorizer; user data that breaks a rule; none although the client signs
    /// by itself. Then nothing has changed.
    pub fn sign_in(&self, user_data: Option<&str>) -> Result<(), SignInError> {
        self.hub().sign_in(user_data)
    }

    /// Waits until the server has confirmed the sign-in, and answers the user's id; at once if it
    /// has. May be dropped half-way and called again.
    ///
    /// # Errors
    /// [`NotSignedIn`](crate::NotSignedIn) once the server or the authorizer has refused, the
    /// client is refused or disconnected, or where nobody asked. What is tried again by itself
    /// keeps it waiting.
    pub fn signed_in(&self) -> SignedIn {
        SignedIn::new(self.hub().clone())
    }

    /// The id of the user that is signed in on the present connection.
    #[must_use]
    pub fn signed_in_user(&self) -> Option<String> {
        self.hub().lock().session.signed_in_user().map(str::to_string)
    }

    /// What the server sends to the signed-in user from now on, whoever that is and over all
    /// connections: the events of the channel `#server-to-user-ID`. They come to
    /// [`Client::events`], too.
    pub fn user_events(&self) -> Events {
        Events::new(self.hub().clone(), self.hub().listen_as_user())
    }

    /// Sends a client event to the other subscribers of a private or presence channel (protocol,
    /// client to server). It is on its way when this returns; [`Client::flush`] tells when the
    /// server has read it.
    ///
    /// # Errors
    /// A name that does not begin with `client-`; a channel that is not subscribed at the moment,
    /// or of a kind without client events; data that is too large; no connection; too much waiting
    /// to be sent; more a second than the server takes, see [`Client::trigger_when_allowed`]. Then
    /// nothing was sent.
    pub fn trigger<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        event: &str,
        data: &T,
    ) -> Result<(), CommandError> {
        let data = trigger::data(data)?;
        self.hub().command(|state, now| state.session.trigger(channel, event, &data, now))
    }

    /// As [`Client::trigger`], but waits while more client events a second were sent than the
    /// server takes; for nothing else. Who drops it half-way has sent nothing.
    ///
    /// # Errors
    /// As [`Client::trigger`], but for the rate.
    pub fn trigger_when_allowed<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        event: &str,
        data: &T,
    ) -> TriggerWhenAllowed {
        TriggerWhenAllowed::new(self.hub().clone(), channel, event, trigger::data(data))
    }

    /// The same as [`Client::flush`], for those who want to know whether the server is there.
    ///
    /// # Errors
    /// As [`Client::flush`].
    pub fn ping(&self) -> Flush {
        self.flush()
    }

    /// Sends a ping, now, and answers the round trip when its pong is there: the server has then
    /// read everything that was sent before, and what it had to say about that has arrived.
    ///
    /// # Errors
    /// No connection, or it was lost before the pong came.
    pub fn flush(&self) -> Flush {
        let ping = self.hub().command(|state, now| {
            let ping = state.session.ping(now)?;
            state.pings.insert(ping, Default::default());
            Ok(ping)
        });
        Flush::new(self.hub().clone(), ping)
    }

    /// Who is present in a presence channel, in the order of their coming. While the channel is
    /// not subscribed this is what was known last; empty for other channels.
    #[must_use]
    pub fn members(&self, channel: &str) -> Vec<Member> {
        self.view(channel, |view| view.members().cloned().collect()).unwrap_or_default()
    }

    /// As [`Client::members`], by id and with the info as a value. What one member's info looks
    /// like is that member's matter: an info of another shape is an error in its place only.
    #[must_use]
    pub fn members_as<T: DeserializeOwned>(
        &self,
        channel: &str,
    ) -> Vec<(String, Result<T, serde_json::Error>)> {
        // The user's `Deserialize` must not run under the lock.
        let members = self.members(channel);
        members.iter().map(|member| (member.id().to_string(), member.info())).collect()
    }

    /// How many are present in a presence channel.
    #[must_use]
    pub fn member_count(&self, channel: &str) -> usize {
        self.view(channel, |view| view.member_count()).unwrap_or_default()
    }

    /// The member that this client is, once the server has listed it.
    #[must_use]
    pub fn me(&self, channel: &str) -> Option<Member> {
        self.view(channel, |view| view.me().cloned()).flatten()
    }

    /// How far the subscription to a channel is; `None` if it is not wanted.
    #[must_use]
    pub fn channel_state(&self, channel: &str) -> Option<ChannelState> {
        self.view(channel, |view| view.state())
    }

    /// How many connections subscribe to a channel, where the server tells.
    #[must_use]
    pub fn subscription_count(&self, channel: &str) -> Option<u64> {
        self.view(channel, |view| view.subscription_count()).flatten()
    }

    fn view<T>(&self, channel: &str, look: impl FnOnce(ChannelView<'_>) -> T) -> Option<T> {
        self.hub().lock().session.channel(channel).map(look)
    }

    /// Counters since the client began; what was dropped includes what receivers were too slow
    /// for.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let mut statistics = self.hub().lock().session.statistics();
        statistics.dropped += self.dropped_events();
        statistics
    }

    /// The round trip that was measured last, by a ping of the client's own or the user's.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.hub().lock().session.round_trip()
    }

    /// How many events receivers were too slow for, all receivers together
    /// ([`Event::Lagged`](crate::Event::Lagged) tells each of them).
    #[must_use]
    pub fn dropped_events(&self) -> u64 {
        self.hub().congestion.dropped()
    }

    /// Says that the network changed (another interface, back from sleep): a waiting client tries
    /// again at once, unless a server asked for the pause; a connected one checks that the server
    /// is still there.
    pub fn handle_network_change(&self) {
        self.hub().command(|state, now| state.session.handle_network_change(now));
    }

    /// Goes on with another server; all channels stay wanted.
    pub fn set_endpoint(&self, endpoint: Endpoint) {
        self.hub().command(|state, now| state.session.set_endpoint(endpoint, now));
    }

    /// Everything that happens from now on: what concerns the client, and the events of all
    /// channels.
    pub fn events(&self) -> Events {
        Events::new(self.hub().clone(), self.hub().listen())
    }

    /// Disconnects, and waits until the connection is closed: a moment if the server answers, two
    /// seconds at most if it does not. [`Client::connect`] makes a new one.
    pub fn shutdown(&self) -> Shutdown {
        self.disconnect();
        Shutdown::new(self.hub().clone())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", self.config())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
