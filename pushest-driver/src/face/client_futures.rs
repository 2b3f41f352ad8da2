//! What a client whose methods are futures receives, and waits for.

/// Writes the methods that receive and wait into the `Client` of
/// [`__async_client`](crate::__async_client), over its field `driver`.
#[doc(hidden)]
#[macro_export]
macro_rules! __client_futures {
    ($begin:literal, $end:literal) => {
        /// # Receiving
        impl Client {
            /// Subscribes to a channel, connected or not, from now on and over all connections. It takes
            /// effect when this returns; [`Subscription::subscribed`](crate::Subscription::subscribed)
            /// waits for the server's confirmation.
            ///
            /// The channel stays subscribed to as long as one of its
            /// [`Subscription`](crate::Subscription)s exists. Each of them receives each event.
            /// Subscribing again tries a failed channel again.
            ///
            /// # Errors
            /// [`SubscribeError`](crate::SubscribeError), and nothing has changed: a bad name; a presence
            /// channel without member data, see [`subscribe_with`](Self::subscribe_with); a private or
            /// presence channel with neither a secret nor an authorizer; too many channels; a client that
            /// was shut down or refused for good, and not connected again.
            ///
            /// ```
            #[doc = $begin]
            /// let mut orders = client.subscribe("orders")?;
            /// while let Some(event) = orders.recv().await {
            ///     if let Event::Channel(event) = event {
            ///         println!("{}: {}", event.name(), event.text());
            ///     }
            /// }
            #[doc = $end]
            /// ```
            pub fn subscribe(
                &self,
                channel: &str,
            ) -> ::core::result::Result<$crate::Subscription, $crate::SubscribeError> {
                self.driver.subscribe(channel)
            }

            /// Subscribes to a channel with options: who subscribes to a presence channel. Data other
            /// than before makes a new subscription on the server, which all
            /// [`Subscription`](crate::Subscription)s of the channel share.
            ///
            /// # Errors
            /// [`SubscribeError`](crate::SubscribeError), and nothing has changed: what
            /// [`subscribe`](Self::subscribe) refuses; a user id that is empty or has more than 128 bytes;
            /// an info that is not JSON, or is too large.
            ///
            /// ```
            #[doc = $begin]
            /// let me = SubscribeOptions::member("42").info(r#"{"name":"Ann"}"#);
            /// let room = client.subscribe_with("presence-room", &me)?;
            /// room.subscribed().await?;
            /// println!("{} are here", room.members().len());
            #[doc = $end]
            /// ```
            pub fn subscribe_with(
                &self,
                channel: &str,
                options: &$crate::SubscribeOptions,
            ) -> ::core::result::Result<$crate::Subscription, $crate::SubscribeError> {
                self.driver.subscribe_with(channel, options)
            }

            /// Returns a receiver of everything that happens from now on: what concerns the client, and
            /// the events of all channels. It ends when the client is [shut down](Self::shutdown) or
            /// refused for good, after the change of state that says so.
            ///
            /// ```
            #[doc = $begin]
            /// let mut events = client.events();
            /// while let Some(event) = events.recv().await {
            ///     println!("{event:?}");
            /// }
            #[doc = $end]
            /// ```
            pub fn events(&self) -> $crate::Events {
                self.driver.events()
            }

            /// Returns a receiver of what the server sends to the signed-in user from now on, over all
            /// connections and for whichever user that is: the events of the channel
            /// `#server-to-user-ID`. They come to [`events`](Self::events), too.
            ///
            /// ```
            #[doc = $begin]
            /// let mut mine = client.user_events();
            /// client.sign_in(Some(r#"{"id":"42"}"#))?;
            /// while let Some(event) = mine.recv().await {
            ///     println!("{event:?}");
            /// }
            #[doc = $end]
            /// ```
            pub fn user_events(&self) -> $crate::Events {
                self.driver.user_events()
            }
        }

        /// # Waiting
        ///
        /// These are futures. What they say takes effect when the call returns; the future only waits,
        /// and may be dropped.
        impl Client {
            /// Waits for the attempt to connect that is running, and returns the socket id. For a program
            /// that is to end, or to say why, if its first attempt fails: with a wrong key, host or port,
            /// or without a network. Of several endpoints each is tried once before this fails. The client
            /// goes on trying meanwhile, until it is dropped. Cancel safe.
            ///
            /// # Errors
            /// [`NotConnected::Failed`](crate::NotConnected::Failed) with what went wrong, at once if the
            /// attempt has failed already and the client waits for the next one; and what
            /// [`connected`](Self::connected) returns.
            ///
            /// ```
            #[doc = $begin]
            /// if let Err(error) = client.attempted().await {
            ///     eprintln!("cannot connect: {error}");
            ///     std::process::exit(1);
            /// }
            #[doc = $end]
            /// ```
            pub fn attempted(&self) -> $crate::Connected {
                self.driver.attempted()
            }

            /// Waits until connected, however many attempts that takes, and returns the socket id. Cancel
            /// safe.
            ///
            /// # Errors
            /// [`NotConnected`](crate::NotConnected) once no connection will come by itself: refused for
            /// good, disconnected, or ended. Other failures are tried again and keep this waiting; see
            /// [`connected_timeout`](Self::connected_timeout).
            ///
            /// ```
            #[doc = $begin]
            /// println!("connected as {}", client.connected().await?);
            #[doc = $end]
            /// ```
            pub fn connected(&self) -> $crate::Connected {
                self.driver.connected()
            }

            /// Waits until connected, for a limited time, and returns the socket id. The client goes on
            /// trying. Cancel safe.
            ///
            /// # Errors
            /// [`NotConnected::TimedOut`](crate::NotConnected::TimedOut) after that time, with how the
            /// last connection or attempt ended; and what [`connected`](Self::connected) returns.
            ///
            /// ```
            #[doc = $begin]
            /// use std::time::Duration;
            ///
            /// client.connected_timeout(Duration::from_secs(5)).await?;
            #[doc = $end]
            /// ```
            pub fn connected_timeout(&self, timeout: ::core::time::Duration) -> $crate::Connected {
                self.driver.connected_timeout(timeout)
            }

            /// Waits until the server has confirmed the subscription to a channel, which it may have
            /// already. For channels without a receiver
            /// ([`Subscription::detach`](crate::Subscription::detach)); others have
            /// [`Subscription::subscribed`](crate::Subscription::subscribed). Cancel safe.
            ///
            /// # Errors
            /// [`SubscriptionError`](crate::SubscriptionError) once the server or the authorizer has
            /// refused, the client is refused or disconnected, or the channel is not subscribed to. What
            /// is tried again by itself keeps this waiting.
            ///
            /// ```
            #[doc = $begin]
            /// let orders = client.subscribe("private-orders")?;
            /// let channel = orders.name().clone();
            /// orders.detach();
            /// client.subscribed(&channel).await?;
            #[doc = $end]
            /// ```
            pub fn subscribed(&self, channel: &$crate::ChannelName) -> $crate::Subscribed {
                self.driver.subscribed(channel)
            }

            /// Waits until the server has confirmed the sign-in, which it may have already, and returns
            /// the user's id. Cancel safe.
            ///
            /// # Errors
            /// [`NotSignedIn`](crate::NotSignedIn) once the server or the authorizer has refused, the
            /// client is refused or disconnected, or if [`sign_in`](Self::sign_in) was not called. What
            /// is tried again by itself keeps this waiting.
            ///
            /// ```
            #[doc = $begin]
            /// client.sign_in(Some(r#"{"id":"42"}"#))?;
            /// println!("signed in as {}", client.signed_in().await?);
            #[doc = $end]
            /// ```
            pub fn signed_in(&self) -> $crate::SignedIn {
                self.driver.signed_in()
            }

            /// Sends a client event as soon as the rate allows: if more client events a second were
            /// triggered than the server takes, this waits, and for nothing else. If it is dropped
            /// before, nothing was sent.
            ///
            /// # Errors
            /// [`CommandError`](crate::CommandError), and nothing was sent: what
            /// [`trigger`](Self::trigger) refuses, except for the rate. While the connection is away it
            /// is refused at once, as there.
            ///
            /// ```
            #[doc = $begin]
            /// for position in 0..100 {
            ///     client.trigger_when_allowed("private-map", "client-moved", &position).await?;
            /// }
            #[doc = $end]
            /// ```
            pub fn trigger_when_allowed<T: $crate::face::types::serde::Serialize + ?Sized>(
                &self,
                channel: &str,
                event: &str,
                data: &T,
            ) -> $crate::TriggerWhenAllowed {
                self.driver.trigger_when_allowed(channel, event, data)
            }

            /// Sends a ping, and waits for its pong: the server has then read everything that was sent
            /// before, and what it had to say about that has arrived. Returns the round trip. The ping is
            /// sent even if this is not awaited.
            ///
            /// # Errors
            /// [`FlushError`](crate::FlushError): no connection, too much waiting to be sent, or the
            /// connection was lost before the pong came.
            ///
            /// ```
            #[doc = $begin]
            /// client.trigger("private-chat", "client-hello", &"I am here")?;
            /// let round_trip = client.flush().await?; // the server has read it
            /// println!("{} ms", round_trip.as_millis());
            #[doc = $end]
            /// ```
            pub fn flush(&self) -> $crate::Flush {
                self.driver.flush()
            }
        }

        /// # The end
        impl Client {
            /// Ends all receivers and subscriptions, also while other clones of the client are held,
            /// closes the connection, and waits until it is closed: a moment if the server answers, two
            /// seconds at most if it does not. Client events that were triggered before have then arrived
            /// at a server that reads, unless the connection was lost meanwhile, which only
            /// [`flush`](Self::flush) tells. A recording is complete then.
            ///
            /// Receivers still return what they have, then an [`Event::State`](crate::Event::State) of
            /// [`Disconnected`](crate::ConnectionState::Disconnected), and then `None`.
            /// [`drain`](Self::drain) gives them the time for that. The ended subscriptions stay ended
            /// after a [`connect`](Self::connect), which begins without a channel. To pause, call
            /// [`disconnect`](Self::disconnect).
            ///
            /// It takes effect when this returns; the future only waits, and may be dropped. Called from
            /// within a recording's sink it does not wait, since what it would wait for comes once the
            /// sink has returned.
            ///
            /// ```
            #[doc = $begin]
            /// let mut orders = client.subscribe("orders")?;
            /// client.shutdown().await;
            /// while let Some(event) = orders.recv().await {
            ///     println!("left: {event:?}"); // the last one says that it is disconnected
            /// }
            #[doc = $end]
            /// ```
            pub fn shutdown(&self) -> $crate::Shutdown {
                self.driver.shutdown()
            }

            /// Lets receivers take what they have, and then shuts down as [`shutdown`](Self::shutdown)
            /// does. Returns the number of events that were left unread, of all receivers together; 0 if
            /// there was nothing to drain.
            ///
            /// From this call on no receiver is given anything new. What arrives meanwhile is read, for
            /// pongs and the server's close, and dropped. Once every receiver has taken what it has, or is
            /// dropped, and the server has read everything that was triggered (a
            /// [`flush`](Self::flush)), the connection is closed. After `limit` it is closed in any case,
            /// which takes two seconds more at most; what was left can still be received. A receiver that
            /// is kept but not read from is waited for until then. Events that were taken may still be
            /// being handled: wait for the tasks that receive, too. If the connection is lost meanwhile,
            /// there is no flush, and no wait for another one.
            ///
            /// Client events may be triggered, and are sent, until it closes. It takes effect when this
            /// returns; the future only waits, and may be dropped. If two drains overlap, the earlier
            /// limit holds for both; a `shutdown` ends a drain. From within a recording's sink it does not
            /// wait, like `shutdown`.
            ///
            /// ```
            #[doc = $begin]
            /// use std::time::Duration;
            ///
            /// let left = client.drain(Duration::from_secs(5)).await;
            /// if left > 0 {
            ///     eprintln!("{left} events were not handled");
            /// }
            #[doc = $end]
            /// ```
            pub fn drain(&self, limit: ::core::time::Duration) -> $crate::Drain {
                self.driver.drain(limit)
            }
        }
    };
}
