//! What a receiver has taken at one go against the pump that pushes, waits for room, and drains.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use super::*;
use crate::pump_waker::{PumpWaker, Turn};

/// A queue of which the receiver has received `a` and has taken the others, and its two ends.
fn taken(
    overflow: Overflow,
    events: usize,
    names: &[&str],
    congestion: &Arc<Congestion>,
) -> (Arc<Queue>, Reader) {
    let queue = queue(overflow, events, congestion);
    let mut reader = Reader::new(queue.clone());
    push(&queue, names);
    let (first, _) = reader.poll_recv(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(first, Poll::Ready(Some(event)) if word(&event) == "a"));
    assert_eq!(queue.unread().0, names.len() - 1);
    (queue, reader)
}

#[test]
fn what_was_taken_is_received_or_dropped_and_counted_once() {
    check(&["2 lost d e f", "b 1 lost d e f", "b c d e f"], || {
        let congestion = Arc::<Congestion>::default();
        let (queue, mut reader) = taken(Overflow::DropOldest, 3, &["a", "b", "c"], &congestion);
        let pump = thread::spawn({
            let queue = queue.clone();
            move || {
                push(&queue, &["d", "e", "f"]);
                end(&queue);
            }
        });
        let received = receive_all(&mut reader);
        pump.join().unwrap();
        let lost: u64 = received.split(' ').filter_map(|word| word.parse::<u64>().ok()).sum();
        assert_eq!(congestion.dropped(), lost);
        assert_eq!(queue.unread(), (0, false));
        received
    });
}

#[test]
fn reading_that_waits_for_room_goes_on_though_much_was_taken() {
    check(&["b c d e"], || {
        let congestion = Arc::<Congestion>::default();
        let (queue, mut reader) = taken(Overflow::Wait, 4, &["a", "b", "c"], &congestion);
        let waker = Arc::new(PumpWaker::default());
        let pump = thread::spawn({
            let (queue, waker) = (queue.clone(), waker.clone());
            move || {
                push(&queue, &["d", "e"]);
                let was_full = congestion.is_any();
                block_on(std::future::poll_fn(|context| {
                    waker.poll_turns(context, yield_now, |_| {
                        if congestion.is_any() {
                            return Turn::Idle;
                        }
                        assert!(!was_full || queue.unread().0 <= 2, "no room was made");
                        Turn::Ended
                    })
                }));
            }
        });
        // It goes on when half of the queue is free, and waits for nothing more.
        let received = receive(&mut reader, 2, || (), || waker.wake());
        pump.join().unwrap();
        received + " " + &receive(&mut reader, 2, || (), || waker.wake())
    });
}

#[test]
fn a_drain_waits_for_what_was_taken_and_not_longer() {
    check(&["b c"], || {
        let (queue, mut reader) = taken(Overflow::DropOldest, 4, &["a", "b", "c"], &Arc::default());
        let waker = Arc::new(PumpWaker::default());
        let pump = thread::spawn({
            let (queue, waker) = (queue.clone(), waker.clone());
            move || {
                queue.drain();
                block_on(std::future::poll_fn(|context| {
                    waker.poll_turns(context, yield_now, |_| match queue.unread() {
                        (_, true) => Turn::Idle,
                        (0, false) => Turn::Ended,
                        unread => panic!("{unread:?}"),
                    })
                }));
                end(&queue);
            }
        });
        let received = receive(&mut reader, usize::MAX, || (), || waker.wake());
        pump.join().unwrap();
        received
    });
}

#[test]
fn a_receiver_that_is_dropped_with_what_it_has_taken_holds_nobody_up() {
    check(&["ended"], || {
        let congestion = Arc::<Congestion>::default();
        let (queue, mut reader) = taken(Overflow::Wait, 3, &["a", "b"], &congestion);
        let waker = Arc::new(PumpWaker::default());
        let pump = thread::spawn({
            let (queue, waker) = (queue.clone(), waker.clone());
            move || {
                push(&queue, &["c", "d"]);
                block_on(std::future::poll_fn(|context| {
                    waker.poll_turns(context, yield_now, |_| {
                        if congestion.is_any() { Turn::Idle } else { Turn::Ended }
                    })
                }));
            }
        });
        if reader.close() == Relief::All {
            waker.wake();
        }
        pump.join().unwrap();
        assert_eq!(queue.unread(), (0, false));
        "ended".to_string()
    });
}
