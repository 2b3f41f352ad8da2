//! The client whose connection a thread in the background carries.

use std::sync::{Arc, Weak};
use std::time::Duration;

use pushest_driver::unstable::{Commands, release};
use pushest_driver::{Config, StartError, SubscribeError, SubscribeOptions};

use crate::building::ClientBuilder;
use crate::carrier::{Carrier, is_carried_here};
use crate::event_loop::EventLoop;
use crate::options::Options;
use crate::reactor::Reactor;
use crate::receiving::{Events, Subscription};
use crate::waiting;

/// A client of one app: a handle to a connection that lasts, however often it is made anew.
///
/// ```no_run
/// use pushest_blocking::{Client, Event};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("app-key").cluster("eu").secret("app-secret").build()?;
/// let mut orders = client.subscribe("private-orders")?;
/// while let Some(event) = orders.recv() {
///     if let Event::Channel(event) = event {
///         println!("{}: {}", event.name(), event.text());
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// Cloning it is cheap, and all clones are the same client, which may be used from every thread. Commands
/// take effect when they return; what waits blocks the calling thread. The connection runs on a thread of
/// its own, which ends when the last clone is dropped; a [`WeakClient`] does not count.
///
/// # The end
///
/// [`disconnect`](Self::disconnect) pauses: receivers and channels stay, and wait for
/// [`connect`](Self::connect). [`shutdown`](Self::shutdown), the end of a [`drain`](Self::drain), a
/// refusal for good ([`ConnectionState::Refused`](crate::ConnectionState::Refused)) and the drop of the
/// last clone end everything that was asked for: each receiver gets an
/// [`Event::State`](crate::Event::State) that says why, and then `None`, also while clones are held, and no
/// channel is wanted any more. Until the next `connect`, which begins without a channel, a new receiver ends
/// in the same way, and nothing can be subscribed to. A sign-in is no channel: it is repeated.
///
/// Dropping the last clone closes the connection, and waits for that: everything that was triggered
/// before then goes out, and arrives at a server that reads, also where the process ends right after.
/// It takes a moment if the server answers, three seconds at most if it does not, and no time without
/// a connection. To wait at another place, call [`Client::shutdown`]. The drop waits during a panic as
/// well: what was triggered before arrives, and unwinding takes up to these three seconds longer.
///
/// # On the client's own thread
///
/// A recording's sink, the log's subscriber and what these hold run on the client's thread, where nothing
/// that is waited for could come. There the methods that wait do not: they return an error
/// ([`NotConnected::OwnThread`](crate::NotConnected::OwnThread) and its like), receivers return `None`
/// unless something is there already, and dropping the last clone or [`Client::shutdown`] only begins the
/// end.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    /// `None` only while this is dropped.
    client: Option<pushest_driver::unstable::Client>,
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

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.__driver().fmt(f)
    }
}

/// # Making a client
impl Client {
    /// Begins a client of the app with this key: sets what is special about it, and builds it.
    ///
    /// ```no_run
    /// use pushest_blocking::Client;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder("app-key").cluster("eu").secret("app-secret").build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn builder(key: &str) -> ClientBuilder {
        ClientBuilder::default().key(key)
    }

    /// Makes a client that connects in the background and stays connected. The configuration is valid
    /// already, so that this fails only where the system gives no thread: [`Client::attempted`],
    /// [`Client::connected`] and [`Client::status`] tell whether it could connect.
    ///
    /// # Panics
    /// If the operating system gives no thread, or no event queue; see [`Client::try_new`].
    ///
    /// ```no_run
    /// use pushest_blocking::{Client, Config};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::builder("app-key").cluster("eu").build()?;
    /// let client = Client::new(config);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    #[track_caller]
    pub fn new(config: Config) -> Self {
        Self::with_options(config, Options::default())
    }

    /// Makes a client with options, such as headers, queues, certificate authorities or an authorizer.
    ///
    /// # Panics
    /// If the operating system gives no thread, or no event queue, or if options that are good each by itself
    /// do not go together; see [`Client::try_with_options`].
    ///
    /// ```no_run
    /// use pushest_blocking::{Client, Config, Options};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::builder("app-key").cluster("eu").build()?;
    /// let client = Client::with_options(config, Options::default().name("orders"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_options(config: Config, options: Options) -> Self {
        match Self::try_with_options(config, options) {
            Ok(client) => client,
            Err(error) => panic!("{error}"),
        }
    }

    /// Makes a client, or returns why the system does not allow it.
    ///
    /// # Errors
    /// [`StartError`] if the operating system gives no event queue, for want of file descriptors, or no
    /// thread. A connection that cannot be made for the same reason is none of these: it is tried
    /// again, as [`Client::status`] tells.
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

    /// Makes a client with options, or returns why the system does not allow it.
    ///
    /// # Errors
    /// [`StartError`], where [`Client::try_new`] returns it, and if options that are good each by itself do
    /// not go together.
    ///
    /// ```no_run
    /// use pushest_blocking::{Client, Config, Options};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::builder("app-key").cluster("eu").build()?;
    /// let client = Client::try_with_options(config, Options::default().name("orders"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_with_options(config: Config, options: Options) -> Result<Self, StartError> {
        let mut event_loop = Box::new(EventLoop::new(config, options.into())?);
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
        client: pushest_driver::unstable::Client,
    ) -> Result<Self, (Box<EventLoop>, pushest_driver::unstable::Client, StartError)> {
        let reactor = event_loop.reactor.clone();
        match Carrier::start(event_loop) {
            Ok(carrier) => {
                let client = Some(client);
                Ok(Self { shared: Arc::new(Shared { client, reactor, carrier }) })
            }
            Err((event_loop, error)) => Err((event_loop, client, error)),
        }
    }

    /// Returns a handle that does not keep the client alive.
    ///
    /// ```no_run
    /// # fn example(client: pushest_blocking::Client) {
    /// let weak = client.downgrade();
    /// drop(client);
    /// assert!(weak.upgrade().is_none());
    /// # }
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakClient {
        WeakClient { shared: Arc::downgrade(&self.shared) }
    }

    fn commands(&self) -> &Commands {
        self.__driver().commands()
    }

    /// For what is written for all runtimes at once, within this workspace.
    #[doc(hidden)]
    #[must_use]
    pub fn __driver(&self) -> &pushest_driver::unstable::Client {
        self.shared.client.as_ref().expect("it is there until the last clone is dropped")
    }
}

/// # Receiving
impl Client {
    /// Subscribes to a channel, connected or not, from now on and over all connections. It takes effect
    /// when this returns; [`Subscription::subscribed`] waits for the server's confirmation.
    ///
    /// The channel stays subscribed to as long as one of its [`Subscription`]s exists. Each of them
    /// receives each event. Subscribing again tries a failed channel again.
    ///
    /// # Errors
    /// [`SubscribeError`], and nothing has changed: a bad name; a presence channel without member data, see
    /// [`Client::subscribe_with`]; a private or presence channel with neither a secret nor an authorizer;
    /// too many channels; a client that was shut down or refused for good, and not connected again.
    ///
    /// ```no_run
    /// # use pushest_blocking::{Client, Event, SubscribeError};
    /// # fn example(client: Client) -> Result<(), SubscribeError> {
    /// let mut orders = client.subscribe("orders")?;
    /// while let Some(event) = orders.recv() {
    ///     if let Event::Channel(event) = event {
    ///         println!("{}: {}", event.name(), event.text());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self, channel: &str) -> Result<Subscription, SubscribeError> {
        self.subscribe_with(channel, &SubscribeOptions::default())
    }

    /// Subscribes to a channel with options: who subscribes to a presence channel. Data other than before
    /// makes a new subscription on the server, which all [`Subscription`]s of the channel share.
    ///
    /// # Errors
    /// [`SubscribeError`], and nothing has changed: what [`Client::subscribe`] refuses; a user id that is
    /// empty or has more than 128 bytes; an info that is not JSON, or is too large.
    ///
    /// ```no_run
    /// # use pushest_blocking::{Client, SubscribeOptions};
    /// # fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let me = SubscribeOptions::member("42").info(r#"{"name":"Ann"}"#);
    /// let room = client.subscribe_with("presence-room", &me)?;
    /// room.subscribed()?;
    /// println!("{} are here", room.members().len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe_with(
        &self,
        channel: &str,
        options: &SubscribeOptions,
    ) -> Result<Subscription, SubscribeError> {
        let subscription = self.__driver().subscribe_with(channel, options)?;
        Ok(Subscription::new(subscription, self.shared.carrier.id()))
    }

    /// Returns a receiver of everything that happens from now on: what concerns the client, and the events
    /// of all channels. It ends when the client is [shut down](Client::shutdown) or refused for good, after
    /// the change of state that says so.
    ///
    /// ```no_run
    /// # fn example(client: pushest_blocking::Client) {
    /// for event in client.events() {
    ///     println!("{event:?}");
    /// }
    /// # }
    /// ```
    pub fn events(&self) -> Events {
        Events::new(self.__driver().events(), self.shared.carrier.id())
    }

    /// Returns a receiver of what the server sends to the signed-in user from now on, over all connections
    /// and for whichever user that is: the events of the channel `#server-to-user-ID`. They come to
    /// [`Client::events`], too.
    ///
    /// ```no_run
    /// # fn example(client: pushest_blocking::Client) -> Result<(), pushest_blocking::SignInError> {
    /// let mine = client.user_events();
    /// client.sign_in(Some(r#"{"id":"42"}"#))?;
    /// for event in mine {
    ///     println!("{event:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn user_events(&self) -> Events {
        Events::new(self.__driver().user_events(), self.shared.carrier.id())
    }

    pub(crate) fn wait_for<F: Future>(
        &self,
        future: impl FnOnce(&pushest_driver::unstable::Client) -> F,
        limit: Option<Duration>,
    ) -> Option<F::Output> {
        waiting::wait_for_on(self.shared.carrier.id(), future(self.__driver()), limit)
    }

    /// Returns whether this is the client's own thread, on which nothing can be waited for.
    pub(crate) fn is_carried_here(&self) -> bool {
        is_carried_here(self.shared.carrier.id())
    }
}

pushest_driver::__client_commands! {
    Client,
    Client,
    " # use pushest_blocking::*; fn example(client: Client) \
        -> Result<(), Box<dyn std::error::Error>> {",
    " # Ok(()) }"
}

/// # The thread
impl Client {
    /// Returns how often the connection's thread has been woken. A client that is idle wakes for its
    /// heartbeats only.
    ///
    /// ```no_run
    /// # fn example(client: pushest_blocking::Client) {
    /// println!("woken {} times", client.wakeups());
    /// # }
    /// ```
    #[must_use]
    pub fn wakeups(&self) -> u64 {
        self.shared.reactor.wakeups()
    }
}

/// A handle to a [`Client`] that does not keep it alive, made by [`Client::downgrade`]: for an authorizer,
/// a recording's sink or a thread that is to end with the client.
///
/// A client ends when its last clone is dropped. An authorizer that holds a `Client` is held by that
/// client, which then never ends; with a `WeakClient` it does.
///
/// ```no_run
/// # fn example(client: pushest_blocking::Client) {
/// let weak = client.downgrade();
/// std::thread::spawn(move || {
///     while let Some(client) = weak.upgrade() {
///         println!("{:?}", client.status().state);
///         drop(client);
///         std::thread::sleep(std::time::Duration::from_secs(60));
///     }
/// });
/// # }
/// ```
#[derive(Clone)]
pub struct WeakClient {
    shared: Weak<Shared>,
}

impl WeakClient {
    /// Returns the client, unless its last clone is gone. While the returned one is held, it keeps the
    /// client alive, and if it becomes the last one, dropping it closes the connection.
    ///
    /// ```no_run
    /// # fn example(weak: pushest_blocking::WeakClient) {
    /// if let Some(client) = weak.upgrade() {
    ///     client.network_changed();
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn upgrade(&self) -> Option<Client> {
        Some(Client { shared: self.shared.upgrade()? })
    }
}

impl std::fmt::Debug for WeakClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakClient").finish_non_exhaustive()
    }
}
