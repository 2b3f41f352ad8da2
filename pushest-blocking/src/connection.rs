//! The client without a thread.

use std::ops::Deref;
use std::time::Duration;

use pushest_driver::runtime::set_lasting;
use pushest_driver::{
    ChannelName, Commands, Config, Event, Options, StartError, SubscribeError, SubscribeOptions,
};

use crate::client::Client;
use crate::event_loop::EventLoop;
use crate::receiving::{Events, RecvError, receiver};

/// A client of one app without a thread of its own: its connection is carried by whoever waits, in
/// [`recv`](Connection::recv) and the others that take `&mut self`.
///
/// Heartbeats are kept in there, too: between two calls nothing is read, sent or answered, and a
/// server that hears nothing for its activity timeout (often 120 seconds) closes the connection.
/// Whoever has something else to do for longer calls [`sleep`](Connection::sleep), or lets a thread
/// do this ([`spawn`](Connection::spawn)).
/// What it may have missed by that is in the [`Gap`](Event::Gap) that follows, which begins before
/// the last call that read.
///
/// It is an iterator over everything that happens. It ends after a [`shutdown`](Connection::shutdown)
/// and after a refusal for good, with the change of state that says so, and no channel is wanted then;
/// after a [`connect`](Commands::connect) it goes on. After a
/// [`disconnect`](Commands::disconnect) it waits, for somebody else's `connect`. What does not wait stands at
/// [`Commands`], which this derefs to: `trigger`, `members`, `status` and others take
/// effect when they return, and go out with the next call that waits.
///
/// ```no_run
/// use pushest_blocking::{Config, Connection, Event};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::builder("app-key").secret("app-secret").host("127.0.0.1").port(6001);
/// let mut connection = Connection::new(config.build()?);
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
#[derive(Debug)]
pub struct Connection {
    events: Events,
    event_loop: EventLoop,
}

impl Connection {
    /// A client that connects as soon as something is waited for.
    ///
    /// # Panics
    /// If the operating system gives no event queue.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_options(config, Options::default())
    }

    /// The same with options: certificate authorities, headers, queues, an authorizer.
    ///
    /// # Panics
    /// As [`Connection::new`].
    #[must_use]
    pub fn with_options(config: Config, options: Options) -> Self {
        Self::try_with_options(config, options).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Connection::new`], for programs that go on where no client can be made.
    ///
    /// # Errors
    /// [`StartError`] if the operating system gives no event queue, for want of file descriptors.
    pub fn try_new(config: Config) -> Result<Self, StartError> {
        Self::try_with_options(config, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// As [`Connection::try_new`].
    pub fn try_with_options(config: Config, options: Options) -> Result<Self, StartError> {
        let event_loop = EventLoop::new(config, options)?;
        let mut events = event_loop.client().events();
        set_lasting(&mut events, true);
        let events = Events::new(events, event_loop.reactor.id());
        Ok(Self { events, event_loop })
    }

    /// Lets a thread carry the connection from here on. Answers the client, which can be cloned,
    /// and the receiver of everything, with what was not received yet.
    ///
    /// # Panics
    /// If the operating system gives no thread.
    pub fn spawn(self) -> (Client, Events) {
        self.try_spawn().unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Connection::spawn`], for programs that go on where there is no thread.
    ///
    /// # Errors
    /// [`SpawnError`], which gives the connection back.
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

    /// Lets this time pass, and keeps the connection alive meanwhile. What arrives waits to be
    /// received.
    pub fn sleep(&mut self, time: Duration) {
        self.wait_for(|_| std::future::pending::<()>(), Some(time));
    }

    /// Subscribes to a channel from now on and over all connections, until
    /// [`unsubscribe`](pushest_driver::Commands::unsubscribe). Its events come to
    /// [`Connection::recv`].
    ///
    /// # Errors
    /// As [`subscribe`](pushest_driver::Client::subscribe). Then nothing has changed.
    pub fn subscribe(&mut self, channel: &str) -> Result<ChannelName, SubscribeError> {
        self.subscribe_with(channel, &SubscribeOptions::default())
    }

    /// As [`Connection::subscribe`], with who subscribes on a presence channel.
    ///
    /// # Errors
    /// As [`subscribe_with`](pushest_driver::Client::subscribe_with).
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

    pub(crate) fn wait_for<F: Future>(
        &mut self,
        future: impl FnOnce(&pushest_driver::Client) -> F,
        limit: Option<Duration>,
    ) -> Option<F::Output> {
        let future = future(self.event_loop.client());
        self.event_loop.wait_for(future, limit)
    }

    /// A connection has no thread of its own: waiting for it is what carries it.
    #[expect(clippy::unused_self, reason = "of a client this depends on the thread")]
    pub(crate) fn is_carried_here(&self) -> bool {
        false
    }
}

receiver!(Connection<> of Event, |this: &mut Self, limit| {
    this.event_loop.wait_for(this.events.driver().recv(), limit)
});

impl Deref for Connection {
    type Target = Commands;

    fn deref(&self) -> &Commands {
        self.event_loop.client()
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
    /// Returns why.
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
