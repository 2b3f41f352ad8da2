//! One connection, as the network sees it.

use std::collections::VecDeque;
use std::time::Duration;

use pushest_proto::{ConnectionId, Instant, Loss};

use super::Troubles;
use super::direction::Direction;
use crate::protocol::PeerId;
use crate::setters::setters;

/// How a connection breaks: between any two messages of either direction.
///
/// ```
/// use std::time::Duration;
/// use pushest_testkit::Cut;
///
/// // Nothing arrives any more; the client is told a second later, the server by its timeouts only.
/// let cut = Cut::new(0, 0).client_notices(Some(Duration::from_secs(1)));
/// assert_eq!(cut.server_notices, None);
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Cut {
    /// Number of messages on their way to the server that still arrive.
    pub to_server: usize,
    /// Number of messages on their way to the client that still arrive.
    pub to_client: usize,
    /// When the server notices, after the last message has arrived; `None` if only its own
    /// timeouts tell it.
    pub server_notices: Option<Duration>,
    /// When the client notices, after the last message has arrived; `None` if only its own
    /// timeouts tell it.
    pub client_notices: Option<Duration>,
}

impl Cut {
    /// A cut after which this many of the messages on their way to the server and to the client still
    /// arrive; only their own timeouts tell the two.
    #[must_use]
    pub fn new(to_server: usize, to_client: usize) -> Self {
        Self { to_server, to_client, server_notices: None, client_notices: None }
    }

    setters! {
        /// Sets when the server notices, after the last message has arrived.
        server_notices: Option<Duration>;
        /// Sets when the client notices, after the last message has arrived.
        client_notices: Option<Duration>;
    }
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    /// Its number at the server; `None` once that server is gone.
    pub(super) peer: Option<PeerId>,
    pub(super) to_server: Direction<String>,
    pub(super) to_client: Direction<String>,
    /// When the server learns of the end.
    pub(super) server_end: Option<Instant>,
    /// When the client learns of the end, and what it learns.
    pub(super) client_end: Option<(Instant, Loss)>,
    /// The client takes messages from it.
    pub(super) is_read: bool,
    /// The rest of what was read last, and when that was, on the client's clock.
    pub(super) unhanded: VecDeque<String>,
    pub(super) read_at: Option<Instant>,
    /// It takes frames from the client.
    pub(super) is_writable: bool,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, peer: PeerId) -> Self {
        Self {
            id,
            peer: Some(peer),
            to_server: Direction::new(),
            to_client: Direction::new(),
            server_end: None,
            client_end: None,
            is_read: true,
            unhanded: VecDeque::new(),
            read_at: None,
            is_writable: true,
        }
    }

    pub(super) fn cut(&mut self, cut: Cut, now: Instant, troubles: &mut Troubles) {
        troubles.lost_to_server += self.to_server.cut(cut.to_server);
        troubles.lost_to_client += self.to_client.cut(cut.to_client);
        let server_last = self.to_server.last_arrival().unwrap_or(now);
        self.server_end = cut.server_notices.map(|after| server_last + after);
        let client_last = self.to_client.last_arrival().unwrap_or(now);
        let loss = Loss::reset("the link broke");
        self.client_end = cut.client_notices.map(|after| (client_last + after, loss));
    }

    /// Ends the connection, as the server is gone: what it has sent arrives before.
    pub(super) fn server_stopped(&mut self, now: Instant, troubles: &mut Troubles) {
        self.peer = None;
        let everything = Cut {
            to_server: 0,
            to_client: usize::MAX,
            server_notices: None,
            client_notices: Some(Duration::ZERO),
        };
        self.cut(everything, now, troubles);
    }

    /// Closes the connection from the server's side.
    pub(super) fn server_closes(&mut self, loss: Loss, now: Instant, delay: Duration) {
        let end = self.to_client.last_arrival().unwrap_or(now) + delay;
        // A link that is broken already does not carry the close either.
        if self.client_end.is_none() && !self.to_client.is_broken() {
            self.client_end = Some((end, loss));
        }
    }

    /// Gives the connection up from the client's side: what it has sent still arrives, unless the
    /// link broke.
    pub(super) fn client_leaves(&mut self, now: Instant, delay: Duration) {
        let last = self.to_server.last_arrival().unwrap_or(now);
        self.server_end.get_or_insert(last + delay);
        self.to_server.cut(usize::MAX);
    }

    /// Reads everything that has arrived. Returns how many messages had to wait for it.
    pub(super) fn read(&mut self, now: Instant, client_now: Instant) -> u64 {
        let mut late = 0;
        while let Some((arrival, text)) = self.to_client.receive_with_time(now) {
            late += u64::from(arrival < now);
            self.unhanded.push_back(text);
        }
        self.read_at = Some(client_now);
        late
    }

    /// Returns the next time at which something happens on the client's side of it.
    pub(super) fn next_at_client(&self) -> Option<Instant> {
        if !self.is_read {
            // Who does not read does not learn of the end either.
            return None;
        }
        if !self.unhanded.is_empty() {
            return Some(Instant::ORIGIN);
        }
        let end = self.client_end.as_ref().map(|(end, _)| *end);
        [self.to_client.next_arrival(), end].into_iter().flatten().min()
    }

    /// The same on the server's side.
    pub(super) fn next_at_server(&self) -> Option<Instant> {
        self.peer?;
        [self.to_server.next_arrival(), self.server_end].into_iter().flatten().min()
    }
}
