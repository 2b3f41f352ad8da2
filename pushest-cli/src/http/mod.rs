//! An HTTP endpoint for local work, over hyper: what may be asked is decided here, before a command
//! sees the request.

mod guard;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::guard::{Guard, Refused};
use crate::arguments::EndpointOptions;
use crate::failure::Failure;
use crate::output::{Line, Output, Served};

/// Maximum size of a request's body in bytes.
const BODY: usize = 1024 * 1024;

/// Maximum size of a request's head in bytes.
const HEAD: usize = 64 * 1024;

/// How long a client may take for its head, and for its body.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lifetime of a connection, which then ends once its reply is taken, or after [`PATIENCE`]: hyper has no
/// limit for writing, and clients that do not read their replies must not take all connections.
const LIFETIME: Duration = Duration::from_secs(60);

/// Maximum number of characters of a request that are repeated.
const SHOWN: usize = 200;

/// Maximum number of connections at one time: further ones wait.
const CONNECTIONS: usize = 256;

/// How long replies may take that are under way at the end.
const GRACE: Duration = Duration::from_millis(500);

/// The pause after a connection could not be accepted: there may be no file descriptor left.
const RETRY: Duration = Duration::from_millis(100);

/// What a command replies to requests.
pub(crate) trait Replies: Send + Sync + 'static {
    /// Whether there is anything at this path.
    fn has(&self, path: &str) -> bool;

    /// Returns the reply to a POST to a path that is there.
    fn reply(&self, asked: Asked) -> impl Future<Output = Reply> + Send;
}

/// A POST that is to be replied to.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    /// Returns the path as it is shown.
    pub(crate) fn shown_path(&self) -> &str {
        shown(&self.path)
    }

    /// Says why a header that is there cannot be read: [`Asked::header`] returns nothing then, as if it
    /// were missing.
    pub(crate) fn check_header(&self, name: &str) -> Result<(), String> {
        let mut values = self.headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(()) };
        if values.next().is_some() {
            return Err(format!("the request has the header {name} twice"));
        }
        match value.to_str() {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("the header {name} is not made of visible ASCII characters")),
        }
    }

    /// Returns a header that is there once, as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        value.to_str().ok()
    }
}

/// The reply to a request.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Reply {
    /// Creates a reply that says something.
    pub(crate) fn text(status: u16, text: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: text.into() }
    }
}

/// A listener, and whom it answers.
pub(crate) struct Endpoint {
    listener: TcpListener,
    guard: Guard,
    output: Output,
}

impl Endpoint {
    /// Listens. Warns where other machines can reach it.
    pub(crate) async fn bind(
        options: &EndpointOptions,
        port: u16,
        risk: &str,
        output: &Output,
    ) -> Result<Self, Failure> {
        let guard = Guard::new(&options.allow_origin, &options.allow_host)?;
        let address = SocketAddr::new(options.bind, port);
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|error| {
            Failure::failed(format_args!("cannot listen on {address}: {error}"))
        })?;
        if is_reached_by_others(options.bind) {
            let address = listener.local_addr().map_err(Failure::failed)?;
            output.warning(format_args!(
                "{address} can be reached by others than this machine: {risk}"
            ));
        }
        Ok(Self { listener, guard, output: output.clone() })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Returns the URL of a path, as this machine reaches it.
    pub(crate) fn url(&self, path: &str) -> io::Result<String> {
        let mut address = self.address()?;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Ok(format!("http://{address}{path}"))
    }

    /// Serves until `stop`, and then what is being replied to; all connections end with it.
    pub(crate) async fn serve(self, replies: impl Replies, stop: impl Future<Output = ()>) {
        let Self { listener, guard, output } = self;
        let service = Arc::new(Service { guard, output, replies });
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        let (stopping, stopped) = watch::channel(());
        let accept = async {
            loop {
                let permit = room.clone().acquire_owned().await.expect("it is never closed");
                let Ok((stream, _)) = listener.accept().await else {
                    sleep(RETRY).await;
                    continue;
                };
                let Ok(reached) = stream.local_addr() else { continue };
                while connections.try_join_next().is_some() {}
                let (service, stopped) = (service.clone(), stopped.clone());
                connections.spawn(async move {
                    service.connection(stream, reached.ip(), stopped).await;
                    drop(permit);
                });
            }
        };
        tokio::select! {
            biased;
            () = stop => {}
            () = accept => {}
        }
        drop((listener, stopping));
        let last = async { while connections.join_next().await.is_some() {} };
        // A client that has not taken its reply by then gets none.
        let _ = timeout(GRACE, last).await;
    }
}

struct Service<R> {
    guard: Guard,
    output: Output,
    replies: R,
}

impl<R: Replies> Service<R> {
    /// Serves a connection until the client ends it, until the end, or for [`LIFETIME`].
    async fn connection<S>(
        self: Arc<Self>,
        stream: S,
        reached: IpAddr,
        mut stopped: watch::Receiver<()>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let reached = reached.to_canonical();
        let service = service_fn(move |request| {
            let this = self.clone();
            async move { Ok::<_, Infallible>(this.answer(request, reached).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(HEAD);
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            // It is not reported that a client went away, or spoke something else.
            _ = connection.as_mut() => return,
            _ = stopped.changed() => {}
            () = sleep(LIFETIME) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = timeout(PATIENCE, connection).await;
    }

    async fn answer(&self, request: Request<Incoming>, reached: IpAddr) -> Response<Full<Bytes>> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let origin = match self.guard.check(request.uri(), request.headers(), reached) {
            Ok(origin) => origin,
            Err(refused) => {
                let Refused { status, reason } = refused;
                self.note(&method, &path, status, &reason);
                return response(Reply::text(status, reason), None);
            }
        };
        if method == Method::OPTIONS && origin.is_some() {
            return preflight(request.headers(), origin);
        }
        let reply = match self.reply(request, &method, &path).await {
            Ok(reply) => reply,
            Err(refused) => {
                let Refused { status, reason } = refused;
                self.note(&method, &path, status, &reason);
                Reply::text(status, reason)
            }
        };
        let is_wrong_method = reply.status == 405;
        let mut response = response(reply, origin);
        if is_wrong_method {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }

    async fn reply(
        &self,
        request: Request<Incoming>,
        method: &Method,
        path: &str,
    ) -> Result<Reply, Refused> {
        if !self.replies.has(path) {
            return Err(Refused::new(404, "there is nothing at this path"));
        }
        if method != Method::POST {
            return Err(Refused::new(405, "this takes POST"));
        }
        let (head, body) = request.into_parts();
        let too_large = || Refused::new(413, format!("the body has more than {BODY} bytes"));
        if body.size_hint().lower() > BODY as u64 {
            return Err(too_large());
        }
        let body = match timeout(PATIENCE, Limited::new(body, BODY).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
            Ok(Err(_)) => return Err(Refused::new(400, "the body cannot be read")),
            Err(_) => return Err(Refused::new(408, "the body took too long")),
        };
        let asked = Asked { path: path.to_owned(), headers: head.headers, body };
        Ok(self.replies.reply(asked).await)
    }

    /// Shows a request that no command has seen.
    fn note(&self, method: &Method, path: &str, status: u16, reason: &str) {
        let (method, path, status) = (shown(method.as_str()), shown(path), Some(status));
        let line = Line::Served(Served::Request { method, path, status, reason });
        // That standard output is closed ends the command.
        let _ = self.output.line(&line);
    }
}

/// Returns whether an address leads here from other machines.
fn is_reached_by_others(address: IpAddr) -> bool {
    // `::ffff:127.0.0.1` is localhost, too.
    !address.to_canonical().is_loopback()
}

/// Returns the beginning of a text that a client chose, as it is repeated in lines and replies.
fn shown(text: &str) -> &str {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Replies to the question of a browser whether a page may ask.
fn preflight(asked: &HeaderMap, origin: Option<HeaderValue>) -> Response<Full<Bytes>> {
    let mut response = response(Reply::text(204, ""), origin);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    // Any header: what a page of this origin sends decides nothing here.
    if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    if asked.contains_key("access-control-request-private-network") {
        let allowed = HeaderValue::from_static("true");
        headers.insert("access-control-allow-private-network", allowed);
    }
    response
}

fn response(reply: Reply, origin: Option<HeaderValue>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).expect("a status of HTTP");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    // What is signed is for one connection, and this once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let allowed = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, allowed);
    }
    response
}
