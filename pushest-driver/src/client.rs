//! The client that no runtime is part of: what those of the runtimes are made of.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use pushest_proto::{ChannelName, Escaped, SubscribeOptions};
#[cfg(feature = "api")]
use pushest_proto::{Config, ConfigError};
use serde::Serialize;

#[cfg(feature = "api")]
use crate::backend::options::ApiOptions;
use crate::commands::Commands;
use crate::drain::Drain;
use crate::error::SubscribeError;
use crate::face::commands::__client_commands;
use crate::hub::Hub;
use crate::logging::span_without_connection;
use crate::subscription::{Events, Subscription};
use crate::trigger::{self, TriggerWhenAllowed};
use crate::user::SignedIn;
use crate::waiting::{Connected, Flush, Shutdown, Subscribed};

/// A client of one app: a handle to a connection that lasts, however often it is made anew. The
/// `Client` of a runtime's crate wraps one.
///
/// Cloning it is cheap, and all clones are the same client. Commands take effect when they return;
/// only what the server has to say about them is waited for. When the last clone is dropped the
/// connection is closed, its receivers end, and nothing of the client remains.
///
/// # The end
///
/// [`Client::disconnect`] pauses: receivers and channels stay, and wait for [`Client::connect`].
/// [`Client::shutdown`], the end of a [`Client::drain`], a refusal for good
/// ([`ConnectionState::Refused`](crate::ConnectionState::Refused)) and the drop of the last clone end
/// everything that was asked for: each receiver gets an [`Event::State`](crate::Event::State) that says
/// why, and then `None`, also while clones are held; no channel is wanted anymore. Until the next
/// `connect`, which begins without a channel, a new receiver ends in the same way, and nothing can be
/// subscribed to. A sign-in ([`Client::sign_in`]) is no channel: it is repeated.
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

    /// Returns the commands as a handle of their own, which does not keep the client alive.
    #[must_use]
    pub fn commands(&self) -> &Commands {
        &self.handle.commands
    }

    /// Returns a handle that does not keep the client alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakClient {
        WeakClient { handle: Arc::downgrade(&self.handle) }
    }

    /// Waits until connected, and returns the socket id.
    ///
    /// # Errors
    /// [`NotConnected`](crate::NotConnected) once no connection will come by itself: refused or
    /// disconnected. Other failures are tried again and keep it waiting; see
    /// [`Client::connected_timeout`].
    pub fn connected(&self) -> Connected {
        Connected::new(self.hub().clone(), None)
    }

    /// Waits until the attempt to connect that is running has succeeded or failed, and returns the
    /// socket id. Of several endpoints each is tried once.
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
    /// # Errors
    /// [`SubscribeError`], and nothing has changed.
    pub fn subscribe(&self, channel: &str) -> Result<Subscription, SubscribeError> {
        self.subscribe_with(channel, &SubscribeOptions::default())
    }

    /// Subscribes to a channel with options: who subscribes to a presence channel.
    ///
    /// # Errors
    /// [`SubscribeError`], and nothing has changed.
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

    /// Waits until the server has confirmed the subscription to a channel.
    ///
    /// # Errors
    /// As [`Subscription::subscribed`].
    pub fn subscribed(&self, channel: &ChannelName) -> Subscribed {
        // Not the id that the name may have: that may be of a former subscription or another client.
        let id = self.hub().lock().current(channel.as_str());
        Subscribed::new(self.hub().clone(), channel.clone(), id)
    }

    /// Waits until the server has confirmed the sign-in, and returns the user's id.
    ///
    /// # Errors
    /// [`NotSignedIn`](crate::NotSignedIn) once that will not come by itself.
    pub fn signed_in(&self) -> SignedIn {
        SignedIn::new(self.hub().clone())
    }

    /// Returns a receiver of what the server sends to the signed-in user from now on.
    pub fn user_events(&self) -> Events {
        Events::new(self.hub().clone(), self.hub().listen_as_user())
    }

    /// Sends a client event as soon as the rate allows.
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

    /// Sends a ping, and returns the round trip once its pong is there.
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

    /// Returns a receiver of everything that happens from now on.
    pub fn events(&self) -> Events {
        Events::new(self.hub().clone(), self.hub().listen())
    }

    /// Returns the HTTP API of the client's app, which is made when this is called first.
    ///
    /// # Errors
    /// Those of `make`.
    #[cfg(feature = "api")]
    pub fn api<A: Clone + Send + Sync + 'static>(
        &self,
        make: impl FnOnce(&Config, ApiOptions) -> Result<A, ConfigError>,
    ) -> Result<A, ConfigError> {
        let hub = self.hub();
        if hub.api.get().is_none() {
            let options = ApiOptions::of_client((*hub.options).clone());
            let api = make(&hub.config, options)?;
            // Of two that are made at once one is kept.
            let _ = hub.api.set(Box::new(api));
        }
        let api = hub.api.get().and_then(|api| api.downcast_ref::<A>());
        Ok(api.expect("a client has one kind of it").clone())
    }

    /// Ends all receivers and subscriptions, closes the connection, and waits until it is closed.
    pub fn shutdown(&self) -> Shutdown {
        self.hub().shut_down();
        Shutdown::new(self.hub().clone())
    }

    /// Lets receivers take what they have, and then shuts down. Returns the number of events that were
    /// left unread.
    pub fn drain(&self, limit: Duration) -> Drain {
        let left = self.hub().drain(limit);
        Drain::new(self.hub().clone(), left)
    }
}

__client_commands! {
    Client,
    Client,
    " # use pushest_driver::{*, unstable::*}; fn example(client: Client) \
        -> Result<(), Box<dyn std::error::Error>> {",
    " # Ok(()) }"
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.commands().fmt(f)
    }
}

/// A handle to a [`Client`] that does not keep it alive.
#[derive(Clone)]
pub struct WeakClient {
    handle: Weak<Handle>,
}

impl WeakClient {
    /// Returns the client, unless its last clone is gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<Client> {
        Some(Client { handle: self.handle.upgrade()? })
    }
}

impl fmt::Debug for WeakClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakClient").finish_non_exhaustive()
    }
}
