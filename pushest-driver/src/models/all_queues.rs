//! A bound for all queues together: push against receive against close, and reading that waits.

use std::future::poll_fn;

use loom::thread;

use super::*;
use crate::pump_waker::{PumpWaker, Turn};

/// A pump and its receivers, all of which are full together with a single event.
struct Parts {
    waker: PumpWaker,
    congestion: Arc<Congestion>,
    queues: Vec<Arc<Queue>>,
}

impl Parts {
    fn new(queues: usize, overflow: Overflow) -> Arc<Self> {
        let mut options = Options::default().overflow(overflow);
        options.all_queues = Some(1);
        let congestion = Arc::new(Congestion::new(&options));
        let queue = |_| Arc::new(Queue::new(&options, congestion.clone()));
        let queues = (0..queues).map(queue).collect();
        Arc::new(Self { waker: PumpWaker::default(), congestion, queues })
    }

    /// Reads as the pump does: each event goes to all queues, and none is read while they are full.
    /// It ends when they no longer are.
    fn read(&self, names: &[&str]) {
        let mut names = names.iter();
        block_on(poll_fn(|context| {
            self.waker.poll_turns(context, yield_now, |_| {
                if self.congestion.is_any() {
                    return Turn::Idle;
                }
                let Some(name) = names.next() else { return Turn::Ended };
                self.queues.iter().for_each(|queue| push(queue, &[name]));
                self.congestion.wait_if_full();
                Turn::Again
            })
        }));
    }

    fn receive(&self, index: usize, events: usize) -> String {
        receive(&mut Reader::new(self.queues[index].clone()), events, || (), || self.waker.wake())
    }

    fn held(&self) -> usize {
        self.congestion.total().unwrap().held()
    }
}

#[test]
fn reading_goes_on_whichever_of_two_receivers_makes_room_for_all_last() {
    check(&["a, a"], || {
        let parts = Parts::new(2, Overflow::Wait);
        let pump = thread::spawn({
            let parts = parts.clone();
            move || parts.read(&["a"])
        });
        let other = thread::spawn({
            let parts = parts.clone();
            move || parts.receive(1, 1)
        });
        let received = parts.receive(0, 1);
        pump.join().unwrap();
        let received = format!("{received}, {}", other.join().unwrap());
        assert_eq!(parts.held(), 0);
        received
    });
}

#[test]
fn reading_goes_on_for_each_event_though_all_are_full_with_one() {
    check(&["a b"], || {
        let parts = Parts::new(1, Overflow::Wait);
        let pump = thread::spawn({
            let parts = parts.clone();
            move || parts.read(&["a", "b"])
        });
        let received = parts.receive(0, 2);
        pump.join().unwrap();
        received
    });
}

#[test]
fn reading_goes_on_when_the_receiver_that_holds_all_is_dropped() {
    goes_on_after(|parts| {
        if Reader::new(parts.queues[0].clone()).close() == Relief::All {
            parts.waker.wake();
        }
    });
}

#[test]
fn reading_goes_on_when_the_receiver_that_holds_all_is_ended_by_a_command() {
    goes_on_after(|parts| {
        end(&parts.queues[0]);
        // A command wakes the pump in any case.
        parts.waker.wake();
    });
}

/// They are full after the first event; then, before or meanwhile, something frees them.
fn goes_on_after(step: impl Fn(&Parts) + Copy + Send + Sync + 'static) {
    check(&["ended"], move || {
        let parts = Parts::new(1, Overflow::Wait);
        let pump = thread::spawn({
            let parts = parts.clone();
            move || parts.read(&["a", "b"])
        });
        step(&parts);
        pump.join().unwrap();
        assert!(!parts.congestion.is_any());
        assert_eq!(parts.held(), 0);
        "ended".to_string()
    });
}

#[test]
fn what_is_dropped_for_all_while_it_is_received_is_counted_once() {
    check(&["1 lost 1 lost", "1 lost b", "2 lost", "a 1 lost", "a b"], || {
        let parts = Parts::new(1, Overflow::DropOldest);
        let pump = thread::spawn({
            let parts = parts.clone();
            move || {
                let queue = &parts.queues[0];
                push(queue, &["a"]);
                push(queue, &["b"]);
                // As much as one event, then all.
                queue.shed(queue.counted() / 2);
                queue.shed(0);
                end(queue);
            }
        });
        let received = receive_all(&mut Reader::new(parts.queues[0].clone()));
        pump.join().unwrap();
        let lost: u64 = received.split(' ').filter_map(|word| word.parse::<u64>().ok()).sum();
        assert_eq!(parts.congestion.dropped(), lost);
        assert_eq!(parts.held(), 0);
        received
    });
}
