//! What a queue drops, keeps and hands out.

use std::task::{Context, Poll, Waker};

use pushest_proto::{Action, ChannelName, Config, Instant, Session, SubscribeOptions};
use tungstenite::Bytes;

use super::reader::Reader;
use super::*;

fn reader(overflow: Overflow, events: usize, bytes: usize) -> (Reader, Arc<Congestion>) {
    let congestion = Arc::<Congestion>::default();
    let options = Options::default().queue(events, bytes).overflow(overflow);
    (Reader::new(Arc::new(Queue::new(&options, congestion.clone()))), congestion)
}

fn queue(overflow: Overflow, events: usize) -> (Reader, Arc<Congestion>) {
    reader(overflow, events, 1_000_000)
}

fn push(reader: &Reader, names: &[&str]) {
    let event = |name: &&str| Event::Subscribed { channel: ChannelName::new(name).unwrap() };
    push_all(reader, &mut names.iter().map(event).collect(), 0);
}

fn push_all(reader: &Reader, events: &mut VecDeque<Event>, pinned: usize) {
    let bytes = events.iter().map(cost).sum();
    reader.queue.push_all(events, bytes, pinned);
}

/// Returns the name of the next event, how many were dropped, or how it stands.
fn next(reader: &mut Reader) -> (String, Relief) {
    let (event, relief) = reader.poll_recv(&mut Context::from_waker(Waker::noop()));
    let text = match event {
        Poll::Ready(Some(Event::Subscribed { channel })) => channel.to_string(),
        Poll::Ready(Some(Event::Lagged { dropped: events })) => format!("lagged {events}"),
        Poll::Ready(None) => "end".to_string(),
        Poll::Pending => "nothing".to_string(),
        other => format!("{other:?}"),
    };
    (text, relief)
}

#[test]
fn the_oldest_go_and_the_receiver_is_told_before_the_rest() {
    let (mut reader, congestion) = queue(Overflow::DropOldest, 2);
    push(&reader, &["a", "b", "c"]);
    push(&reader, &["d"]);
    assert!(!congestion.is_any());
    for expected in ["lagged 2", "c", "d", "nothing"] {
        assert_eq!(next(&mut reader).0, expected);
    }
    reader.queue.end(None);
    assert_eq!(next(&mut reader).0, "end");
}

#[test]
fn the_last_event_of_a_full_one_costs_no_other() {
    let (mut reader, congestion) = queue(Overflow::DropOldest, 2);
    push(&reader, &["a", "b"]);
    reader.queue.end(Some(Event::Subscribed { channel: ChannelName::new("last").unwrap() }));
    reader.queue.end(Some(Event::Subscribed { channel: ChannelName::new("later").unwrap() }));
    for expected in ["a", "b", "last", "end"] {
        assert_eq!(next(&mut reader).0, expected);
    }
    assert_eq!(congestion.dropped(), 0);
}

#[test]
fn a_full_one_holds_reading_up_until_half_of_it_is_free() {
    let (mut reader, congestion) = queue(Overflow::Wait, 4);
    push(&reader, &["a", "b", "c"]);
    assert!(!congestion.is_any());
    push(&reader, &["d", "e"]);
    assert!(congestion.is_any());
    assert_eq!(next(&mut reader), ("a".to_string(), Relief::None));
    assert_eq!(next(&mut reader), ("b".to_string(), Relief::None));
    assert_eq!(next(&mut reader), ("c".to_string(), Relief::All));
    assert!(!congestion.is_any());
    assert_eq!(next(&mut reader), ("d".to_string(), Relief::None));
}

#[test]
fn watchlists_of_empty_ids_are_counted_by_what_they_cost() {
    let (mut reader, _) = queue(Overflow::DropOldest, 100);
    let user_ids = vec![String::new(); 20_000];
    let event = Event::Watchlist { online: true, user_ids };
    push_all(&reader, &mut vec![event; 10].into(), 0);
    // A million bytes are two of them.
    assert_eq!(next(&mut reader).0, "lagged 8");
}

#[test]
fn one_that_is_closed_or_ended_holds_nobody_up() {
    let (mut reader, congestion) = queue(Overflow::Wait, 1);
    push(&reader, &["a"]);
    assert!(congestion.is_any());
    assert_eq!(reader.close(), Relief::All);
    assert!(!congestion.is_any());
    push(&reader, &["b"]);
    assert!(!congestion.is_any());
}

/// Events of one channel, which are views into one buffer, and the buffer.
fn views(events: usize) -> (VecDeque<Event>, Bytes) {
    let now = Instant::ORIGIN;
    let config = Config::builder("key").host("localhost").build().unwrap();
    let mut session = Session::new(config, 1, now);
    session.subscribe("news", &SubscribeOptions::default(), now).unwrap();
    session.connect(now);
    let Some(connection) = std::iter::from_fn(|| session.poll_action()).find_map(|action| {
        if let Action::Connect { connection, .. } = action { Some(connection) } else { None }
    }) else {
        panic!("it dials")
    };
    session.handle_open(connection, now);
    let message = r#"{"event":"a","channel":"news","data":"1"}"#;
    let buffer = Bytes::from(message.repeat(events).into_bytes());
    let views = (0..events).map(|at| buffer.slice(at * message.len()..(at + 1) * message.len()));
    let before = [
        r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\"}"}"#,
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"news","data":"{}"}"#,
    ];
    let before = before.map(|text| Bytes::from_static(text.as_bytes()));
    let mut events = VecDeque::new();
    for message in before.into_iter().chain(views) {
        session.handle_message(connection, message, now);
        while let Some(action) = session.poll_action() {
            if let Action::Emit(event @ Event::Channel(_)) = action {
                events.push_back(event);
            }
        }
    }
    (events, buffer)
}

/// Pushes these and receives the first of them, so that the others are taken.
fn take(reader: &mut Reader, names: &[&str]) {
    push(reader, names);
    assert_eq!(next(reader), (names[0].to_string(), Relief::None));
    assert_eq!(reader.queue.count.get().unwrap().events, names.len() - 1, "they are not taken");
}

#[test]
fn what_was_taken_and_not_received_is_dropped_first_and_told_in_one_number() {
    let (mut reader, congestion) = queue(Overflow::DropOldest, 4);
    take(&mut reader, &["a", "b", "c"]);
    push(&reader, &["d", "e"]);
    assert_eq!(congestion.dropped(), 0);
    push(&reader, &["f"]);
    assert_eq!(congestion.dropped(), 1);
    for expected in ["lagged 1", "c"] {
        assert_eq!(next(&mut reader).0, expected);
    }
    // All that was taken, and one more.
    push(&reader, &["g", "h", "i", "j", "k"]);
    for expected in ["lagged 4", "h", "i", "j", "k", "nothing"] {
        assert_eq!(next(&mut reader).0, expected);
    }
    assert_eq!(congestion.dropped(), 5);
}

#[test]
fn one_that_is_full_by_bytes_drops_no_more_of_what_was_taken_than_must_be() {
    let event = |size: usize| Event::Watchlist { online: true, user_ids: vec!["u".repeat(size)] };
    let one = cost(&event(100));
    // A fourth of it can be taken.
    let (mut reader, congestion) = reader(Overflow::DropOldest, 100, 40 * one);
    let push = |reader: &Reader, sizes: &[usize]| {
        push_all(reader, &mut sizes.iter().map(|size| event(*size)).collect(), 0);
    };
    // All that count less than the last one, so that what is dropped counted less than was said.
    push(&reader, &[1, 1, 1, 1, 100, 100, 100, 100]);
    assert!(next(&mut reader).0.contains("Watchlist"));
    let (taken, bytes) = reader.queue.depth();
    assert_eq!((taken, reader.queue.count.get().map(|unread| unread.events)), (7, Some(7)));
    let rest = (40 * one - bytes) / one;
    push(&reader, &vec![100; rest]);
    assert_eq!(congestion.dropped(), 0);
    push(&reader, &[100]);
    let dropped = congestion.dropped();
    assert!((1..=2).contains(&dropped), "{dropped} for the room of one");
    assert!(reader.queue.depth().1 <= 40 * one);
    assert_eq!(next(&mut reader).0, format!("lagged {dropped}"));
    // What is left is counted as it is.
    let left = (7 + rest + 1) - usize::try_from(dropped).unwrap();
    for unread in (0..left).rev() {
        assert!(next(&mut reader).0.contains("Watchlist"));
        let small = unread.saturating_sub(rest + 1 + 4);
        let bytes = small * cost(&Event::Watchlist { online: true, user_ids: vec!["u".into()] });
        assert_eq!(reader.queue.depth(), (unread, bytes + (unread - small) * one));
    }
    assert_eq!(next(&mut reader).0, "nothing");
}

#[test]
fn all_that_was_taken_can_be_dropped_with_what_it_pins_and_counts_nothing_then() {
    let (mut reader, congestion) = reader(Overflow::DropOldest, 1_000, 100_000);
    let (mut events, _) = views(20);
    push_all(&reader, &mut events, 10_000);
    assert!(next(&mut reader).0.contains("Channel"));
    assert_eq!(reader.queue.taken(&reader.queue.lock()).events, 19);
    let large = Event::Watchlist { online: true, user_ids: vec!["u".repeat(98_000)] };
    push_all(&reader, &mut vec![large].into(), 0);
    assert_eq!(congestion.dropped(), 19);
    assert!(reader.queue.kept(&reader.queue.lock()) < 99_000);
    assert_eq!(next(&mut reader).0, "lagged 19");
    assert!(next(&mut reader).0.contains("Watchlist"));
    assert_eq!(reader.queue.depth(), (0, 0));
}

#[test]
fn a_few_views_are_not_taken_so_that_they_are_copied_while_the_receiver_works_on_the_first() {
    let (mut reader, _) = queue(Overflow::DropOldest, 100);
    let (mut events, buffer) = views(15);
    push_all(&reader, &mut events, 1_000);
    assert!(next(&mut reader).0.contains("Channel"));
    reader.queue.settle();
    assert!(buffer.is_unique(), "something was taken, and pins it");
    for _ in 0..14 {
        assert!(next(&mut reader).0.contains("Channel"));
    }
    assert_eq!(next(&mut reader).0, "nothing");
    // What pins nothing is taken, even little of it.
    take(&mut reader, &["a", "b"]);
}

#[test]
fn one_that_fills_up_by_what_was_taken_lets_reading_go_on_when_half_of_all_is_free() {
    let (mut reader, congestion) = queue(Overflow::Wait, 6);
    take(&mut reader, &["a", "b", "c", "d"]);
    push(&reader, &["e", "f", "g"]);
    assert!(congestion.is_any(), "six are unread");
    for (name, relief) in [
        ("b", Relief::None),
        ("c", Relief::None),
        ("d", Relief::All),
        ("e", Relief::None),
        ("f", Relief::None),
        ("g", Relief::None),
        ("nothing", Relief::None),
    ] {
        assert_eq!(next(&mut reader), (name.to_string(), relief));
    }
    assert!(!congestion.is_any());
}

#[test]
fn what_was_taken_and_not_received_is_unread_and_a_drain_waits_for_it() {
    let (mut reader, _) = queue(Overflow::DropOldest, 10);
    push(&reader, &["a", "b", "c"]);
    let (_, bytes) = reader.queue.depth();
    assert_eq!(next(&mut reader).0, "a");
    assert_eq!(reader.queue.depth(), (2, bytes / 3 * 2));
    push(&reader, &["d"]);
    assert_eq!((reader.queue.depth(), reader.queue.unread()), ((3, bytes), (3, true)));
    reader.queue.drain();
    assert_eq!(next(&mut reader), ("b".to_string(), Relief::None));
    assert_eq!((reader.queue.depth(), reader.queue.unread()), ((2, bytes / 3 * 2), (2, true)));
    assert_eq!(next(&mut reader), ("c".to_string(), Relief::None));
    assert_eq!(next(&mut reader), ("d".to_string(), Relief::All));
    assert_eq!((reader.queue.depth(), reader.queue.unread()), ((0, 0), (0, false)));
}

#[test]
fn a_drain_goes_on_when_the_receiver_is_dropped_with_what_it_has_taken() {
    let (mut reader, _) = queue(Overflow::DropOldest, 10);
    take(&mut reader, &["a", "b"]);
    reader.queue.drain();
    assert_eq!(reader.close(), Relief::All);
    assert_eq!(reader.queue.unread(), (0, false));
}

#[test]
fn one_that_is_narrowed_hands_out_nothing_else_of_what_was_taken() {
    let (mut reader, _) = queue(Overflow::DropOldest, 20);
    let (mut events, _) = views(4);
    let count = Event::SubscriptionCount { channel: ChannelName::new("news").unwrap(), count: 1 };
    events.insert(2, count.clone());
    events.push_back(count);
    push_all(&reader, &mut events, 0);
    assert!(next(&mut reader).0.contains("Channel"));
    reader.keep_only("a");
    assert_eq!(reader.queue.unread(), (3, true));
    for _ in 0..3 {
        assert!(next(&mut reader).0.contains("Channel"));
    }
    assert_eq!(next(&mut reader).0, "nothing");
    assert_eq!(reader.queue.depth(), (0, 0));
}

#[test]
fn nothing_is_taken_where_it_would_keep_much_alive() {
    let (mut reader, _) = queue(Overflow::DropOldest, 100);
    let (mut events, _) = views(40);
    let mut later = events.split_off(20);
    push_all(&reader, &mut events, 250_000);
    assert!(next(&mut reader).0.contains("Channel"));
    assert_eq!(reader.queue.taken(&reader.queue.lock()).events, 0);
    // Their own memory is little.
    reader.queue.settle();
    assert!(next(&mut reader).0.contains("Channel"));
    assert_eq!(reader.queue.taken(&reader.queue.lock()).events, 18);
    while next(&mut reader).0 != "nothing" {}
    push_all(&reader, &mut later, 200_000);
    assert!(next(&mut reader).0.contains("Channel"));
    assert_eq!(reader.queue.taken(&reader.queue.lock()).events, 19);
    // What they pin counts until they are received.
    assert!(reader.queue.kept(&reader.queue.lock()) > 200_000);
    while next(&mut reader).0 != "nothing" {}
    assert_eq!(reader.queue.kept(&reader.queue.lock()), 0);
}

#[test]
fn views_are_copied_once_they_would_pin_more_than_the_queue_may_hold() {
    let (mut reader, _) = queue(Overflow::DropOldest, 100);
    let (mut events, buffer) = views(10);
    push_all(&reader, &mut events.split_off(5), 900_000);
    assert!(!buffer.is_unique(), "a receiver that comes in time pays for no copy");
    push_all(&reader, &mut events, 1_000_000);
    assert!(buffer.is_unique());
    for _ in 0..10 {
        assert!(next(&mut reader).0.contains("Channel"));
    }
    assert_eq!(next(&mut reader).0, "nothing");
}

#[test]
fn views_that_are_left_are_copied_each_once() {
    let (reader, _) = queue(Overflow::DropOldest, 100);
    let (mut events, buffer) = views(10);
    let mut later = events.split_off(5);
    push_all(&reader, &mut events, 0);
    reader.queue.settle();
    assert!(!buffer.is_unique(), "the later ones");
    let first = |queue: &Queue| match queue.lock().pop() {
        Some(Event::Channel(event)) => event.into_message().as_ptr(),
        other => panic!("{other:?}"),
    };
    assert!(!buffer.as_ptr_range().contains(&first(&reader.queue)));
    push_all(&reader, &mut later, 0);
    for _ in 0..4 {
        assert!(!buffer.as_ptr_range().contains(&first(&reader.queue)));
    }
    assert!(buffer.as_ptr_range().contains(&first(&reader.queue)));
    reader.queue.settle();
    assert!(buffer.is_unique());
}
