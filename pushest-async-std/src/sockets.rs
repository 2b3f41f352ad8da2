//! async-std's sockets, time and tasks. All but the spawning is neutral: it works on every
//! executor, since async-std waits for sockets and timers on a thread of its own.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use async_std::net::{TcpStream, ToSocketAddrs};
use async_tungstenite::{WebSocketStream, client_async_with_config};
use futures_util::future::BoxFuture;
#[cfg(feature = "tls")]
use futures_util::future::Either;
use pushest_driver::runtime::{Pump, Runtime, Spawn, Upgrade, upgrade_failure};
use pushest_driver::{DialFailure, proto};

/// No clock overflows within it, and a sleep that ends early does no harm.
const LONGEST_SLEEP: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// async-std, as a client runs on it.
#[derive(Debug)]
pub struct AsyncStd {
    origin: Instant,
}

type Plain = WebSocketStream<TcpStream>;
#[cfg(feature = "tls")]
type Secure = WebSocketStream<Box<futures_rustls::client::TlsStream<TcpStream>>>;

impl Runtime for AsyncStd {
    type Tcp = TcpStream;
    #[cfg(feature = "tls")]
    type Socket = Either<Plain, Secure>;
    #[cfg(not(feature = "tls"))]
    type Socket = Plain;
    type Sleep = BoxFuture<'static, ()>;

    fn now(&self) -> proto::Instant {
        proto::Instant::ORIGIN + self.origin.elapsed()
    }

    fn sleep_until(&self, deadline: proto::Instant) -> Self::Sleep {
        let remaining = deadline.saturating_duration_since(self.now());
        Box::pin(async_std::task::sleep(remaining.min(LONGEST_SLEEP)))
    }

    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let host = host.to_string();
        Box::pin(async move { Ok((&*host, port).to_socket_addrs().await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }

    fn upgrade(
        &self,
        tcp: TcpStream,
        upgrade: Upgrade,
    ) -> BoxFuture<'static, Result<Self::Socket, DialFailure>> {
        let Upgrade { request, config, .. } = upgrade;
        Box::pin(async move {
            #[cfg(feature = "tls")]
            if let Some(tls) = upgrade.tls {
                let connector = futures_rustls::TlsConnector::from(tls.config);
                let stream = connector.connect(tls.server_name, tcp).await;
                let stream =
                    stream.map_err(|error| pushest_driver::runtime::tls_failure(&error))?;
                let upgraded =
                    client_async_with_config(request, Box::new(stream), Some(config)).await;
                let (socket, _) = upgraded.map_err(upgrade_failure)?;
                return Ok(Either::Right(socket));
            }
            let upgraded = client_async_with_config(request, tcp, Some(config)).await;
            let (socket, _) = upgraded.map_err(upgrade_failure)?;
            #[cfg(feature = "tls")]
            let socket = Either::Left(socket);
            Ok(socket)
        })
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
