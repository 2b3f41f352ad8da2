//! tokio's sockets and time.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use pushest_driver::runtime::{Runtime, Upgrade, upgrade_failure};
use pushest_driver::{DialFailure, proto};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::stream::MaybeTls;

/// No clock overflows within it, and a sleep that ends early does no harm.
const LONGEST_SLEEP: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub(crate) struct Tokio {
    origin: Instant,
    handle: Handle,
}

impl Tokio {
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now(), handle: Handle::current() }
    }
}

impl Runtime for Tokio {
    type Tcp = TcpStream;
    type Socket = WebSocketStream<MaybeTls>;
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
        Box::pin(async move {
            let stream = MaybeTls::new(tcp, &upgrade).await?;
            client_async_with_config(upgrade.request, stream, Some(upgrade.config))
                .await
                .map(|(socket, _)| socket)
                .map_err(upgrade_failure)
        })
    }
}
