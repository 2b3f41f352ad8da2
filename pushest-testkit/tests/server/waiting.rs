use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use pushest_testkit::Server;
use serde_json::json;

use crate::client::{Client, PATIENCE};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest runtime there is.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(PATIENCE),
        }
    }
}

#[test]
fn waiting_ends_when_it_has_come_true() {
    let server = Server::start().unwrap();
    server.wait_for_connections(0, Duration::ZERO).unwrap();
    let connected = server.until_connections(1);
    connected.wait(Duration::ZERO).unwrap_err();
    let mut client = Client::connect(&server);
    connected.wait(PATIENCE).unwrap();
    let gone = server.until_subscribers("news", 0);
    gone.wait(PATIENCE).unwrap();
    client.send(&json!({ "event": "pusher:subscribe", "data": { "channel": "news" } }));
    server.wait_for_subscribers("news", 1, PATIENCE).unwrap();
}

#[test]
fn what_does_not_come_is_an_error_that_says_what_there_was() {
    let server = Server::start().unwrap();
    let error = server.wait_for_subscribers("news", 2, Duration::from_millis(1)).unwrap_err();
    assert_eq!(error.to_string(), "waited 1ms for 2 subscribers of news; there are 0");
}

#[test]
fn it_is_a_future_too() {
    let server = Server::start().unwrap();
    let until = server.until(|view| view.broker.channels().any(|name| name == "news"));
    let waiting = thread::spawn(move || block_on(until));
    let mut client = Client::connect(&server);
    client.subscribe("news");
    waiting.join().unwrap();
}

#[test]
fn anything_can_be_looked_at() {
    let server = Server::start().unwrap();
    let mut client = Client::connect(&server);
    client.subscribe("news");
    client.subscribe("sports");
    let channels = server.inspect(|view| {
        let peer = view.broker.peers().next().unwrap();
        view.broker.subscriptions(peer).map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(channels, ["news", "sports"]);
}
