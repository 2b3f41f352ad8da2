//! The handle that users hold.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use pushest_proto::{ChannelName, Escaped, SubscribeOptions};
use serde::Serialize;

use crate::commands::Commands;
use crate::drain::Drain;
use crate::error::SubscribeError;
use crate::hub::Hub;
use crate::logging::span_without_connection;
use crate::subscription::{Events, Subscription};
use crate::trigger::{self, TriggerWhenAllowed};
use crate::user::SignedIn;
use crate::waiting::{Connected, Flush, Shutdown, Subscribed};

/// A client of one app: a handle to a connection that lasts, however often it is made anew.
///
/// Cloning it is cheap, and all clones are the same client. Commands take effect when they return;
/// only what the server has to say about them is waited for. What waits, and what receives, stands
/// here; all other commands stand at [`Commands`], which this derefs to. When the last clone is dropped the
/// connection is closed, its receivers end, and nothing of the client remains.
///
/// # The end
///
/// [`Commands::disconnect`] pauses: receivers and channels stay, and wait for [`Commands::connect`].
/// [`Client::shutdown`], the end of a [`Client::drain`], a refusal for good
/// ([`ConnectionState::Refused`](crate::ConnectionState::Refused)) and the drop of the last clone end
/// everything that was asked for: each receiver gets an [`Event::State`](crate::Event::State) that says
/// why, and then `None`, also while clones are held; no channel is wanted anymore. Until the next
/// `connect`, which begins without a channel, a new receiver ends in the same way, and nothing can be
/// subscribed to. A sign-in ([`Commands::sign_in`]) is no channel: it is repeated.
///
/// A drop cannot wait for that. A program that ends right after it, and with it the runtime, may lose what
/// was triggered last: `client.shutdown().await` waits until that has gone out and the connection is
/// closed.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

/// Ends the client when the last one is dropped. The pump and the receivers do not have it.
struct Handle {
    commands: Commands,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.commands.hub.end();
    }
}

impl Deref for Client {
    type Target = Commands;

    fn deref(&self) -> &Commands {
        &self.handle.commands
    }
}

impl AsRef<Client> for Client {
    fn as_ref(&self) -> &Client {
        self
    }
}

impl Client {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { handle: Arc::new(Handle { commands: Commands { hub } }) }
    }

    /// Drops it. Returns whether it was the last one.
    pub(crate) fn release(self) -> bool {
        Arc::into_inner(self.handle).is_some()
    }

    fn hub(&self) -> &Arc<Hub> {
        &self.handle.commands.hub
    }

    /// Waits until connected, and answers the socket id.
    ///
    /// # Errors
    /// [`NotConnected`](crate::NotConnected) once no connection will come by itself: refused or
    /// disconnected. Other failures are tried again and keep it waiting; see
    /// [`Client::connected_timeout`].
    pub fn connected(&self) -> Connected {
        Connected::new(self.hub().clone(), None)
    }

    /// Waits until the attempt to connect that is running has succeeded or failed, and returns the
    /// socket id. For a program that is to end, or to say why, where its first attempt fails: with a
    /// wrong key, host or port, without a network. The client goes on trying meanwhile, until it is
    /// dropped.
    ///
    /// # Errors
    /// As [`Client::connected`], and [`NotConnected::Failed`](crate::NotConnected::Failed) with what
    /// went wrong: at once where the attempt has failed already and the next one waits for its time.
    pub fn attempted(&self) -> Connected {
        Connected::attempt(self.hub().clone())
    }

    /// Waits until connected, for `timeout` at most, and returns the socket id. The client goes on
    /// trying after that.
    ///
    /// # Errors
    /// As [`Client::connected`], and [`NotConnected::TimedOut`](crate::NotConnected::TimedOut) after
    /// `timeout`, with the state and the last loss.
    pub fn connected_timeout(&self, timeout: Duration) -> Connected {
        Connected::new(self.hub().clone(), Some(timeout))
    }

    /// Subscribes to a channel, connected or not, from now on and over all connections.
    ///
    /// The channel is subscribed to as long as one of its [`Subscription`]s exists; each of them
    /// gets each event. Await [`Subscription::subscribed`] to know that the server has confirmed.
    /// Subscribing anew tries a failed channel again.
    ///
    /// # Errors
    /// A bad name, a presence channel without member data (see [`Client::subscribe_with`]), a
    /// private or presence channel with neither secret nor authorizer, too many channels, or a client
    /// that was shut down or refused for good and not connected again ([`SubscribeError::Closed`]). Then
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
        let (place, name) = self.hub().subscribe(channel, options)?;
        if let Some(meant) = name.near_miss() {
            tracing::warn!(
                target: "pushest",
                parent: &span_without_connection(&self.hub().name),
                channel = %Escaped(&name),
                "is {} meant? to servers this is a channel of another kind",
                Escaped(meant)
            );
        }
        Ok(Subscription::new(self.hub().clone(), place, name))
    }

    /// As [`Subscription::subscribed`], by the channel's name, for those who keep no
    /// [`Subscription`] ([`Subscription::detach`]).
    ///
    /// # Errors
    /// As there.
    pub fn subscribed(&self, channel: &ChannelName) -> Subscribed {
        // Not the id that the name may have: that may be of a former subscription or another client.
        let id = self.hub().lock().current(channel.as_str());
        Subscribed::new(self.hub().clone(), channel.clone(), id)
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

    /// What the server sends to the signed-in user from now on, whoever that is and over all
    /// connections: the events of the channel `#server-to-user-ID`. They come to
    /// [`Client::events`], too.
    pub fn user_events(&self) -> Events {
        Events::new(self.hub().clone(), self.hub().listen_as_user())
    }

    /// As [`Commands::trigger`], but waits while more client events a second were sent than the
    /// server takes; for nothing else. Who drops it half-way has sent nothing.
    ///
    /// # Errors
    /// As [`Commands::trigger`], but for the rate.
    pub fn trigger_when_allowed<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        event: &str,
        data: &T,
    ) -> TriggerWhenAllowed {
        TriggerWhenAllowed::new(self.hub().clone(), channel, event, trigger::data(data))
    }

    /// Sends a ping, now, and returns the round trip once its pong is there: the server has then
    /// read everything that was sent before, and its replies have arrived. It is also the way to ask
    /// whether the server is there.
    ///
    /// # Errors
    /// No connection, or it was lost before the pong came.
    pub fn flush(&self) -> Flush {
        let ping = self.hub().try_command(|state, now| {
            let ping = state.session.ping(now)?;
            state.pings.insert(ping, Default::default());
            Ok(ping)
        });
        Flush::new(self.hub().clone(), ping)
    }

    /// Everything that happens from now on: what concerns the client, and the events of all
    /// channels. It ends when the client is [shut down](Client::shutdown) or refused for good, after the
    /// change of state that says so.
    pub fn events(&self) -> Events {
        Events::new(self.hub().clone(), self.hub().listen())
    }

    /// Ends all receivers and subscriptions, also while other clones of the client are held, closes
    /// the connection, and waits until it is closed: a moment if the server answers, two seconds at most
    /// if it does not. Everything that was triggered before has then arrived at a server
    /// that reads, unless the connection was lost meanwhile, which only [`Client::flush`] tells. A
    /// recording ([`Options::record`](crate::Options::record)) has its end.
    ///
    /// Receivers still return what they have, then an [`Event::State`](crate::Event::State) of
    /// [`Disconnected`](crate::ConnectionState::Disconnected), and then `None`. [`Client::drain`] gives
    /// them the time for that. The ended subscriptions stay ended after a [`Commands::connect`], which
    /// begins without a channel; to pause, call [`Commands::disconnect`].
    ///
    /// It takes effect when this returns; the future only waits, and may be dropped. Called within the
    /// recording's sink it does not wait, for what it would wait for comes once the sink has returned.
    ///
    /// ```
    /// # use pushest_driver::{Client, SubscribeError};
    /// # async fn example(client: Client) -> Result<(), SubscribeError> {
    /// let mut orders = client.subscribe("orders")?;
    /// client.shutdown().await;
    /// while let Some(event) = orders.recv().await {
    ///     println!("left: {event:?}"); // the last one says that it is disconnected
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn shutdown(&self) -> Shutdown {
        self.hub().shut_down();
        Shutdown::new(self.hub().clone())
    }

    /// Lets receivers take what they have, and then shuts down as [`Client::shutdown`] does. Returns the
    /// number of events that were left unread, of all receivers together; 0 if there was nothing to
    /// drain.
    ///
    /// From this call on no receiver is given anything new; what arrives meanwhile is read, for pongs
    /// and the server's close, and dropped. Once every receiver has taken what it has, or is dropped,
    /// and the server has read everything that was triggered (a [`Client::flush`]), the connection is
    /// closed; after `limit` it is closed in any case, which takes two seconds more at most. What was
    /// left can still be received. A receiver that is kept but not read from is waited for until then. What
    /// was taken may still be being handled: wait for the tasks that receive, too. A
    /// connection that is lost meanwhile is not waited for, nor is there a flush.
    ///
    /// Client events may be triggered, and are sent, until it closes. It takes effect when this returns:
    /// the future only waits, and may be dropped. Of two drains at once the earlier limit holds for
    /// both; a `shutdown` ends a drain. Within the recording's sink it does not wait, as `shutdown`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use pushest_driver::Client;
    /// # async fn example(client: Client) {
    /// let left = client.drain(Duration::from_secs(5)).await;
    /// if left > 0 {
    ///     eprintln!("{left} events were not handled");
    /// }
    /// # }
    /// ```
    pub fn drain(&self, limit: Duration) -> Drain {
        let left = self.hub().drain(limit);
        Drain::new(self.hub().clone(), left)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
