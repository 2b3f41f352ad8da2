//! tokio's sockets, time and tasks.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
#[cfg(feature = "tls")]
use futures_util::future::Either;
use pushest_driver::runtime::{Pump, Runtime, Spawn, Upgrade, upgrade_failure};
use pushest_driver::{DialFailure, proto};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// No clock overflows within it, and a sleep that ends early does no harm.
const LONGEST_SLEEP: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The tokio runtime that a client runs on.
#[derive(Debug)]
pub struct Tokio {
    origin: Instant,
    handle: Handle,
}

type Plain = WebSocketStream<TcpStream>;
#[cfg(feature = "tls")]
type Secure = WebSocketStream<Box<tokio_rustls::client::TlsStream<TcpStream>>>;

impl Runtime for Tokio {
    type Tcp = TcpStream;
    #[cfg(feature = "tls")]
    type Socket = Either<Plain, Secure>;
    #[cfg(not(feature = "tls"))]
    type Socket = Plain;
    type Sleep = Sleep;

    fn now(&self) -> proto::Instant {
        proto::Instant::ORIGIN + self.origin.elapsed()
    }

    fn sleep_until(&self, deadline: proto::Instant) -> Sleep {
        let remaining = deadline.saturating_duration_since(self.now());
        sleep(remaining.min(LONGEST_SLEEP))
    }

    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let host = host.to_string();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }

    fn unblock(&self, work: Box<dyn FnOnce() + Send>) {
        self.handle.spawn_blocking(work);
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
                let connector = tokio_rustls::TlsConnector::from(tls.config);
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

impl Spawn for Tokio {
    fn current() -> Self {
        Self { origin: Instant::now(), handle: Handle::current() }
    }

    fn spawn(pump: Pump<Self>) {
        tokio::spawn(pump);
    }
}
