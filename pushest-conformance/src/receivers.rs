//! Receivers of every kind end when the client ends, also while clones of it are held, and are told
//! why before. The suite of the testkit has the same for the one receiver that every client has.

use std::any::Any;
use std::fmt::Debug;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use pushest_driver::proto::{CommandError, Config, ConnectionState, Event, SubscribeOptions};
use pushest_driver::{Options, Received, SubscribeError, Subscription};
use pushest_testkit::conformance::Unmet;
use pushest_testkit::{Server, Target};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Waits, block_on};

/// Longer than anything here takes, even on a busy machine.
#[doc(hidden)]
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for what is not to come.
pub(crate) const MOMENT: Duration = Duration::from_millis(200);

/// Receives the next thing, in words: an event's text, or the state that it tells of. `None` after the
/// end.
pub type Receive = Box<dyn FnMut(Duration) -> Result<Option<String>, Unmet> + Send>;

/// Receives the next typed event. `None` after the end.
pub type ReceiveTyped<T> = Box<dyn FnMut(Duration) -> Result<Option<Received<T>>, Unmet> + Send>;

/// A client with receivers of every kind.
pub trait Receives: Waits {
    /// Another handle to the client.
    fn keep(&self) -> Box<dyn Any>;

    /// Returns a receiver of everything.
    fn events(&self) -> Receive;

    /// Returns a receiver of what is sent to the signed-in user.
    fn user_events(&self) -> Receive;

    /// Returns a channel's receiver.
    ///
    /// # Errors
    /// The client's.
    fn receive(&self, channel: &str) -> Result<Receive, SubscribeError>;

    /// Returns a receiver of a channel's events of one name, as values; subscribed with [`options`].
    fn on<T: DeserializeOwned + 'static>(&self, channel: &str, event: &str) -> ReceiveTyped<T>;

    /// Returns a receiver of a channel's events as variants of an enum.
    fn messages<E: DeserializeOwned + 'static>(&self, channel: &str) -> ReceiveTyped<E>;

    /// Returns a channel's receiver that is never read.
    fn hold(&self, channel: &str) -> Box<dyn Held>;
}

/// A channel's receiver of any runtime.
pub trait Held {
    /// Returns what it is made of.
    fn driver(&self) -> &Subscription;
}

impl Held for Subscription {
    fn driver(&self) -> &Subscription {
        self
    }
}

/// Returns what a receiver of a channel is subscribed with: on a presence channel as Ann.
#[must_use]
pub fn options(channel: &str) -> SubscribeOptions {
    if channel.starts_with("presence-") {
        SubscribeOptions::member("ann")
    } else {
        SubscribeOptions::default()
    }
}

/// Returns an event in words.
#[must_use]
pub fn word(event: &Event) -> String {
    match event {
        Event::Channel(event) => event.text().into_owned(),
        Event::State(change) => format!("{:?}", change.to),
        other => format!("{other:?}").split(['(', ' ']).next().unwrap_or_default().to_string(),
    }
}

/// A typed receiver's items in words.
fn words_of<T: Debug + 'static>(mut receive: ReceiveTyped<T>) -> Receive {
    let word = |item: Received<T>| match item {
        Received::Ended(change) => format!("{:?}", change.to),
        other => format!("{other:?}"),
    };
    Box::new(move |limit| Ok(receive(limit)?.map(word)))
}

pub(crate) fn config(server: &Server) -> Config {
    let builder = Config::builder(&server.app().key).secret(server.app().secret());
    builder.host("127.0.0.1").port(server.port()).build().expect("valid")
}

fn client<W: Receives>(server: &Server) -> W {
    W::start(config(server), Options::default().start_disconnected())
}

pub(crate) fn connected<W: Receives>(server: &Server) -> W {
    let mut client = client::<W>(server);
    client.commands().connect();
    client.connected(PATIENCE).expect("connected");
    client
}

/// Receivers of all kinds, of which two are of channels that are confirmed.
fn all<W: Receives>(client: &mut W) -> Vec<(&'static str, Receive)> {
    let receivers = vec![
        ("events", client.events()),
        ("user's events", client.user_events()),
        ("subscription", client.receive("news").expect("a good name")),
        ("on", words_of(client.on::<Value>("news", "headline"))),
        ("messages", words_of(client.messages::<Value>("news"))),
        ("unconfirmed", client.receive("private-orders").expect("a good name")),
    ];
    client.subscribed("news", PATIENCE).expect("subscribed");
    receivers
}

/// Returns what a receiver returns up to its end.
fn rest(receive: &mut Receive) -> Vec<String> {
    let next = || receive(PATIENCE).expect("an event or the end in time");
    std::iter::from_fn(next).collect()
}

/// Each of them ends, with this as its last word, and the end stays.
fn end_with(receivers: &mut [(&'static str, Receive)], last: &str) {
    for (name, receive) in receivers {
        let words = rest(receive);
        assert_eq!(words.last().map(String::as_str), Some(last), "{name}: {words:?}");
        assert_eq!(words.iter().filter(|word| *word == last).count(), 1, "{name}: {words:?}");
        assert_eq!(receive(MOMENT), Ok(None), "{name}");
    }
}

/// What is asked for anew is refused or has ended already, until the client is connected again.
fn is_closed<W: Receives>(client: &mut W, last: &str) {
    let Err(error) = client.receive("news") else { panic!("nothing can be subscribed to") };
    assert!(matches!(error, SubscribeError::Closed(_)), "{error}");
    let mut late = [("events", client.events()), ("user's events", client.user_events())];
    end_with(&mut late, last);
}

#[doc(hidden)]
pub fn a_shutdown_ends_receivers_of_every_kind_whoever_holds_a_clone<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = connected::<W>(&server);
    let (_kept, mut receivers) = (client.keep(), all(&mut client));
    server.publish("news", "headline", "1");
    client.flush(PATIENCE).expect("flushed");
    client.shutdown(PATIENCE).expect("closed");
    end_with(&mut receivers, "Disconnected");
    is_closed(&mut client, "Disconnected");
}

#[doc(hidden)]
pub fn a_refusal_for_good_ends_receivers_of_every_kind<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = connected::<W>(&server);
    let mut receivers = all(&mut client);
    server.close(Target::All, 4003, "disabled");
    end_with(&mut receivers, "Refused");
    is_closed(&mut client, "Refused");
    // It begins without a channel.
    client.commands().connect();
    client.connected(PATIENCE).expect("connected");
    client.flush(PATIENCE).expect("flushed");
    assert_eq!((server.subscribers("news"), server.subscribers("private-orders")), (0, 0));
    let mut news = client.receive("news").expect("a good name");
    client.subscribed("news", PATIENCE).expect("subscribed");
    server.publish("news", "headline", "new");
    assert_eq!(news(PATIENCE), Ok(Some("Subscribed".to_string())));
    assert_eq!(news(PATIENCE), Ok(Some("new".to_string())));
}

#[doc(hidden)]
pub fn the_end_of_the_last_client_ends_receivers_of_every_kind<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = connected::<W>(&server);
    let mut receivers = all(&mut client);
    drop(client);
    end_with(&mut receivers, "Disconnected");
}

#[doc(hidden)]
pub fn a_shutdown_ends_receivers_that_are_waited_for_in_other_threads<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = connected::<W>(&server);
    let receivers = all(&mut client);
    let threads: Vec<_> = receivers
        .into_iter()
        .map(|(_, mut receive)| thread::spawn(move || rest(&mut receive)))
        .collect();
    client.sleep(MOMENT / 4);
    client.shutdown(PATIENCE).expect("closed");
    for thread in threads {
        let words = thread.join().expect("it ends");
        assert_eq!(words.last().map(String::as_str), Some("Disconnected"), "{words:?}");
    }
}

#[doc(hidden)]
pub fn a_disconnect_ends_no_receiver_and_a_shutdown_after_it_tells_why<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = connected::<W>(&server);
    let mut receivers = all(&mut client);
    client.commands().disconnect();
    for (name, receive) in &mut receivers {
        let last = loop {
            if let Err(error) = receive(MOMENT).map(|word| word.expect("it goes on")) {
                break error;
            }
        };
        assert_eq!(last, Unmet::TimedOut, "{name}");
    }
    client.shutdown(PATIENCE).expect("closed");
    for (name, receive) in &mut receivers {
        let told = if *name == "events" { Vec::new() } else { vec!["Disconnected".to_string()] };
        assert_eq!(rest(receive), told, "{name}");
    }
}

#[doc(hidden)]
pub fn an_old_subscription_stays_ended_when_its_channel_is_subscribed_to_again<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = connected::<W>(&server);
    let held = client.hold("private-chat");
    let old = held.driver();
    client.subscribed("private-chat", PATIENCE).expect("subscribed");
    client.shutdown(PATIENCE).expect("closed");
    client.commands().connect();
    let new = client.hold("private-chat");
    client.subscribed("private-chat", PATIENCE).expect("subscribed");
    let refused = block_on(old.subscribed(), PATIENCE).expect("at once").expect_err("it has ended");
    assert_eq!(refused.to_string(), "the subscription to private-chat has ended");
    let ended = |result| matches!(result, Err(CommandError::NotSubscribed { .. }));
    assert!(ended(old.trigger("client-a", "1")));
    let allowed = block_on(old.trigger_when_allowed("client-a", "1"), PATIENCE);
    assert!(ended(allowed.expect("at once")));
    assert_eq!((old.state(), old.members().len()), (None, 0));
    // And takes the new one along with itself no more than it is one.
    drop(held);
    new.driver().trigger("client-a", "1").expect("subscribed");
    client.flush(PATIENCE).expect("flushed");
    assert_eq!(server.subscribers("private-chat"), 1);
}

#[doc(hidden)]
pub fn a_drain_waits_for_receivers_and_gives_them_nothing_new<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = connected::<W>(&server);
    let mut news = client.receive("news").expect("a good name");
    client.subscribed("news", PATIENCE).expect("subscribed");
    for number in 0..5 {
        server.publish("news", "number", &number.to_string());
    }
    client.flush(PATIENCE).expect("flushed");
    assert_eq!(news(PATIENCE), Ok(Some("Subscribed".to_string())));
    // The client's own receiver of everything is emptied as well.
    while client.recv(MOMENT).is_ok() {}
    let (begins, begun) = mpsc::channel();
    let worker = thread::spawn(move || {
        begun.recv().expect("it begins");
        // It takes its time.
        let words = std::iter::from_fn(|| {
            thread::sleep(MOMENT / 4);
            news(PATIENCE).expect("an event or the end in time")
        });
        words.collect::<Vec<_>>()
    });
    let publisher = thread::spawn(move || {
        thread::sleep(MOMENT / 4);
        server.publish("news", "number", "late");
        server
    });
    begins.send(()).expect("it waits");
    let begun = Instant::now();
    assert_eq!(client.drain(PATIENCE), 0, "everything was taken");
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    assert_eq!(worker.join().expect("it ends"), ["0", "1", "2", "3", "4", "Disconnected"]);
    assert_eq!(client.commands().status().state, ConnectionState::Disconnected);
    drop(publisher.join());
}

#[doc(hidden)]
pub fn a_drain_does_not_wait_for_a_receiver_that_is_dropped<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = connected::<W>(&server);
    let news = client.receive("news").expect("a good name");
    client.subscribed("news", PATIENCE).expect("subscribed");
    let events = client.events();
    server.publish("news", "number", "1");
    client.flush(PATIENCE).expect("flushed");
    while client.recv(MOMENT).is_ok() {}
    let dropping = thread::spawn(move || {
        thread::sleep(MOMENT);
        drop(news);
        thread::sleep(MOMENT);
        drop(events);
    });
    let begun = Instant::now();
    assert_eq!(client.drain(PATIENCE), 0);
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    dropping.join().expect("it ends");
}

#[doc(hidden)]
pub fn what_is_left_of_a_drain_is_counted_and_can_still_be_received<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = connected::<W>(&server);
    let mut news = client.receive("news").expect("a good name");
    client.subscribed("news", PATIENCE).expect("subscribed");
    server.publish("news", "number", "1");
    client.flush(PATIENCE).expect("flushed");
    while client.recv(MOMENT).is_ok() {}
    assert_eq!(client.drain(MOMENT), 2);
    assert_eq!(rest(&mut news), ["Subscribed", "1", "Disconnected"]);
}

#[doc(hidden)]
pub fn what_is_kept_subscribed_without_a_receiver_ends_too<W: Receives>() {
    let server = Server::start().expect("a server");
    let mut client = connected::<W>(&server);
    Waits::subscribe(&mut client, "news", &SubscribeOptions::default()).expect("a good name");
    client.subscribed("news", PATIENCE).expect("subscribed");
    client.shutdown(PATIENCE).expect("closed");
    assert_eq!(client.commands().channel_state("news"), None);
}

/// Makes a test of each of these, for a client that [`Receives`](trait@crate::receivers::Receives).
#[macro_export]
macro_rules! receivers_end {
    ($waits:ty) => {
        $crate::receivers_end! { $waits,
            a_shutdown_ends_receivers_of_every_kind_whoever_holds_a_clone
            a_refusal_for_good_ends_receivers_of_every_kind
            the_end_of_the_last_client_ends_receivers_of_every_kind
            a_shutdown_ends_receivers_that_are_waited_for_in_other_threads
            a_disconnect_ends_no_receiver_and_a_shutdown_after_it_tells_why
            an_old_subscription_stays_ended_when_its_channel_is_subscribed_to_again
            a_drain_waits_for_receivers_and_gives_them_nothing_new
            a_drain_does_not_wait_for_a_receiver_that_is_dropped
            what_is_left_of_a_drain_is_counted_and_can_still_be_received
            what_is_kept_subscribed_without_a_receiver_ends_too
        }
    };
    ($waits:ty, $($name:ident)*) => {$(
        #[test]
        fn $name() {
            $crate::receivers::$name::<$waits>();
        }
    )*};
}
