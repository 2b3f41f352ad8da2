//! tokio's sockets, time and tasks.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use pushest_driver::runtime::{ByteStream, Pump, Runtime, Spawn, Upgrade};
use pushest_driver::{DialFailure, proto};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

/// No clock overflows within it, and a sleep that ends early does no harm.
const LONGEST_SLEEP: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The tokio runtime that a client runs on.
#[derive(Debug)]
pub struct Tokio {
    origin: Instant,
}

#[cfg(feature = "tls")]
type Tls = Box<tokio_rustls::client::TlsStream<TcpStream>>;
/// Never made.
#[cfg(not(feature = "tls"))]
type Tls = TcpStream;

impl Runtime for Tokio {
    type Tcp = TcpStream;
    type Tls = Tls;
    type Socket = WebSocketStream<TcpStream>;
    type TlsSocket = WebSocketStream<Tls>;
    type Sleep = Sleep;

    fn now(&self) -> proto::Instant {
        proto::Instant::ORIGIN + self.origin.elapsed()
    }

    fn sleep_until(&self, deadline: proto::Instant) -> Sleep {
        let remaining = deadline.saturating_duration_since(self.now());
        sleep(remaining.min(LONGEST_SLEEP))
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
        let connector = tokio_rustls::TlsConnector::from(tls.config);
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

async fn websocket<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    upgrade: Upgrade,
) -> Result<WebSocketStream<S>, DialFailure> {
    let rest = upgrade.negotiate(&mut Bytes(&mut stream)).await?;
    let (role, config) = (Role::Client, Some(upgrade.config));
    Ok(WebSocketStream::from_partially_read(stream, rest, role, config).await)
}

/// A stream as the upgrade reads and writes it.
struct Bytes<'a, S>(&'a mut S);

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream for Bytes<'_, S> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let read = Pin::new(&mut *self.0).poll_read(context, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(context)
    }
}

impl Spawn for Tokio {
    fn current() -> Self {
        Self { origin: Instant::now() }
    }

    fn spawn(pump: Pump<Self>) {
        tokio::spawn(pump);
    }
}
