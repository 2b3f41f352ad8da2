//! A runtime whose sockets belong to the model, with a server behind them.

use std::convert::Infallible;
use std::future::{Pending, pending};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use pushest_proto::Instant;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocket};
use tungstenite::{Error, Message};

use crate::unstable::traits::Runtime;
use crate::unstable::{ByteStream, PolledSocket, Transport, WebSocketConfig};

const ESTABLISHED: &str = r#"{"event":"pusher:connection_established",
    "data":"{\"socket_id\":\"1.1\",\"activity_timeout\":120}"}"#;
const PONG: &str = r#"{"event":"pusher:pong"}"#;
const SUBSCRIBED: &str =
    r#"{"event":"pusher_internal:subscription_succeeded","channel":"news","data":"{}"}"#;
pub(super) const A: &str = r#"{"event":"a","channel":"news","data":"1"}"#;
pub(super) const B: &str = r#"{"event":"b","channel":"news","data":"2"}"#;

/// A runtime without sockets, in which no time passes.
pub(super) struct Local {
    /// What the server sends to a subscriber; `None` where it is never connected to.
    server: Option<&'static [&'static str]>,
}

impl Local {
    /// Its dials never end.
    pub(super) fn idle() -> Self {
        Self { server: None }
    }

    pub(super) fn connected_to(server: &'static [&'static str]) -> Self {
        Self { server: Some(server) }
    }
}

impl Runtime for Local {
    type Tcp = Tcp;
    type Tls = Infallible;
    type Socket = PolledSocket<Transport<Self>>;
    type Sleep = Pending<()>;

    fn now(&self) -> Instant {
        Instant::ORIGIN
    }

    fn sleep_until(&self, _: Instant) -> Pending<()> {
        pending()
    }

    fn resolve(&self, _: &str, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Ok(vec![SocketAddr::from(([127, 0, 0, 1], 80))]) })
    }

    fn connect(&self, _: SocketAddr) -> BoxFuture<'static, io::Result<Tcp>> {
        match self.server {
            Some(events) => Box::pin(async { Ok(Tcp::new(events)) }),
            None => Box::pin(pending()),
        }
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

/// A connection, and the server at its other end: it answers the upgrade, a ping, a subscribe with
/// its confirmation and all events, and a close frame with the end.
pub(super) struct Tcp {
    /// What the client has sent of its upgrade.
    request: Vec<u8>,
    server: WebSocket<Pipe>,
    events: &'static [&'static str],
    is_closed: bool,
    waker: Option<Waker>,
}

/// The server's end.
#[derive(Default)]
struct Pipe {
    received: Vec<u8>,
    sent: Vec<u8>,
}

impl Tcp {
    fn new(events: &'static [&'static str]) -> Self {
        let server = WebSocket::from_raw_socket(Pipe::default(), Role::Server, None);
        Self { request: Vec::new(), server, events, is_closed: false, waker: None }
    }

    fn upgrade(&mut self, bytes: &[u8]) {
        self.request.extend_from_slice(bytes);
        let request = String::from_utf8_lossy(&self.request);
        let Some((head, "")) = request.split_once("\r\n\r\n") else { return };
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        let key = fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
        let accept = derive_accept_key(key.unwrap().1.as_bytes());
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
        let answer = format!("{head}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
        self.server.get_mut().sent.extend_from_slice(answer.as_bytes());
        self.send(&[ESTABLISHED]);
    }

    fn answer(&mut self) {
        loop {
            match self.server.read() {
                Ok(Message::Text(text)) if text.contains("pusher:ping") => self.send(&[PONG]),
                Ok(Message::Text(text)) if text.contains("pusher:subscribe") => {
                    self.send(&[SUBSCRIBED]);
                    self.send(self.events);
                }
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.is_closed = true;
                    return;
                }
            }
        }
    }

    fn send(&mut self, messages: &[&'static str]) {
        for text in messages {
            self.server.send(Message::text(*text)).unwrap();
        }
    }
}

impl ByteStream for Tcp {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let sent = &mut self.server.get_mut().sent;
        if sent.is_empty() && !self.is_closed {
            self.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        let length = buffer.len().min(sent.len());
        buffer[..length].copy_from_slice(&sent[..length]);
        sent.drain(..length);
        Poll::Ready(Ok(length))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.request.ends_with(b"\r\n\r\n") {
            self.server.get_mut().received.extend_from_slice(bytes);
            self.answer();
        } else {
            self.upgrade(bytes);
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.received.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = buffer.len().min(self.received.len());
        buffer[..length].copy_from_slice(&self.received[..length]);
        self.received.drain(..length);
        Ok(length)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
