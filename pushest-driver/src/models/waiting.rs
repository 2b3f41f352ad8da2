//! Those who wait for what happens under a lock, and for work elsewhere.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::thread;

use super::*;
use crate::models::client::Local;
use crate::sync::Mutex;
use crate::unblocked::unblocked;
use crate::waiting::WaitList;

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
    drop(shared.waiters.leave(place, waker, None));
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

#[test]
fn who_waits_for_work_elsewhere_gets_its_answer() {
    check(&["Some(7)"], || format!("{:?}", block_on(unblocked(&Local::working(), || 7))));
}

#[test]
fn who_waits_for_work_that_is_never_done_learns_of_that() {
    check(&["None"], || format!("{:?}", block_on(unblocked(&Local::idle(), || 7))));
}

#[test]
fn who_waits_in_another_task_is_woken_there() {
    check(&["Some(7)"], || {
        let mut answer = std::pin::pin!(unblocked(&Local::working(), || 7));
        // One that has lost its interest.
        match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => format!("{answer:?}"),
            Poll::Pending => format!("{:?}", block_on(answer)),
        }
    });
}
