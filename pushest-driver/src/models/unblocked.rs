//! The answer of work elsewhere against the task that waits for it.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loom::thread;

use super::*;
use crate::unblocked::slot;

#[test]
fn who_waits_for_work_elsewhere_gets_its_answer() {
    check(&["Some(7)"], || {
        let (worker, answer) = slot();
        let thread = thread::spawn(move || worker.finish(7));
        let answer = block_on(answer);
        thread.join().unwrap();
        format!("{answer:?}")
    });
}

#[test]
fn who_waits_for_work_that_is_never_done_learns_of_that() {
    check(&["None"], || {
        let (worker, answer) = slot::<()>();
        let thread = thread::spawn(move || drop(worker));
        let answer = block_on(answer);
        thread.join().unwrap();
        format!("{answer:?}")
    });
}

#[test]
fn who_waits_in_another_task_is_woken_there() {
    check(&["Some(7)"], || {
        let (worker, mut answer) = slot();
        let thread = thread::spawn(move || worker.finish(7));
        // One that has lost its interest.
        let answer = match Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => block_on(answer),
        };
        thread.join().unwrap();
        format!("{answer:?}")
    });
}
