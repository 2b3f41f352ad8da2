//! The client whose connection a thread in the background carries.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use pushest_driver::runtime::release;
use pushest_driver::{Commands, Config, Options, StartError, SubscribeError, SubscribeOptions};

use crate::carrier::{Carrier, is_carried_here};
use crate::event_loop::EventLoop;
use crate::reactor::Reactor;
use crate::receiving::{Events, Subscription};
use crate::waiting;

/// A client of one app. Its connection runs on a thread of its own, which ends when the last clone
/// is dropped.
///
/// What does not wait stands at [`Commands`], which this derefs to; what waits blocks
/// the calling thread, and stands here.
///
/// Dropping the last clone closes the connection, and waits for that: everything that was triggered
/// before then goes out, and arrives at a server that reads, also where the process ends right after.
/// It takes a moment if the server answers, three seconds at most if it does not, and no time without
/// a connection. To wait at another place, call [`Client::shutdown`]. The drop waits during a panic as
/// well: what was triggered before arrives, and unwinding takes up to these three seconds longer.
///
/// # On the client's own thread
///
/// A recording's sink, an authorizer's future, the log's subscriber and what these hold run on the
/// client's thread, where nothing that is waited for could come. There the methods that wait do not:
/// they return an error ([`NotConnected::OwnThread`](crate::NotConnected::OwnThread) and its like),
/// receivers return `None` unless something is there already, and dropping the last clone or
/// [`Client::shutdown`] only begins the end.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// `None` only while this is dropped.
    client: Option<pushest_driver::Client>,
    reactor: Arc<Reactor>,
    carrier: Carrier,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // It may live on in a clone of the driver's own handle.
        if self.client.take().is_some_and(release) {
            self.carrier.wait_for_end();
        }
    }
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
        Self::try_with_options(config, options).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Client::new`], for programs that go on where no client can be made.
    ///
    /// # Errors
    /// [`StartError`] if the operating system gives no event queue, for want of file descriptors, or no
    /// thread. A connection that cannot be made for the same reason is none of these: it is tried
    /// again, as [`status`](pushest_driver::Commands::status) tells.
    ///
    /// ```
    /// use pushest_blocking::{Client, Config};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::builder("app-key").host("127.0.0.1").port(6001).build()?;
    /// let client = Client::try_new(config)?;
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_new(config: Config) -> Result<Self, StartError> {
        Self::try_with_options(config, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// As [`Client::try_new`].
    pub fn try_with_options(config: Config, options: Options) -> Result<Self, StartError> {
        let mut event_loop = Box::new(EventLoop::new(config, options)?);
        // A loop without its client ends at once.
        let client = event_loop.take_client();
        Self::start(event_loop, client).map_err(|(_, _, error)| error)
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// [`StartError::Thread`], and what it was given.
    pub(crate) fn start(
        event_loop: Box<EventLoop>,
        client: pushest_driver::Client,
    ) -> Result<Self, (Box<EventLoop>, pushest_driver::Client, StartError)> {
        let reactor = event_loop.reactor.clone();
        match Carrier::start(event_loop) {
            Ok(carrier) => {
                let client = Some(client);
                Ok(Self { shared: Arc::new(Shared { client, reactor, carrier }) })
            }
            Err((event_loop, error)) => Err((event_loop, client, error)),
        }
    }

    fn driver(&self) -> &pushest_driver::Client {
        self.shared.client.as_ref().expect("it is there until the last clone is dropped")
    }

    /// Subscribes to a channel; see [`subscribe`](pushest_driver::Client::subscribe).
    ///
    /// # Errors
    /// As there. Then nothing has changed.
    pub fn subscribe(&self, channel: &str) -> Result<Subscription, SubscribeError> {
        let subscription = self.driver().subscribe(channel)?;
        Ok(Subscription::new(subscription, self.shared.carrier.id()))
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
        let subscription = self.driver().subscribe_with(channel, options)?;
        Ok(Subscription::new(subscription, self.shared.carrier.id()))
    }

    /// Everything that happens from now on: what concerns the client, and the events of all
    /// channels.
    pub fn events(&self) -> Events {
        Events::new(self.driver().events(), self.shared.carrier.id())
    }

    /// What the server sends to the signed-in user from now on; see
    /// [`user_events`](pushest_driver::Client::user_events).
    pub fn user_events(&self) -> Events {
        Events::new(self.driver().user_events(), self.shared.carrier.id())
    }

    /// How often the connection's thread has been woken. A client that is idle wakes for its
    /// heartbeats only.
    #[must_use]
    pub fn wakeups(&self) -> u64 {
        self.shared.reactor.wakeups()
    }

    pub(crate) fn wait_for<F: Future>(
        &self,
        future: impl FnOnce(&pushest_driver::Client) -> F,
        limit: Option<Duration>,
    ) -> Option<F::Output> {
        waiting::wait_for_on(self.shared.carrier.id(), future(self.driver()), limit)
    }

    /// Returns whether this is the client's own thread, on which nothing can be waited for.
    pub(crate) fn is_carried_here(&self) -> bool {
        is_carried_here(self.shared.carrier.id())
    }
}

impl Deref for Client {
    type Target = Commands;

    fn deref(&self) -> &Commands {
        self.driver()
    }
}

impl AsRef<pushest_driver::Client> for Client {
    fn as_ref(&self) -> &pushest_driver::Client {
        self.driver()
    }
}
