//! tokio's sockets, time and tasks.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use pushest_driver::proto;
use pushest_driver::runtime::{ByteStream, Pump, Runtime, Spawn};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// No clock overflows within it, and a sleep that ends early does no harm.
const LONGEST_SLEEP: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The tokio runtime that a client runs on.
#[derive(Debug)]
pub struct Tokio {
    origin: Instant,
}

#[cfg(feature = "tls")]
type Tls = Stream<Box<tokio_rustls::client::TlsStream<TcpStream>>>;
#[cfg(not(feature = "tls"))]
type Tls = std::convert::Infallible;

impl Runtime for Tokio {
    type Tcp = Stream<TcpStream>;
    type Tls = Tls;
    type Sleep = Sleep;

    fn now(&self) -> proto::Instant {
        proto::Instant::ORIGIN + self.origin.elapsed()
    }

    fn sleep_until(&self, deadline: proto::Instant) -> Sleep {
        let remaining = deadline.saturating_duration_since(self.now());
        sleep(remaining.min(LONGEST_SLEEP))
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Self::Tcp>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Stream(stream))
        })
    }

    #[cfg(feature = "tls")]
    fn secure(
        &self,
        tcp: Self::Tcp,
        tls: pushest_driver::runtime::Tls,
    ) -> BoxFuture<'static, io::Result<Tls>> {
        let connector = tokio_rustls::TlsConnector::from(tls.config);
        Box::pin(async move {
            let stream = connector.connect(tls.server_name, tcp.0).await?;
            Ok(Stream(Box::new(stream)))
        })
    }
}

/// A stream as the driver reads and writes it.
#[derive(Debug)]
pub struct Stream<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream for Stream<S> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let read = Pin::new(&mut self.0).poll_read(context, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
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
