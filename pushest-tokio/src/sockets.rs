//! tokio's sockets, time and tasks.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use pushest_driver::proto;
use pushest_driver::runtime::{Pump, Runtime, Spawn, Upgrade};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

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
    ) -> BoxFuture<'static, Result<Self::Socket, Error>> {
        Box::pin(websocket(tcp, upgrade))
    }

    fn upgrade_tls(
        &self,
        tls: Tls,
        upgrade: Upgrade,
    ) -> BoxFuture<'static, Result<Self::TlsSocket, Error>> {
        Box::pin(websocket(tls, upgrade))
    }
}

async fn websocket<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    upgrade: Upgrade,
) -> Result<WebSocketStream<S>, Error> {
    let Upgrade { request, config } = upgrade;
    Ok(client_async_with_config(request, stream, Some(config)).await?.0)
}

impl Spawn for Tokio {
    fn current() -> Self {
        Self { origin: Instant::now() }
    }

    fn spawn(pump: Pump<Self>) {
        tokio::spawn(pump);
    }
}
