//! The program of the page "Shutting down" does what the page says.

mod page;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pushest_blocking::{ChannelEvent, Client, Config};
use pushest_testkit::{Server, Target};

const PATIENCE: Duration = Duration::from_secs(20);

/// What the page's program is here: without the line above it, and without its visibility.
fn program() -> String {
    let program = include_str!("page.rs").split_once("\n\n").expect("a line and a program").1;
    program.replace("pub(crate) ", "")
}

struct Service {
    server: Server,
    client: Client,
    stop: Sender<()>,
    handled: Receiver<String>,
    running: JoinHandle<usize>,
}

impl Service {
    fn start() -> Self {
        let server = Server::start().expect("a server");
        let config = Config::builder("app-key").host("127.0.0.1").port(server.port()).build();
        let client = Client::new(config.expect("valid"));
        let (stop, stopped) = mpsc::channel();
        let (handles, handled) = mpsc::channel();
        let (serving, stopping) = (client.clone(), stop.clone());
        let running = thread::spawn(move || {
            let handle = move |event: ChannelEvent| drop(handles.send(event.text().into_owned()));
            page::serve(&serving, (stopping, &stopped), handle).expect("a good name")
        });
        server.until_subscribers("orders", 1).wait(PATIENCE).expect("it subscribes");
        Self { server, client, stop, handled, running }
    }

    /// What is handled next; `None` after the end.
    fn handled(&self) -> Option<String> {
        match self.handled.recv_timeout(PATIENCE) {
            Ok(text) => Some(text),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing comes in time"),
        }
    }

    fn ends(self) {
        assert_eq!(self.handled(), None);
        assert_eq!(self.running.join().expect("it ends"), 0);
    }
}

#[test]
fn the_page_shows_the_program_that_is_tested_here() {
    let page = include_str!("../../docs/shutting-down.md");
    assert!(page.contains(&format!("```rust\n{}```\n", program())), "{}", program());
}

#[test]
fn it_handles_what_has_arrived_and_ends_when_it_is_told_to_stop() {
    let service = Service::start();
    service.server.publish("orders", "new", "1");
    assert_eq!(service.handled().as_deref(), Some("1"));
    service.server.publish("orders", "new", "2");
    service.client.flush().expect("flushed");
    let begun = Instant::now();
    service.stop.send(()).expect("it waits");
    assert_eq!(service.handled().as_deref(), Some("2"));
    service.ends();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn it_ends_by_itself_when_the_server_refuses_for_good() {
    let service = Service::start();
    service.server.close(Target::All, 4003, "disabled");
    service.ends();
}

#[test]
fn it_ends_by_itself_when_another_part_shuts_the_client_down() {
    let service = Service::start();
    service.client.shutdown();
    service.ends();
}
