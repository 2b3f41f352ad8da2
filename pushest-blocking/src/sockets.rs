//! Sockets that never block, on one loop: what the driver needs of a runtime.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::BoxFuture;
use mio::net::TcpStream;
use pushest_driver::proto;
use pushest_driver::runtime::{NonBlocking, PolledSocket, Runtime, Transport, WebSocketConfig};

use crate::reactor::{Reactor, Sleep};

/// The sockets and timers of one loop.
pub(crate) struct Sockets {
    pub(crate) reactor: Arc<Reactor>,
}

#[cfg(feature = "tls")]
type Tls = NonBlocking<Box<pushest_driver::runtime::TlsStream<TcpStream>>>;
#[cfg(not(feature = "tls"))]
type Tls = std::convert::Infallible;

impl Runtime for Sockets {
    type Tcp = NonBlocking<TcpStream>;
    type Tls = Tls;
    type Socket = PolledSocket<Transport<Self>>;
    type Sleep = Sleep;

    fn now(&self) -> proto::Instant {
        self.reactor.now()
    }

    fn sleep_until(&self, deadline: proto::Instant) -> Sleep {
        Sleep { reactor: self.reactor.clone(), deadline }
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Self::Tcp>> {
        let reactor = self.reactor.clone();
        Box::pin(async move {
            let mut stream = TcpStream::connect(address)?;
            reactor.register(&mut stream)?;
            ready(|| match (stream.take_error()?, stream.peer_addr()) {
                (Some(error), _) => Err(error),
                (None, Err(error)) if error.kind() == io::ErrorKind::NotConnected => {
                    Err(io::ErrorKind::WouldBlock.into())
                }
                (None, result) => result,
            })
            .await?;
            stream.set_nodelay(true)?;
            Ok(NonBlocking(stream))
        })
    }

    #[cfg(feature = "tls")]
    fn secure(
        &self,
        tcp: Self::Tcp,
        tls: pushest_driver::runtime::Tls,
    ) -> BoxFuture<'static, io::Result<Tls>> {
        Box::pin(async move {
            let mut stream = pushest_driver::runtime::TlsStream::new(tls, tcp.0)?;
            ready(|| stream.handshake()).await?;
            Ok(NonBlocking(Box::new(stream)))
        })
    }

    fn websocket(transport: Transport<Self>, config: WebSocketConfig) -> Self::Socket {
        PolledSocket::new(transport, config)
    }

    fn transport(socket: &Self::Socket) -> &Transport<Self> {
        socket.stream()
    }

    fn into_transport(socket: Self::Socket) -> Transport<Self> {
        socket.into_stream()
    }
}

/// Tries a step again, turn by turn, until it no longer would block.
async fn ready<T>(mut step: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match step() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => next_turn().await,
            result => return result,
        }
    }
}

/// Waits until the loop looks at everything again, as it does whenever it wakes.
async fn next_turn() {
    let mut has_waited = false;
    poll_fn(|_| match std::mem::replace(&mut has_waited, true) {
        false => Poll::Pending,
        true => Poll::Ready(()),
    })
    .await;
}
