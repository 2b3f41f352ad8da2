//! Streams of the user's own: the function that gives them, what it is asked for, and what it gives.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::guarded::Guarded;
use crate::threads::Threads;

/// At most eight threads a process for connectors that block, four of them for one client: nothing can
/// end one that hangs, and each further attempt calls it again.
static THREADS: Threads = Threads::new("pushest-connector", 8, 4);

/// What a connector is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectorTarget {
    /// The host to connect to: a name in its ASCII form, or an IP address without brackets, with its zone
    /// if it has one (`fe80::1%eth0`).
    pub host: Box<str>,
    /// The port to connect to.
    pub port: u16,
    /// Whether TLS is spoken with this host: by the client over the stream, unless the connector does so
    /// itself ([`ConnectedStream::encrypted`]). False for a proxy, through which TLS is spoken with the
    /// server.
    pub is_tls: bool,
    /// What the stream is for.
    pub purpose: ConnectorPurpose,
}

/// What the stream of a connector is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectorPurpose {
    /// The client's WebSocket.
    WebSocket,
    /// Calls of the HTTP API.
    Api,
    /// A request to the app's own authorization endpoint.
    AuthorizationEndpoint,
    /// The way to a proxy, for any of the others: the client speaks CONNECT or SOCKS5 over the stream.
    Proxy,
}

/// A connected stream that a connector gives. The runtime's crate makes one of a stream of your own:
/// `connected_stream`.
pub struct ConnectedStream {
    stream: Box<dyn Any + Send>,
    is_encrypted: bool,
}

impl ConnectedStream {
    /// Takes a stream in the form that the runtime's crate knows.
    #[doc(hidden)]
    #[must_use]
    pub fn __new(stream: impl Any + Send) -> Self {
        Self { stream: Box::new(stream), is_encrypted: false }
    }

    /// Says that the stream is encrypted, and that the certificate of
    /// [`ConnectorTarget::host`] was checked: for `wss://` and `https://` the client speaks no TLS of its
    /// own over it. The client cannot check that this is so. Where no TLS is spoken, and for a stream to a
    /// proxy, it changes nothing.
    ///
    /// ```
    /// # use pushest_driver::ConnectedStream;
    /// # fn connected_stream<S>(_: S) -> ConnectedStream { ConnectedStream::__new(()) }
    /// # fn example(stream: ()) {
    /// let stream = connected_stream(stream).encrypted();
    /// # let _ = stream;
    /// # }
    /// ```
    #[must_use]
    pub fn encrypted(mut self) -> Self {
        self.is_encrypted = true;
        self
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    pub(crate) fn into_stream(self) -> Box<dyn Any + Send> {
        self.stream
    }
}

impl fmt::Debug for ConnectedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectedStream")
            .field("is_encrypted", &self.is_encrypted)
            .finish_non_exhaustive()
    }
}

type Given = io::Result<ConnectedStream>;
type Polled = dyn Fn(ConnectorTarget) -> BoxFuture<'static, Given> + Send + Sync;
type Blocking = dyn Fn(ConnectorTarget) -> Given + Send + Sync;

/// The function that gives streams.
#[derive(Clone)]
pub(crate) enum Connector {
    /// One that is async.
    Polled(Arc<Polled>),
    /// One that blocks.
    Blocking(Arc<Blocking>),
}

impl Connector {
    pub(crate) fn polled<C>(connect: impl Fn(ConnectorTarget) -> C + Send + Sync + 'static) -> Self
    where
        C: Future<Output = Given> + Send + 'static,
    {
        Self::Polled(Arc::new(move |target| -> BoxFuture<'static, Given> {
            Box::pin(connect(target))
        }))
    }

    pub(crate) fn blocking(
        connect: impl Fn(ConnectorTarget) -> Given + Send + Sync + 'static,
    ) -> Self {
        Self::Blocking(Arc::new(connect))
    }

    /// Asks for a stream.
    ///
    /// # Errors
    /// The text of the function's error, or that it panicked.
    pub(crate) async fn connect(&self, target: ConnectorTarget) -> Result<ConnectedStream, String> {
        let given = match self {
            Self::Polled(connect) => {
                // A panic of the user's must not end the one who asks.
                let begun = catch_unwind(AssertUnwindSafe(|| connect(target))).ok();
                match begun.map(Guarded::new) {
                    None => None,
                    Some(mut connecting) => {
                        poll_fn(|context| {
                            let polled = connecting.run(|future| future.as_mut().poll(context));
                            polled.map_or(std::task::Poll::Ready(None), |poll| poll.map(Some))
                        })
                        .await
                    }
                }
            }
            Self::Blocking(connect) => {
                let (connect, about) = (connect.clone(), format!("{:p}", Arc::as_ptr(connect)));
                match THREADS.run(&about, move || connect(target)).await {
                    None => None,
                    Some(Ok(given)) => Some(given),
                    Some(Err(error)) => return Err(format!("no thread to connect on: {error}")),
                }
            }
        };
        let given = given.ok_or_else(|| "it panicked".to_string())?;
        given.map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Polled(_) => "Connector::Polled",
            Self::Blocking(_) => "Connector::Blocking",
        })
    }
}
