//! What a client is told and asked without waiting.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pushest_proto::{
    ChannelState, ChannelStatistics, ChannelView, CommandError, Config, Endpoint, Member,
    Statistics, Status,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::SignInError;
use crate::health::{Health, HealthRules};
use crate::hub::Hub;
use crate::snapshot::Snapshot;
use crate::trigger;
#[cfg(doc)]
use crate::{Client, Subscription};

/// What a [`Client`] can be told and asked without waiting: it takes effect, or is known, when the
/// call returns. Every client derefs to it, whatever runs it.
///
/// A clone may be kept anywhere, in the client's own authorizer for instance: it does not keep the
/// client alive, and finds it disconnected after its end.
#[derive(Clone)]
pub struct Commands {
    pub(crate) hub: Arc<Hub>,
}

impl Commands {
    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.hub.config
    }

    /// Returns why the client is or is not connected, as data: state, socket id, attempt, the time
    /// until the next attempt, the last loss and the last error.
    #[must_use]
    pub fn status(&self) -> Status {
        // Read under the lock, so that the clock is not behind what the session was told.
        let state = self.hub.lock();
        state.session.status(self.hub.now())
    }

    /// Connects and stays connected. A client does so by itself, except after
    /// [`Commands::disconnect`], after a shutdown or a refusal, and with
    /// [`Options::start_disconnected`](crate::Options::start_disconnected). While it waits for its
    /// next attempt, this makes it at once.
    ///
    /// After a [`Commands::disconnect`] it goes on with all channels and receivers. After a
    /// [`Client::shutdown`] or a refusal for good it begins without a channel, and former subscriptions
    /// and receivers stay ended: subscribe anew, after this call. After the end of the last client it
    /// does nothing.
    pub fn connect(&self) {
        self.hub.command(|state, now| {
            // Without its pump nothing would come of it.
            if !state.is_ending() {
                state.is_over = false;
                state.session.connect(now);
            }
        });
    }

    /// Pauses: closes the connection and stays disconnected until [`Commands::connect`]. What was
    /// triggered before still goes out. All channels stay wanted, and all receivers stay: they wait
    /// meanwhile. [`Client::shutdown`] ends them.
    pub fn disconnect(&self) {
        self.hub.command(|state, now| state.session.disconnect(now));
    }

    /// Unsubscribes from a channel, whatever [`Subscription`]s there are: they end.
    ///
    /// # Errors
    /// [`CommandError::NotSubscribed`] if it is not subscribed to.
    pub fn unsubscribe(&self, channel: &str) -> Result<(), CommandError> {
        self.hub.try_command(|state, now| {
            let id = state.current(channel);
            state.session.unsubscribe(channel, now)?;
            state.forget(id);
            Ok(())
        })
    }

    /// Tries a failed channel again: now, or once connected.
    ///
    /// # Errors
    /// [`CommandError::NotSubscribed`] if it is not subscribed to.
    pub fn retry(&self, channel: &str) -> Result<(), CommandError> {
        self.hub.try_command(|state, now| state.session.retry(channel, now))
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
        self.hub.sign_in(user_data)
    }

    /// The id of the user that is signed in on the present connection.
    #[must_use]
    pub fn signed_in_user(&self) -> Option<String> {
        self.hub.lock().session.signed_in_user().map(str::to_string)
    }

    /// Sends a client event to the other subscribers of a private or presence channel ([protocol,
    /// client events](pushest_proto::protocol#client-events)). It waits to be written when this returns:
    /// if the connection is lost before that, so is the event, and it is not sent again;
    /// [`Client::flush`] tells when the server has read it. Before a program ends, await
    /// [`Client::shutdown`]: with the runtime goes what has not been written yet. (The client of
    /// `pushest-blocking` waits for that when its last clone is dropped, for a limited time.)
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
        self.hub.try_command(|state, now| state.session.trigger(channel, event, &data, now))
    }

    /// Who is present in a presence channel, in the order of their coming. While the channel is
    /// not subscribed this is what was known last; empty for other channels. Whether that is all
    /// of them, [`Commands::members_known`] tells.
    #[must_use]
    pub fn members(&self, channel: &str) -> Vec<Member> {
        self.view(channel, |view| view.members().cloned().collect()).unwrap_or_default()
    }

    /// Returns whether the server's list of members could be read, at the last subscription to a
    /// presence channel. While it is false, [`Commands::members`] holds only those who joined
    /// since: before the first list, and after one of which nothing could be read
    /// ([`Event::Malformed`](crate::Event::Malformed) told so). It is false for other channels.
    #[must_use]
    pub fn members_known(&self, channel: &str) -> bool {
        self.view(channel, |view| view.members_known()).unwrap_or_default()
    }

    /// As [`Commands::members`], by id and with the info as a value. What one member's info looks
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
        self.hub.lock().session.channel(channel).map(look)
    }

    /// Returns counters since the client began. `dropped` includes the events that receivers were too
    /// slow for, all receivers together ([`Event::Lagged`](crate::Event::Lagged) tells each of them).
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.hub.statistics()
    }

    /// Returns what was counted of a channel since it was subscribed to; `None` if it is not wanted, or
    /// unless [`ConfigBuilder::channel_statistics`](crate::ConfigBuilder::channel_statistics) asked for
    /// that.
    #[must_use]
    pub fn channel_statistics(&self, channel: &str) -> Option<ChannelStatistics> {
        let state = self.hub.lock();
        state.session.channel(channel)?.statistics(self.hub.now())
    }

    /// Returns what the client is doing now, all of it at one moment: its state and since when, channels
    /// by state, counters, queues, and each channel's numbers where
    /// [`ConfigBuilder::channel_statistics`](crate::ConfigBuilder::channel_statistics) asked for them.
    ///
    /// It walks over the channels and receivers, and holds the client up meanwhile: some microseconds
    /// for a hundred channels, milliseconds for a hundred thousand. For a log line a minute, or a page
    /// that is asked a few times a minute.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.hub.snapshot(true)
    }

    /// Returns whether the client does what it is for, and why not, by the default [`HealthRules`]. It
    /// walks over channels and receivers as [`Commands::snapshot`] does.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health_by(&HealthRules::default())
    }

    /// Returns whether the client does what it is for, and why not, by rules of your own.
    #[must_use]
    pub fn health_by(&self, rules: &HealthRules) -> Health {
        self.hub.snapshot(false).health(rules)
    }

    /// The round trip that was measured last, by a ping of the client's own or the user's.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.hub.lock().session.round_trip()
    }

    /// Says that the network changed (another interface, back from sleep): a waiting client tries
    /// again within 600 ms, unless a server asked for the pause; a connected one checks that the
    /// server is still there.
    pub fn network_changed(&self) {
        self.hub.command(|state, now| state.session.handle_network_change(now));
    }

    /// Goes on with another server; all channels stay wanted.
    pub fn set_endpoint(&self, endpoint: Endpoint) {
        self.hub.command(|state, now| state.session.set_endpoint(endpoint, now));
    }
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", self.config())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
