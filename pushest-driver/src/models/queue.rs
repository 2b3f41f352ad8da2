//! Push against receive against close.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use super::*;

#[test]
fn a_receiver_that_goes_to_sleep_is_woken_by_each_event_and_by_the_end() {
    check(&["a b"], || {
        let queue = queue(Overflow::DropOldest, 10, &Arc::default());
        let mut reader = Reader::new(queue.clone());
        let pump = thread::spawn({
            let queue = queue.clone();
            move || {
                push(&queue, &["a"]);
                push(&queue, &["b"]);
                end(&queue);
            }
        });
        let received = receive_all(&mut reader);
        pump.join().unwrap();
        received
    });
}

#[test]
fn what_is_not_received_in_time_is_counted_before_what_follows() {
    check(&["1 lost 1 lost c", "1 lost b c", "2 lost c", "a 1 lost c", "a b c"], || {
        let congestion = Arc::<Congestion>::default();
        let queue = queue(Overflow::DropOldest, 1, &congestion);
        let mut reader = Reader::new(queue.clone());
        let pump = thread::spawn({
            let queue = queue.clone();
            move || {
                push(&queue, &["a"]);
                push(&queue, &["b"]);
                push(&queue, &["c"]);
                end(&queue);
            }
        });
        let received = receive_all(&mut reader);
        pump.join().unwrap();
        let lost: u64 = received.split(' ').filter_map(|word| word.parse::<u64>().ok()).sum();
        assert_eq!(congestion.dropped(), lost);
        received
    });
}

#[test]
fn one_that_is_ended_while_it_is_pushed_to_and_received_from_gives_what_came_before() {
    check(&["", "a", "a b"], || {
        let congestion = Arc::<Congestion>::default();
        let queue = queue(Overflow::Wait, 1, &congestion);
        let mut reader = Reader::new(queue.clone());
        let pump = thread::spawn({
            let queue = queue.clone();
            move || {
                push(&queue, &["a"]);
                push(&queue, &["b"]);
            }
        });
        // A command from a third thread: `unsubscribe`.
        let command = thread::spawn({
            let queue = queue.clone();
            move || end(&queue)
        });
        let received = receive_all(&mut reader);
        pump.join().unwrap();
        command.join().unwrap();
        assert!(!congestion.is_any());
        received
    });
}

#[test]
fn one_that_is_closed_while_it_is_pushed_to_holds_nothing_and_nobody_up() {
    check(&["", "a"], || {
        let congestion = Arc::<Congestion>::default();
        let queue = queue(Overflow::Wait, 1, &congestion);
        let mut reader = Reader::new(queue.clone());
        let pump = thread::spawn({
            let queue = queue.clone();
            move || {
                push(&queue, &["a"]);
                push(&queue, &["b"]);
            }
        });
        let received = received_already(&mut reader);
        reader.close();
        pump.join().unwrap();
        assert!(!congestion.is_any());
        assert_eq!(receive_all(&mut reader), "");
        received
    });
}

#[test]
fn one_that_is_closed_and_ended_at_once_makes_room_once() {
    check(&["", "a"], || {
        let congestion = Arc::<Congestion>::default();
        let queue = queue(Overflow::Wait, 1, &congestion);
        let mut reader = Reader::new(queue.clone());
        let pump = thread::spawn({
            let queue = queue.clone();
            move || push(&queue, &["a"])
        });
        // The last client is dropped meanwhile.
        let client = thread::spawn({
            let queue = queue.clone();
            move || end(&queue)
        });
        let received = received_already(&mut reader);
        reader.close();
        pump.join().unwrap();
        client.join().unwrap();
        assert!(!congestion.is_any());
        received
    });
}

#[test]
fn one_that_moves_to_another_task_is_woken_there() {
    check(&["a"], || {
        let queue = queue(Overflow::DropOldest, 10, &Arc::default());
        let mut reader = Reader::new(queue.clone());
        let pump = thread::spawn({
            let queue = queue.clone();
            move || {
                push(&queue, &["a"]);
                end(&queue);
            }
        });
        // It was polled once, by a task that has lost its interest: half of a `select!`.
        let received = received_already(&mut reader) + &receive_all(&mut reader);
        pump.join().unwrap();
        received
    });
}

/// Returns what is there without waiting, if anything.
fn received_already(reader: &mut Reader) -> String {
    match reader.poll_recv(&mut Context::from_waker(Waker::noop())).0 {
        Poll::Ready(Some(event)) => word(&event),
        _ => String::new(),
    }
}
