//! The last client waits for its thread: what was triggered arrives, and no wait lasts forever.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use pushest_blocking::{Client, Config, Connection, Event, Handler, Options, run_with_options};
use pushest_testkit::{Server, Target};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The three seconds that are promised, and some more for a busy machine.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

fn server() -> Server {
    Server::builder().record(true).start().expect("a server")
}

fn config(server: &Server) -> Config {
    let app = server.app();
    let config = Config::builder(&app.key).secret(app.secret()).host("127.0.0.1");
    config.port(server.port()).client_events_per_second(None).build().expect("valid")
}

/// A client with a channel to trigger on.
fn subscribed(server: &Server) -> Client {
    let client = Client::new(config(server));
    let chat = client.subscribe("private-chat").expect("a good channel");
    chat.subscribed().expect("subscribed");
    chat.detach();
    client
}

fn trigger(client: &Client, count: usize) {
    for number in 0..count {
        client.trigger("private-chat", "client-number", &number).expect("it is taken");
    }
}

fn arrived(server: &Server) -> usize {
    server.received().iter().filter(|message| message.contains("client-number")).count()
}

#[test]
fn what_was_triggered_has_arrived_when_the_last_client_is_dropped() {
    for _ in 0..50 {
        let server = server();
        let client = subscribed(&server);
        let clone = client.clone();
        trigger(&client, 9);
        drop(clone);
        drop(client);
        assert_eq!(arrived(&server), 9);
        assert_eq!(server.connections(), 0);
    }
}

#[test]
fn what_was_triggered_has_arrived_when_a_panic_has_dropped_the_last_client() {
    let server = server();
    let client = subscribed(&server);
    let panicked = thread::spawn(move || {
        trigger(&client, 9);
        panic!("expected: the test panics here");
    });
    panicked.join().expect_err("it panics");
    assert_eq!(arrived(&server), 9);
}

#[test]
fn what_a_handler_has_triggered_has_arrived_when_it_is_over() {
    struct Triggers;

    impl Handler for Triggers {
        fn initial_channels(&self) -> Vec<(String, pushest_blocking::SubscribeOptions)> {
            vec![("private-chat".to_owned(), Default::default())]
        }

        fn on_event(&mut self, client: &Client, event: Event) {
            if matches!(event, Event::Subscribed { .. }) {
                trigger(client, 9);
                client.disconnect();
            }
        }
    }

    let server = server();
    run_with_options(config(&server), Options::default(), Triggers).expect("it disconnects");
    assert_eq!(arrived(&server), 9);
}

#[test]
fn a_server_that_does_not_read_holds_a_dropped_client_for_three_seconds_at_most() {
    let server = server();
    let client = subscribed(&server);
    server.stop_reading(Target::All);
    server.stop_answering(Target::All);
    // Until the sockets are full, and the session as well.
    let data = "x".repeat(9_000);
    while client.trigger("private-chat", "client-number", &data).is_ok() {}
    let begun = Instant::now();
    drop(client);
    assert!(begun.elapsed() < CLOSE_PATIENCE, "{:?}", begun.elapsed());
}

#[test]
fn a_client_that_never_was_connected_holds_nobody() {
    let server = server();
    server.withhold_handshake(true);
    let waits = Client::new(config(&server));
    let begun = Instant::now();
    while server.inspect(|view| view.upgrades) == 0 {
        assert!(begun.elapsed() < PATIENCE, "it dials");
        thread::sleep(Duration::from_millis(5));
    }
    let idle = Client::with_options(config(&server), Options::default().start_disconnected());
    let nobody = Config::builder("key").host("127.0.0.1").port(1).build().expect("valid");
    for client in [waits, idle, Client::new(nobody)] {
        let begun = Instant::now();
        drop(client);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}

#[test]
fn the_own_thread_does_not_wait_for_itself() {
    let server = server();
    let place = Arc::new(Mutex::new(None::<Client>));
    let (handed, (told, took)) = (place.clone(), mpsc::channel());
    let options = Options::default().record(move |_| {
        let last = handed.lock().expect("nobody panics").take();
        if last.is_some() {
            let begun = Instant::now();
            drop(last);
            told.send(begun.elapsed()).expect("the test listens");
        }
    });
    let client = Client::with_options(config(&server), options);
    client.connected().expect("connected");
    let commands = client.__driver().commands().clone();
    *place.lock().expect("nobody panics") = Some(client);
    // Something to record.
    commands.network_changed();
    let took = took.recv_timeout(PATIENCE).expect("it is dropped");
    assert!(took < Duration::from_secs(1), "{took:?}");
    server.wait_for_connections(0, PATIENCE).expect("closed");
}

#[test]
fn code_of_the_users_that_hangs_on_the_thread_holds_a_dropped_client_for_three_seconds_at_most() {
    let server = server();
    let (release, hangs) = mpsc::channel::<()>();
    let is_time = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let asked = is_time.clone();
    let options = Options::default().record(move |_| {
        if asked.load(std::sync::atomic::Ordering::SeqCst) {
            // Until the test ends.
            let _ = hangs.recv();
        }
    });
    let client = Client::with_options(config(&server), options);
    client.connected().expect("connected");
    is_time.store(true, std::sync::atomic::Ordering::SeqCst);
    let begun = Instant::now();
    drop(client);
    assert!(begun.elapsed() < CLOSE_PATIENCE, "{:?}", begun.elapsed());
    drop(release);
}

#[test]
fn a_client_may_be_dropped_with_the_locals_of_a_thread() {
    thread_local! {
        static CLIENT: std::cell::RefCell<Option<Client>> = const { std::cell::RefCell::new(None) };
    }
    let server = server();
    let client = subscribed(&server);
    let thread = thread::spawn(move || {
        trigger(&client, 9);
        CLIENT.set(Some(client));
    });
    thread.join().expect("no panic");
    assert_eq!(arrived(&server), 9);
}

#[test]
fn what_was_triggered_has_arrived_when_a_connection_is_dropped() {
    for _ in 0..50 {
        let server = server();
        let mut connection = Connection::new(config(&server));
        let chat = connection.subscribe("private-chat").expect("a good channel");
        connection.subscribed(&chat).expect("subscribed");
        for number in 0..9 {
            connection.trigger("private-chat", "client-number", &number).expect("it is taken");
        }
        drop(connection);
        assert_eq!(arrived(&server), 9);
    }
}
