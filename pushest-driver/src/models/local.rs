//! A runtime whose sockets belong to the model, with a server behind them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Pending, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use futures_util::{Sink, Stream};
use pushest_proto::{DialFailure, Instant};
use tungstenite::{Error, Message};

use crate::runtime::{Runtime, Upgrade};

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
    type Tcp = ();
    type Tls = Infallible;
    type Socket = Socket;
    type TlsSocket = Socket;
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

    fn connect(&self, _: SocketAddr) -> BoxFuture<'static, io::Result<()>> {
        match self.server {
            Some(_) => Box::pin(async { Ok(()) }),
            None => Box::pin(pending()),
        }
    }

    fn upgrade(&self, (): (), _: Upgrade) -> BoxFuture<'static, Result<Socket, DialFailure>> {
        let events = self.server.unwrap_or_default();
        let incoming = [Message::text(ESTABLISHED)].into();
        Box::pin(async move { Ok(Socket { incoming, events, is_closed: false, waker: None }) })
    }

    fn upgrade_tls(
        &self,
        tls: Infallible,
        _: Upgrade,
    ) -> BoxFuture<'static, Result<Socket, DialFailure>> {
        match tls {}
    }
}

/// It answers a ping, a subscribe with its confirmation and all events, and a close frame with the
/// end.
pub(super) struct Socket {
    incoming: VecDeque<Message>,
    events: &'static [&'static str],
    is_closed: bool,
    waker: Option<Waker>,
}

impl Stream for Socket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(message) = self.incoming.pop_front() {
            return Poll::Ready(Some(Ok(message)));
        }
        if self.is_closed {
            return Poll::Ready(None);
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Sink<Message> for Socket {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.is_closed |= message.is_close();
        let text = message.to_text().unwrap_or_default();
        if text.contains("pusher:ping") {
            self.incoming.push_back(Message::text(PONG));
        }
        if text.contains("pusher:subscribe") {
            self.incoming.push_back(Message::text(SUBSCRIBED));
            let events = self.events;
            self.incoming.extend(events.iter().map(|text| Message::text(*text)));
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }
}
