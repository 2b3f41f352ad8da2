//! Those who wait for what happens under a lock.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::thread;

use super::*;
use crate::sync::Mutex;
use crate::wait_list::WaitList;

#[derive(Default)]
struct Shared {
    has_happened: bool,
    waiters: WaitList,
}

fn lock(shared: &Mutex<Shared>) -> crate::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap()
}

fn poll(shared: &Mutex<Shared>, place: &mut Option<usize>, waker: &Waker) -> Poll<()> {
    let mut shared = lock(shared);
    if shared.has_happened {
        return Poll::Ready(());
    }
    drop(shared.waiters.leave(place, waker.clone(), None));
    Poll::Pending
}

fn wait(shared: &Mutex<Shared>) {
    let mut place = None;
    block_on(poll_fn(|context| poll(shared, &mut place, context.waker())));
    if let Some(place) = place {
        drop(lock(shared).waiters.remove(place));
    }
}

fn happen(shared: &Mutex<Shared>) {
    let mut wakers = Vec::new();
    let mut shared = lock(shared);
    shared.has_happened = true;
    shared.waiters.wake_all(&mut wakers);
    drop(shared);
    wakers.into_iter().for_each(Waker::wake);
}

#[test]
fn two_who_wait_for_the_same_are_both_woken() {
    check(&["done"], || {
        let shared = Arc::<Mutex<Shared>>::default();
        let other = thread::spawn({
            let shared = shared.clone();
            move || wait(&shared)
        });
        let pump = thread::spawn({
            let shared = shared.clone();
            move || happen(&shared)
        });
        wait(&shared);
        other.join().unwrap();
        pump.join().unwrap();
        "done".to_string()
    });
}

#[test]
fn one_who_gives_up_takes_no_wake_from_another() {
    check(&["done"], || {
        let shared = Arc::<Mutex<Shared>>::default();
        let other = thread::spawn({
            let shared = shared.clone();
            move || wait(&shared)
        });
        let pump = thread::spawn({
            let shared = shared.clone();
            move || happen(&shared)
        });
        let mut place = None;
        let _ = poll(&shared, &mut place, Waker::noop());
        if let Some(place) = place {
            drop(lock(&shared).waiters.remove(place));
        }
        other.join().unwrap();
        pump.join().unwrap();
        "done".to_string()
    });
}
