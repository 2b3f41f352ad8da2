//! Receivers that are slower than what they receive.

use std::time::Duration;

use pushest_proto::{Config, Event, Timeouts};
use serde_json::json;

use super::driver::{Driver, DriverClient, Overflow, Settings};
use super::in_process;
use super::patience::{Expect, PATIENCE, connected, eventually, started_with};
use crate::Server;

const EVENTS: usize = 2_000;
const CHANNEL: &str = "private-numbers";

/// Returns a client with a queue that overflows, subscribed.
fn client<D: Driver>(config: Config, events: usize, overflow: Overflow) -> D::Client {
    let settings = Settings::default().queue_events(events).overflow(overflow);
    let mut client = started_with::<D>(config, settings);
    client.must_subscribe(CHANNEL);
    client
}

fn publish_numbers(server: &Server) {
    for number in 0..EVENTS {
        server.publish(CHANNEL, "number", &number.to_string());
    }
    server.publish(CHANNEL, "end", "");
}

pub fn a_slow_receiver_loses_its_oldest_events_and_is_told_how_many<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = client::<D>(remote.config(), 100, Overflow::DropOldest);
    while !matches!(client.next(), Event::Subscribed { .. }) {}
    publish_numbers(&server);
    client.must_flush();
    // All numbers and the end, less what the queue holds.
    let Event::Lagged { dropped: lagged } = client.next() else { panic!("first of all the lag") };
    assert_eq!(lagged, EVENTS as u64 + 1 - 100);
    for number in EVENTS - 99..EVENTS {
        assert_eq!(client.next_of(CHANNEL).text(), number.to_string());
    }
    assert_eq!(client.next_of(CHANNEL).name(), "end");
    assert_eq!(client.statistics().dropped, lagged);
    // And from here on as if nothing had been.
    server.publish(CHANNEL, "headline", "rain");
    let Event::Channel(event) = client.next() else { panic!("nothing else has happened") };
    assert_eq!(event.text(), "rain");
}

pub fn the_bytes_that_events_pin_are_bounded_too<D: Driver>() {
    let (remote, server) = in_process();
    let settings = Settings::default().queue_bytes(20_000);
    let mut client = started_with::<D>(remote.config(), settings);
    client.must_subscribe("news");
    for _ in 0..10 {
        server.publish("news", "large", &"x".repeat(5_000));
    }
    server.publish("news", "end", "");
    client.must_flush();
    client.wait_for(|event| matches!(event, Event::Lagged { .. }).then_some(()));
    let mut received = 0;
    while client.next_of("news").name() == "large" {
        received += 1;
    }
    assert_eq!(received, 3);
}

/// Less than [`EVENTS`] events take, and far less than one receiver may leave by itself.
const ALL: usize = 128 * 1024;

pub fn a_bound_for_all_receivers_together_holds_for_one_alone<D: Driver>() {
    let (remote, server) = in_process();
    let settings = Settings::default().queue_events(10 * EVENTS).all_queues(Some(ALL));
    let mut client = started_with::<D>(remote.config(), settings);
    client.must_subscribe(CHANNEL);
    while !matches!(client.next(), Event::Subscribed { .. }) {}
    publish_numbers(&server);
    client.must_flush();
    let Event::Lagged { dropped: lagged } = client.next() else { panic!("first of all the lag") };
    let (mut received, mut bytes) = (0, 0);
    let mut event = client.next_of(CHANNEL);
    while event.name() != "end" {
        assert_eq!(event.text(), (lagged + received).to_string());
        received += 1;
        bytes += Event::Channel(event).memory();
        event = client.next_of(CHANNEL);
    }
    assert_eq!(lagged + received, EVENTS as u64);
    assert_eq!(client.statistics().dropped, lagged);
    assert!(ALL / 2 < bytes && bytes < ALL, "{bytes} bytes were left");
}

pub fn with_overflow_wait_a_bound_for_all_receivers_together_loses_nothing<D: Driver>() {
    let (remote, server) = in_process();
    let settings = Settings::default()
        .queue_events(10 * EVENTS)
        .all_queues(Some(ALL))
        .overflow(Overflow::Wait);
    let mut client = started_with::<D>(remote.config(), settings);
    client.must_subscribe(CHANNEL);
    publish_numbers(&server);
    // Reading waits: what the server has read of this client's it cannot say.
    assert!(client.flush(Duration::from_millis(300)).is_err());
    for number in 0..EVENTS {
        let text = client.wait_for(|event| match event {
            Event::Channel(event) => Some(event.text().into_owned()),
            Event::Lagged { .. } | Event::Gap { .. } => panic!("{event:?}"),
            _ => None,
        });
        assert_eq!(text, number.to_string());
    }
    assert_eq!(client.next_of(CHANNEL).name(), "end");
    client.must_flush();
    assert_eq!(client.statistics().dropped, 0);
}

pub fn with_overflow_wait_nothing_is_lost_however_long_it_takes<D: Driver>() {
    let builder = Server::builder().activity_timeout(Duration::from_millis(400));
    let server = builder.pong_timeout(Duration::from_secs(20)).start().expect("a server");
    let remote = super::Remote::of(&server);
    let timeouts =
        Timeouts::default().activity(Duration::from_millis(400)).pong(Duration::from_millis(400));
    let config = remote.signing().timeouts(timeouts).build().expect("valid");
    let mut client = client::<D>(config, 10, Overflow::Wait);
    let socket_id = client.status().socket_id;
    publish_numbers(&server);

    // Longer than both timeouts: pings go out, and no pong is missed.
    client.sleep(Duration::from_millis(1_000));
    assert_eq!(client.status().socket_id, socket_id);
    // Who waits may still send.
    let mut other = connected::<D>(remote.config());
    other.must_subscribe(CHANNEL);
    client.trigger(CHANNEL, "client-hello", &json!(1)).expect("sent");
    client.sleep(Duration::from_millis(5));
    assert_eq!(other.next_text("client-hello"), "1");

    for number in 0..EVENTS {
        let text = client.wait_for(|event| match event {
            Event::Channel(event) => Some(event.text().into_owned()),
            Event::Lagged { .. } | Event::Gap { .. } => panic!("{event:?}"),
            _ => None,
        });
        assert_eq!(text, number.to_string());
    }
    assert_eq!(client.next_of(CHANNEL).name(), "end");
    assert_eq!(client.status().socket_id, socket_id);
    client.must_flush();
}

pub fn a_client_dropped_while_it_waits_for_its_receiver_is_gone<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = client::<D>(remote.config(), 10, Overflow::Wait);
    publish_numbers(&server);
    client.sleep(Duration::from_millis(20));
    drop(client);
    eventually("the connection to be closed", || server.connections() == 0);
}

pub fn a_client_that_waits_for_its_receiver_shuts_down_all_the_same<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = client::<D>(remote.config(), 10, Overflow::Wait);
    publish_numbers(&server);
    client.sleep(Duration::from_millis(20));
    client.shutdown(PATIENCE).expect("closed");
    eventually("the connection to be closed", || server.connections() == 0);
    // What came before is still there to be received.
    assert_eq!(client.next_text("number"), "0");
    assert_eq!(client.next_text("number"), "1");
}

pub fn a_server_that_closes_a_client_while_it_waits_is_noticed_behind_its_events<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = client::<D>(remote.config(), 10, Overflow::Wait);
    publish_numbers(&server);
    client.sleep(Duration::from_millis(20));
    server.close(crate::Target::All, 4200, "too slow");
    let mut numbers = 0;
    let cause = client.wait_for(|event| match event {
        Event::Channel(event) if event.name() == "number" => {
            assert_eq!(event.text(), numbers.to_string());
            numbers += 1;
            None
        }
        Event::Gap { cause, .. } => Some(cause.clone()),
        _ => None,
    });
    assert_eq!(numbers, EVENTS);
    assert_eq!(*cause, pushest_proto::Loss::closed(Some(4200), "too slow"));
}
