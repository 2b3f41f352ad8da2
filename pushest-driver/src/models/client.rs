//! The whole client over a socket that belongs to the model: its hub, its pump, its receivers.

use std::pin::Pin;
use std::task::Waker;

use futures_util::{StreamExt, future};
use loom::thread::{self, JoinHandle};
use pushest_proto::{Config, ConfigBuilder, Limits};

use super::local::{A, B, Local};
use super::*;
use crate::client::Client;
use crate::unstable::{self, Pump};

/// Runs a program on a thread of its own, for loom gives the first one too little of a stack.
fn check_client(expected: &[&str], program: impl Fn() -> String + Copy + Send + Sync + 'static) {
    check(expected, move || spawn(program).join().unwrap());
}

fn spawn<T: Send + 'static>(program: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::Builder::new().stack_size(0x8000).spawn(program).unwrap()
}

fn config() -> ConfigBuilder {
    Config::builder("key").host("server.example")
}

fn client(config: ConfigBuilder, options: Options, runtime: Local) -> (Client, Pump<Local>) {
    unstable::client(config.build().unwrap(), options, runtime)
}

/// Carries a client, as the task or the thread of a runtime does.
fn carry(pump: Pump<Local>) -> JoinHandle<()> {
    spawn(move || block_on(pump))
}

#[test]
fn the_end_of_the_last_client_reaches_a_pump_that_goes_to_sleep() {
    check_client(&["Connecting Disconnected"], || {
        let (client, pump) = client(config(), Options::default(), Local::idle());
        let events = client.events();
        let pump = carry(pump);
        drop(client);
        let received = block_on(events.map(|event| word(&event)).collect::<Vec<_>>());
        pump.join().unwrap();
        received.join(" ")
    });
}

#[test]
fn a_shutdown_ends_however_the_pump_was_going_to_sleep() {
    check_client(&["Disconnected"], || {
        let (client, pump) = client(config(), Options::default(), Local::idle());
        let pump = carry(pump);
        block_on(client.shutdown());
        let state = client.status().state;
        drop(client);
        pump.join().unwrap();
        format!("{state:?}")
    });
}

#[test]
fn a_receiver_that_lasts_gets_what_says_that_the_client_was_shut_down() {
    check_client(&["Connecting Disconnected"], || {
        let (client, pump) = client(config(), Options::default(), Local::idle());
        let mut events = client.events();
        unstable::set_lasting(&mut events, true);
        let pump = carry(pump);
        drop(client.shutdown());
        let received = block_on(async {
            let mut received = Vec::new();
            while let Some(event) = events.recv().await {
                received.push(word(&event));
            }
            received
        });
        drop(client);
        pump.join().unwrap();
        received.join(" ")
    });
}

#[test]
fn a_subscription_is_confirmed_however_the_pump_was_going_to_sleep() {
    check_client(&["Ok(())"], || {
        let (client, pump) = client(config(), Options::default(), Local::connected_to(&[]));
        let pump = carry(pump);
        let news = client.subscribe("news").unwrap();
        let result = block_on(news.subscribed());
        drop(client);
        drop(news);
        pump.join().unwrap();
        format!("{result:?}")
    });
}

#[test]
fn a_flush_is_answered_however_the_pump_was_going_to_sleep() {
    check_client(&["Ok(0ns)"], || {
        let (client, pump) = client(config(), Options::default(), Local::connected_to(&[]));
        let pump = carry(pump);
        let result = block_on(async {
            client.connected().await.unwrap();
            client.flush().await
        });
        drop(client);
        pump.join().unwrap();
        format!("{result:?}")
    });
}

#[test]
fn a_receiver_that_makes_room_gets_everything_that_was_sent() {
    check_client(&["news a b"], || {
        // One message a turn, so that reading stops after each.
        let limits = Limits::default().stored_events(4);
        let options = Options::default().queue(1, 1_000_000).overflow(Overflow::Wait);
        let runtime = Local::connected_to(&[A, B]);
        let (client, pump) = client(config().limits(limits), options, runtime);
        let news = client.subscribe("news").unwrap();
        let pump = carry(pump);
        let (received, news) = block_on(async {
            let mut news = news.map(|event| word(&event));
            let received: Vec<_> = news.by_ref().take(3).collect().await;
            (received, news)
        });
        drop(client);
        drop(news);
        pump.join().unwrap();
        received.join(" ")
    });
}

#[test]
fn reading_goes_on_when_the_full_subscription_is_dropped() {
    check_client(&["Ok(())"], || {
        let options = Options::default().queue(1, 1_000_000).overflow(Overflow::Wait);
        let (client, pump) = client(config(), options, Local::connected_to(&[]));
        let news = client.subscribe("news").unwrap();
        let pump = carry(pump);
        // Full with its first event, or not yet.
        drop(news);
        let result = block_on(client.subscribe("news").unwrap().subscribed());
        drop(client);
        pump.join().unwrap();
        format!("{result:?}")
    });
}

#[test]
fn a_receiver_ends_when_a_command_unsubscribes_it() {
    check_client(&[""], || {
        let (client, pump) = client(config(), Options::default(), Local::idle());
        let mut news = client.subscribe("news").unwrap();
        let pump = carry(pump);
        let receiver = spawn(move || block_on(news.recv()).map(|event| word(&event)));
        client.unsubscribe("news").unwrap();
        let received = receiver.join().unwrap();
        drop(client);
        pump.join().unwrap();
        received.unwrap_or_default()
    });
}

#[test]
fn those_who_wait_when_the_pump_is_dropped_learn_of_it() {
    check_client(&["Err(Ended) Connecting Disconnected"], || {
        let (client, mut pump) = client(config(), Options::default(), Local::idle());
        let events = client.events();
        let pump = spawn(move || {
            // A runtime that shuts down drops its tasks.
            let _ = Pin::new(&mut pump).poll(&mut Context::from_waker(Waker::noop()));
            drop(pump);
        });
        let words = events.map(|event| word(&event)).collect::<Vec<_>>();
        let (connected, words) = block_on(future::join(client.connected(), words));
        pump.join().unwrap();
        format!("{connected:?} {}", words.join(" "))
    });
}
