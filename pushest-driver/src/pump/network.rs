//! What the pump makes of changes of the networks, outside of the hub's lock.

use pushest_proto::Loss;

use super::Pump;
use crate::news::News;
use crate::open_socket::OpenSocket;
use crate::socket_state::SocketState;
use crate::unstable::traits::Runtime;

impl<R: Runtime> Pump<R> {
    /// Looks whether the networks changed. What was read before counts before it.
    pub(super) fn look_at_network(&mut self) {
        let Some(network) = &mut self.network else { return };
        let open = match &self.socket {
            SocketState::Open(open) => Some(open),
            SocketState::None | SocketState::Dialing(..) => None,
        };
        let connection = open.map(|open| open.connection);
        network.follow(connection, || open.and_then(OpenSocket::addresses));
        let news = network.take_news();
        match &self.socket {
            SocketState::Open(open) if news.address_gone => {
                let connection = open.connection;
                self.count_traffic();
                // No close frame could leave from an address that is gone.
                self.socket = SocketState::None;
                self.news.push(News::Lost(connection, Loss::AddressGone));
            }
            SocketState::Open(_) if news.path_changed => self.news.push(News::NetworkChanged),
            SocketState::Dialing(..) if news.came || news.went => {
                self.news.push(News::NetworkChanged);
            }
            // What is gone makes no attempt succeed.
            SocketState::None if news.came => self.news.push(News::NetworkChanged),
            _ => {}
        }
    }
}
