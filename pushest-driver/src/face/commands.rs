//! What every client can be told and asked without waiting.

/// Writes the methods of [`Commands`](crate::unstable::Commands) into a client that has `commands()`,
/// which is private there.
///
/// `$full` is the client that has the methods that wait, too, for links. `$begin` and `$end` are what
/// stands around each example, hidden: there is a `client` in between, and `?` works.
#[doc(hidden)]
#[macro_export]
macro_rules! __client_commands {
    ($client:ident, $full:ident, $begin:literal, $end:literal) => {
        /// # The connection
        ///
        /// These take effect, or are known, when the call returns.
        impl $client {
            /// Returns the configuration that the client was made with.
            ///
            /// ```
            #[doc = $begin]
            /// println!("app {} at {}", client.config().key(), client.config().endpoint().host());
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn config(&self) -> &$crate::face::types::Config {
                self.commands().config()
            }

            /// Returns the state of the connection as data: the state itself, the endpoint, the socket id
            /// while connected, the number of the attempt, how long until the next one, the last loss and
            /// the last error of the server.
            ///
            /// ```
            #[doc = $begin]
            /// let status = client.status();
            /// if status.state != ConnectionState::Connected {
            ///     eprintln!("{} at {}, attempt {}", status.state, status.endpoint, status.attempt);
            ///     if let Some(loss) = &status.last_loss {
            ///         eprintln!("the last connection ended: {loss}");
            ///     }
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn status(&self) -> $crate::face::types::Status {
                self.commands().status()
            }

            /// Connects and stays connected. A client does so by itself, except after
            /// [`disconnect`](Self::disconnect), after a shutdown or a refusal for good, and with
            /// `start_disconnected`. If the client is waiting for its next attempt, this makes it at once.
            ///
            /// After a `disconnect` the client goes on with all channels and receivers. After a
            /// [`shutdown`] or a refusal for good it begins without a channel, and former subscriptions
            /// and receivers stay ended: subscribe anew, after this call. Once the client has ended, with
            /// its runtime for instance, it does nothing.
            ///
            /// ```
            #[doc = $begin]
            /// client.disconnect();
            /// client.connect();
            #[doc = $end]
            /// ```
            #[doc = ""]
            #[doc = concat!(" [`shutdown`]: ", stringify!($full), "::shutdown")]
            pub fn connect(&self) {
                self.commands().connect();
            }

            /// Pauses: closes the connection, and stays disconnected until
            /// [`connect`](Self::connect). Client events that were triggered before still go out. All
            /// channels stay wanted, and all receivers stay open and wait. To end them, call
            /// [`shutdown`].
            ///
            /// ```
            #[doc = $begin]
            /// client.disconnect();
            /// assert_ne!(client.status().state, ConnectionState::Connected);
            #[doc = $end]
            /// ```
            #[doc = ""]
            #[doc = concat!(" [`shutdown`]: ", stringify!($full), "::shutdown")]
            pub fn disconnect(&self) {
                self.commands().disconnect();
            }

            /// Tells the client that the network changed: another interface, or the machine woke up
            /// from sleep. A client that waits for its next attempt makes it within 600 ms, unless
            /// a server asked for the pause; three pauses in a row are cut short, and then one
            /// every 30 s. A connected client sends a ping, and gives the connection up unless
            /// something arrives within `Timeouts::pong_after_change` (5 s by default).
            ///
            /// ```
            #[doc = $begin]
            /// // The system told your program that it is on another network:
            /// client.network_changed();
            #[doc = $end]
            /// ```
            pub fn network_changed(&self) {
                self.commands().network_changed();
            }

            /// Moves the client to another server: closes the connection, and connects to this endpoint
            /// from now on, which takes the place of all endpoints that were configured. All channels stay
            /// wanted.
            ///
            /// ```
            #[doc = $begin]
            /// client.set_endpoint(Endpoint::cluster("us2")?);
            #[doc = $end]
            /// ```
            pub fn set_endpoint(&self, endpoint: $crate::face::types::Endpoint) {
                self.commands().set_endpoint(endpoint);
            }

            /// Returns the round trip that was measured last, by a ping of the client's own or by
            /// [`flush`]. `None` before the first one.
            ///
            /// ```
            #[doc = $begin]
            /// if let Some(round_trip) = client.round_trip() {
            ///     println!("{} ms", round_trip.as_millis());
            /// }
            #[doc = $end]
            /// ```
            #[doc = ""]
            #[doc = concat!(" [`flush`]: ", stringify!($full), "::flush")]
            #[must_use]
            pub fn round_trip(&self) -> ::core::option::Option<::core::time::Duration> {
                self.commands().round_trip()
            }

            /// Returns counters since the client was made. Events that were dropped include those that
            /// receivers were too slow for ([`Event::Lagged`](crate::Event::Lagged) tells each of them).
            ///
            /// ```
            #[doc = $begin]
            /// let statistics = client.statistics();
            /// println!("{} events dropped", statistics.dropped);
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn statistics(&self) -> $crate::face::types::Statistics {
                self.commands().statistics()
            }

            /// Returns what was counted of a channel since it was subscribed to: events, bytes, gaps, and
            /// the age of the last event. `None` if the channel is not wanted, or unless
            /// [`ConfigBuilder::channel_statistics`](crate::ConfigBuilder::channel_statistics) asked for
            /// that.
            ///
            /// ```
            #[doc = $begin]
            /// if let Some(counted) = client.channel_statistics("orders") {
            ///     println!("{} events, the last one {:?} ago", counted.events, counted.last_event);
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn channel_statistics(
                &self,
                channel: &str,
            ) -> ::core::option::Option<$crate::face::types::ChannelStatistics> {
                self.commands().channel_statistics(channel)
            }

            /// Returns what the client is doing now, all of it at one moment: its state and since when,
            /// channels by state, counters, queues, and the numbers of each channel where
            /// [`ConfigBuilder::channel_statistics`](crate::ConfigBuilder::channel_statistics) asked for
            /// them. With the feature `serde` it serializes.
            ///
            /// It walks over the channels and receivers, and the client waits meanwhile: microseconds for
            /// a hundred channels, milliseconds for a hundred thousand. It is meant for a log line a
            /// minute, or for a page that is asked for a few times a minute.
            ///
            /// ```
            #[doc = $begin]
            /// let snapshot = client.snapshot();
            /// println!(
            ///     "{} for {:?}: {} of {} channels, {} events wait to be received",
            ///     snapshot.state,
            ///     snapshot.state_for,
            ///     snapshot.channels.subscribed,
            ///     snapshot.channels.wanted,
            ///     snapshot.queues.events,
            /// );
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn snapshot(&self) -> $crate::face::types::Snapshot {
                self.commands().snapshot()
            }

            /// Returns whether the client is healthy, degraded or down, and why, by the default
            /// [`HealthRules`](crate::HealthRules); see [`Health`](crate::Health) for what counts. It takes
            /// as long as a [`snapshot`](Self::snapshot).
            ///
            /// ```
            #[doc = $begin]
            /// let health = client.health();
            /// let status = if health.is_down() { 503 } else { 200 };
            /// println!("{status} {health}"); // 200 degraded: not connected for 2.0 s: …
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn health(&self) -> $crate::face::types::Health {
                self.commands().health()
            }

            /// Returns whether the client is healthy, degraded or down, and why, by your own rules.
            ///
            /// ```
            #[doc = $begin]
            /// let rules = HealthRules::default().down_after(std::time::Duration::from_secs(10));
            /// for reason in client.health_by(&rules).reasons {
            ///     println!("{}: {reason}", reason.kind());
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn health_by(
                &self,
                rules: &$crate::face::types::HealthRules,
            ) -> $crate::face::types::Health {
                self.commands().health_by(rules)
            }
        }

        /// # Channels
        ///
        /// These take effect, or are known, when the call returns.
        impl $client {
            /// Unsubscribes from a channel. Its receivers end, however many there are.
            ///
            /// # Errors
            /// [`CommandError::NotSubscribed`](crate::CommandError::NotSubscribed) if it is not
            /// subscribed to.
            ///
            /// ```
            #[doc = $begin]
            /// client.unsubscribe("orders")?;
            #[doc = $end]
            /// ```
            pub fn unsubscribe(
                &self,
                channel: &str,
            ) -> ::core::result::Result<(), $crate::face::types::CommandError> {
                self.commands().unsubscribe(channel)
            }

            /// Tries a failed channel again: at once if connected, or else with the next connection.
            ///
            /// # Errors
            /// [`CommandError::NotSubscribed`](crate::CommandError::NotSubscribed) if it is not
            /// subscribed to.
            ///
            /// ```
            #[doc = $begin]
            /// // The app's server refused, and has changed its mind since:
            /// client.retry("private-orders")?;
            #[doc = $end]
            /// ```
            pub fn retry(
                &self,
                channel: &str,
            ) -> ::core::result::Result<(), $crate::face::types::CommandError> {
                self.commands().retry(channel)
            }

            /// Returns the state of the subscription to a channel, or `None` if it is not subscribed
            /// to.
            ///
            /// ```
            #[doc = $begin]
            /// if client.channel_state("orders") != Some(ChannelState::Subscribed) {
            ///     println!("no orders at the moment");
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn channel_state(
                &self,
                channel: &str,
            ) -> ::core::option::Option<$crate::face::types::ChannelState> {
                self.commands().channel_state(channel)
            }

            /// Returns the number of connections that are subscribed to a channel, or `None` if the
            /// server has not told it. Servers tell it where the app has that switched on.
            ///
            /// ```
            #[doc = $begin]
            /// if let Some(count) = client.subscription_count("orders") {
            ///     println!("{count} listen");
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn subscription_count(&self, channel: &str) -> ::core::option::Option<u64> {
                self.commands().subscription_count(channel)
            }

            /// Sends a client event to the other subscribers of a private or presence channel
            /// ([protocol, client events](crate::proto::protocol#client-events)). `data` is written as JSON.
            ///
            /// The event waits to be written when this returns. If the connection is lost before that,
            /// the event is lost, too: it is not sent again. [`flush`] tells when the server has read it,
            /// and [`shutdown`] waits until it has gone out.
            ///
            /// While the connection is away nothing is kept for later: the event is refused with
            /// [`CommandError::NotConnected`](crate::CommandError::NotConnected), which has the state of
            /// the connection. Once connected, until the server has confirmed the channel again, it is
            /// refused with [`CommandError::NotSubscribedYet`](crate::CommandError::NotSubscribedYet).
            /// To send it then, wait for [`subscribed`], and trigger it again.
            ///
            /// # Errors
            /// [`CommandError`](crate::CommandError), and nothing was sent: no connection, or the channel
            /// is not subscribed at the moment, as above; a channel that is not wanted, or of a kind
            /// without client events; a name that does not begin with `client-` or has more than 200
            /// bytes; data of more than 10 KiB (the configuration's `Limits::event_data`), or that cannot
            /// be written as JSON; too much waiting to be sent; more client events a second than the
            /// server takes, see [`trigger_when_allowed`].
            ///
            /// ```
            #[doc = $begin]
            /// match client.trigger("private-chat", "client-typing", &"Ann") {
            ///     Ok(()) => {}
            ///     Err(CommandError::NotConnected { state }) => println!("not sent: {state}"),
            ///     Err(error) => return Err(error.into()),
            /// }
            #[doc = $end]
            /// ```
            #[doc = ""]
            #[doc = concat!(" [`flush`]: ", stringify!($full), "::flush")]
            #[doc = concat!(" [`shutdown`]: ", stringify!($full), "::shutdown")]
            #[doc = concat!(" [`subscribed`]: ", stringify!($full), "::subscribed")]
            #[doc = concat!(
                        " [`trigger_when_allowed`]: ", stringify!($full), "::trigger_when_allowed"
                    )]
            pub fn trigger<T: $crate::face::types::serde::Serialize + ?Sized>(
                &self,
                channel: &str,
                event: &str,
                data: &T,
            ) -> ::core::result::Result<(), $crate::face::types::CommandError> {
                self.commands().trigger(channel, event, data)
            }
        }

        /// # Members and the signed-in user
        ///
        /// These take effect, or are known, when the call returns.
        impl $client {
            /// Returns the members of a presence channel, in the order in which they joined. While the
            /// channel is not subscribed they are those that were known last. For other channels there
            /// are none. [`members_known`](Self::members_known) tells whether these are all.
            ///
            /// ```
            #[doc = $begin]
            /// for member in client.members("presence-room") {
            ///     println!("{}", member.id());
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn members(&self, channel: &str) -> ::std::vec::Vec<$crate::face::types::Member> {
                self.commands().members(channel)
            }

            /// Returns the members of a presence channel by id, each with its info decoded from JSON. An
            /// info of another shape is an error in that member's place only; it is the member who
            /// chooses the info.
            ///
            /// ```
            #[doc = $begin]
            /// # use serde_json::Value as Person;
            /// // `Person` implements `serde::Deserialize`.
            /// for (id, person) in client.members_as::<Person>("presence-room") {
            ///     println!("{id}: {person:?}");
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn members_as<T: $crate::face::types::serde::de::DeserializeOwned>(
                &self,
                channel: &str,
            ) -> ::std::vec::Vec<(
                ::std::string::String,
                ::core::result::Result<T, $crate::face::types::serde_json::Error>,
            )> {
                self.commands().members_as(channel)
            }

            /// Returns the number of members of a presence channel; 0 for other channels.
            ///
            /// ```
            #[doc = $begin]
            /// println!("{} are here", client.member_count("presence-room"));
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn member_count(&self, channel: &str) -> usize {
                self.commands().member_count(channel)
            }

            /// Returns whether the server's list of members could be read at the last subscription to a
            /// presence channel. While it is false, [`members`](Self::members) holds only those who
            /// joined since: before the first list, and after one of which nothing could be read
            /// ([`Event::Malformed`](crate::Event::Malformed) tells so). It is false for other channels.
            ///
            /// ```
            #[doc = $begin]
            /// if client.members_known("presence-room") && client.member_count("presence-room") == 1 {
            ///     println!("no other member is here");
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn members_known(&self, channel: &str) -> bool {
                self.commands().members_known(channel)
            }

            /// Returns the member that this client is in a presence channel, once the server has listed
            /// it.
            ///
            /// ```
            #[doc = $begin]
            /// if let Some(me) = client.me("presence-room") {
            ///     println!("here as {}", me.id());
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn me(&self, channel: &str) -> ::core::option::Option<$crate::face::types::Member> {
                self.commands().me(channel)
            }

            /// Signs in as a user, on this connection and every later one. After a failure this tries
            /// again. [`signed_in`] waits for the server's confirmation.
            ///
            /// `user_data` is JSON: `{"id": a string, "user_info"?: an object, "watchlist"?: at most 100
            /// ids}`. It may be `None` where an authorizer or an endpoint knows the user better.
            ///
            /// What the server sends to the user arrives at [`user_events`] of the client, if it has
            /// that, and among all events; who of the watchlist comes and goes, too
            /// ([`Event::Watchlist`](crate::Event::Watchlist)).
            ///
            /// # Errors
            /// [`SignInError`](crate::SignInError), and nothing has changed: neither a secret nor an
            /// authorizer; user data that breaks a rule; no user data although the client signs by itself.
            ///
            /// ```
            #[doc = $begin]
            /// client.sign_in(Some(r#"{"id":"42","user_info":{"name":"Ann"}}"#))?;
            #[doc = $end]
            /// ```
            #[doc = ""]
            #[doc = concat!(" [`signed_in`]: ", stringify!($full), "::signed_in")]
            #[doc = " [`user_events`]: struct.Client.html#method.user_events"]
            pub fn sign_in(
                &self,
                user_data: ::core::option::Option<&str>,
            ) -> ::core::result::Result<(), $crate::face::types::SignInError> {
                self.commands().sign_in(user_data)
            }

            /// Returns the id of the user that is signed in on the current connection.
            ///
            /// ```
            #[doc = $begin]
            /// if let Some(id) = client.signed_in_user() {
            ///     println!("signed in as {id}");
            /// }
            #[doc = $end]
            /// ```
            #[must_use]
            pub fn signed_in_user(&self) -> ::core::option::Option<::std::string::String> {
                self.commands().signed_in_user()
            }
        }
    };
}
pub(crate) use __client_commands;
