//! The client whose connection a thread in the background carries.

use std::ops::Deref;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pushest_driver::{Commands, Config, Options, SubscribeError, SubscribeOptions};

use crate::connection::Connection;
use crate::event_loop::EventLoop;
use crate::reactor::Reactor;
use crate::receiving::{Events, Subscription};
use crate::waiting;

/// A client of one app. Its connection runs on a thread of its own, which ends when the last clone
/// is dropped.
///
/// What does not wait stands at [`Commands`], which this derefs to; what waits blocks
/// the calling thread, and stands here.
#[derive(Clone, Debug)]
pub struct Client {
    client: pushest_driver::Client,
    reactor: Arc<Reactor>,
}

impl Client {
    /// A client that connects in the background and stays connected. This cannot fail:
    /// [`Client::connected`] and [`status`](pushest_driver::Commands::status) tell how it goes.
    ///
    /// # Panics
    /// If the operating system gives no thread, or no event queue.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_options(config, Options::default())
    }

    /// The same with options: certificate authorities, headers, queues, an authorizer.
    ///
    /// # Panics
    /// As [`Client::new`].
    #[must_use]
    pub fn with_options(config: Config, options: Options) -> Self {
        Connection::with_options(config, options).spawn().0
    }

    pub(crate) fn spawn(event_loop: EventLoop) -> Self {
        let client = event_loop.client().clone();
        let reactor = event_loop.reactor.clone();
        let thread = thread::Builder::new().name("pushest-client".to_string());
        thread.spawn(move || event_loop.run()).expect("a thread for the connection");
        Self { client, reactor }
    }

    /// Subscribes to a channel; see [`subscribe`](pushest_driver::Client::subscribe).
    ///
    /// # Errors
    /// As there. Then nothing has changed.
    pub fn subscribe(&self, channel: &str) -> Result<Subscription, SubscribeError> {
        self.client.subscribe(channel).map(Subscription)
    }

    /// As [`Client::subscribe`], with who subscribes on a presence channel.
    ///
    /// # Errors
    /// As [`subscribe_with`](pushest_driver::Client::subscribe_with).
    pub fn subscribe_with(
        &self,
        channel: &str,
        options: &SubscribeOptions,
    ) -> Result<Subscription, SubscribeError> {
        self.client.subscribe_with(channel, options).map(Subscription)
    }

    /// Everything that happens from now on: what concerns the client, and the events of all
    /// channels.
    pub fn events(&self) -> Events {
        Events(self.client.events())
    }

    /// What the server sends to the signed-in user from now on; see
    /// [`user_events`](pushest_driver::Client::user_events).
    pub fn user_events(&self) -> Events {
        Events(self.client.user_events())
    }

    /// How often the connection's thread has been woken. A client that is idle wakes for its
    /// heartbeats only.
    #[must_use]
    pub fn wakeups(&self) -> u64 {
        self.reactor.wakeups()
    }

    pub(crate) fn wait_for<F: Future>(
        &self,
        future: impl FnOnce(&pushest_driver::Client) -> F,
        limit: Option<Duration>,
    ) -> Option<F::Output> {
        waiting::wait_for(future(&self.client), limit)
    }
}

impl Deref for Client {
    type Target = Commands;

    fn deref(&self) -> &Commands {
        &self.client
    }
}

impl AsRef<pushest_driver::Client> for Client {
    fn as_ref(&self) -> &pushest_driver::Client {
        &self.client
    }
}
