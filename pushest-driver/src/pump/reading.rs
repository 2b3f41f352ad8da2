//! What the pump reads: a batch, outside of the hub's lock.

use std::task::{Context, Poll};

use pushest_proto::Loss;

use super::Pump;
use crate::news::News;
use crate::open_socket::OpenSocket;
use crate::socket_state::SocketState;
use crate::unstable::traits::Runtime;
use crate::websocket::{self, Incoming};

impl<R: Runtime> Pump<R> {
    /// Reads a batch, or goes on with a dial.
    pub(super) fn read(&mut self, context: &mut Context<'_>) {
        match &mut self.socket {
            SocketState::None => {}
            SocketState::Dialing(connection, since, dial) => {
                let (connection, since) = (*connection, *since);
                match dial.as_mut().poll(context) {
                    Poll::Pending => {}
                    Poll::Ready(Ok(socket)) => {
                        tracing::debug!(target: "pushest", "open");
                        self.socket = SocketState::Open(OpenSocket::new(connection, socket, since));
                        self.news.push(News::Opened(connection));
                    }
                    Poll::Ready(Err(failure)) => {
                        self.socket = SocketState::None;
                        self.news.push(News::Lost(connection, Loss::Dial(failure)));
                    }
                }
            }
            SocketState::Open(_) if self.is_paused => {}
            SocketState::Open(_) => self.read_messages(context),
        }
        self.count_traffic();
        self.read_bytes.look(match &self.socket {
            SocketState::Open(open) => Some(open.bytes_read()),
            SocketState::None | SocketState::Dialing(..) => None,
        });
    }

    /// Counts what went over the socket since the last call: at each turn, and before it is given up.
    pub(super) fn count_traffic(&mut self) {
        if let SocketState::Open(open) = &mut self.socket {
            self.traffic = self.traffic.and(open.take_traffic());
        }
    }

    fn read_messages(&mut self, context: &mut Context<'_>) {
        let (most, most_bytes) = self.batch();
        // What is left of a former batch counts, too.
        let mut bytes = self.news.iter().map(News::bytes).sum::<usize>();
        while self.news.is_empty() || (self.news.len() < most && bytes < most_bytes) {
            let SocketState::Open(open) = &mut self.socket else { return };
            let connection = open.connection;
            let Poll::Ready(read) = open.read(context) else { return open.catch_up() };
            if let Some(at) = open.take_caught_up() {
                self.news.push(News::CaughtUp(connection, at));
            }
            match read {
                Ok(Incoming::Closed(loss)) => {
                    self.news.push(News::Lost(connection, loss));
                    self.close(None, self.hub.now());
                }
                Ok(Incoming::Ping | Incoming::Pong) => {
                    self.news.push(News::Heard(connection));
                }
                Ok(Incoming::Message(message)) => {
                    bytes += message.len();
                    self.news.push(News::Received(connection, message));
                }
                Err(loss) => {
                    if let Some(code) = websocket::breach(&loss) {
                        self.close(Some(code), self.hub.now());
                    }
                    self.count_traffic();
                    self.socket = SocketState::None;
                    self.news.push(News::Lost(connection, loss));
                }
            }
        }
    }
}
