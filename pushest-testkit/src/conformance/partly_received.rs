//! Receivers that have received some of what came at one go, and not the rest.

use std::time::Duration;

use pushest_proto::Event;

use super::driver::{Driver, DriverClient, Overflow, Settings};
use super::in_process;
use super::patience::{Expect, connected, started_with};
use crate::Server;

const CHANNEL: &str = "news";
const MOMENT: Duration = Duration::from_millis(100);

/// Publishes these numbers, and waits until the client has read them.
fn publish<C: DriverClient>(server: &Server, client: &mut C, numbers: std::ops::Range<usize>) {
    for number in numbers {
        server.publish(CHANNEL, "number", &number.to_string());
    }
    client.must_flush();
}

/// Receives these numbers.
fn receive<C: DriverClient>(client: &mut C, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let Event::Channel(event) = client.next() else { panic!("the event {number}") };
        assert_eq!(event.text(), number.to_string());
    }
}

pub fn what_is_left_behind_a_received_event_is_dropped_as_the_oldest<D: Driver>() {
    let (remote, server) = in_process();
    let settings = Settings::default().queue_events(10).overflow(Overflow::DropOldest);
    let mut client = started_with::<D>(remote.config(), settings);
    client.must_subscribe(CHANNEL);
    while !matches!(client.next(), Event::Subscribed { .. }) {}
    publish(&server, &mut client, 0..10);
    receive(&mut client, 0..3);
    publish(&server, &mut client, 10..18);
    assert_eq!(client.next(), Event::Lagged { dropped: 5 });
    receive(&mut client, 8..12);
    // All that is left, and some of what comes.
    publish(&server, &mut client, 18..40);
    assert_eq!(client.next(), Event::Lagged { dropped: 18 });
    receive(&mut client, 30..40);
    assert_eq!(client.statistics().dropped, 23);
}

pub fn what_is_left_behind_a_received_event_holds_reading_up_until_half_is_free<D: Driver>() {
    let (remote, server) = in_process();
    let settings = Settings::default().queue_events(100).overflow(Overflow::Wait);
    let mut client = started_with::<D>(remote.config(), settings);
    client.must_subscribe(CHANNEL);
    while !matches!(client.next(), Event::Subscribed { .. }) {}
    publish(&server, &mut client, 0..80);
    receive(&mut client, 0..20);
    for number in 80..200 {
        server.publish(CHANNEL, "number", &number.to_string());
    }
    // It is full with what is left of the first ones, and goes on in time for the last.
    receive(&mut client, 20..200);
    assert_eq!(client.statistics().dropped, 0);
}

pub fn what_is_left_behind_a_received_event_is_counted_by_a_drain<D: Driver>() {
    let (remote, server) = in_process();
    let mut client = connected::<D>(remote.config());
    client.must_subscribe(CHANNEL);
    while !matches!(client.next(), Event::Subscribed { .. }) {}
    publish(&server, &mut client, 0..10);
    receive(&mut client, 0..4);
    assert_eq!(client.drain(MOMENT), 6);
    // They can still be received.
    receive(&mut client, 4..10);
}
