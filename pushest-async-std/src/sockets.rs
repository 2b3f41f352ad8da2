//! async-std's sockets, time and tasks. All but the spawning is neutral: it works on every
//! executor, since async-std waits for sockets and timers on a thread of its own.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_std::io::{Read, Write};
use async_std::net::TcpStream;
use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::protocol::Role;
use futures_util::future::BoxFuture;
use pushest_driver::runtime::{ByteStream, Pump, Runtime, Spawn, Upgrade};
use pushest_driver::{DialFailure, proto};

/// No clock overflows within it, and a sleep that ends early does no harm.
const LONGEST_SLEEP: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// async-std, as a client runs on it.
#[derive(Debug)]
pub struct AsyncStd {
    origin: Instant,
}

#[cfg(feature = "tls")]
type Tls = Box<futures_rustls::client::TlsStream<TcpStream>>;
/// Never made.
#[cfg(not(feature = "tls"))]
type Tls = TcpStream;

impl Runtime for AsyncStd {
    type Tcp = TcpStream;
    type Tls = Tls;
    type Socket = WebSocketStream<TcpStream>;
    type TlsSocket = WebSocketStream<Tls>;
    type Sleep = BoxFuture<'static, ()>;

    fn now(&self) -> proto::Instant {
        proto::Instant::ORIGIN + self.origin.elapsed()
    }

    fn sleep_until(&self, deadline: proto::Instant) -> Self::Sleep {
        let remaining = deadline.saturating_duration_since(self.now());
        Box::pin(async_std::task::sleep(remaining.min(LONGEST_SLEEP)))
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }

    #[cfg(feature = "tls")]
    fn secure(
        &self,
        tcp: TcpStream,
        tls: pushest_driver::runtime::Tls,
    ) -> BoxFuture<'static, io::Result<Tls>> {
        let connector = futures_rustls::TlsConnector::from(tls.config);
        Box::pin(async move { Ok(Box::new(connector.connect(tls.server_name, tcp).await?)) })
    }

    fn upgrade(
        &self,
        tcp: TcpStream,
        upgrade: Upgrade,
    ) -> BoxFuture<'static, Result<Self::Socket, DialFailure>> {
        Box::pin(websocket(tcp, upgrade))
    }

    fn upgrade_tls(
        &self,
        tls: Tls,
        upgrade: Upgrade,
    ) -> BoxFuture<'static, Result<Self::TlsSocket, DialFailure>> {
        Box::pin(websocket(tls, upgrade))
    }
}

async fn websocket<S: Read + Write + Unpin>(
    mut stream: S,
    upgrade: Upgrade,
) -> Result<WebSocketStream<S>, DialFailure> {
    let rest = upgrade.negotiate(&mut Bytes(&mut stream)).await?;
    let (role, config) = (Role::Client, Some(upgrade.config));
    Ok(WebSocketStream::from_partially_read(stream, rest, role, config).await)
}

/// A stream as the upgrade reads and writes it.
struct Bytes<'a, S>(&'a mut S);

impl<S: Read + Write + Unpin> ByteStream for Bytes<'_, S> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_read(context, buffer)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(context)
    }
}

impl Spawn for AsyncStd {
    fn current() -> Self {
        Self { origin: Instant::now() }
    }

    fn spawn(pump: Pump<Self>) {
        async_std::task::spawn(pump);
    }
}
