//! Commands and the last permit against the pump going to sleep.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Count;

use loom::thread;

use super::*;
use crate::pump_waker::{PumpWaker, Turn};
use crate::sync::{AtomicUsize, Ordering};

/// What a pump and its receivers share.
struct Parts {
    waker: PumpWaker,
    congestion: Arc<Congestion>,
    queues: Vec<Arc<Queue>>,
    /// Not loom's: what is counted here is for the model to see, not for the threads.
    received: Vec<Count>,
}

impl Parts {
    fn new(queues: usize, events: usize) -> Arc<Self> {
        let congestion = Arc::<Congestion>::default();
        let queues: Vec<_> =
            (0..queues).map(|_| queue(Overflow::Wait, events, &congestion)).collect();
        let received = queues.iter().map(|_| Count::new(0)).collect();
        Arc::new(Self { waker: PumpWaker::default(), congestion, queues, received })
    }

    /// Runs turns as the pump's task does.
    fn run(&self, mut turn: impl FnMut() -> Turn) {
        block_on(poll_fn(|context| self.waker.poll_turns(context, yield_now, |_| turn())));
    }

    /// Reads as the pump does: each event goes to all queues, none is read while one is full.
    /// Reading goes on with at most `left` events in each queue. It ends with no queue full.
    fn read(&self, names: &[&str], left: usize) {
        let mut names = names.iter().enumerate();
        let mut was_full = false;
        self.run(|| {
            if self.congestion.is_any() {
                was_full = true;
                return Turn::Idle;
            }
            let Some((pushed, name)) = names.next() else { return Turn::Ended };
            if std::mem::take(&mut was_full) {
                for received in &self.received {
                    assert!(pushed - received.load(Ordering::SeqCst) <= left, "no room was made");
                }
            }
            self.queues.iter().for_each(|queue| push(queue, &[name]));
            Turn::Again
        });
    }

    /// Receives a number of events from one queue, and tells the pump when there is room.
    fn receive(&self, index: usize, events: usize) -> String {
        let count = || {
            self.received[index].fetch_add(1, Ordering::SeqCst);
        };
        receive(&mut Reader::new(self.queues[index].clone()), events, count, || self.waker.wake())
    }
}

#[test]
fn a_command_is_seen_however_the_pump_was_going_to_sleep() {
    check(&["done"], || {
        let parts = Parts::new(0, 0);
        let commands = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..2)
            .map(|_| {
                let (parts, commands) = (parts.clone(), commands.clone());
                thread::spawn(move || {
                    // No order: what makes it seen is the waker alone.
                    commands.fetch_add(1, Ordering::Relaxed);
                    parts.waker.wake();
                })
            })
            .collect();
        parts.run(|| match commands.load(Ordering::Relaxed) {
            2 => Turn::Ended,
            _ => Turn::Idle,
        });
        clients.into_iter().for_each(|client| client.join().unwrap());
        "done".to_string()
    });
}

#[test]
fn a_command_is_seen_while_the_pump_lets_others_run() {
    check(&["done"], || {
        let parts = Parts::new(0, 0);
        let commands = Arc::new(AtomicUsize::new(0));
        let client = thread::spawn({
            let (parts, commands) = (parts.clone(), commands.clone());
            move || {
                commands.fetch_add(1, Ordering::Relaxed);
                parts.waker.wake();
            }
        });
        let mut turns = 0;
        parts.run(|| {
            turns += 1;
            match commands.load(Ordering::Relaxed) {
                1 if turns > 2 => Turn::Ended,
                _ if turns > 2 => Turn::Idle,
                _ if turns == 2 => Turn::Yield,
                _ => Turn::Again,
            }
        });
        client.join().unwrap();
        "done".to_string()
    });
}

#[test]
fn reading_goes_on_when_a_receiver_has_made_room() {
    check(&["a b c d"], || {
        let parts = Parts::new(1, 2);
        let pump = thread::spawn({
            let parts = parts.clone();
            move || parts.read(&["a", "b", "c", "d"], 1)
        });
        let received = parts.receive(0, 4);
        pump.join().unwrap();
        received
    });
}

#[test]
fn reading_goes_on_whichever_of_two_receivers_makes_room_last() {
    check(&["a, a"], || {
        let parts = Parts::new(2, 1);
        let pump = thread::spawn({
            let parts = parts.clone();
            move || parts.read(&["a"], 0)
        });
        let other = thread::spawn({
            let parts = parts.clone();
            move || parts.receive(1, 1)
        });
        let received = parts.receive(0, 1);
        pump.join().unwrap();
        format!("{received}, {}", other.join().unwrap())
    });
}

#[test]
fn reading_goes_on_when_the_full_receiver_is_dropped() {
    goes_on_after(|parts| {
        if Reader::new(parts.queues[0].clone()).close() == Relief::All {
            parts.waker.wake();
        }
    });
}

#[test]
fn reading_goes_on_when_the_full_receiver_wants_other_events_only() {
    goes_on_after(|parts| {
        if Reader::new(parts.queues[0].clone()).keep_only("another") == Relief::All {
            parts.waker.wake();
        }
    });
}

#[test]
fn reading_goes_on_when_the_full_receiver_is_ended_by_a_command() {
    goes_on_after(|parts| {
        end(&parts.queues[0]);
        // A command wakes the pump in any case.
        parts.waker.wake();
    });
}

/// The queue is full after the first event; then, before or meanwhile, something frees it.
fn goes_on_after(step: impl Fn(&Parts) + Copy + Send + Sync + 'static) {
    check(&["ended"], move || {
        let parts = Parts::new(1, 1);
        let pump = thread::spawn({
            let parts = parts.clone();
            move || parts.read(&["a"], 1)
        });
        step(&parts);
        pump.join().unwrap();
        "ended".to_string()
    });
}

#[test]
fn a_command_and_the_last_permit_at_once_are_both_seen() {
    check(&["a"], || {
        let parts = Parts::new(1, 1);
        let commands = Arc::new(AtomicUsize::new(0));
        let client = thread::spawn({
            let (parts, commands) = (parts.clone(), commands.clone());
            move || {
                commands.fetch_add(1, Ordering::Relaxed);
                parts.waker.wake();
            }
        });
        let receiver = thread::spawn({
            let parts = parts.clone();
            move || parts.receive(0, 1)
        });
        push(&parts.queues[0], &["a"]);
        parts.run(|| match commands.load(Ordering::Relaxed) {
            1 if !parts.congestion.is_any() => Turn::Ended,
            _ => Turn::Idle,
        });
        client.join().unwrap();
        receiver.join().unwrap()
    });
}
