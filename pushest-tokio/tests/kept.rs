//! What single events keep alive of the buffers that they were read into. In a process of its own,
//! since its allocator counts all of it.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod flood_server;

use std::alloc::System;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use pushest_tokio::{ChannelEvent, Client, Config, Event, Options, Subscription};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use flood_server::Flood;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One test at a time: what one holds would count for the others.
static ALONE: Mutex<()> = Mutex::new(());

const CHANNELS: usize = 40;
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client needs beside what its receivers leave.
const BESIDE: usize = 512 * 1024;

/// The bytes that are in use.
fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Runs a test alone, on a runtime of one thread and on one of many.
fn on_each_runtime<F: Future<Output = ()>>(test: impl Fn() -> F) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let one_thread = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    one_thread.block_on(test());
    drop(one_thread);
    tokio::runtime::Runtime::new().unwrap().block_on(test());
}

/// A client with a subscription to each channel of the flood.
async fn subscribed(
    flood: &Flood,
    channels: usize,
    options: Options,
) -> (Client, Vec<Subscription>) {
    let config = Config::builder("key").host("127.0.0.1").port(flood.port()).build().unwrap();
    let client = Client::with_options(config, options);
    let mut subscriptions = Vec::new();
    for number in 0..channels {
        let mut subscription = client.subscribe(&format!("channel-{number}")).unwrap();
        subscription.subscribed().await.unwrap();
        assert!(matches!(subscription.recv().await, Some(Event::Subscribed { .. })));
        subscriptions.push(subscription);
    }
    (client, subscriptions)
}

/// Receives everything of a subscription, as fast as it comes.
fn keep_up(mut subscription: Subscription) -> tokio::task::JoinHandle<Subscription> {
    tokio::spawn(async move {
        loop {
            match subscription.recv().await {
                Some(Event::Channel(event)) if event.name() == "end" => return subscription,
                Some(_) => {}
                None => panic!("it ended"),
            }
        }
    })
}

/// Of forty channels thirty-nine are received at once, and one is not. Returns what is in use with
/// the events that wait, and without them, what they count, and how many they are.
async fn fortieth(bytes: usize, options: Options) -> (usize, usize, usize, usize) {
    let flood = Flood::of(CHANNELS, bytes);
    let (client, mut subscriptions) = subscribed(&flood, CHANNELS, options).await;
    let mut slow = subscriptions.remove(7);
    let before = live();
    flood.begin();
    let tasks: Vec<_> = subscriptions.into_iter().map(keep_up).collect();
    let mut others = Vec::new();
    for task in tasks {
        others.push(tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap());
    }
    client.flush().await.unwrap();
    let used = live().saturating_sub(before);
    let (mut events, mut counted) = (0, 0);
    while let Ok(event) = tokio::time::timeout(Duration::ZERO, slow.recv()).await {
        events += 1;
        counted += event.unwrap().memory();
    }
    let rest = live().saturating_sub(before);
    drop(others);
    client.shutdown().await;
    (used, rest, counted, events)
}

#[test]
fn a_receiver_of_every_fortieth_event_keeps_no_buffer_alive_for_it() {
    for read_buffer in [4 * 1024, 8 * 1024, 128 * 1024] {
        for bytes in [200, 700, 3_000] {
            on_each_runtime(|| async move {
                let options =
                    Options::default().read_buffer(read_buffer).queue(1_000_000, 2 * 1024 * 1024);
                let (used, rest, counted, events) = fortieth(bytes, options).await;
                println!(
                    "{bytes} bytes in buffers of {read_buffer}: {used} in use, {events} events \
                     count {counted}, {rest} in use after them"
                );
                assert!(events > 500, "{events}");
                assert!(used < 2 * counted, "{used} in use, {counted} counted");
                assert!(used < 2 * 1024 * 1024 + BESIDE, "{used} in use");
                assert!(rest < BESIDE, "{rest} in use without them");
            });
        }
    }
}

#[test]
fn receivers_that_got_one_event_each_and_then_nothing_keep_no_buffer_alive_for_it() {
    let channels = 300;
    for read_buffer in [8 * 1024, 128 * 1024] {
        on_each_runtime(|| async move {
            let flood = Flood::of_one_and_single_ones(channels, 200);
            let options = Options::default().read_buffer(read_buffer);
            let (client, mut subscriptions) = subscribed(&flood, channels, options).await;
            let before = live();
            let fast = keep_up(subscriptions.remove(0));
            flood.begin();
            let fast = tokio::time::timeout(PATIENCE, fast).await.unwrap().unwrap();
            client.flush().await.unwrap();
            let used = live().saturating_sub(before);
            let mut counted = 0;
            for subscription in &mut subscriptions {
                counted += subscription.recv().await.unwrap().memory();
            }
            println!("buffers of {read_buffer}: {used} in use, {counted} counted");
            assert!(used < 2 * counted + BESIDE, "{used} in use, {counted} counted");
            drop(fast);
            client.shutdown().await;
        });
    }
}

#[test]
fn all_receivers_that_sleep_hold_no_more_than_the_bound_for_all() {
    let bound = 1024 * 1024;
    for bytes in [200, 3_000] {
        on_each_runtime(|| async move {
            let options = Options::default().all_queues(bound).unwrap();
            let flood = Flood::of(CHANNELS, bytes);
            let (client, mut subscriptions) = subscribed(&flood, CHANNELS, options).await;
            let before = live();
            flood.begin();
            client.flush().await.unwrap();
            let used = live().saturating_sub(before);
            let (mut lost, mut held) = (0, 0);
            let mut events = [0; CHANNELS];
            for (subscription, events) in subscriptions.iter_mut().zip(&mut events) {
                while let Ok(event) =
                    tokio::time::timeout(Duration::ZERO, subscription.recv()).await
                {
                    match event.unwrap() {
                        Event::Lagged { dropped } => lost += dropped,
                        event => {
                            *events += 1;
                            held += event.memory();
                        }
                    }
                }
            }
            println!("{bytes} bytes: {used} in use, {events:?} events count {held}");
            assert!(used < bound + BESIDE / 2, "{used} in use");
            assert!(held > bound / 2 && used < 2 * held, "{held} counted, {used} in use");
            let least = events.iter().min().unwrap();
            assert!(events.iter().all(|events| events - least <= 2), "{events:?}");
            let received: u64 = events.iter().sum();
            assert_eq!(received + lost, (CHANNELS * flood_server::EVENTS + CHANNELS) as u64);
            assert_eq!(client.statistics().dropped, lost);
            client.shutdown().await;
        });
    }
}

/// What a program keeps of what it received: one event of forty, of all channels.
async fn keeps(read_buffer: usize, keep: fn(ChannelEvent) -> ChannelEvent) -> (usize, usize) {
    let flood = Flood::of(CHANNELS, 200);
    let (client, subscriptions) =
        subscribed(&flood, CHANNELS, Options::default().read_buffer(read_buffer)).await;
    let before = live();
    let all = futures_util::stream::select_all(subscriptions);
    // A task of its own, so that it gets its turn after each of the client's.
    let keeping = tokio::spawn(keeping(all, keep));
    flood.begin();
    let (all, kept) = keeping.await.unwrap();
    client.flush().await.unwrap();
    // What the receivers' queues have grown to, where the task had to wait for its turn, is none of what
    // the events keep alive.
    drop(all);
    let used = live().saturating_sub(before);
    client.shutdown().await;
    let bytes = kept.iter().map(|event| event.message().len() + 100).sum();
    (used, bytes)
}

async fn keeping<S: Stream<Item = Event> + Unpin>(
    mut all: S,
    keep: fn(ChannelEvent) -> ChannelEvent,
) -> (S, Vec<ChannelEvent>) {
    let (mut events, mut kept) = (0, Vec::new());
    while events < CHANNELS * flood_server::EVENTS {
        match all.next().await.unwrap() {
            Event::Channel(event) if event.name() == "number" => {
                events += 1;
                if events % 40 == 0 {
                    kept.push(keep(event));
                }
            }
            event => assert!(matches!(event, Event::Channel(_)), "{event:?}"),
        }
    }
    (all, kept)
}

#[test]
fn a_program_that_keeps_every_fortieth_event_keeps_no_buffer_if_it_makes_them_its_own() {
    for read_buffer in [8 * 1024, 128 * 1024] {
        on_each_runtime(|| async move {
            let (used, bytes) = keeps(read_buffer, |event| event.into_owned()).await;
            println!("buffers of {read_buffer}: {used} in use for {bytes}");
            assert!(used < 2 * bytes + BESIDE, "{used} in use for {bytes}");
            // What it would be otherwise, or else this shows nothing.
            let (used, bytes) = keeps(read_buffer, |event| event).await;
            println!("buffers of {read_buffer}: {used} in use for {bytes}, as views");
            assert!(used > 4 * bytes + BESIDE, "{used} in use for {bytes}");
        });
    }
}
