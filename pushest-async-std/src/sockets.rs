//! async-std's sockets, time and tasks. All but the spawning is neutral: it works on every
//! executor, since async-std waits for sockets and timers on a thread of its own.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use async_std::net::TcpStream;
use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use pushest_driver::unstable::{Pump, Reads, Runtime, Spawn, Transport};
use pushest_driver::{StartError, proto};

use crate::own_stream;
use crate::starting;
use crate::streams::{Bytes, Raw, Socket, Stream};

/// No clock overflows within it, and a sleep that ends early does no harm.
const LONGEST_SLEEP: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// async-std, as a client runs on it.
#[derive(Debug)]
pub(crate) struct AsyncStd {
    origin: Instant,
}

#[cfg(feature = "tls")]
type Tls = Stream<Box<futures_rustls::client::TlsStream<Socket>>>;
#[cfg(not(feature = "tls"))]
type Tls = std::convert::Infallible;

impl Runtime for AsyncStd {
    type Tcp = Stream<Socket>;
    type Tls = Tls;
    type Socket = WebSocketStream<Bytes<Transport<Self>>>;
    type Sleep = BoxFuture<'static, ()>;

    fn now(&self) -> proto::Instant {
        proto::Instant::ORIGIN + self.origin.elapsed()
    }

    fn sleep_until(&self, deadline: proto::Instant) -> Self::Sleep {
        let remaining = deadline.saturating_duration_since(self.now());
        Box::pin(async_std::task::sleep(remaining.min(LONGEST_SLEEP)))
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Self::Tcp>> {
        let (reads, origin) = (Reads::new(self.now()), self.origin);
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let stream = Socket::new(Raw::Tcp(stream), reads, origin);
            Ok(Stream { stream, socket: Some(|socket| socket) })
        })
    }

    fn adopt(&self, stream: Box<dyn Any + Send>) -> io::Result<Self::Tcp> {
        let stream = Socket::new(own_stream::raw(stream)?, Reads::new(self.now()), self.origin);
        Ok(Stream { stream, socket: Some(|socket| socket) })
    }

    #[cfg(feature = "tls")]
    fn secure(
        &self,
        tcp: Self::Tcp,
        tls: pushest_driver::unstable::TlsParameters,
    ) -> BoxFuture<'static, io::Result<Tls>> {
        let connector = futures_rustls::TlsConnector::from(tls.config);
        Box::pin(async move {
            let stream = Box::new(connector.connect(tls.server_name, tcp.stream).await?);
            Ok(Stream { stream, socket: Some(|stream| stream.get_ref().0) })
        })
    }

    fn websocket(transport: Transport<Self>, config: WebSocketConfig) -> Self::Socket {
        let socket = WebSocketStream::from_raw_socket(Bytes(transport), Role::Client, Some(config));
        socket.now_or_never().expect("without a handshake there is nothing to wait for")
    }

    fn transport(socket: &Self::Socket) -> &Transport<Self> {
        &socket.get_ref().0
    }

    fn into_transport(socket: Self::Socket) -> Transport<Self> {
        socket.into_inner().0
    }
}

impl Spawn for AsyncStd {
    /// There is one event loop in the process.
    type Home = ();

    fn current() -> Self {
        Self { origin: Instant::now() }
    }

    fn spawn(pump: Pump<Self>) {
        async_std::task::spawn(pump);
    }

    fn home() -> Result<(), StartError> {
        starting::ready()
    }

    fn ready() -> Result<(), StartError> {
        starting::ready()
    }
}
