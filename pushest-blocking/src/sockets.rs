//! Sockets that never block, on one loop: what the driver needs of a runtime.

use std::any::Any;
use std::future::poll_fn;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use mio::Token;
use mio::net::TcpStream;
use pushest_driver::proto;
#[cfg(feature = "tls")]
use pushest_driver::unstable::TlsStream;
use pushest_driver::unstable::{
    Addresses, NonBlocking, PolledSocket, Reads, Runtime, Transport, WebSocketConfig,
};

use crate::own_stream::{self, Raw};
use crate::reactor::{Reactor, Sleep};

/// Whether a read that returns less than it was asked for has emptied the socket, and the loop is woken
/// for what comes after it: so it is with epoll and kqueue. Elsewhere mio wakes the loop only once
/// the socket has refused to be read.
const SHORT_IS_EMPTY: bool = cfg!(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "illumos",
    target_os = "ios",
    target_os = "linux",
    target_os = "macos",
    target_os = "netbsd",
    target_os = "openbsd",
));

/// The sockets and timers of one loop.
pub(crate) struct Sockets {
    pub(crate) reactor: Arc<Reactor>,
}

#[cfg(feature = "tls")]
type Tls = NonBlocking<Box<TlsStream<Socket>>>;
#[cfg(not(feature = "tls"))]
type Tls = std::convert::Infallible;

impl Runtime for Sockets {
    type Tcp = NonBlocking<Socket>;
    type Tls = Tls;
    type Socket = PolledSocket<Transport<Self>>;
    type Sleep = Sleep;

    fn now(&self) -> proto::Instant {
        self.reactor.now()
    }

    fn sleep_until(&self, deadline: proto::Instant) -> Sleep {
        Sleep { reactor: self.reactor.clone(), deadline }
    }

    fn yield_now(&self, _: &mut Context<'_>) {
        self.reactor.go_on();
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Self::Tcp>> {
        let (reads, reactor) = (Reads::new(self.now()), self.reactor.clone());
        Box::pin(async move {
            let mut stream = TcpStream::connect(address)?;
            let token = reactor.register(&mut stream)?;
            let socket = Socket { stream: Raw::Tcp(stream), reads, reactor, token, emptied: None };
            let stream = socket.stream.tcp()?;
            ready(|| match (stream.take_error()?, stream.peer_addr()) {
                (Some(error), _) => Err(error),
                (None, Err(error)) if error.kind() == io::ErrorKind::NotConnected => {
                    Err(io::ErrorKind::WouldBlock.into())
                }
                (None, result) => result,
            })
            .await?;
            stream.set_nodelay(true)?;
            let socket = NonBlocking::with_reads(socket, |socket| Some(socket.reads.caught_up()));
            Ok(socket.with_addresses(Socket::addresses))
        })
    }

    fn adopt(&self, stream: Box<dyn Any + Send>) -> io::Result<Self::Tcp> {
        let (stream, token) = own_stream::registered(stream, &self.reactor)?;
        let (reads, reactor) = (Reads::new(self.now()), self.reactor.clone());
        let socket = Socket { stream, reads, reactor, token, emptied: None };
        Ok(NonBlocking::with_reads(socket, |socket| Some(socket.reads.caught_up())))
    }

    #[cfg(feature = "tls")]
    fn secure(
        &self,
        tcp: Self::Tcp,
        tls: pushest_driver::unstable::TlsParameters,
    ) -> BoxFuture<'static, io::Result<Tls>> {
        Box::pin(async move {
            let mut stream = TlsStream::new(tls, tcp.into_inner())?;
            ready(|| stream.handshake()).await?;
            let stream = NonBlocking::with_reads(Box::new(stream), |stream| {
                Some(stream.get_ref().reads.caught_up())
            });
            Ok(stream.with_addresses(|stream| stream.get_ref().addresses()))
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

/// A socket, or a stream of the user's own, that knows up to when it has been read empty.
pub(crate) struct Socket {
    stream: Raw,
    reads: Reads,
    reactor: Arc<Reactor>,
    token: Token,
    /// It was empty when the loop had slept so often. Before the next sleep it is not asked again.
    emptied: Option<u64>,
}

impl Socket {
    fn addresses(&self) -> Option<Addresses> {
        let stream = self.stream.tcp().ok()?;
        Addresses::of(stream.local_addr(), stream.peer_addr())
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let sleeps = self.reactor.sleeps();
        if self.emptied == Some(sleeps) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let before = self.reactor.now();
        let read = self.stream.get().read(buffer);
        let is_socket = self.stream.is_socket();
        let is_empty = match &read {
            Ok(length) => {
                // Other streams return less than they are asked for, and have more.
                let asked = if is_socket { buffer.len() } else { *length };
                self.reads.read(before, asked, *length);
                let is_short = (1..asked).contains(length);
                // If the end is behind it, that was told already.
                SHORT_IS_EMPTY && is_short && !self.reactor.is_closed(self.token)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.reads.found_nothing(before);
                true
            }
            Err(_) => false,
        };
        self.emptied = is_empty.then_some(sleeps);
        read
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.stream.unregister(&self.reactor);
        self.reactor.forget(self.token);
    }
}

/// Where writing fails, what had arrived before is still to be read.
impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.get().write(bytes).inspect_err(|_| self.emptied = None)
    }

    /// TLS writes its records so.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.get().write_vectored(slices).inspect_err(|_| self.emptied = None)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.get().flush()
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

#[cfg(test)]
mod tests;
