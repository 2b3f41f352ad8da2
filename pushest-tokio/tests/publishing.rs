//! What is special about the HTTP API on tokio, and that a client has it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pushest_conformance::block_on;
use pushest_testkit::Server;
use pushest_tokio::api::Publish;
use pushest_tokio::{Api, ApiError, ApiOptions, Client, Config, ConfigBuilder, ConfigError, Event};
use tokio::runtime::{Builder, Runtime};

const PATIENCE: Duration = Duration::from_secs(20);

fn builder(port: u16) -> ConfigBuilder {
    Config::builder("app-key").secret("app-secret").host("127.0.0.1").port(port)
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A server that takes everything, over connections that it counts and can close.
struct Takes {
    port: u16,
    connections: Arc<AtomicUsize>,
    /// Connections that the other side has closed.
    ended: Arc<AtomicUsize>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Takes {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (connections, open) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<_>>>::default());
        let (count, list) = (connections.clone(), open.clone());
        let ended = Arc::<AtomicUsize>::default();
        let end = ended.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                list.lock().expect("nobody panics").push(stream.try_clone().expect("a handle"));
                let end = end.clone();
                thread::spawn(move || {
                    answer(stream);
                    end.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, connections, ended, open }
    }

    fn api(&self) -> Api {
        Api::new(&builder(self.port).app_id("1").build().expect("valid")).expect("whole")
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn close(&self) {
        for stream in self.open.lock().expect("nobody panics").drain(..) {
            stream.shutdown(std::net::Shutdown::Both).expect("it is open");
        }
    }
}

/// Answers each request, of which there is one at a time.
fn answer(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {
        if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").is_err() {
            return;
        }
    }
}

async fn publish(api: &Api) -> Result<(), ApiError> {
    api.publish("orders", "shipped", &7).await.map(drop)
}

#[test]
fn a_call_outside_of_a_runtime_is_an_error_and_no_panic() {
    let server = Takes::start();
    let api = server.api();
    let error = block_on(publish(&api), PATIENCE).expect("at once").expect_err("no runtime");
    assert!(matches!(error, ApiError::Start(_)) && !error.may_have_arrived(), "{error}");
    one_thread().block_on(publish(&api)).expect("published in one");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_connection_that_was_closed_while_the_runtime_stood_still_is_replaced() {
    // A runtime of one thread learns of it only when it runs again.
    let (server, runtime) = (Takes::start(), one_thread());
    let api = server.api();
    for round in 1..=10 {
        runtime.block_on(publish(&api)).expect("published");
        assert_eq!(server.connections(), round);
        server.close();
    }
    // The same from within, while the thread is blocked.
    runtime.block_on(async {
        for _ in 0..10 {
            publish(&api).await.expect("published");
            server.close();
        }
    });
    assert_eq!(server.connections(), 20);
}

#[test]
fn runtimes_that_share_an_api_have_connections_of_their_own() {
    let server = Takes::start();
    let api = server.api();
    let (first, second) = (one_thread(), one_thread());
    for runtime in [&first, &second, &first, &second] {
        // A connection of the other one would wait for an event loop that stands still.
        runtime.block_on(publish(&api)).expect("published");
    }
    assert_eq!(server.connections(), 2);
    drop(first);
    second.block_on(publish(&api)).expect("published");
    assert_eq!(server.connections(), 2);
    let third = one_thread();
    third.block_on(publish(&api)).expect("published");
    assert_eq!(server.connections(), 3);
}

#[test]
fn what_is_kept_of_a_runtime_that_stands_still_or_is_gone_is_closed_when_it_is_due() {
    let server = Takes::start();
    let config = builder(server.port).app_id("1").build().expect("valid");
    let options = ApiOptions::default().keep_alive(Duration::from_millis(300));
    let api = Api::with_options(&config, options).expect("whole");
    let (still, gone) = (one_thread(), one_thread());
    still.block_on(publish(&api)).expect("published");
    gone.block_on(publish(&api)).expect("published");
    drop(gone);
    let begun = Instant::now();
    while server.ended.load(Ordering::SeqCst) < 2 {
        assert!(begun.elapsed() < PATIENCE, "{:?}", server.ended);
        thread::sleep(Duration::from_millis(5));
    }
    still.block_on(publish(&api)).expect("published over a new one");
    assert_eq!(server.connections(), 3);
}

#[test]
fn calls_can_be_spawned() {
    let server = Takes::start();
    let api = server.api();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let calls = (0..100).map(|_| {
            let api = api.clone();
            tokio::spawn(async move { publish(&api).await })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.expect("no panic").expect("published");
        }
    });
    assert!(server.connections() <= 16, "{}", server.connections());
}

#[tokio::test]
async fn a_client_publishes_what_it_receives_and_says_what_is_missing_for_that() {
    let server = Server::start().expect("a server");
    let client = Client::new(builder(server.port()).app_id("1").build().expect("valid"));
    let mut orders = client.subscribe("orders").expect("a good channel");
    orders.subscribed().await.expect("subscribed");
    client.api().expect("whole").publish("orders", "shipped", &[7]).await.expect("published");
    let event = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(Event::Channel(event)) = orders.recv().await {
                return event;
            }
        }
    });
    assert_eq!(event.await.expect("in time").text(), "[7]");
    // It goes on after the client's end, and shares its connections with what is asked for later.
    let api = client.api().expect("whole");
    client.shutdown().await;
    api.call(Publish::new("orders", "shipped", "8")).await.expect("published");

    let missing = |config: ConfigBuilder| {
        let client = Client::new(config.build().expect("enough for a client"));
        client.api().map(drop).expect_err("it fails")
    };
    let error = missing(builder(server.port()));
    assert_eq!(error, ConfigError::Missing { what: "app id" });
    let error = missing(builder(server.port()).app_id("1").without_secret());
    assert_eq!(error, ConfigError::Missing { what: "secret" });
}

#[tokio::test]
async fn a_clients_api_is_one() {
    let server = Takes::start();
    let client = Client::builder("app-key")
        .app_id("1")
        .secret("app-secret")
        .host("127.0.0.1")
        .port(server.port)
        .start_disconnected()
        .build()
        .expect("valid");
    for _ in 0..5 {
        publish(&client.api().expect("whole")).await.expect("published");
    }
    assert_eq!(server.connections(), 1);
}
