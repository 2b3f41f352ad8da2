//! A routed event costs no heap allocation: not for a plain name, not for a Laravel name, not for
//! an object as data. An allocator that counts needs `unsafe`; this file is the only one of the
//! crate's that has it.
#![allow(unsafe_code, reason = "a global allocator cannot be written without it")]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use pushest_proto::{Action, Config, Event, Instant, Session, SubscribeOptions};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is handed to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

/// A session with the channel `orders` subscribed, and the connection that it is subscribed on.
fn subscribed() -> (Session, pushest_proto::ConnectionId) {
    let now = Instant::ORIGIN;
    let config = Config::builder("key").host("localhost").build().unwrap();
    let mut session = Session::new(config, 1, now);
    session.subscribe("orders", &SubscribeOptions::default(), now).unwrap();
    session.connect(now);
    let mut connection = None;
    while let Some(action) = session.poll_action() {
        if let Action::Connect { connection: id, .. } = action {
            connection = Some(id);
            session.handle_open(id, now);
        }
    }
    let connection = connection.unwrap();
    for message in [
        r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\"}"}"#,
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"orders","data":"{}"}"#,
    ] {
        session.handle_slice(connection, message.as_bytes(), now);
        while session.poll_action().is_some() {}
    }
    (session, connection)
}

/// Routes `message` again and again, looks at name and data, and counts the allocations after the
/// warm-up.
fn allocations_of(message: &'static str, name: &str) -> u64 {
    let (mut session, connection) = subscribed();
    let mut counted = 0;
    for round in 0..1_100 {
        let now = Instant::from_micros(round);
        let bytes = Bytes::from_static(message.as_bytes());
        let before = allocations();
        session.handle_caught_up(connection, now);
        session.handle_wall_clock(std::time::Duration::from_millis(round), now);
        session.handle_message(connection, bytes, now);
        let Some(Action::Emit(Event::Channel(event))) = session.poll_action() else {
            panic!("no event")
        };
        assert_eq!(event.name(), name);
        assert!(!event.raw().is_empty());
        assert_eq!(event.user_id().as_deref(), message.contains("user_id").then_some("7"));
        assert!(session.poll_action().is_none());
        drop(event);
        if round >= 100 {
            counted += allocations() - before;
        }
    }
    counted
}

#[test]
fn a_routed_event_with_a_plain_name_allocates_nothing() {
    let message = r#"{"event":"shipped","channel":"orders","data":"{\"id\":7}"}"#;
    assert_eq!(allocations_of(message, "shipped"), 0);
}

#[test]
fn a_routed_event_with_a_laravel_name_allocates_nothing() {
    let message = r#"{"event":"App\\Events\\OrderShipped","channel":"orders","data":"{\"id\":7}"}"#;
    assert_eq!(allocations_of(message, r"App\Events\OrderShipped"), 0);
}

#[test]
fn a_routed_event_with_an_object_as_data_allocates_nothing() {
    let message = r#"{"event":"shipped","channel":"orders","data":{"id":7,"to":["a","b"]}}"#;
    assert_eq!(allocations_of(message, "shipped"), 0);
}

#[test]
fn a_client_event_and_who_sent_it_allocate_nothing() {
    let message = r#"{"event":"client-x","channel":"orders","data":{},"user_id":"7"}"#;
    assert_eq!(allocations_of(message, "client-x"), 0);
    let message = r#"{"event":"client-x","channel":"orders","data":{},"user_id":7}"#;
    assert_eq!(allocations_of(message, "client-x"), 0);
}

#[test]
fn the_counter_counts() {
    let before = allocations();
    let boxed = std::hint::black_box(Box::new(7));
    assert_eq!(allocations() - before, 1);
    drop(boxed);
}
