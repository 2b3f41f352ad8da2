//! Wakes against a loop going to sleep in the operating system.

use std::sync::Arc;

use loom::sync::Notify;
use loom::thread;

use super::check;
use crate::park::Parking;
use crate::sync::{AtomicUsize, Ordering};

/// A loop, and what interrupts its sleep.
struct Loop {
    parking: Parking,
    /// As an `eventfd`: an interruption holds for the next sleep.
    system: Notify,
    /// What there is to see. No order: what makes it seen is the parking alone.
    news: AtomicUsize,
}

impl Loop {
    fn new() -> Arc<Self> {
        let news = AtomicUsize::new(0);
        Arc::new(Self { parking: Parking::new(), system: Notify::new(), news })
    }

    fn tell(&self) {
        self.news.fetch_add(1, Ordering::Relaxed);
        if self.parking.wake() {
            self.system.notify();
        }
    }

    fn run(&self, until: usize) {
        while self.news.load(Ordering::Relaxed) < until {
            if self.parking.park() {
                self.system.wait();
                self.parking.unpark();
            }
        }
    }
}

#[test]
fn a_loop_that_goes_to_sleep_sees_what_each_of_two_threads_tells() {
    check(&["done"], || {
        let this = Loop::new();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let this = this.clone();
                thread::spawn(move || this.tell())
            })
            .collect();
        this.run(2);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        "done".to_string()
    });
}

#[test]
fn a_wake_that_was_taken_as_heard_is_followed_by_a_look() {
    check(&["done"], || {
        let this = Loop::new();
        let thread = thread::spawn({
            let this = this.clone();
            move || (0..2).for_each(|_| this.tell())
        });
        // What `Connection` does at the beginning of each wait.
        if this.parking.take_woken() {
            assert_ne!(this.news.load(Ordering::Relaxed), 0);
        }
        this.run(2);
        thread.join().unwrap();
        "done".to_string()
    });
}

#[test]
fn a_sleep_that_a_socket_ends_hides_no_wake() {
    check(&["done"], || {
        let this = Loop::new();
        let socket = thread::spawn({
            let this = this.clone();
            // The system tells of it by itself.
            move || {
                this.news.fetch_add(1, Ordering::Release);
                this.system.notify();
            }
        });
        let thread = thread::spawn({
            let this = this.clone();
            move || this.tell()
        });
        this.run(2);
        socket.join().unwrap();
        thread.join().unwrap();
        "done".to_string()
    });
}
