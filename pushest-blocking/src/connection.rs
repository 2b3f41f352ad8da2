//! The client without a thread.

use std::time::Duration;

use pushest_driver::unstable::{Commands, set_lasting};
use pushest_driver::{ChannelName, Config, Event, StartError, SubscribeError, SubscribeOptions};

use crate::building::ConnectionBuilder;
use crate::carrier::is_carried_here;
use crate::client::Client;
use crate::event_loop::EventLoop;
use crate::options::Options;
use crate::receiving::{Events, RecvError, receiver};

/// A client of one app without a thread of its own: its connection is carried by the thread that waits, in
/// [`recv`](Connection::recv) and the other methods that take `&mut self`.
///
/// Heartbeats are kept in there, too: between two calls nothing is read, sent or answered, and a
/// server that hears nothing for its activity timeout (often 120 seconds) closes the connection. If your
/// thread has something else to do for longer, call [`sleep`](Connection::sleep) meanwhile, or let another
/// thread carry the connection ([`spawn`](Connection::spawn)). What was missed by that is in the
/// [`Gap`](Event::Gap) that follows, which begins before the last call that read.
///
/// It is an iterator over everything that happens. It ends after a [`shutdown`](Connection::shutdown)
/// and after a refusal for good, with the change of state that says so, and no channel is wanted then;
/// after a [`connect`](Connection::connect) it goes on. After a
/// [`disconnect`](Connection::disconnect) it waits, for a `connect` by its [`handle`](Connection::handle) in
/// another thread. What takes effect at once goes out with the next call that waits.
///
/// ```no_run
/// use pushest_blocking::{Connection, Event};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut connection = Connection::builder("app-key").cluster("eu").secret("app-secret").build()?;
/// connection.subscribe("private-orders")?;
/// for event in connection {
///     if let Event::Channel(event) = event {
///         println!("{}: {}", event.name(), event.text());
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// It holds its one receiver: with [`Overflow::Wait`](crate::Overflow::Wait) and a full queue
/// nothing is read, so that [`flush`](Connection::flush) and its like come to nothing before events
/// are received.
///
/// Dropping it closes the connection in order, after everything that was triggered before has gone
/// out: that takes a moment if the server answers, two seconds at most if it does not. While its
/// thread panics, it is dropped at once.
pub struct Connection {
    events: Events,
    event_loop: EventLoop,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.__driver().fmt(f)
    }
}

/// # Making a connection
impl Connection {
    /// Begins a connection to the app with this key: sets what is special about it, and builds it.
    ///
    /// ```no_run
    /// use pushest_blocking::Connection;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut connection =
    ///     Connection::builder("app-key").cluster("eu").secret("app-secret").build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn builder(key: &str) -> ConnectionBuilder {
        ConnectionBuilder::default().key(key)
    }

    /// Makes a client that connects as soon as something is waited for.
    ///
    /// # Panics
    /// If the operating system gives no event queue; see [`Connection::try_new`].
    ///
    /// ```no_run
    /// use pushest_blocking::{Config, Connection};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::builder("app-key").cluster("eu").build()?;
    /// let mut connection = Connection::new(config);
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
    /// If the operating system gives no event queue, or if options that are good each by itself do not go
    /// together; see [`Connection::try_with_options`].
    ///
    /// ```no_run
    /// use pushest_blocking::{Config, Connection, Options};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::builder("app-key").cluster("eu").build()?;
    /// let mut connection = Connection::with_options(config, Options::default().name("orders"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_options(config: Config, options: Options) -> Self {
        match Self::try_with_options(config, options) {
            Ok(connection) => connection,
            Err(error) => panic!("{error}"),
        }
    }

    /// Makes a client, or returns why the system does not allow it.
    ///
    /// # Errors
    /// [`StartError`] if the operating system gives no event queue, for want of file descriptors.
    ///
    /// ```
    /// use pushest_blocking::{Config, Connection};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::builder("app-key").host("127.0.0.1").port(6001).build()?;
    /// let connection = Connection::try_new(config)?;
    /// # drop(connection);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_new(config: Config) -> Result<Self, StartError> {
        Self::try_with_options(config, Options::default())
    }

    /// Makes a client with options, or returns why the system does not allow it.
    ///
    /// # Errors
    /// [`StartError`] if the operating system gives no event queue, for want of file descriptors, and if
    /// options that are good each by itself do not go together.
    ///
    /// ```no_run
    /// use pushest_blocking::{Config, Connection, Options};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::builder("app-key").cluster("eu").build()?;
    /// let connection = Connection::try_with_options(config, Options::default().name("orders"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_with_options(config: Config, options: Options) -> Result<Self, StartError> {
        let event_loop = EventLoop::new(config, options.into())?;
        let mut events = event_loop.client().events();
        set_lasting(&mut events, true);
        let events = Events::new(events, event_loop.reactor.id());
        Ok(Self { events, event_loop })
    }

    /// Returns the commands of this connection as a handle for other threads, an authorizer or a
    /// recording's sink. It does not keep the connection alive.
    ///
    /// ```no_run
    /// # fn example(mut connection: pushest_blocking::Connection) {
    /// let handle = connection.handle();
    /// std::thread::spawn(move || {
    ///     std::thread::sleep(std::time::Duration::from_secs(60));
    ///     handle.disconnect();
    /// });
    /// while let Some(event) = connection.recv() {
    ///     println!("{event:?}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn handle(&self) -> ConnectionHandle {
        ConnectionHandle { commands: self.commands().clone() }
    }

    /// Lets a thread carry the connection from here on. Returns the client, which can be cloned,
    /// and the receiver of everything, with what was not received yet.
    ///
    /// # Panics
    /// If the operating system gives no thread; see [`Connection::try_spawn`].
    ///
    /// ```no_run
    /// # fn example(mut connection: pushest_blocking::Connection)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// connection.attempted()?;
    /// let (client, events) = connection.spawn();
    /// let orders = client.subscribe("orders")?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn(self) -> (Client, Events) {
        match self.try_spawn() {
            Ok(spawned) => spawned,
            Err(error) => panic!("{error}"),
        }
    }

    /// Lets a thread carry the connection from here on, or gives the connection back.
    ///
    /// # Errors
    /// [`SpawnError`] if the operating system gives no thread. It has the connection, which goes on as it
    /// was.
    ///
    /// ```no_run
    /// # fn example(connection: pushest_blocking::Connection) {
    /// match connection.try_spawn() {
    ///     Ok((client, events)) => println!("{:?}", client.status().state),
    ///     Err(error) => {
    ///         eprintln!("{error}");
    ///         let connection = error.into_connection();
    ///     }
    /// }
    /// # }
    /// ```
    pub fn try_spawn(mut self) -> Result<(Client, Events), SpawnError> {
        let client = self.event_loop.take_client();
        match Client::start(Box::new(self.event_loop), client) {
            Ok(client) => {
                set_lasting(self.events.driver(), false);
                Ok((client, self.events))
            }
            Err((mut event_loop, client, error)) => {
                event_loop.keep_client(client);
                let connection = Self { events: self.events, event_loop: *event_loop };
                let connection = Box::new(connection);
                Err(SpawnError { connection, error })
            }
        }
    }

    fn commands(&self) -> &Commands {
        self.__driver().commands()
    }

    /// For what is written for all runtimes at once, within this workspace.
    #[doc(hidden)]
    #[must_use]
    pub fn __driver(&self) -> &pushest_driver::unstable::Client {
        self.event_loop.client()
    }
}

/// # Subscribing, and letting time pass
impl Connection {
    /// Subscribes to a channel from now on and over all connections, until
    /// [`unsubscribe`](Connection::unsubscribe). Its events come to [`Connection::recv`]. Subscribing again
    /// tries a failed channel again.
    ///
    /// # Errors
    /// [`SubscribeError`], and nothing has changed: a bad name; a presence channel without member data, see
    /// [`Connection::subscribe_with`]; a private or presence channel with neither a secret nor an
    /// authorizer; too many channels; a client that was shut down or refused for good, and not connected
    /// again.
    ///
    /// ```no_run
    /// # fn example(mut connection: pushest_blocking::Connection)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let orders = connection.subscribe("orders")?;
    /// connection.subscribed(&orders)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&mut self, channel: &str) -> Result<ChannelName, SubscribeError> {
        self.subscribe_with(channel, &SubscribeOptions::default())
    }

    /// Subscribes to a channel with options: who subscribes to a presence channel. Data other than before
    /// makes a new subscription on the server.
    ///
    /// # Errors
    /// [`SubscribeError`], and nothing has changed: what [`Connection::subscribe`] refuses; a user id that
    /// is empty or has more than 128 bytes; an info that is not JSON, or is too large.
    ///
    /// ```no_run
    /// # use pushest_blocking::{Connection, SubscribeOptions};
    /// # fn example(mut connection: Connection) -> Result<(), Box<dyn std::error::Error>> {
    /// let me = SubscribeOptions::member("42").info(r#"{"name":"Ann"}"#);
    /// let room = connection.subscribe_with("presence-room", &me)?;
    /// connection.subscribed(&room)?;
    /// println!("{} are here", connection.member_count("presence-room"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe_with(
        &mut self,
        channel: &str,
        options: &SubscribeOptions,
    ) -> Result<ChannelName, SubscribeError> {
        let subscription = self.event_loop.client().subscribe_with(channel, options)?;
        let name = subscription.name().clone();
        subscription.detach();
        Ok(name)
    }

    /// Lets this time pass, and keeps the connection alive meanwhile. What arrives waits to be
    /// received.
    ///
    /// ```no_run
    /// # fn example(mut connection: pushest_blocking::Connection) {
    /// connection.sleep(std::time::Duration::from_secs(10));
    /// # }
    /// ```
    pub fn sleep(&mut self, time: Duration) {
        self.wait_for(|_| std::future::pending::<()>(), Some(time));
    }

    pub(crate) fn wait_for<F: Future>(
        &mut self,
        future: impl FnOnce(&pushest_driver::unstable::Client) -> F,
        limit: Option<Duration>,
    ) -> Option<F::Output> {
        let future = future(self.event_loop.client());
        self.event_loop.wait_for(future, limit)
    }

    /// Returns whether this thread was started for the loop: never while the loop is a connection's.
    pub(crate) fn is_carried_here(&self) -> bool {
        is_carried_here(self.event_loop.reactor.id())
    }
}

receiver!(Connection<> of Event, |this: &mut Self, limit| {
    this.event_loop.wait_for(this.events.driver().recv(), limit)
});

pushest_driver::__client_commands! {
    Connection,
    Connection,
    " # use pushest_blocking::*; fn example(client: Connection) \
        -> Result<(), Box<dyn std::error::Error>> {",
    " # Ok(()) }"
}

/// The commands of a [`Connection`] as a handle for other threads, an authorizer or a recording's sink; made
/// by [`Connection::handle`]. What they say goes out when the connection is waited for. After the
/// connection's end, or once it was spawned, they concern what has become of it: a client that has ended is
/// disconnected.
///
/// It does not keep the connection alive.
#[derive(Clone)]
pub struct ConnectionHandle {
    commands: Commands,
}

impl ConnectionHandle {
    fn commands(&self) -> &Commands {
        &self.commands
    }

    /// For what is written for all runtimes at once, within this workspace.
    #[doc(hidden)]
    #[must_use]
    pub fn __commands(&self) -> &Commands {
        &self.commands
    }
}

pushest_driver::__client_commands! {
    ConnectionHandle,
    Connection,
    " # use pushest_blocking::*; fn example(client: ConnectionHandle) \
        -> Result<(), Box<dyn std::error::Error>> {",
    " # Ok(()) }"
}

impl std::fmt::Debug for ConnectionHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.commands.fmt(f)
    }
}

/// There is no thread to carry a [`Connection`], which goes on as it was.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct SpawnError {
    connection: Box<Connection>,
    #[source]
    error: StartError,
}

impl SpawnError {
    /// Returns why there is none.
    #[must_use]
    pub fn error(&self) -> &StartError {
        &self.error
    }

    /// Returns the connection.
    #[must_use]
    pub fn into_connection(self) -> Connection {
        *self.connection
    }
}
