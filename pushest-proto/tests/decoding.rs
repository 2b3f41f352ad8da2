//! Decoding an event allocates nothing but what the value needs. In a process of its own, whose
//! allocator counts everything; so one test runs in it.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::alloc::System;
use std::hint::black_box;

use pushest_proto::{
    Action, ChannelEvent, Config, Event, EventDecoder, Instant, Session, SubscribeOptions,
};
use serde::Deserialize;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Deserialize)]
struct Order {
    id: u64,
}

#[derive(Deserialize)]
enum News {
    #[serde(rename = r"App\Events\OrderShipped")]
    Shipped { id: u64 },
    #[serde(rename = "quiet")]
    Quiet,
    #[serde(rename = "note")]
    Note(String),
}

/// The events of a channel, as a session hands them out.
fn events(messages: &[&str]) -> Vec<ChannelEvent> {
    let now = Instant::ORIGIN;
    let config = Config::builder("key").host("localhost").build().unwrap();
    let mut session = Session::new(config, 1, now);
    session.subscribe("orders", &SubscribeOptions::default(), now).unwrap();
    session.connect(now);
    let mut events = Vec::new();
    let before = [
        r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\"}"}"#,
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"orders","data":"{}"}"#,
    ];
    let mut messages = before.iter().chain(messages);
    let mut connection = None;
    loop {
        while let Some(action) = session.poll_action() {
            match action {
                Action::Connect { connection: id, .. } => {
                    connection = Some(id);
                    session.handle_open(id, now);
                }
                Action::Emit(Event::Channel(event)) => events.push(event),
                _ => {}
            }
        }
        let Some(message) = messages.next() else { return events };
        session.handle_slice(connection.unwrap(), message.as_bytes(), now);
    }
}

/// The allocations of a thousand calls, after a first one. The fewest of three rounds: the harness of
/// the tests has a thread, too.
fn allocations(mut call: impl FnMut()) -> usize {
    call();
    let counts = (0..3).map(|_| {
        let before = ALLOCATOR.stats();
        (0..1_000).for_each(|_| call());
        let after = ALLOCATOR.stats();
        after.allocations + after.reallocations - before.allocations - before.reallocations
    });
    counts.min().expect("three rounds")
}

#[test]
fn decoding_allocates_only_what_the_value_needs() {
    let all = events(&[
        r#"{"event":"App\\Events\\OrderShipped","channel":"orders","data":"{\"id\":7}"}"#,
        r#"{"event":"App\\Events\\OrderShipped","channel":"orders","data":{"id":7}}"#,
        r#"{"event":"quiet","channel":"orders","data":"{\"id\":7}"}"#,
        r#"{"event":"unknown","channel":"orders","data":"{\"id\":7}"}"#,
        r#"{"event":"note","channel":"orders","data":"\"words\""}"#,
    ]);
    let [within, object, quiet, unknown, note] = &all[..] else { panic!("{all:?}") };
    let mut decoder = EventDecoder::default();
    for event in [within, object] {
        let count = allocations(|| {
            assert_eq!(black_box(decoder.json::<Order>(event)).unwrap().id, 7);
            let variant = black_box(decoder.variant::<News>(event)).unwrap();
            assert!(matches!(variant, Some(News::Shipped { id: 7 })));
        });
        assert_eq!(count, 0, "{event:?}");
    }
    let count = allocations(|| {
        assert!(matches!(decoder.variant::<News>(quiet), Ok(Some(News::Quiet))));
        assert!(matches!(decoder.variant::<News>(unknown), Ok(None)));
    });
    assert_eq!(count, 0);
    let count = allocations(|| match decoder.variant::<News>(note) {
        Ok(Some(News::Note(text))) => assert_eq!(text, "words"),
        other => panic!("{}", other.is_ok()),
    });
    assert_eq!(count, 1_000, "the text itself");
    // The count counts: without a buffer that is kept, each costs one.
    assert_eq!(allocations(|| assert_eq!(within.json::<Order>().unwrap().id, 7)), 1_000);
}
