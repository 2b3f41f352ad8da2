//! Streams that are handed to a server without a port.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_io::{AsyncRead, AsyncWrite};
use pushest_testkit::{Duplex, Server, Target, duplex};
use serde_json::json;

use crate::client::{Client, PATIENCE, open};

fn without_port() -> Server {
    Server::builder().without_port().start().unwrap()
}

/// One end in memory that blocks.
struct Blocking(Duplex);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(poll_fn(|context| poll(context)));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(PATIENCE),
        }
    }
}

impl Read for Blocking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        block_on(|context| Pin::new(&mut self.0).poll_read(context, buffer))
    }
}

impl Write for Blocking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        block_on(|context| Pin::new(&mut self.0).poll_write(context, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn within(server: &Server, capacity: usize) -> Blocking {
    let (ours, theirs) = duplex(capacity);
    server.accept(theirs).unwrap();
    Blocking(ours)
}

#[test]
fn streams_in_memory_are_connections_like_others() {
    let server = without_port();
    // So little room that everything waits for it.
    let mut clients = [64 * 1024, 7].map(|capacity| {
        let mut client = Client::greeted(open(within(&server, capacity)).unwrap());
        client.subscribe("news");
        client
    });
    assert_eq!(server.connections(), 2);
    assert_eq!(server.socket_ids(), clients.each_ref().map(|client| client.socket_id.clone()));
    let data = "x".repeat(100_000);
    server.publish("news", "large", &data);
    for client in &mut clients {
        assert_eq!(client.read(), json!({ "event": "large", "channel": "news", "data": data }));
    }
    let first = clients[0].socket_id.clone();
    server.close(&*first, 4200, "restart");
    assert_eq!(u16::from(clients[0].read_close().code), 4200);
    server.reset_connections(Target::All);
    assert_eq!(clients[1].read_end(), io::ErrorKind::UnexpectedEof);
    drop(clients);
    server.wait_for_connections(0, PATIENCE).unwrap();
}

#[test]
fn a_client_in_memory_that_leaves_is_forgotten_and_a_server_that_stops_is_the_end() {
    let server = without_port();
    drop(Client::greeted(open(within(&server, 1024)).unwrap()));
    server.wait_for_connections(0, PATIENCE).unwrap();
    let mut client = Client::greeted(open(within(&server, 1024)).unwrap());
    server.stop();
    assert_eq!(client.read_end(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_server_without_a_port_says_where_nothing_listens() {
    let server = without_port();
    assert_eq!(server.url(), "pusher://app-key:app-secret@127.0.0.1:1");
    assert_eq!((server.port(), server.connections()), (1, 0));
    // One with a port takes both kinds.
    let server = Server::start().unwrap();
    let (_port, _memory) =
        (Client::connect(&server), Client::greeted(open(within(&server, 1024)).unwrap()));
    assert_eq!(server.connections(), 2);
}

#[cfg(unix)]
mod sockets {
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn pairs_of_sockets_and_accepted_ones_are_connections_like_others() {
        let server = without_port();
        let (ours, theirs) = UnixStream::pair().unwrap();
        server.accept(theirs).unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut unix = Client::greeted(open(ours).unwrap());
        unix.subscribe("news");

        // A listener of one's own. What is kept beside it does not keep the connection.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let theirs = listener.accept().unwrap().0;
        server.accept(theirs).unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut tcp = Client::greeted(open(ours).unwrap());
        tcp.subscribe("news");

        let data = "x".repeat(1_000_000);
        server.publish("news", "large", &data);
        assert_eq!((unix.read()["data"].as_str(), tcp.read()["data"].as_str()), {
            let data = Some(data.as_str());
            (data, data)
        });
        server.reset_connections(Target::All);
        assert_eq!(tcp.read_end(), io::ErrorKind::ConnectionReset);
        assert_eq!(unix.read_end(), io::ErrorKind::UnexpectedEof);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn a_file_that_nothing_can_wait_for_is_refused() {
        let server = without_port();
        let file = std::fs::File::open("Cargo.toml").unwrap();
        let refused = server.accept(file);
        assert_eq!(refused.is_err(), cfg!(target_os = "linux"), "{refused:?}");
        drop(Client::greeted(open(within(&server, 1024)).unwrap()));
    }
}
