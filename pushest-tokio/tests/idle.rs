//! What an idle connection takes, also after a burst. In a process of its own, since its allocator counts
//! all of it.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pushest_conformance::live_bytes;
use pushest_tokio::proto::Session;
use pushest_tokio::{Client, Config, Event, Options, Overflow, Pump, Subscription};
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, accept_with_config};

pushest_conformance::counting_allocator!();

/// One test at a time: what one holds would count for the others.
static ALONE: Mutex<()> = Mutex::new(());

const CLIENTS: usize = 64;

/// The budget for a connection over `ws://` with a read buffer of 4 KiB is 10 KiB. What the allocator adds
/// to each of the two dozen allocations is left out of what it counts, but not of the budget.
const MOST: usize = 10 * 1024 - 24 * 16;

/// A server that holds nothing of a connection but its socket.
struct Server {
    port: u16,
    /// Connections that have been established.
    sockets: Receiver<TcpStream>,
}

impl Server {
    /// Tells clients to send a ping after this many seconds of silence.
    fn start(activity_timeout: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, sockets) = channel();
        std::thread::spawn(move || serve(&listener, activity_timeout, &sender));
        Self { port, sockets }
    }

    fn config(&self) -> Config {
        Config::builder("key").host("127.0.0.1").port(self.port).build().unwrap()
    }

    /// Returns `count` clients, connected, and their sockets.
    async fn clients(&self, config: &Config, count: usize) -> Vec<(Client, TcpStream)> {
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            let options = Options::default().overflow(Overflow::Wait);
            let client = Client::with_options(config.clone(), options);
            client.connected().await.unwrap();
            clients.push((client, self.sockets.recv().unwrap()));
        }
        clients
    }
}

fn serve(listener: &TcpListener, activity_timeout: u64, sender: &Sender<TcpStream>) {
    while let Ok((stream, _)) = listener.accept() {
        let kept = stream.try_clone().unwrap();
        let config = WebSocketConfig::default().read_buffer_size(128);
        let mut socket = accept_with_config(stream, Some(config)).unwrap();
        let hello = json!({"socket_id": "1.1", "activity_timeout": activity_timeout}).to_string();
        let hello = json!({"event": "pusher:connection_established", "data": hello}).to_string();
        socket.send(Message::text(hello)).unwrap();
        drop(socket);
        if sender.send(kept).is_err() {
            return;
        }
    }
}

/// Waits for its turn, and until the other tests have begun: each waits here, too, or is over.
fn alone() -> MutexGuard<'static, ()> {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut before = live_bytes();
    loop {
        std::thread::sleep(Duration::from_millis(20));
        let now = live_bytes();
        if now == before {
            return alone;
        }
        before = now;
    }
}

fn run(test: impl Future<Output = ()>) {
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test);
}

#[test]
fn an_idle_connection_takes_less_than_ten_kibibytes() {
    run(async {
        let server = Server::start(120);
        let config = server.config();
        // What is made once in a process is there then.
        let first = server.clients(&config, 1).await;
        let before = live_bytes();
        let clients = server.clients(&config, CLIENTS).await;
        let each = (live_bytes() - before) / CLIENTS;
        println!("{each} bytes each");
        assert!(each <= MOST, "{each} bytes");
        drop((first, clients));
    });
}

#[test]
fn what_a_connection_consists_of_does_not_grow_unseen() {
    let _alone = alone();
    // Without its tables, which are made when they are needed.
    for (what, bytes, most) in [
        ("a session", size_of::<Session>(), 2_100),
        ("a pump, which is nearly all of the task", size_of::<Pump>(), 1_400),
        ("a configuration, which clones share", size_of::<Config>(), size_of::<usize>()),
    ] {
        println!("{what}: {bytes} bytes");
        assert!(bytes <= most, "{what} has {bytes} bytes, and not {most} at most");
    }
}

/// A server's frame with an event of the channel.
fn frame(event: &str, data: &str) -> Vec<u8> {
    let text = json!({"event": event, "channel": "news", "data": data}).to_string();
    let mut frame = vec![0x81, 127];
    frame.extend((text.len() as u64).to_be_bytes());
    frame.extend(text.as_bytes());
    frame
}

/// Takes a number of events, which are dropped.
async fn take(subscription: &mut Subscription, mut events: usize) {
    while events > 0 {
        match subscription.recv().await.unwrap() {
            Event::Channel(_) => events -= 1,
            Event::Subscribed { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Answers the ping that a client may have sent by now, and forgets whatever else it sent.
fn answer(socket: &mut TcpStream) {
    socket.set_nonblocking(true).unwrap();
    while socket.read(&mut [0; 1_000]).is_ok() {}
    socket.set_nonblocking(false).unwrap();
    socket.write_all(&frame("pusher:pong", "")).unwrap();
}

/// Waits until a client sends something: a ping, since the server is silent.
async fn next_ping(socket: &TcpStream) {
    let mut socket = socket.try_clone().unwrap();
    let read = tokio::task::spawn_blocking(move || socket.read(&mut [0; 1_000]).unwrap());
    assert!(read.await.unwrap() > 0);
}

/// What may be left of a burst: places for the next batch of events, on their way to one receiver.
const LEFT: usize = 16 * 1024;

#[test]
fn after_a_burst_a_connection_gives_back_what_it_needed() {
    for (size, events) in [(100, 2_000), (3_000, 500), (300_000, 3)] {
        run(async {
            let server = Server::start(1);
            let mut clients = server.clients(&server.config(), 8).await;
            let mut subscriptions = Vec::new();
            for (client, socket) in &mut clients {
                let mut subscription = client.subscribe("news").unwrap();
                socket.write_all(&frame("pusher_internal:subscription_succeeded", "{}")).unwrap();
                socket.write_all(&frame("e", "")).unwrap();
                take(&mut subscription, 1).await;
                subscriptions.push(subscription);
            }
            let before = live_bytes();
            for (subscription, (_, socket)) in subscriptions.iter_mut().zip(&mut clients) {
                let mut writing = socket.try_clone().unwrap();
                let burst = std::thread::spawn(move || {
                    let event = frame("e", &"x".repeat(size));
                    (0..events).for_each(|_| writing.write_all(&event).unwrap());
                });
                take(subscription, events).await;
                burst.join().unwrap();
            }
            for (subscription, (_, socket)) in subscriptions.iter_mut().zip(&mut clients) {
                socket.write_all(&frame("e", "")).unwrap();
                take(subscription, 1).await;
            }
            clients.iter_mut().for_each(|(_, socket)| answer(socket));
            for (_, socket) in &clients {
                next_ping(socket).await;
            }
            let left = live_bytes().saturating_sub(before) / clients.len();
            println!("after {events} events of {size} bytes: {left} bytes more");
            assert!(left <= LEFT, "after {events} events of {size} bytes: {left} bytes");
        });
    }
}
