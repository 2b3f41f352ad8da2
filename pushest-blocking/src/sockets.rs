//! Sockets that never block, on one loop: what the driver needs of a runtime.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::BoxFuture;
use mio::net::TcpStream;
use pushest_driver::runtime::{NonBlocking, Runtime, Upgrade};
use pushest_driver::{DialFailure, proto};
use tungstenite::WebSocket;
use tungstenite::protocol::Role;

use crate::reactor::{Reactor, Sleep};
use crate::websocket::Socket;

/// The sockets and timers of one loop.
pub(crate) struct Sockets {
    pub(crate) reactor: Arc<Reactor>,
}

#[cfg(feature = "tls")]
type Tls = Box<pushest_driver::runtime::TlsStream<TcpStream>>;
/// Never made.
#[cfg(not(feature = "tls"))]
type Tls = TcpStream;

impl Runtime for Sockets {
    type Tcp = TcpStream;
    type Tls = Tls;
    type Socket = Socket<TcpStream>;
    type TlsSocket = Socket<Tls>;
    type Sleep = Sleep;

    fn now(&self) -> proto::Instant {
        self.reactor.now()
    }

    fn sleep_until(&self, deadline: proto::Instant) -> Sleep {
        Sleep { reactor: self.reactor.clone(), deadline }
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>> {
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
            Ok(stream)
        })
    }

    #[cfg(feature = "tls")]
    fn secure(
        &self,
        tcp: TcpStream,
        tls: pushest_driver::runtime::Tls,
    ) -> BoxFuture<'static, io::Result<Tls>> {
        Box::pin(async move {
            let mut stream = pushest_driver::runtime::TlsStream::new(tls, tcp)?;
            ready(|| stream.handshake()).await?;
            Ok(Box::new(stream))
        })
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

async fn websocket<S: Read + Write>(stream: S, upgrade: Upgrade) -> Result<Socket<S>, DialFailure> {
    let mut stream = NonBlocking(stream);
    let rest = upgrade.negotiate(&mut stream).await?;
    let (role, config) = (Role::Client, Some(upgrade.config));
    Ok(Socket::new(WebSocket::from_partially_read(stream.0, rest, role, config)))
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
