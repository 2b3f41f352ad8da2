//! The methods that wait, which are the same with a thread and without.

use std::future::Future;
use std::time::Duration;

use pushest_driver::unstable::Client as DriverClient;
use pushest_driver::{
    ChannelName, CommandError, ConnectionState, FlushError, NotConnected, NotSignedIn, SocketId,
    Status, SubscriptionError,
};
use serde::Serialize;

use crate::{Client, Connection};

/// Writes them for a type whose `wait_for` takes what makes the driver's future, and a limit. `$begin` and
/// `$end` stand around each example, hidden: there is a `client` in between, and `?` works.
macro_rules! waits {
    ($type:ident, [$($this:tt)*], $self:ident, $begin:literal, $end:literal) => {
        /// # Waiting
        ///
        /// These block the calling thread.
        impl $type {
            /// Waits for the attempt to connect that is running, and returns the socket id. For a program
            /// that is to end, or to say why, if its first attempt fails: with a wrong key, host or port,
            /// or without a network. Of several endpoints each is tried once before this fails. The client
            /// goes on trying meanwhile, until it is dropped.
            ///
            /// # Errors
            /// [`NotConnected::Failed`] with what went wrong, at once if the attempt has failed already
            /// and the client waits for the next one; and what [`connected`](Self::connected) returns.
            ///
            /// ```
            #[doc = $begin]
            /// if let Err(error) = client.attempted() {
            ///     eprintln!("cannot connect: {error}");
            ///     std::process::exit(1);
            /// }
            #[doc = $end]
            /// ```
            pub fn attempted($($this)*) -> Result<SocketId, NotConnected> {
                let attempted = $self.wait(|client| client.attempted());
                attempted.unwrap_or(Err(NotConnected::OwnThread))
            }

            /// Waits until connected, however many attempts that takes, and returns the socket id.
            ///
            /// # Errors
            /// [`NotConnected`] once no connection will come by itself: refused for good, disconnected, or
            /// ended. Other failures are tried again and keep this waiting; see
            /// [`connected_timeout`](Self::connected_timeout).
            ///
            /// ```
            #[doc = $begin]
            /// println!("connected as {}", client.connected()?);
            #[doc = $end]
            /// ```
            pub fn connected($($this)*) -> Result<SocketId, NotConnected> {
                let connected = $self.wait(|client| client.connected());
                connected.unwrap_or(Err(NotConnected::OwnThread))
            }

            /// Waits until connected, for `timeout` at most, and returns the socket id. The client goes on
            /// trying after that.
            ///
            /// # Errors
            /// [`NotConnected::TimedOut`] after `timeout`, with the state and how the last connection or
            /// attempt ended; and what [`connected`](Self::connected) returns.
            ///
            /// ```
            #[doc = $begin]
            /// use std::time::Duration;
            ///
            /// client.connected_timeout(Duration::from_secs(5))?;
            #[doc = $end]
            /// ```
            pub fn connected_timeout(
                $($this)*,
                timeout: Duration,
            ) -> Result<SocketId, NotConnected> {
                let connected = $self.wait(|client| client.connected_timeout(timeout));
                connected.unwrap_or(Err(NotConnected::OwnThread))
            }

            /// Waits until the server has confirmed the subscription to a channel, which it may have
            /// already.
            ///
            /// # Errors
            /// [`SubscriptionError`] once the server or the authorizer has refused, the client is refused
            /// or disconnected, or the channel is not subscribed to. What is tried again by itself keeps
            /// this waiting; see [`subscribed_timeout`](Self::subscribed_timeout).
            ///
            /// ```
            #[doc = $begin]
            /// let orders = ChannelName::new("private-orders")?;
            /// client.subscribed(&orders)?;
            #[doc = $end]
            /// ```
            pub fn subscribed($($this)*, channel: &ChannelName) -> Result<(), SubscriptionError> {
                let subscribed = $self.wait(|client| client.subscribed(channel));
                subscribed.unwrap_or(Err(NotConnected::OwnThread.into()))
            }

            /// Waits until the server has confirmed the subscription to a channel, for `timeout` at most.
            /// The channel stays wanted after that.
            ///
            /// # Errors
            /// [`SubscriptionError::TimedOut`] after `timeout`, or [`SubscriptionError::NotConnected`] if
            /// there is no connection then; and what [`subscribed`](Self::subscribed) returns.
            ///
            /// ```
            #[doc = $begin]
            /// use std::time::Duration;
            ///
            /// let orders = ChannelName::new("private-orders")?;
            /// client.subscribed_timeout(&orders, Duration::from_secs(5))?;
            #[doc = $end]
            /// ```
            pub fn subscribed_timeout(
                $($this)*,
                channel: &ChannelName,
                timeout: Duration,
            ) -> Result<(), SubscriptionError> {
                let subscribed = $self.wait_for(|client| client.subscribed(channel), Some(timeout));
                subscribed.unwrap_or_else(|| {
                    let waited = timeout;
                    let late = SubscriptionError::TimedOut { channel: channel.clone(), waited };
                    Err($self.unconnected(timeout).map_or(late, Into::into))
                })
            }

            /// Waits until the server has confirmed the sign-in, which it may have already, and returns
            /// the user's id.
            ///
            /// # Errors
            /// [`NotSignedIn`] once the server or the authorizer has refused, the client is refused or
            /// disconnected, or if [`sign_in`](Self::sign_in) was not called. What is tried again by
            /// itself keeps this waiting; see [`signed_in_timeout`](Self::signed_in_timeout).
            ///
            /// ```
            #[doc = $begin]
            /// client.sign_in(Some(r#"{"id":"42"}"#))?;
            /// println!("signed in as {}", client.signed_in()?);
            #[doc = $end]
            /// ```
            pub fn signed_in($($this)*) -> Result<String, NotSignedIn> {
                let signed_in = $self.wait(|client| client.signed_in());
                signed_in.unwrap_or(Err(NotConnected::OwnThread.into()))
            }

            /// Waits until the server has confirmed the sign-in, for `timeout` at most, and returns the
            /// user's id. The client goes on with it after that.
            ///
            /// # Errors
            /// [`NotSignedIn::TimedOut`] after `timeout`, or [`NotSignedIn::NotConnected`] if there is no
            /// connection then; and what [`signed_in`](Self::signed_in) returns.
            ///
            /// ```
            #[doc = $begin]
            /// use std::time::Duration;
            ///
            /// client.sign_in(Some(r#"{"id":"42"}"#))?;
            /// client.signed_in_timeout(Duration::from_secs(5))?;
            #[doc = $end]
            /// ```
            pub fn signed_in_timeout($($this)*, timeout: Duration) -> Result<String, NotSignedIn> {
                let signed_in = $self.wait_for(|client| client.signed_in(), Some(timeout));
                signed_in.unwrap_or_else(|| {
                    let late = NotSignedIn::TimedOut { waited: timeout };
                    Err($self.unconnected(timeout).map_or(late, Into::into))
                })
            }

            /// Sends a client event as soon as the rate allows: if more client events a second were
            /// triggered than the server takes, this waits, and for nothing else.
            ///
            /// # Errors
            /// [`CommandError`], and nothing was sent: what [`trigger`](Self::trigger) refuses, except for
            /// the rate. While the connection is away it is refused at once, as there.
            ///
            /// ```
            #[doc = $begin]
            /// for position in 0..100 {
            ///     client.trigger_when_allowed("private-map", "client-moved", &position)?;
            /// }
            #[doc = $end]
            /// ```
            pub fn trigger_when_allowed<T: Serialize + ?Sized>(
                $($this)*,
                channel: &str,
                event: &str,
                data: &T,
            ) -> Result<(), CommandError> {
                let triggering = |client: &DriverClient| {
                    client.trigger_when_allowed(channel, event, data)
                };
                let triggered = $self.wait(triggering);
                triggered.unwrap_or_else(|| $self.trigger(channel, event, data))
            }

            /// Sends a ping, and waits for its pong: the server has then read everything that was sent
            /// before, and what it had to say about that has arrived. Returns the round trip.
            ///
            /// # Errors
            /// [`FlushError`]: no connection, too much waiting to be sent, or the connection was lost
            /// before the pong came.
            ///
            /// ```
            #[doc = $begin]
            /// client.trigger("private-chat", "client-hello", &"I am here")?;
            /// let round_trip = client.flush()?; // the server has read it
            /// println!("{} ms", round_trip.as_millis());
            #[doc = $end]
            /// ```
            pub fn flush($($this)*) -> Result<Duration, FlushError> {
                $self.wait(|client| client.flush()).unwrap_or(Err(FlushError::OwnThread))
            }

            /// Sends a ping, waits for its pong for `timeout` at most, and returns the round trip.
            ///
            /// # Errors
            /// [`FlushError::TimedOut`] after `timeout`, and what [`flush`](Self::flush) returns.
            ///
            /// ```
            #[doc = $begin]
            /// use std::time::Duration;
            ///
            /// client.trigger("private-chat", "client-hello", &"I am here")?;
            /// client.flush_timeout(Duration::from_secs(5))?;
            #[doc = $end]
            /// ```
            pub fn flush_timeout($($this)*, timeout: Duration) -> Result<Duration, FlushError> {
                let flushed = $self.wait_for(|client| client.flush(), Some(timeout));
                flushed.unwrap_or(Err(if $self.is_carried_here() {
                    FlushError::OwnThread
                } else {
                    FlushError::TimedOut { waited: timeout }
                }))
            }
        }

        /// # The end
        impl $type {
            /// Ends all receivers and subscriptions, closes the connection, and waits until it is closed: a
            /// moment if the server answers, two seconds at most if it does not. Client events that were
            /// triggered before have then arrived at a server that reads, unless the connection was lost
            /// meanwhile, which only [`flush`](Self::flush) tells. A recording is complete then.
            ///
            /// Receivers still return what they have, then an [`Event::State`](crate::Event::State) of
            /// [`Disconnected`](crate::ConnectionState::Disconnected), and then `None`, also if other
            /// threads hold them or clones of the client. The ended subscriptions stay ended after a
            /// [`connect`](Self::connect), which begins without a channel. To pause, call
            /// [`disconnect`](Self::disconnect).
            ///
            /// ```
            #[doc = $begin]
            /// client.trigger("private-chat", "client-bye", &())?;
            /// client.shutdown();
            #[doc = $end]
            /// ```
            pub fn shutdown($($this)*) {
                $self.wait(|client| client.shutdown());
            }

            /// Lets receivers in other threads take what they have, and then shuts down as
            /// [`shutdown`](Self::shutdown) does. Returns the number of events that were left unread, of
            /// all receivers together, which can still be received; 0 if there was nothing to drain.
            ///
            /// From this call on no receiver is given anything new. What arrives meanwhile is read, for
            /// pongs and the server's close, and dropped. Once every receiver has taken what it has, or is
            /// dropped, and the server has read everything that was triggered, the connection is closed.
            /// After `limit` it is closed in any case, which takes two seconds more at most. Events that
            /// were taken may still be being handled: join the threads that receive, too. A `Connection`
            /// does not wait for itself as a receiver. On the client's own thread this only begins it.
            ///
            /// ```
            #[doc = $begin]
            /// use std::time::Duration;
            ///
            /// let left = client.drain(Duration::from_secs(5));
            /// if left > 0 {
            ///     eprintln!("{left} events were not handled");
            /// }
            #[doc = $end]
            /// ```
            pub fn drain($($this)*, limit: Duration) -> usize {
                $self.wait(|client| client.drain(limit)).unwrap_or_default()
            }

            /// Returns why there is no connection after this wait, if there is none or it could not
            /// be waited for.
            fn unconnected(&self, waited: Duration) -> Option<NotConnected> {
                if self.is_carried_here() {
                    return Some(NotConnected::OwnThread);
                }
                let Status { state, last_loss, .. } = self.status();
                let is_connected = state == ConnectionState::Connected;
                (!is_connected).then_some(NotConnected::TimedOut { waited, state, last_loss })
            }

            /// Waits for a future; `None` where nothing can be waited for.
            fn wait<F: Future>(
                $($this)*,
                future: impl FnOnce(&DriverClient) -> F,
            ) -> Option<F::Output> {
                $self.wait_for(future, None)
            }
        }
    };
}

waits!(
    Client,
    [&self],
    self,
    " # use pushest_blocking::*; fn example(client: Client) \
        -> Result<(), Box<dyn std::error::Error>> {",
    " # Ok(()) }"
);
waits!(
    Connection,
    [&mut self],
    self,
    " # use pushest_blocking::*; fn example(mut client: Connection) \
        -> Result<(), Box<dyn std::error::Error>> {",
    " # Ok(()) }"
);
