//! A balancer in front of the nodes: it forwards each connection to one of those that are ready. It
//! listens on a port for each client, so that it knows which node each of them was on, and when. A client
//! that knows all nodes has a port for each of them, which leads to this node or nowhere.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::app;

/// How long a node may take to accept a connection.
const LIMIT: Duration = Duration::from_millis(500);

/// A balancer, until the process ends.
#[derive(Debug)]
pub(super) struct Balancer {
    shared: Arc<Shared>,
    addresses: Vec<Vec<SocketAddr>>,
}

#[derive(Debug)]
struct Shared {
    nodes: Vec<SocketAddr>,
    ready: Mutex<Vec<bool>>,
    clients: Vec<Mutex<Client>>,
}

/// A connection that was made for a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub(super) node: usize,
    pub(super) since: Duration,
    pub(super) until: Option<Duration>,
}

#[derive(Debug, Default)]
struct Client {
    visits: Vec<Visit>,
    /// The last connection: the client's half, and the node's.
    halves: Option<[TcpStream; 2]>,
}

impl Balancer {
    /// Starts one for this many clients, of which some know all nodes; no node is ready.
    pub(super) fn start(
        nodes: Vec<SocketAddr>,
        clients: usize,
        knows_nodes: impl Fn(usize) -> bool,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            ready: Mutex::new(vec![false; nodes.len()]),
            nodes,
            clients: (0..clients).map(|_| Mutex::default()).collect(),
        });
        let addresses = (0..clients).map(|client| -> io::Result<Vec<SocketAddr>> {
            if !knows_nodes(client) {
                return Ok(vec![shared.listen(client, None)?]);
            }
            (0..shared.nodes.len()).map(|node| shared.listen(client, Some(node))).collect()
        });
        let addresses = addresses.collect::<io::Result<_>>()?;
        Ok(Self { shared, addresses })
    }

    /// Returns where a client reaches it: one address, or one for each node.
    pub(super) fn addresses(&self, client: usize) -> &[SocketAddr] {
        &self.addresses[client]
    }

    /// Returns whether a client knows all nodes, and chooses among them by itself.
    pub(super) fn knows_nodes(&self, client: usize) -> bool {
        self.addresses[client].len() > 1
    }

    /// Says whether connections may go to a node from now on.
    pub(super) fn set_ready(&self, node: usize, is_ready: bool) {
        lock(&self.shared.ready)[node] = is_ready;
    }

    /// Returns the connections of a client that were made since then.
    pub(super) fn visits(&self, client: usize, since: Duration) -> Vec<Visit> {
        let client = lock(&self.shared.clients[client]);
        client.visits.iter().filter(|visit| visit.since >= since).copied().collect()
    }

    /// Returns the node that a client was on at that time.
    pub(super) fn node_of(&self, client: usize, at: Duration) -> Option<usize> {
        let client = lock(&self.shared.clients[client]);
        let visits = client.visits.iter().rev();
        let mut visits = visits.filter(|it| it.since <= at && it.until.is_none_or(|end| end >= at));
        visits.next().map(|visit| visit.node)
    }

    /// Ends the connections of clients that are not where they were at first, so that each node has its
    /// share again. Returns which clients these are.
    pub(super) fn spread(&self) -> Vec<usize> {
        let mut moved = Vec::new();
        for (index, client) in self.shared.clients.iter().enumerate() {
            let client = lock(client);
            let home = self.shared.home(index);
            let is_away = client.visits.last().is_some_and(|visit| visit.node != home);
            if let Some(halves) = client.halves.as_ref().filter(|_| is_away) {
                end(halves);
                moved.push(index);
            }
        }
        moved
    }
}

impl Shared {
    /// Returns the node that a client is on at first.
    fn home(&self, client: usize) -> usize {
        client % self.nodes.len()
    }

    /// Accepts connections of a client, to this node or to any.
    fn listen(self: &Arc<Self>, client: usize, node: Option<usize>) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = self.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                // A connection that fails is the client's to notice.
                thread::spawn(move || shared.serve(client, node, stream));
            }
        });
        Ok(address)
    }

    /// Forwards a connection until either side ends.
    fn serve(&self, client: usize, node: Option<usize>, stream: TcpStream) -> io::Result<()> {
        let connected = match node {
            Some(node) => self.connect_to(node),
            None => {
                let last = lock(&self.clients[client]).visits.last().map(|visit| visit.node);
                // A client that comes back had no luck with the last one.
                self.connect(last.map_or(self.home(client), |node| node + 1))
            }
        };
        let Some((node, server)) = connected else { return Ok(()) };
        stream.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let place = {
            let mut client = lock(&self.clients[client]);
            client.visits.push(Visit { node, since: app::now(), until: None });
            client.halves = Some([stream.try_clone()?, server.try_clone()?]);
            client.visits.len() - 1
        };
        let halves = [stream.try_clone()?, server.try_clone()?];
        let to_server = thread::spawn(move || {
            let [mut stream, mut server] = halves;
            let _ = io::copy(&mut stream, &mut server);
            end(&[stream, server]);
        });
        let (mut from, mut to) = (&server, &stream);
        let _ = io::copy(&mut from, &mut to);
        lock(&self.clients[client]).visits[place].until = Some(app::now());
        end(&[stream, server]);
        let _ = to_server.join();
        Ok(())
    }

    /// Connects to the first node that accepts, from this one on.
    fn connect(&self, first: usize) -> Option<(usize, TcpStream)> {
        let count = self.nodes.len();
        (first..first + count).find_map(|node| self.connect_to(node % count))
    }

    /// Connects to a node if it is ready and accepts.
    fn connect_to(&self, node: usize) -> Option<(usize, TcpStream)> {
        let is_ready = lock(&self.ready)[node];
        let stream = is_ready.then(|| TcpStream::connect_timeout(&self.nodes[node], LIMIT));
        Some((node, stream?.ok()?))
    }
}

fn end(halves: &[TcpStream; 2]) {
    for half in halves {
        let _ = half.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    /// Connects through the balancer, and returns what the node says first.
    fn greeted(balancer: &Balancer, client: usize) -> (TcpStream, u8) {
        let mut stream = TcpStream::connect(balancer.addresses(client)[0]).unwrap();
        let mut greeting = [0];
        stream.read_exact(&mut greeting).unwrap();
        (stream, greeting[0])
    }

    /// Starts a node that says its number to whoever connects, and keeps the connections.
    fn node(number: u8) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for mut stream in listener.incoming().flatten() {
                stream.write_all(&[number]).unwrap();
                kept.push(stream);
            }
        });
        address
    }

    #[test]
    fn clients_are_spread_over_the_nodes_that_are_ready_and_can_be_spread_again() {
        let balancer = Balancer::start(vec![node(0), node(1)], 2, |_| false).unwrap();
        balancer.set_ready(0, true);
        let (mut first, _) = greeted(&balancer, 0);
        let (mut second, greeting) = greeted(&balancer, 1);
        assert_eq!(greeting, 0, "node 1 is not ready");
        balancer.set_ready(1, true);
        assert_eq!(balancer.spread(), [1]);
        assert_eq!(second.read(&mut [0]).unwrap(), 0);
        let (_second, greeting) = greeted(&balancer, 1);
        assert_eq!(greeting, 1);
        assert_eq!(balancer.spread(), [0; 0]);
        assert_eq!(balancer.node_of(1, app::now()), Some(1));
        assert_eq!(balancer.visits(1, Duration::ZERO).len(), 2);
        // One that comes back is sent to another node.
        first.shutdown(Shutdown::Both).unwrap();
        assert_eq!(first.read(&mut [0]).unwrap(), 0);
        assert_eq!(greeted(&balancer, 0).1, 1);
    }

    #[test]
    fn a_client_that_knows_the_nodes_is_led_to_the_one_it_asks_for_or_nowhere() {
        let balancer = Balancer::start(vec![node(0), node(1)], 2, |client| client == 1).unwrap();
        assert!(balancer.knows_nodes(1) && !balancer.knows_nodes(0));
        balancer.set_ready(0, true);
        let [first, second] = balancer.addresses(1) else { panic!("one for each node") };
        let says = |address: &SocketAddr| {
            let mut stream = TcpStream::connect(address).unwrap();
            let mut greeting = [0];
            let length = stream.read(&mut greeting).unwrap_or_default();
            (stream, (length > 0).then_some(greeting[0]))
        };
        assert_eq!(says(second).1, None, "node 1 is not ready");
        let (mut stream, greeting) = says(first);
        assert_eq!((greeting, balancer.node_of(1, app::now())), (Some(0), Some(0)));
        balancer.set_ready(1, true);
        assert_eq!(balancer.spread(), [1], "it has another home");
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        let (_stream, greeting) = says(second);
        assert_eq!((greeting, balancer.node_of(1, app::now())), (Some(1), Some(1)));
    }
}
