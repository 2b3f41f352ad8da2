//! A bound for what all receivers of a client leave together.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use pushest_testkit::Server;
use pushest_tokio::{Client, Event, Options, Overflow, Subscription};

use crate::common::{next_text, subscribed, within};
use crate::start;

const EVENTS: usize = 1_000;

/// The least that there may be: less than a third of what these events take.
const BOUND: usize = 64 * 1024;

fn publish_numbers(server: &Server, channel: &str, numbers: usize) {
    for number in 0..numbers {
        server.publish(channel, "number", &number.to_string());
    }
}

async fn is_read(client: &Client) -> bool {
    let flush = tokio::time::timeout(Duration::from_millis(300), client.flush());
    matches!(flush.await, Ok(Ok(_)))
}

/// What a receiver has not received yet: how many were lost, and the numbers that are there.
async fn left(subscription: &mut Subscription) -> (u64, Vec<usize>) {
    let (mut lost, mut numbers) = (0, Vec::new());
    while let Ok(event) = tokio::time::timeout(Duration::ZERO, subscription.recv()).await {
        match event {
            Some(Event::Channel(event)) => numbers.push(event.text().parse().unwrap()),
            Some(Event::Lagged { dropped: events }) => lost += events,
            Some(_) => {}
            None => break,
        }
    }
    (lost, numbers)
}

#[tokio::test]
async fn a_receiver_that_holds_little_loses_nothing_for_those_that_hold_much() {
    let (target, server) = start();
    let options = Options::default().all_queues(BOUND).unwrap();
    let client = Client::with_options(target.config(), options);
    let mut small = subscribed(&client, "small").await;
    let mut large = [subscribed(&client, "one").await, subscribed(&client, "other").await];
    publish_numbers(&server, "small", 20);
    publish_numbers(&server, "one", EVENTS);
    publish_numbers(&server, "other", EVENTS / 2);
    publish_numbers(&server, "one", EVENTS / 2);
    within(client.flush()).await.unwrap();
    assert_eq!(left(&mut small).await, (0, (0..20).collect()));
    let mut dropped = 0;
    for (large, events) in large.iter_mut().zip([EVENTS + EVENTS / 2, EVENTS / 2]) {
        let (lost, numbers) = left(large).await;
        // That it was subscribed is gone, too.
        assert_eq!(lost as usize + numbers.len(), events + 1);
        assert!(numbers.len() > 20 && lost > 20, "{lost} lost, {} left", numbers.len());
        let last = *numbers.last().unwrap();
        assert!(numbers.iter().rev().copied().eq((0..=last).rev().take(numbers.len())));
        dropped += lost;
    }
    assert_eq!(client.statistics().dropped, dropped);
}

#[tokio::test]
async fn with_overflow_wait_all_get_everything_though_together_they_are_full() {
    let (target, server) = start();
    let options = Options::default().overflow(Overflow::Wait).all_queues(BOUND).unwrap();
    let client = Client::with_options(target.config(), options);
    let mut one = subscribed(&client, "one").await;
    let mut other = subscribed(&client, "other").await;
    for _ in 0..2 {
        publish_numbers(&server, "one", EVENTS / 2);
        publish_numbers(&server, "other", EVENTS / 2);
    }
    assert!(!is_read(&client).await, "it waits");
    // Whichever makes room.
    let receiving = async |subscription: &mut Subscription| {
        for _ in 0..2 {
            for number in 0..EVENTS / 2 {
                assert_eq!(next_text(subscription, "number").await, number.to_string());
            }
        }
    };
    tokio::join!(receiving(&mut one), receiving(&mut other));
    within(client.flush()).await.unwrap();
    assert_eq!(client.statistics().dropped, 0);
}

#[tokio::test]
async fn with_overflow_wait_one_that_has_ended_holds_up_no_other_and_keeps_what_it_has() {
    let (target, server) = start();
    let options = Options::default().overflow(Overflow::Wait).all_queues(BOUND).unwrap();
    let client = Client::with_options(target.config(), options);
    let mut full = subscribed(&client, "full").await;
    let mut other = subscribed(&client, "other").await;
    publish_numbers(&server, "full", EVENTS);
    server.publish("other", "number", "7");
    assert!(!is_read(&client).await, "it waits");
    client.unsubscribe("full").unwrap();
    assert_eq!(next_text(&mut other, "number").await, "7");
    within(client.flush()).await.unwrap();
    let (lost, numbers) = left(&mut full).await;
    assert_eq!(lost, 0);
    assert!(numbers.len() > 50 && numbers.iter().copied().eq(0..numbers.len()), "{numbers:?}");
}

#[tokio::test]
async fn with_overflow_wait_one_that_is_dropped_makes_room_for_the_others() {
    let (target, server) = start();
    let options = Options::default().overflow(Overflow::Wait).all_queues(BOUND).unwrap();
    let client = Client::with_options(target.config(), options);
    let full = subscribed(&client, "full").await;
    let mut other = subscribed(&client, "other").await;
    publish_numbers(&server, "full", EVENTS);
    server.publish("other", "number", "7");
    assert!(!is_read(&client).await, "it waits");
    drop(full);
    assert_eq!(next_text(&mut other, "number").await, "7");
}
