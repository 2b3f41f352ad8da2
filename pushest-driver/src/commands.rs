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

/// The commands of a client, for drivers whose handles have them as methods. What each does stands at the
/// method of the same name of a client.
///
/// It does not keep the client alive, and finds it disconnected after its end.
#[derive(Clone)]
pub struct Commands {
    pub(crate) hub: Arc<Hub>,
}

impl Commands {
    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.hub.config
    }

    /// Returns the state of the connection as data.
    #[must_use]
    pub fn status(&self) -> Status {
        // Read under the lock, so that the clock is not behind what the session was told.
        let state = self.hub.lock();
        state.session.status(self.hub.now())
    }

    /// Connects and stays connected.
    pub fn connect(&self) {
        self.hub.command(|state, now| {
            // Without its pump nothing would come of it.
            if !state.is_ending() {
                state.is_over = false;
                state.session.connect(now);
            }
        });
    }

    /// Closes the connection, and stays disconnected.
    pub fn disconnect(&self) {
        self.hub.command(|state, now| state.session.disconnect(now));
    }

    /// Unsubscribes from a channel.
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

    /// Tries a failed channel again.
    ///
    /// # Errors
    /// [`CommandError::NotSubscribed`] if it is not subscribed to.
    pub fn retry(&self, channel: &str) -> Result<(), CommandError> {
        self.hub.try_command(|state, now| state.session.retry(channel, now))
    }

    /// Signs in as a user.
    ///
    /// # Errors
    /// Neither a secret nor an authorizer; user data that breaks a rule, or is missing.
    pub fn sign_in(&self, user_data: Option<&str>) -> Result<(), SignInError> {
        self.hub.sign_in(user_data)
    }

    /// Returns the id of the user that is signed in on the current connection.
    #[must_use]
    pub fn signed_in_user(&self) -> Option<String> {
        self.hub.lock().session.signed_in_user().map(str::to_string)
    }

    /// Sends a client event.
    ///
    /// # Errors
    /// [`CommandError`], and nothing was sent.
    pub fn trigger<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        event: &str,
        data: &T,
    ) -> Result<(), CommandError> {
        let data = trigger::data(data)?;
        self.hub.try_command(|state, now| state.session.trigger(channel, event, &data, now))
    }

    /// Returns the members of a presence channel, in the order in which they joined.
    #[must_use]
    pub fn members(&self, channel: &str) -> Vec<Member> {
        self.view(channel, |view| view.members().cloned().collect()).unwrap_or_default()
    }

    /// Returns whether the server's list of members could be read.
    #[must_use]
    pub fn members_known(&self, channel: &str) -> bool {
        self.view(channel, |view| view.members_known()).unwrap_or_default()
    }

    /// Returns the members of a presence channel by id, each with its info as a value.
    #[must_use]
    pub fn members_as<T: DeserializeOwned>(
        &self,
        channel: &str,
    ) -> Vec<(String, Result<T, serde_json::Error>)> {
        // The user's `Deserialize` must not run under the lock.
        let members = self.members(channel);
        members.iter().map(|member| (member.id().to_string(), member.info())).collect()
    }

    /// Returns the number of members of a presence channel.
    #[must_use]
    pub fn member_count(&self, channel: &str) -> usize {
        self.view(channel, |view| view.member_count()).unwrap_or_default()
    }

    /// Returns the member that this client is.
    #[must_use]
    pub fn me(&self, channel: &str) -> Option<Member> {
        self.view(channel, |view| view.me().cloned()).flatten()
    }

    /// Returns the state of the subscription to a channel.
    #[must_use]
    pub fn channel_state(&self, channel: &str) -> Option<ChannelState> {
        self.view(channel, |view| view.state())
    }

    /// Returns the number of connections that are subscribed to a channel.
    #[must_use]
    pub fn subscription_count(&self, channel: &str) -> Option<u64> {
        self.view(channel, |view| view.subscription_count()).flatten()
    }

    fn view<T>(&self, channel: &str, look: impl FnOnce(ChannelView<'_>) -> T) -> Option<T> {
        self.hub.lock().session.channel(channel).map(look)
    }

    /// Returns counters since the client was made, with what receivers were too slow for.
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

    /// Returns the round trip that was measured last.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.hub.lock().session.round_trip()
    }

    /// Tells the client that the network changed.
    pub fn network_changed(&self) {
        self.hub.command(|state, now| state.session.handle_network_change(now));
    }

    /// Moves the client to another server.
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
