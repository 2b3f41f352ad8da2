//! When a socket is asked, and that nothing is missed.

use std::net::{Shutdown, TcpListener};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A loop with one socket, and the socket's other end.
struct Pair {
    poll: mio::Poll,
    events: mio::Events,
    reactor: Arc<Reactor>,
    socket: Socket,
    server: std::net::TcpStream,
}

impl Pair {
    fn new() -> Self {
        let mut poll = mio::Poll::new().expect("a queue");
        let mut events = mio::Events::with_capacity(16);
        let reactor = Arc::new(Reactor::new(&poll).expect("a waker"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut connect = Sockets { reactor: reactor.clone() }.connect(address);
        let socket = loop {
            let context = &mut Context::from_waker(Waker::noop());
            if let Poll::Ready(connected) = connect.as_mut().poll(context) {
                break connected.expect("it listens").into_inner();
            }
            reactor.wait(&mut poll, &mut events, Some(reactor.now() + PATIENCE));
        };
        let server = listener.accept().expect("it has connected").0;
        Self { poll, events, reactor, socket, server }
    }

    fn read(&mut self) -> Option<usize> {
        match self.socket.read(&mut [0; 100]) {
            Ok(length) => Some(length),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Sleeps until there is something to read.
    fn next(&mut self) -> usize {
        let begun = Instant::now();
        loop {
            if let Some(length) = self.read() {
                return length;
            }
            assert!(begun.elapsed() < PATIENCE, "nothing wakes the loop");
            let until = self.reactor.now() + PATIENCE;
            self.reactor.wait(&mut self.poll, &mut self.events, Some(until));
        }
    }
}

#[test]
fn a_socket_that_was_emptied_is_asked_again_only_after_a_sleep_and_misses_nothing() {
    let mut pair = Pair::new();
    for _ in 0..100 {
        pair.server.write_all(b"one").expect("it is open");
        assert_eq!(pair.next(), 3);
        pair.server.write_all(b"more").expect("it is open");
        if SHORT_IS_EMPTY {
            assert_eq!(pair.read(), None);
        }
        assert_eq!(pair.next(), 4);
    }
}

#[test]
fn whoever_does_not_sleep_can_look_again() {
    let mut pair = Pair::new();
    pair.server.write_all(b"one").expect("it is open");
    assert_eq!(pair.next(), 3);
    assert_eq!(pair.read(), None);
    pair.server.write_all(b"more").expect("it is open");
    let begun = Instant::now();
    let read = std::iter::from_fn(|| {
        assert!(begun.elapsed() < PATIENCE, "it is not looked at");
        pair.reactor.look_again();
        Some(pair.read())
    });
    assert_eq!(read.flatten().next(), Some(4));
}

#[test]
fn the_end_behind_the_last_bytes_is_read_although_nothing_more_wakes_the_loop() {
    for _ in 0..100 {
        let mut pair = Pair::new();
        pair.server.write_all(b"last").expect("it is open");
        pair.server.shutdown(Shutdown::Write).expect("it is open");
        assert_eq!((pair.next(), pair.next()), (4, 0));
    }
}

/// Elsewhere, a reset may take back what was not read before it.
#[cfg(target_os = "linux")]
#[test]
fn what_had_arrived_is_read_though_writing_fails_before_the_loop_has_slept() {
    let mut pair = Pair::new();
    // What it does not read makes a reset of its end.
    pair.socket.write_all(b"unread").expect("it is open");
    assert_eq!(pair.read(), None);
    pair.server.write_all(b"last").expect("it is open");
    drop(pair.server);
    let mut socket = pair.socket;
    let mut buffer = [0; 100];
    let kind = socket.read(&mut buffer).map_err(|error| error.kind());
    assert_eq!(kind, Err(io::ErrorKind::WouldBlock));
    socket.write(b"hello").expect_err("it was reset");
    assert_eq!(socket.read(&mut buffer).expect("it was there"), 4);
}
