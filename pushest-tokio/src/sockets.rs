//! tokio's sockets, time and tasks.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Context;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use pushest_driver::unstable::{Pump, Reads, Runtime, Spawn, Transport};
use pushest_driver::{StartError, proto};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::own_stream;
use crate::streams::{Bytes, Raw, Socket, Stream};

/// No clock overflows within it, and a sleep that ends early does no harm.
const LONGEST_SLEEP: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The tokio runtime that a client runs on.
#[derive(Debug)]
pub(crate) struct Tokio {
    origin: Instant,
}

#[cfg(feature = "tls")]
type Tls = Stream<Box<tokio_rustls::client::TlsStream<Socket>>>;
#[cfg(not(feature = "tls"))]
type Tls = std::convert::Infallible;

impl Runtime for Tokio {
    type Tcp = Stream<Socket>;
    type Tls = Tls;
    type Socket = WebSocketStream<Bytes<Transport<Self>>>;
    type Sleep = Sleep;

    fn now(&self) -> proto::Instant {
        proto::Instant::ORIGIN + self.origin.elapsed()
    }

    fn sleep_until(&self, deadline: proto::Instant) -> Sleep {
        let remaining = deadline.saturating_duration_since(self.now());
        sleep(remaining.min(LONGEST_SLEEP))
    }

    /// Not by waking: on a runtime of one thread, 60 times as much would be read before the future of
    /// its `block_on` is polled, which is often the one that receives.
    fn yield_now(&self, context: &mut Context<'_>) {
        let _ = pin!(tokio::task::yield_now()).poll(context);
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
        let connector = tokio_rustls::TlsConnector::from(tls.config);
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

impl Spawn for Tokio {
    type Home = tokio::runtime::Id;

    fn current() -> Self {
        Self { origin: Instant::now() }
    }

    fn spawn(pump: Pump<Self>) {
        tokio::spawn(pump);
    }

    fn home() -> Result<Self::Home, StartError> {
        let handle = tokio::runtime::Handle::try_current();
        let handle = handle.map_err(|error| StartError::Runtime(error.to_string().into()))?;
        Ok(handle.id())
    }

    fn ready() -> Result<(), StartError> {
        let handle = tokio::runtime::Handle::try_current();
        handle.map_err(|error| StartError::Runtime(error.to_string().into()))?;
        is_enabled(|| drop(sleep(Duration::ZERO)))?;
        // Without a free file descriptor there is nothing to ask with, and dials tell that themselves.
        let Ok(socket) = std::net::UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0)) else {
            return Ok(());
        };
        let _ = socket.set_nonblocking(true);
        is_enabled(|| drop(tokio::net::UdpSocket::from_std(socket)))
    }
}

/// tokio tells what is not enabled in its runtime by a panic alone.
fn is_enabled(uses: impl FnOnce()) -> Result<(), StartError> {
    catch_unwind(AssertUnwindSafe(uses)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        StartError::Runtime(text.unwrap_or("its I/O or time is not enabled").into())
    })
}
