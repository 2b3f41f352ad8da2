//! The answer of work elsewhere against the task that waits for it.

use std::task::{Context, Poll, Waker};

use super::local::Local;
use super::*;
use crate::unblocked::unblocked;

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
