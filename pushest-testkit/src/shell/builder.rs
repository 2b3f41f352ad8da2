//! The builder of a server.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use mio::{Poll, Waker};
use socket2::{Domain, Protocol, Socket, Type};

use super::certificate::{self, Identity};
use super::event_loop::{self, EventLoop};
use super::own_stream::Woken;
use super::watcher::Watcher;
use super::webhooks::Sent;
use super::{Certificate, Server};
use crate::protocol::{App, Broker, Happening, Limits, MasterKey, Profile, ServerConfig};

/// Maximum number of connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// What clients without TLS get from a server with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PlainClients {
    /// Their socket is closed, as any TLS server would.
    #[default]
    Drop,
    /// They are served on the same port.
    Serve,
    /// They get a close frame with 4000, "TLS only", as the hosted service does.
    Refuse,
}

/// Chooses a [`Server`]'s port, app, profile, limits and certificate.
#[derive(Debug, Clone)]
pub struct Builder {
    address: SocketAddr,
    has_port: bool,
    config: ServerConfig,
    certificate: Option<Certificate>,
    /// In place of a certificate of the testkit's own.
    tls: Option<Arc<rustls::ServerConfig>>,
    /// The authorities whose certificates clients must have, if they must.
    client_authorities: Option<Arc<rustls::RootCertStore>>,
    plain_clients: PlainClients,
    write_limit: usize,
    is_recording: bool,
    watcher: Option<SyncSender<Happening>>,
    shows_frames: bool,
}

impl Default for Builder {
    fn default() -> Self {
        let seed = RandomState::new().hash_one(0);
        Self {
            address: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0),
            has_port: true,
            config: ServerConfig { seed, ..ServerConfig::default() },
            certificate: None,
            tls: None,
            client_authorities: None,
            plain_clients: PlainClients::Drop,
            write_limit: 16 * 1024 * 1024,
            is_recording: false,
            watcher: None,
            shows_frames: false,
        }
    }
}

impl Builder {
    /// Sets the address to listen on; by default it is 127.0.0.1.
    #[must_use]
    pub fn host(mut self, address: impl Into<IpAddr>) -> Self {
        self.address.set_ip(address.into());
        self
    }

    /// Sets the port to listen on; by default, and with 0, it is a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// Listens nowhere: all that reaches the server is what [`Server::accept`] takes. Its URL has the host
    /// 127.0.0.1 and the port 1, at which a client that connects by itself finds nothing.
    #[must_use]
    pub fn without_port(mut self) -> Self {
        self.has_port = false;
        self
    }

    /// Sets the app to serve; by default `1`, `app-key`, `app-secret`.
    #[must_use]
    pub fn app(
        mut self,
        id: impl Into<String>,
        key: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        let master_key = self.config.app.master_key().clone();
        self.config.app = App::new(id, key, secret).with_master_key(master_key);
        self
    }

    /// Sets the key of the app's encrypted channels, which [`Server::publish_encrypted`] seals
    /// with; by default [`MasterKey::default`].
    #[must_use]
    pub fn master_key(mut self, key: MasterKey) -> Self {
        self.config.app = self.config.app.with_master_key(key);
        self
    }

    /// Sets the server to behave like. This sets timeouts, limits and features, too, so that it
    /// comes before those.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        let ServerConfig { app, seed, .. } = self.config;
        self.config = ServerConfig::new(profile);
        self.config.app = app;
        self.config.seed = seed;
        self
    }

    /// Sets the activity timeout, which clients learn in whole seconds; a client that is silent for
    /// this long is pinged.
    #[must_use]
    pub fn activity_timeout(mut self, timeout: Duration) -> Self {
        self.config.activity_timeout = timeout;
        self
    }

    /// Sets how long a pinged client may stay silent before it is closed with 4201.
    #[must_use]
    pub fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.config.pong_timeout = timeout;
        self
    }

    /// Changes limits.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.config.limits);
        self
    }

    /// Changes anything of the protocol's configuration, such as
    /// [`ServerConfig::allowed_origins`] (which has an example), a list of hosts as Reverb has it.
    #[must_use]
    pub fn config(mut self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// Sets whether subscribers are told how many they are.
    #[must_use]
    pub fn subscription_counts(mut self, on: bool) -> Self {
        self.config.subscription_counts = on;
        self
    }

    /// Sets the seed of the socket ids; by default it is another one at every start, so that an
    /// authorization for a former socket id never fits by chance.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Speaks TLS, with this certificate.
    #[must_use]
    pub fn tls(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Speaks TLS with a certificate of your own: the certificate, and those between it and its
    /// authority, if there are any, and the private key (PKCS #8, PKCS #1 or SEC 1), both in PEM.
    ///
    /// ```no_run
    /// use pushest_testkit::Server;
    ///
    /// let [chain, key] = ["server.pem", "server-key.pem"].map(std::fs::read);
    /// let server = Server::builder().identity(&chain?, &key?)?.start()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no certificate or no key in them, or they do not belong together.
    pub fn identity(mut self, certificates: &[u8], key: &[u8]) -> io::Result<Self> {
        self.certificate = None;
        self.tls = Some(certificate::given(certificates, key)?);
        Ok(self)
    }

    /// Demands of each client a certificate that one of these authorities (PEM, one or more) has signed;
    /// others are refused by an alert of TLS. Needs [`tls`](Self::tls) or [`identity`](Self::identity):
    /// [`start`](Self::start) fails without. The HTTP API demands it, too.
    ///
    /// ```no_run
    /// use pushest_testkit::{Certificate, Server};
    ///
    /// let authority = std::fs::read("clients-ca.pem")?;
    /// let server = Server::builder().tls(Certificate::Valid).client_authority(&authority)?.start()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no certificate in it, or a broken one.
    pub fn client_authority(mut self, authorities: &[u8]) -> io::Result<Self> {
        self.client_authorities = Some(certificate::authorities(authorities)?);
        Ok(self)
    }

    /// Speaks TLS as a scenario of the conformance suite wants it.
    pub(crate) fn tls_config(mut self, config: Arc<rustls::ServerConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// What clients without TLS get from a server with TLS.
    #[must_use]
    pub fn plain_clients(mut self, treatment: PlainClients) -> Self {
        self.plain_clients = treatment;
        self
    }

    /// Sets how many bytes may wait for a client that does not read, beside what the system takes;
    /// then it is closed with 4100. By default 16 MiB, at least 16 KiB.
    #[must_use]
    pub fn write_limit(mut self, bytes: usize) -> Self {
        self.write_limit = bytes;
        self
    }

    /// Keeps the latest text messages for [`Server::received`].
    #[must_use]
    pub fn record(mut self, on: bool) -> Self {
        self.is_recording = on;
        self
    }

    /// Sends what [happens](Happening) at the server. It never waits for the receiver: where the
    /// channel is full, things are left out, and [counted](Happening::Missed) as soon as there is room
    /// again. The channel is closed when the server has stopped and that was told.
    ///
    /// ```
    /// use std::sync::mpsc::sync_channel;
    /// use pushest_testkit::{Happening, Server};
    ///
    /// let (sender, happenings) = sync_channel(100);
    /// let server = Server::builder().observe(sender).start()?;
    /// server.publish("news", "headline", "rain");
    /// server.stop();
    /// for happening in happenings {
    ///     assert!(matches!(happening, Happening::Published { receivers: 0, .. }));
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn observe(mut self, sender: SyncSender<Happening>) -> Self {
        self.watcher = Some(sender);
        self
    }

    /// Whether every message is among what [`observe`](Self::observe) sends, in both directions and
    /// with signatures; by default not.
    #[must_use]
    pub fn observe_frames(mut self, on: bool) -> Self {
        self.shows_frames = on;
        self
    }

    /// Starts the server; it accepts connections when this returns.
    ///
    /// # Errors
    /// If the address cannot be bound, no certificate made or no thread started, or if clients must show a
    /// certificate and TLS is not spoken.
    pub fn start(self) -> io::Result<Server> {
        let identity = self
            .certificate
            .map(|certificate| Identity::new(certificate, self.address.ip()))
            .transpose()?;
        let (authority_pem, mut tls) = match identity {
            Some(identity) => (Some(identity.authority_pem), Some(identity.config)),
            None => (None, self.tls),
        };
        if let Some(authorities) = self.client_authorities {
            let Some(config) = tls else {
                let text = "clients can show a certificate over TLS only, which was not asked for";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            };
            tls = Some(certificate::demanding(&config, authorities, rustls::ALL_VERSIONS)?);
        }
        let is_tls = tls.is_some();
        let listener = self.has_port.then(|| listen(self.address)).transpose()?;
        let address = match &listener {
            Some(listener) => listener.local_addr()?,
            None => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 1),
        };
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), event_loop::WAKER)?);
        let (commands, received) = mpsc::channel();
        let app = self.config.app.clone();
        let mut broker = Broker::new(self.config);
        if self.watcher.is_some() {
            broker.observe(self.shows_frames);
        }
        let shared = event_loop::shared(
            broker,
            tls,
            self.plain_clients,
            self.write_limit,
            self.is_recording,
        );
        let webhooks = Arc::new(Sent::new(self.watcher.clone(), waker.clone()));
        let turns = EventLoop::new(poll, listener, received, shared, Watcher::new(self.watcher))?;
        let thread =
            thread::Builder::new().name("pushest-testkit".to_owned()).spawn(move || turns.run())?;
        let thread = Some(thread);
        let woken = Arc::new(Woken::new(waker.clone()));
        Ok(Server { address, app, authority_pem, is_tls, commands, waker, woken, webhooks, thread })
    }
}

fn listen(address: SocketAddr) -> io::Result<mio::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A server that is started again finds connections of its predecessor winding down.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(mio::net::TcpListener::from_std(socket.into()))
}
