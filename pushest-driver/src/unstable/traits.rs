//! What a runtime provides: sockets and time.

use std::any::Any;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::task::Context;
use std::time::SystemTime;

use futures_util::future::{BoxFuture, Either};
use futures_util::{Sink, Stream};
use pushest_proto::Instant;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message};

use crate::byte_stream::ByteStream;
#[cfg(feature = "native-tls")]
use crate::dial::native_stream::NativeTlsStream;
use crate::names;
use crate::websocket::followed::Followed;
#[cfg(doc)]
use crate::{unstable::client, websocket::polled::PolledSocket};

/// Sockets and time of a runtime. Nothing is spawned: [`client`] returns the future that does all
/// the work.
pub trait Runtime: Send + Sync + 'static {
    /// The TCP stream.
    type Tcp: ByteStream + Send + Unpin + 'static;
    /// The TLS stream. Without TLS it is [`Infallible`](std::convert::Infallible), which is never
    /// constructed.
    type Tls: ByteStream + Send + Unpin + 'static;
    /// The WebSocket over either: that of tungstenite's companion crate for the runtime, or
    /// [`PolledSocket`] where there is none.
    type Socket: Stream<Item = Result<Message, Error>>
        + Sink<Message, Error = Error>
        + Send
        + Unpin
        + 'static;
    /// The future that completes at a point in time.
    type Sleep: Future<Output = ()> + Send + 'static;

    /// Returns the time since an origin of the runtime's choice. This is called while the client is
    /// locked, so that it must not use the client; nothing else of the runtime's is.
    fn now(&self) -> Instant;

    /// Returns the time of the day, for dates that servers name, for the time since which a
    /// [`Gap`](crate::Event::Gap) lasts, and to notice that the machine was suspended, where
    /// [`Runtime::now`] stands still. It is looked at whenever the client wakes up: an idle one
    /// does for its heartbeats only, so that it notices a suspension up to the activity timeout (of
    /// the time in which the machine runs) after it. By default the system's.
    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Returns a future that completes at `deadline`. It may complete earlier.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// Lets others run: arranges for the task, which returns `Pending` after this, to be polled again
    /// after other tasks that are ready. By default wakes it at once, which suffices where those that were
    /// woken before are polled before.
    fn yield_now(&self, context: &mut Context<'_>) {
        context.waker().wake_by_ref();
    }

    /// Resolves a host to its addresses, in the order that the system prefers. By default this asks
    /// the system on one of at most eight threads that all clients of the process share; dropping
    /// the future takes a request that has not begun out of their queue.
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        names::resolve(host, port)
    }

    /// Connects to an address; with `TCP_NODELAY`, since frames are gathered before they are
    /// written.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Self::Tcp>>;

    /// Takes a stream that the user's connector has given, in the form that the runtime's crate has put it
    /// into ([`ConnectedStream`](crate::ConnectedStream)). By default there is no such form.
    ///
    /// # Errors
    /// The stream was made for another runtime, or cannot be waited for.
    fn adopt(&self, stream: Box<dyn Any + Send>) -> io::Result<Self::Tcp> {
        drop(stream);
        Err(io::Error::new(io::ErrorKind::Unsupported, "this runtime takes no streams of your own"))
    }

    /// Performs the TLS handshake over a TCP stream.
    ///
    /// # Errors
    /// Those of rustls inside of the `io::Error`, as every crate over rustls has them.
    #[cfg(feature = "tls")]
    fn secure(
        &self,
        tcp: Self::Tcp,
        tls: TlsParameters,
    ) -> BoxFuture<'static, io::Result<Self::Tls>> {
        drop((tcp, tls));
        let reason = "wss:// needs the feature `tls` of the runtime's crate";
        Box::pin(async move { Err(io::Error::new(io::ErrorKind::Unsupported, reason)) })
    }

    /// Makes a WebSocket, the client's side, of a stream whose upgrade is done.
    fn websocket(transport: Transport<Self>, config: WebSocketConfig) -> Self::Socket
    where
        Self: Sized;

    /// Returns the stream of a WebSocket.
    fn transport(socket: &Self::Socket) -> &Transport<Self>
    where
        Self: Sized;

    /// Takes a WebSocket apart: returns its stream, without what was buffered.
    fn into_transport(socket: Self::Socket) -> Transport<Self>
    where
        Self: Sized;
}

/// The stream that a runtime's WebSockets are made of, with TLS or without.
pub type Transport<R> = Followed<Dialled<R>>;

/// The stream of a connection, with TLS or without.
pub type Dialled<R> = Either<<R as Runtime>::Tcp, Encrypted<R>>;

/// The TLS stream: the runtime's own, by rustls, or that of the system's library.
#[cfg(feature = "native-tls")]
pub type Encrypted<R> = Either<<R as Runtime>::Tls, NativeTlsStream<<R as Runtime>::Tcp>>;

/// The TLS stream.
#[cfg(not(feature = "native-tls"))]
pub type Encrypted<R> = <R as Runtime>::Tls;

/// The parameters of a TLS handshake.
#[cfg(feature = "tls")]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TlsParameters {
    /// The configuration, with the trusted authorities in it.
    pub config: Arc<rustls::ClientConfig>,
    /// The name that the server's certificate must be for.
    pub server_name: rustls::pki_types::ServerName<'static>,
}
