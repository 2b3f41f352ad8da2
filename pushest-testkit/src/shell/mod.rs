//! Sockets around the protocol: one thread, one loop.

mod accepted_socket;
mod builder;
mod certificate;
mod event_loop;
mod fault_queue;
mod faults;
mod http;
mod own_stream;
mod transport;
mod wait;
mod watcher;
mod webhooks;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

pub use builder::{Builder, PlainClients};
pub use certificate::Certificate;
pub(crate) use certificate::{Identity, demanding};
pub use faults::{ApiFault, EchoForm, UpgradeFault};
pub use own_stream::AcceptStream;
pub use wait::Until;
pub use webhooks::{WebhookAttempt, WebhookTarget};

use crate::protocol::{App, Broker};
use accepted_socket::Shared;
use event_loop::{Command, EventLoop};
use own_stream::Woken;
use webhooks::Sent;

/// A Pusher Channels server in a thread of its own. Gone, with all its sockets, when dropped.
///
/// Every method waits for the server's thread to have carried it out: what `publish` sends is on
/// its way when it returns, and a fault holds from there on. None of them takes longer than the
/// thread needs for its current turn, so that they can be called from async tests.
pub struct Server {
    address: SocketAddr,
    app: App,
    authority_pem: Option<String>,
    is_tls: bool,
    commands: mpsc::Sender<Command>,
    waker: Arc<mio::Waker>,
    woken: Arc<Woken>,
    webhooks: Arc<Sent>,
    thread: Option<JoinHandle<()>>,
}

/// A view of the server, for conditions of [`Server::until`].
#[derive(Debug)]
#[non_exhaustive]
pub struct View<'a> {
    /// The broker, with connections, subscriptions and members.
    pub broker: &'a Broker,
    /// Number of upgrades to a WebSocket that were asked for, refused ones included.
    pub upgrades: u64,
    /// Number of requests of the HTTP API (`/apps/…`), those that met a fault included.
    pub api_requests: u64,
}

impl<'a> View<'a> {
    fn of(shared: &'a Shared) -> Self {
        let Shared { broker, upgrades, api_requests, .. } = shared;
        Self { broker, upgrades: *upgrades, api_requests: *api_requests }
    }
}

/// The condition was not met in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("waited {waited:?} for {wanted}; {found}")]
#[non_exhaustive]
pub struct TimedOut {
    /// The condition.
    pub wanted: String,
    /// The last state.
    pub found: String,
    /// The timeout.
    pub waited: Duration,
}

impl TimedOut {
    fn found(self, what: impl std::fmt::Debug) -> Self {
        Self { found: format!("there are {what:?}"), ..self }
    }
}

impl Server {
    /// Starts a server on a free port of the loopback address, for the app `1`, `app-key`,
    /// `app-secret`.
    ///
    /// # Errors
    /// If no socket can be bound or no thread started.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// Starts a server as [`start`](Self::start) does, which speaks TLS, with a certificate signed
    /// by [`authority_pem`](Self::authority_pem).
    ///
    /// # Errors
    /// As [`start`](Self::start), or if no certificate can be made.
    pub fn start_tls() -> io::Result<Self> {
        Self::builder().tls(Certificate::Valid).start()
    }

    /// Creates a builder, to choose port, app, profile, limits and certificate.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the address that it listens on; 127.0.0.1:1 where it listens on none.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns the port that it listens on; 1 where it listens on none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the app that it serves.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Returns whether it speaks TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Returns the URL `pusher://KEY:SECRET@ADDRESS:PORT`, with `pushers` for TLS. It holds the
    /// secret.
    #[must_use]
    pub fn url(&self) -> String {
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
                .replace("%2D", "-")
        };
        let scheme = if self.is_tls() { "pushers" } else { "pusher" };
        let (key, secret) = (encode(&self.app.key), encode(self.app.secret()));
        format!("{scheme}://{key}:{secret}@{}", self.address)
    }

    /// Returns the certificate to trust, in PEM. Another one at every start; `None` without TLS, and
    /// with a certificate of your own ([`Builder::identity`]).
    #[must_use]
    pub fn authority_pem(&self) -> Option<&str> {
        self.authority_pem.as_deref()
    }

    /// Takes a connected stream, as if it had come to the port: one end of an in-memory pair
    /// (tokio's `duplex`, with the feature `tokio`, or [`duplex`](crate::duplex()) for async-std and smol), of
    /// a pair of sockets, or a stream that your own listener has accepted. It may be a WebSocket or requests
    /// of the HTTP API, with TLS where the server speaks that, and everything that the server does to its
    /// connections it does to this one.
    ///
    /// Not async: the server's own thread reads and writes the stream from here on, and has taken it when this
    /// returns. A stream of a runtime's needs that runtime to go on running.
    ///
    /// A stream that is no TCP connection knows no reset: [`reset_connections`](Self::reset_connections) ends
    /// it in order.
    ///
    /// ```
    /// use pushest_testkit::Server;
    ///
    /// # #[cfg(unix)] {
    /// use std::os::unix::net::UnixStream;
    ///
    /// let server = Server::builder().without_port().start()?;
    /// let (client, accepted) = UnixStream::pair()?;
    /// server.accept(accepted)?;
    /// // The client's end is for its connector.
    /// # drop(client);
    /// # }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// The operating system's, for a stream with a descriptor: there is none left, or nothing can wait for it.
    pub fn accept<Kind>(&self, stream: impl AcceptStream<Kind>) -> io::Result<()> {
        let (stream, woken) = (stream.__accepted()?, self.woken.clone());
        self.call(move |turn| turn.adopt(stream, &woken))
    }

    /// Sends an event to every subscriber of a channel. `data` goes out as a JSON string.
    pub fn publish(&self, channel: &str, event: &str, data: &str) {
        self.publish_except(channel, event, data, None);
    }

    /// Sends an event to every subscriber of a channel but the connection with the socket id
    /// `exclude`.
    pub fn publish_except(&self, channel: &str, event: &str, data: &str, exclude: Option<&str>) {
        let [channel, event, data] = [channel, event, data].map(str::to_owned);
        let exclude = exclude.map(str::to_owned);
        self.call(move |turn| {
            let now = turn.shared.now;
            turn.shared.broker.publish(&channel, &event, &data, exclude.as_deref(), now);
        });
    }

    /// Encrypts `data` with the app's master key and sends an event of it to every subscriber of an
    /// encrypted channel, as the app's server does: the server itself cannot read it.
    ///
    /// ```
    /// use pushest_testkit::{MasterKey, Server};
    ///
    /// let key = MasterKey::random();
    /// let server = Server::builder().master_key(key.clone()).start()?;
    /// // Clients read it with `Config::builder(…).master_key(key.as_bytes())`, or with the
    /// // `shared_secret` that an `AuthorizationEndpoint` gives them.
    /// server.publish_encrypted("private-encrypted-diary", "entry", "dear diary");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// What another key sealed is [published](Self::publish) as it is: the data of
    /// [`MasterKey::seal`](crate::MasterKey::seal).
    ///
    /// # Panics
    /// If the channel's name does not begin with `private-encrypted-`: its subscribers would take the
    /// ciphertext for the data.
    #[track_caller]
    pub fn publish_encrypted(&self, channel: &str, event: &str, data: &str) {
        assert!(
            channel.starts_with("private-encrypted-"),
            "{channel:?} is not an encrypted channel: its name begins with private-encrypted-"
        );
        self.publish(channel, event, &self.app.master_key().seal(channel, data));
    }

    /// Sends an event to every connection of a signed-in user.
    pub fn publish_to_user(&self, user_id: &str, event: &str, data: &str) {
        let [user_id, event, data] = [user_id, event, data].map(str::to_owned);
        self.call(move |turn| {
            let now = turn.shared.now;
            turn.shared.broker.publish_to_user(&user_id, &event, &data, now);
        });
    }

    /// Returns how many connections are subscribed to a channel.
    #[must_use]
    pub fn subscribers(&self, channel: &str) -> usize {
        let channel = channel.to_owned();
        self.inspect(move |view| view.broker.subscribers(&channel).count())
    }

    /// Returns the ids of the users on a presence channel, sorted.
    #[must_use]
    pub fn members(&self, channel: &str) -> Vec<String> {
        let channel = channel.to_owned();
        self.inspect(move |view| view.broker.members(&channel).map(str::to_owned).collect())
    }

    /// Returns how many connections are established.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.inspect(|view| view.broker.peers().count())
    }

    /// Returns the socket ids of all established connections, oldest first.
    #[must_use]
    pub fn socket_ids(&self) -> Vec<String> {
        self.inspect(|view| {
            let ids = view.broker.peers().filter_map(|peer| view.broker.socket_id(peer));
            ids.map(str::to_owned).collect()
        })
    }

    /// Returns the request targets (path and query) of the latest 10,000 upgrades asked for, oldest
    /// first.
    #[must_use]
    pub fn upgrade_targets(&self) -> Vec<String> {
        self.call(|turn| turn.shared.upgrade_targets.iter().cloned().collect())
    }

    /// Returns the heads of the latest 100 upgrades asked for, oldest first: request line and
    /// headers, up to the blank line.
    #[must_use]
    pub fn upgrade_heads(&self) -> Vec<String> {
        self.call(|turn| turn.shared.upgrade_heads.iter().cloned().collect())
    }

    /// Returns the latest 10,000 text messages received, oldest first.
    ///
    /// Always empty unless the server was built with [`Builder::record(true)`](Builder::record).
    #[must_use]
    pub fn received(&self) -> Vec<String> {
        self.call(|turn| {
            turn.shared.received.iter().flatten().map(|(_, text)| text.clone()).collect()
        })
    }

    /// Looks at anything that a [`View`] shows.
    pub fn inspect<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> T {
        self.call(move |turn| look(&View::of(&turn.shared)))
    }

    /// Returns a future that completes once `condition` holds; it is looked at after everything
    /// that happens.
    pub fn until(&self, condition: impl FnMut(&View<'_>) -> bool + Send + 'static) -> Until {
        self.until_named("the condition".into(), condition)
    }

    /// Returns a future that completes once at least `count` connections are subscribed to a
    /// channel; with a count of zero, once none is.
    pub fn until_subscribers(&self, channel: &str, count: usize) -> Until {
        let (wanted, channel) = (format!("{count} subscribers of {channel}"), channel.to_owned());
        self.until_named(wanted, move |view| {
            reached(view.broker.subscribers(&channel).count(), count)
        })
    }

    /// Returns a future that completes once at least `count` users are on a presence channel; with
    /// a count of zero, once none is.
    ///
    /// ```
    /// # use pushest_testkit::Server;
    /// # async fn example(server: Server) {
    /// server.until_members("presence-room", 2).await;
    /// # }
    /// ```
    pub fn until_members(&self, channel: &str, count: usize) -> Until {
        let (wanted, channel) = (format!("{count} members of {channel}"), channel.to_owned());
        self.until_named(wanted, move |view| reached(view.broker.members(&channel).count(), count))
    }

    /// Returns a future that completes once at least `count` connections are established; with a
    /// count of zero, once none is.
    pub fn until_connections(&self, count: usize) -> Until {
        self.until_named(format!("{count} connections"), move |view| {
            reached(view.broker.peers().count(), count)
        })
    }

    /// Blocks until at least `count` connections are subscribed to a channel; with a count of zero,
    /// until none is.
    ///
    /// # Errors
    /// After `timeout`, with how many there are.
    pub fn wait_for_subscribers(
        &self,
        channel: &str,
        count: usize,
        timeout: Duration,
    ) -> Result<(), TimedOut> {
        let until = self.until_subscribers(channel, count);
        until.wait(timeout).map_err(|error| error.found(self.subscribers(channel)))
    }

    /// Blocks until at least `count` connections are established; with a count of zero, until none
    /// is.
    ///
    /// # Errors
    /// After `timeout`, with how many there are.
    pub fn wait_for_connections(&self, count: usize, timeout: Duration) -> Result<(), TimedOut> {
        let until = self.until_connections(count);
        until.wait(timeout).map_err(|error| error.found(self.connections()))
    }

    /// Blocks until at least `count` users are on a presence channel; with a count of zero, until
    /// none is.
    ///
    /// # Errors
    /// After `timeout`, with who is there.
    pub fn wait_for_members(
        &self,
        channel: &str,
        count: usize,
        timeout: Duration,
    ) -> Result<(), TimedOut> {
        let until = self.until_members(channel, count);
        until.wait(timeout).map_err(|error| error.found(self.members(channel)))
    }

    /// Ends the server as a crash would: every socket is closed, without a close frame. The same
    /// port can be listened on again at once.
    pub fn stop(self) {
        drop(self);
    }

    /// Runs `work` on the loop's thread, lets everything that it caused go out, and returns.
    fn until_named(
        &self,
        wanted: String,
        condition: impl FnMut(&View<'_>) -> bool + Send + 'static,
    ) -> Until {
        let (until, waiter) = wait::pair(wanted, condition);
        self.call(move |turn| turn.add_waiter(waiter));
        until
    }

    fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut EventLoop) -> T + Send + 'static,
    ) -> T {
        let (answer, answered) = mpsc::sync_channel(1);
        let command: Command = Box::new(move |turn| {
            let result = work(turn);
            turn.settle();
            // The channel is closed only if the caller is gone.
            let _ = answer.send(result);
        });
        self.order(command);
        answered.recv().expect("the server's thread runs as long as the server")
    }

    fn order(&self, command: Command) {
        // Both fail only if the thread is gone, which shows where an answer is waited for.
        let _ = self.commands.send(command);
        let _ = self.waker.wake();
    }
}

/// Returns whether a count is what was waited for: enough, or none where none was asked for.
fn reached(found: usize, wanted: usize) -> bool {
    if wanted == 0 { found == 0 } else { found >= wanted }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.webhooks.end();
        self.order(Box::new(|turn| turn.is_stopped = true));
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed; a second one here would hide it.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("address", &self.address)
            .field("app", &self.app)
            .field("tls", &self.is_tls())
            .finish_non_exhaustive()
    }
}
