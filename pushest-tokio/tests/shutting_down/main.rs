//! The program of the page "Shutting down" does what the page says.

mod page;

use std::time::{Duration, Instant};

use pushest_testkit::{Server, Target};
use pushest_tokio::{Client, Config};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the page's program is here: without the line above it, and without its visibility.
fn program() -> String {
    let program = include_str!("page.rs").split_once("\n\n").expect("a line and a program").1;
    program.replace("pub(crate) ", "")
}

struct Service {
    server: Server,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    handled: mpsc::UnboundedReceiver<String>,
    running: tokio::task::JoinHandle<usize>,
}

impl Service {
    async fn start() -> Self {
        let server = Server::start().expect("a server");
        let config = Config::builder("app-key").host("127.0.0.1").port(server.port()).build();
        let client = Client::new(config.expect("valid"));
        let (stop, stopped) = oneshot::channel::<()>();
        let (handles, handled) = mpsc::unbounded_channel();
        let serving = client.clone();
        let running = tokio::spawn(async move {
            let stop = async { drop(stopped.await) };
            let handle = |event: pushest_tokio::ChannelEvent| {
                drop(handles.send(event.text().into_owned()));
            };
            page::serve(&serving, stop, handle).await.expect("a good name")
        });
        let is_there = server.until_subscribers("orders", 1);
        let waiting = tokio::task::spawn_blocking(move || is_there.wait(PATIENCE));
        waiting.await.expect("it ran").expect("it subscribes");
        Self { server, client, stop: Some(stop), handled, running }
    }

    async fn handled(&mut self) -> Option<String> {
        timeout(PATIENCE, self.handled.recv()).await.expect("in time")
    }

    async fn left(self) -> usize {
        timeout(PATIENCE, self.running).await.expect("in time").expect("it ends")
    }
}

#[test]
fn the_page_shows_the_program_that_is_tested_here() {
    let page = include_str!("../../docs/shutting-down.md");
    assert!(page.contains(&format!("```rust\n{}```\n", program())), "{}", program());
}

#[tokio::test]
async fn it_handles_what_has_arrived_and_ends_when_it_is_told_to_stop() {
    let mut service = Service::start().await;
    service.server.publish("orders", "new", "1");
    assert_eq!(service.handled().await.as_deref(), Some("1"));
    service.server.publish("orders", "new", "2");
    service.client.flush().await.expect("flushed");
    let begun = Instant::now();
    drop(service.stop.take());
    assert_eq!(service.handled().await.as_deref(), Some("2"));
    assert_eq!(service.handled().await, None);
    assert_eq!(service.left().await, 0);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn it_ends_by_itself_when_the_server_refuses_for_good() {
    let mut service = Service::start().await;
    service.server.close(Target::All, 4003, "disabled");
    assert_eq!(service.handled().await, None);
    assert_eq!(service.left().await, 0);
}

#[tokio::test]
async fn it_ends_by_itself_when_another_part_shuts_the_client_down() {
    let mut service = Service::start().await;
    service.client.shutdown().await;
    assert_eq!(service.handled().await, None);
    assert_eq!(service.left().await, 0);
}
