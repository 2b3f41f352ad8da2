//! How a client connects and delivers: everything that is not the protocol's.

mod connector;
#[cfg(feature = "http")]
mod endpoint;
mod name;
#[cfg(feature = "network-watch")]
mod network;
pub(crate) mod proxy;
mod queues;
#[cfg(any(feature = "tls", feature = "native-tls"))]
mod tls;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

#[cfg(feature = "http")]
use pushest_proto::AuthEndpoint;
use pushest_proto::{Authorization, AuthorizationError, AuthorizationRequest};

use crate::authorizer::Authorizer;
use crate::connector::Connector;
use crate::dial::proxy::proxies::Proxies;
#[cfg(any(feature = "tls", feature = "native-tls"))]
use crate::dial::tls::Trust;
use crate::error::OptionsError;
use crate::network::WatchOption;
use crate::recording::SinkOption;
use crate::wall_clock::TimeOfDay;

/// What happens when a receiver's queue is full
/// ([`Options::queue`](struct.Options.html#method.queue)), or all queues together are
/// ([`Options::all_queues`](struct.Options.html#method.all_queues)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// The receiver's oldest events are dropped, and before its next event it gets their number
    /// ([`Event::Lagged`](crate::Event::Lagged)). A [`Gap`](crate::Event::Gap) may be among them:
    /// after `Lagged`, refetch from the last event that you have. A slow receiver delays no other.
    #[default]
    DropOldest,
    /// The client stops reading until the receiver has caught up (half of its queue is free), so
    /// that nothing is lost; the server's side of the connection fills up instead. It goes on
    /// sending, pings included, and no pong deadline runs. A server may close a client that is too
    /// slow. The client notices when it reads again, after what the server had sent before; then it
    /// reconnects, and each channel gets a [`Gap`](crate::Event::Gap), which goes back to before the
    /// client stopped reading: the server may have closed the connection right then. What a server
    /// drops without closing, as Sockudo 5.2 does once it holds 1,000 messages for a connection, no
    /// client can notice.
    ///
    /// What was read at one go is still taken in, beyond the bounds: at most 64 messages, of 256 KiB
    /// together but for the last.
    ///
    /// One full receiver holds up all others. While waiting, nothing that the server says arrives:
    /// a task that awaits `flush()` or `subscribed()` and does not receive meanwhile may wait
    /// forever.
    Wait,
}

/// The authorizer.
#[derive(Clone)]
pub(crate) enum Authority {
    /// The user's own, which is async.
    Own(Arc<dyn Authorizer>),
    /// The user's own function, which blocks.
    Blocking(Arc<BlockingAuthorizer>),
    /// The app's HTTP endpoint.
    #[cfg(feature = "http")]
    Endpoint(Box<AuthEndpoint>),
}

/// A function that authorizes on a thread of its own.
pub(crate) type BlockingAuthorizer =
    dyn Fn(AuthorizationRequest) -> Result<Authorization, AuthorizationError> + Send + Sync;

/// A function that provides headers for one upgrade.
pub(crate) type FreshHeaders = Arc<dyn Fn() -> Result<Vec<(String, String)>, String> + Send + Sync>;

/// A function that provides headers for one request to the endpoint.
#[cfg(feature = "http")]
pub(crate) type AuthHeaders = Arc<
    dyn Fn(&AuthorizationRequest) -> Result<Vec<(String, String)>, AuthorizationError>
        + Send
        + Sync,
>;

/// How a client connects and delivers. `Options::default()` suits most.
///
/// ```
/// # use pushest_driver::{Options, Overflow};
/// let options = Options::default()
///     .header("X-Tenant", "blue")?
///     .queue(10_000, 32 * 1024 * 1024)
///     .overflow(Overflow::Wait);
/// # let _ = options;
/// # Ok::<(), pushest_driver::OptionsError>(())
/// ```
#[derive(Clone)]
pub struct Options {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) fresh_headers: Option<FreshHeaders>,
    pub(crate) read_buffer: usize,
    pub(crate) transport_limit: usize,
    pub(crate) queue_events: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) all_queues: Option<usize>,
    pub(crate) overflow: Overflow,
    pub(crate) authority: Option<Authority>,
    #[cfg(feature = "http")]
    pub(crate) auth_headers: Option<AuthHeaders>,
    pub(crate) starts_disconnected: bool,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) proxies: Proxies,
    pub(crate) connector: Option<Connector>,
    pub(crate) recording: SinkOption,
    pub(crate) time_of_day: TimeOfDay,
    pub(crate) network: WatchOption,
    #[cfg(any(feature = "tls", feature = "native-tls"))]
    pub(crate) trust: Trust,
}

impl Options {
    /// Adds an HTTP header to the WebSocket upgrade. Its value never appears in logs, nor in errors
    /// where the server repeats it.
    ///
    /// No `Origin` is sent unless it is given here. Servers that let only some origins in need one:
    /// a Laravel Reverb whose `allowed_origins` name hosts refuses a client without it, or with
    /// another one, with code 4009 and "Origin not allowed".
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().header("Origin", "https://app.example.org")?;
    /// # let _ = options;
    /// # Ok::<(), pushest_driver::OptionsError>(())
    /// ```
    ///
    /// # Errors
    /// [`OptionsError::Header`] if it is not a header, or one that belongs to the upgrade itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, OptionsError> {
        check_header(name, value)?;
        self.headers.push((name.to_string(), value.to_string()));
        Ok(self)
    }

    /// Sets a function that provides headers for each WebSocket upgrade, besides those of
    /// [`Options::header`]; they replace those of the same name (in upper or lower case). It is
    /// called for every dial, on a thread that may block, so that a token can be read or renewed.
    /// One that hangs fails the dial once that has taken its time; of such calls, which nothing can
    /// end, at most two run for one client, and at most eight in the process. A text in the place
    /// of headers, a header that breaks the rules, or a panic fails the dial
    /// ([`DialFailure::Headers`](crate::DialFailure::Headers)), which is tried again with backoff;
    /// the text is shown, the values never are. The last call counts.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().headers_with(|| {
    ///     let token = std::fs::read_to_string("token").map_err(|error| error.to_string())?;
    ///     Ok(vec![("Authorization".to_string(), format!("Bearer {}", token.trim()))])
    /// });
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn headers_with(
        mut self,
        headers: impl Fn() -> Result<Vec<(String, String)>, String> + Send + Sync + 'static,
    ) -> Self {
        self.fresh_headers = Some(Arc::new(headers));
        self
    }

    /// Sets the size of the read buffer, in bytes; at least 128. A smaller one saves memory in each
    /// connection, a larger one time under load. 4 KiB. While a server sends more than fits in, up to four
    /// times as much is read at a time, but at most 32 KiB or one whole buffer, for which memory is taken
    /// until it is read.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().read_buffer(64 * 1024);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn read_buffer(mut self, bytes: usize) -> Self {
        self.read_buffer = bytes.max(128);
        self
    }

    /// Sets the size in bytes up to which a message is read at all; a larger one closes the
    /// connection with 1009 (RFC 6455: too big), as [`Loss::TooLarge`](crate::Loss::TooLarge). It
    /// is never under [`Limits::message`](crate::Limits::message): messages between the two are
    /// read, reported ([`MalformedReason::TooLarge`](crate::MalformedReason::TooLarge)) and
    /// dropped, and cost nothing but themselves. A connection may hold as much for a moment. By
    /// itself this delivers nothing larger: that takes [`Limits::message`](crate::Limits::message),
    /// `Limits::stored_bytes` and [`Options::queue`], too. 16 MiB.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().transport_limit(1024 * 1024);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn transport_limit(mut self, bytes: usize) -> Self {
        self.transport_limit = bytes;
        self
    }

    /// Sets what happens when a receiver's queue is full. [`Overflow::DropOldest`].
    ///
    /// ```
    /// # use pushest_driver::{Options, Overflow};
    /// let options = Options::default().overflow(Overflow::Wait);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Sets the authorizer of signed channels and of the sign-in, for clients without the app's
    /// secret. With a secret in the configuration it is not asked. Of this,
    /// [`Options::blocking_authorizer`] and `Options::auth_endpoint` (with the feature `http`), the
    /// last call counts.
    ///
    /// ```
    /// # use pushest_driver::{Authorization, AuthorizationError, AuthorizationRequest, Options};
    /// async fn sign(request: AuthorizationRequest) -> Result<Authorization, AuthorizationError> {
    ///     // … ask the app's server for `request.socket_id` and `request.subject`
    ///     Err(AuthorizationError::refused(None, &format!("not for {}", request.subject)))
    /// }
    ///
    /// let options = Options::default().authorizer(sign);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn authorizer(mut self, authorizer: impl Authorizer + 'static) -> Self {
        self.authority = Some(Authority::Own(Arc::new(authorizer)));
        self
    }

    /// Sets an authorizer that blocks, such as an HTTP client without async: each request runs on a
    /// thread of its own, which no process waits for when it ends. The client waits no longer than
    /// the configuration's `authorization` timeout, but nothing can end the request either: one
    /// that hangs keeps its thread, also beyond the client's end, and while nine hang, further
    /// requests are unavailable. A panic counts as unavailable, too.
    ///
    /// ```
    /// # use pushest_driver::{AuthorizationError, Options};
    /// let options = Options::default().blocking_authorizer(|request| {
    ///     // … ask the app's server for `request.socket_id` and `request.subject`
    ///     Err(AuthorizationError::unavailable(None, &format!("no server signs {} yet", request.subject)))
    /// });
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn blocking_authorizer(
        mut self,
        authorizer: impl Fn(AuthorizationRequest) -> Result<Authorization, AuthorizationError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.authority = Some(Authority::Blocking(Arc::new(authorizer)));
        self
    }

    /// Makes a client that does nothing until [`Client::connect`](struct.Client.html#method.connect), so that
    /// what is set up before, such as [`Client::events`](struct.Client.html#method.events), sees everything.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().start_disconnected();
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn start_disconnected(mut self) -> Self {
        self.starts_disconnected = true;
        self
    }

    /// Connects to one of these addresses, tried in this order, instead of asking for the host's;
    /// the host's name still stands in the request, and the server's certificate must be for it.
    /// They hold for every endpoint that the client goes to; a proxy is asked for them, one after the
    /// other. None, the default: the host's.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().addresses(["192.0.2.7:443".parse()?]);
    /// # let _ = options;
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.addresses = addresses.into_iter().collect();
        self
    }

    /// Records everything that the client's session is told, asked and answers, for a report of a
    /// fault that can be replayed: `sink` gets one line after the other, without line ends. See
    /// [`trace`](crate::proto::trace) for what is in it, and what is not: no secret and no key, but
    /// what the server sends.
    ///
    /// The sink runs where the client does, and holds it up while it runs. It may call the client, of
    /// which nothing is locked then, but must not wait for it: nothing comes before it has returned.
    /// (`shutdown` does not wait in there.) What it calls is recorded, too. Of several clients that are
    /// made with the same options only the first is recorded.
    ///
    /// ```
    /// use std::io::Write;
    /// # use pushest_driver::Options;
    ///
    /// # fn make(file: std::fs::File) -> Options {
    /// let mut file = std::io::BufWriter::new(file);
    /// Options::default().record(move |line| {
    ///     // A report with a hole is of no use, but no reason to end the program either.
    ///     let _ = writeln!(file, "{line}");
    /// })
    /// # }
    /// ```
    ///
    /// Needs the feature `recording`.
    #[cfg(feature = "recording")]
    #[must_use]
    pub fn record(mut self, sink: impl FnMut(&str) + Send + 'static) -> Self {
        self.recording = SinkOption::new(sink);
        self
    }

    /// Takes the time of the day from this function instead of the system's clock: for the dates
    /// that a server names when it refuses the upgrade, for the `since` of a [`Gap`](crate::Event::Gap), and to
    /// notice that the machine was suspended, since this clock goes on meanwhile and the client's
    /// own stands still. For tests of what a program does then. It is called often and must not
    /// block.
    ///
    /// A client looks at it whenever it wakes up, and never wakes up just for that: an idle one
    /// notices a suspension with its next heartbeat, at most the activity timeout after the machine
    /// runs again (120 s, unless [`Timeouts::activity`](crate::Timeouts::activity) or the server says
    /// less). Where the program learns of it at once, it calls
    /// [`network_changed`](struct.Client.html#method.network_changed), with which the client looks,
    /// too.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use std::time::{Duration, SystemTime};
    /// # use pushest_driver::Options;
    ///
    /// let suspended = Arc::new(AtomicU64::new(0));
    /// let seconds = suspended.clone();
    /// let options = Options::default().time_of_day(move || {
    ///     SystemTime::now() + Duration::from_secs(seconds.load(Ordering::Relaxed))
    /// });
    /// // Once the client is connected, the machine sleeps for an hour:
    /// suspended.store(3_600, Ordering::Relaxed);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn time_of_day(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.time_of_day = TimeOfDay::of(clock);
        self
    }

    /// Checks that options go together which are good each by itself. A builder does so, what makes a client or
    /// returns an error, and a dial over TLS.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        #[cfg(any(feature = "tls", feature = "native-tls"))]
        self.trust.check()?;
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: None,
            headers: Vec::new(),
            fresh_headers: None,
            read_buffer: 4 * 1024,
            transport_limit: 16 * 1024 * 1024,
            queue_events: 1_024,
            queue_bytes: 8 * 1024 * 1024,
            all_queues: None,
            overflow: Overflow::default(),
            authority: None,
            #[cfg(feature = "http")]
            auth_headers: None,
            starts_disconnected: false,
            addresses: Vec::new(),
            proxies: Proxies::default(),
            connector: None,
            recording: SinkOption::default(),
            time_of_day: TimeOfDay::default(),
            network: WatchOption::default(),
            #[cfg(any(feature = "tls", feature = "native-tls"))]
            trust: Trust::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let mut debug = f.debug_struct("Options");
        #[cfg(any(feature = "tls", feature = "native-tls"))]
        debug.field("trust", &self.trust);
        debug
            .field("name", &self.name)
            .field("headers", &names)
            .field("has_fresh_headers", &self.fresh_headers.is_some())
            .field("read_buffer", &self.read_buffer)
            .field("transport_limit", &self.transport_limit)
            .field("queue_events", &self.queue_events)
            .field("queue_bytes", &self.queue_bytes)
            .field("all_queues", &self.all_queues)
            .field("overflow", &self.overflow)
            .field("has_authorizer", &self.authority.is_some())
            .field("addresses", &self.addresses)
            .field("proxies", &self.proxies)
            .field("has_connector", &self.connector.is_some())
            .field("time_of_day", &self.time_of_day)
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}

/// Checks that a header may be sent with the upgrade.
pub(crate) fn check_header(name: &str, value: &str) -> Result<(), OptionsError> {
    let bad = |rule| Err(OptionsError::Header { name: name.chars().take(200).collect(), rule });
    let lower = name.to_ascii_lowercase();
    let is_own = ["host", "connection", "upgrade", "content-length", "transfer-encoding"];
    if is_own.contains(&lower.as_str()) || lower.starts_with("sec-websocket-") {
        return bad("it belongs to the WebSocket upgrade itself");
    }
    // RFC 9110, section 5.6.2.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return bad("its name may hold letters, digits and !#$%&'*+-.^_`|~");
    }
    if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return bad("its value may hold visible ASCII characters, space and tab");
    }
    Ok(())
}
