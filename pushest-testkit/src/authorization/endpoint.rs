//! The endpoint: what a test starts, tells and asks.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::ServerConfig;

use super::http;
use super::shared::{Open, Respond, Shared};
use super::{ReceivedRequest, Reply};
use crate::protocol::App;
use crate::shell::{Certificate, Identity, TimedOut};

/// The user that requests are granted for by default.
const USER: &str = "ann";

/// An app's HTTP endpoint that authorizes channels and sign-ins, on a free port of the loopback
/// address. Gone, with all its connections, when dropped.
///
/// Each request has a thread of its own, so that a slow reply delays no other. Every path is the same
/// endpoint; [`ReceivedRequest::target`] tells which one was asked.
///
/// ```
/// use pushest_testkit::{AuthorizationEndpoint, Reply, Server};
///
/// let server = Server::start()?;
/// // Signs for the server's app, without asking who the user is.
/// let endpoint = AuthorizationEndpoint::start(server.app())?;
/// println!("{}", endpoint.url("/pusher/auth")); // http://127.0.0.1:PORT/pusher/auth
///
/// // The next two requests fail, and then it refuses.
/// endpoint.reply_next(2, Reply::new(503, "later").retry_after(1));
/// endpoint.refuse(403, "members only");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// What depends on the request is said by a function:
///
/// ```
/// use pushest_testkit::{AuthorizationEndpoint, Reply, Server};
///
/// let server = Server::start()?;
/// let endpoint = AuthorizationEndpoint::start_with(server.app(), |request| {
///     match request.channel() {
///         Some("private-staff") => Reply::new(403, "not on Sundays"),
///         _ => request.grant("ada"),
///     }
/// })?;
/// # assert!(endpoint.requests().is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct AuthorizationEndpoint {
    address: SocketAddr,
    authority_pem: Option<String>,
    is_tls: bool,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl AuthorizationEndpoint {
    /// Starts an endpoint that grants every request for this app, to the user `ann`
    /// ([`ReceivedRequest::grant`]).
    ///
    /// # Errors
    /// If no socket can be bound or no thread started.
    pub fn start(app: &App) -> io::Result<Self> {
        Self::start_with(app, |request| request.grant(USER))
    }

    /// Starts an endpoint that replies with what `respond` returns. It may block: each request has
    /// a thread of its own. If it panics, the connection is closed without an answer.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(
        app: &App,
        respond: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::listen(app, None, Arc::new(respond))
    }

    /// As [`start`](Self::start), over `https://`; clients must trust
    /// [`authority_pem`](Self::authority_pem).
    ///
    /// # Errors
    /// As [`start`](Self::start), or if no certificate can be made.
    pub fn start_tls(app: &App, certificate: Certificate) -> io::Result<Self> {
        let identity = Identity::new(certificate, Ipv4Addr::LOCALHOST.into())?;
        let mut endpoint =
            Self::listen(app, Some(identity.config), Arc::new(|request| request.grant(USER)))?;
        endpoint.authority_pem = Some(identity.authority_pem);
        Ok(endpoint)
    }

    /// As [`start_with`](Self::start_with), over TLS as a scenario of the conformance suite wants it.
    pub(crate) fn start_tls_with(
        app: &App,
        tls: Arc<ServerConfig>,
        respond: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::listen(app, Some(tls), Arc::new(respond))
    }

    fn listen(
        app: &App,
        tls: Option<Arc<ServerConfig>>,
        respond: Arc<Respond>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let is_tls = tls.is_some();
        let shared = Arc::new(Shared::new(app.clone(), tls, respond));
        let accepting = shared.clone();
        let thread = thread::Builder::new()
            .name("pushest-auth".to_owned())
            .spawn(move || accept(&listener, &accepting))?;
        Ok(Self { address, authority_pem: None, is_tls, shared, thread: Some(thread) })
    }

    /// Returns the address that it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns the port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the URL of a path (and query) of the endpoint, such as `/pusher/auth`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// Returns the certificate to trust, in PEM; `None` unless started with
    /// [`start_tls`](Self::start_tls).
    #[must_use]
    pub fn authority_pem(&self) -> Option<&str> {
        self.authority_pem.as_deref()
    }

    /// Makes the endpoint reply with what `respond` returns, from the next request on.
    pub fn respond_with(
        &self,
        respond: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static,
    ) {
        self.shared.behaviour().respond = Arc::new(respond);
    }

    /// Grants every request from here on, to the user with this id.
    pub fn grant(&self, user_id: &str) {
        let user_id = user_id.to_owned();
        self.respond_with(move |request| request.grant(&user_id));
    }

    /// Makes the endpoint reply with this status and body, from the next request on. 401 and 403
    /// are refusals that a client takes for final; other statuses from 400 on, it tries again
    /// ([protocol, authorization endpoint](pushest_proto::protocol#authorization-endpoint)).
    pub fn refuse(&self, status: u16, body: &str) {
        let reply = Reply::new(status, body);
        self.respond_with(move |_| reply.clone());
    }

    /// Makes the endpoint reply to the next `times` requests with this, after those of earlier
    /// calls, and go on as before then.
    pub fn reply_next(&self, times: u32, reply: Reply) {
        self.shared.behaviour().next.push_back((times, reply));
    }

    /// Waits this long before each answer from here on, beside what a [`Reply`] itself waits.
    pub fn delay(&self, delay: Duration) {
        self.shared.behaviour().delay = delay;
    }

    /// Returns the latest 10,000 requests that were read, oldest first, answered or not.
    #[must_use]
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.requests().kept.iter().cloned().collect()
    }

    /// Blocks until at least `count` requests have come since the endpoint was started.
    ///
    /// # Errors
    /// After `timeout`.
    pub fn wait_for_requests(&self, count: u64, timeout: Duration) -> Result<(), TimedOut> {
        let requests = self.shared.requests();
        let (requests, waited) = self
            .shared
            .request_came
            .wait_timeout_while(requests, timeout, |requests| requests.count < count)
            .unwrap_or_else(PoisonError::into_inner);
        if !waited.timed_out() || requests.count >= count {
            return Ok(());
        }
        Err(TimedOut {
            wanted: format!("{count} requests for an authorization"),
            found: format!("there were {}", requests.count),
            waited: timeout,
        })
    }
}

impl Drop for AuthorizationEndpoint {
    fn drop(&mut self) {
        self.shared.end();
        // Wakes the thread that accepts; it may be gone already.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed; a second one here would hide it.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for AuthorizationEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuthorizationEndpoint")
            .field("address", &self.address)
            .field("tls", &self.is_tls)
            .finish_non_exhaustive()
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_over() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(open) = Open::new(&stream, shared) else { continue };
        let thread = thread::Builder::new().name("pushest-auth".to_owned());
        // Without a thread the connection is closed.
        let _ = thread.spawn(move || http::serve(stream, &open.shared));
    }
}
