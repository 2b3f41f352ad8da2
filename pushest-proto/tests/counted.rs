//! Where each channel is counted, too, a routed event costs no heap allocation. In a process of its
//! own, whose allocator counts everything.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::alloc::System;

use bytes::Bytes;
use pushest_proto::{Action, Config, ConnectionId, Event, Instant, Session, SubscribeOptions};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn allocations() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

/// A session that counts, with two channels subscribed, and its connection.
fn subscribed() -> (Session, ConnectionId) {
    let now = Instant::ORIGIN;
    let config = Config::builder("key").host("localhost").channel_statistics(true).build().unwrap();
    let mut session = Session::new(config, 1, now);
    for channel in ["orders", "stock"] {
        session.subscribe(channel, &SubscribeOptions::default(), now).unwrap();
    }
    session.connect(now);
    let connect = |action| match action {
        Action::Connect { connection, .. } => Some(connection),
        _ => None,
    };
    let connection = std::iter::from_fn(|| session.poll_action()).find_map(connect).unwrap();
    session.handle_open(connection, now);
    for message in [
        r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\"}"}"#,
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"orders","data":"{}"}"#,
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"stock","data":"{}"}"#,
    ] {
        session.handle_slice(connection, message.as_bytes(), now);
        while session.poll_action().is_some() {}
    }
    (session, connection)
}

/// Routes a thousand events to each channel; returns what was allocated meanwhile.
fn routed(session: &mut Session, connection: ConnectionId, round: u64) -> usize {
    let before = allocations();
    for event in 0..1_000 {
        let now = Instant::from_micros(1_000 * round + event);
        for message in [
            r#"{"event":"shipped","channel":"orders","data":"{\"id\":7}"}"#,
            r#"{"event":"App\\Events\\Sold","channel":"stock","data":{"id":7}}"#,
        ] {
            session.handle_message(connection, Bytes::from_static(message.as_bytes()), now);
            let routed = session.poll_action();
            assert!(matches!(routed, Some(Action::Emit(Event::Channel(_)))), "{routed:?}");
        }
    }
    allocations() - before
}

#[test]
fn a_routed_event_of_a_channel_that_is_counted_allocates_nothing() {
    let (mut session, connection) = subscribed();
    // What the test's own runtime allocates at the same time does not happen each time.
    let rounds = 4;
    let allocated: Vec<_> =
        (1..=rounds).map(|round| routed(&mut session, connection, round)).collect();
    assert_eq!(allocated[1..].iter().min(), Some(&0), "{allocated:?}");
    for channel in ["orders", "stock"] {
        let now = Instant::from_micros(1_000 * rounds + 999);
        let counted = session.channel(channel).unwrap().statistics(now).unwrap();
        assert_eq!(counted.events, 1_000 * rounds);
        assert_eq!(counted.last_event, Some(std::time::Duration::ZERO));
    }
    let before = allocations();
    drop(std::hint::black_box(Box::new(7)));
    assert!(allocations() > before, "the allocator counts");
}
