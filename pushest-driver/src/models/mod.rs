//! What threads share, in every order that can be told apart: see [`sync`](crate::sync) for what
//! these models prove, and what they do not.
//!
//! Run by `.ci/loom`, which also breaks the code on purpose and expects a model to fail.

mod all_queues;
mod client;
mod local;
mod park;
mod pump_waker;
mod queue;
mod taken;
mod unblocked;
mod waiting;

use std::collections::{BTreeSet, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use loom::future::block_on;
use pushest_proto::{ChannelName, Event};

use crate::options::{Options, Overflow};
use crate::queue::Queue;
use crate::queue::congestion::{Congestion, Relief};
use crate::queue::costs::cost;
use crate::queue::reader::Reader;
use crate::queue::sleeper::Sleeper;

/// How often a thread is stopped, in one run of a model, where it could have gone on.
const PREEMPTIONS: usize = 3;

/// Operations of all threads, in one run of a model.
const OPERATIONS: usize = 10_000;

/// Runs a model in every order. Over all of them it must come to these outcomes, to all of them and
/// to no other: a model in which nothing happens at once has fewer.
fn check(expected: &[&str], model: impl Fn() -> String + Send + Sync + 'static) {
    let found = Arc::<Mutex<(BTreeSet<String>, usize)>>::default();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.max_branches = OPERATIONS;
    let seen = found.clone();
    builder.check(move || {
        let outcome = model();
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.0.insert(outcome);
        seen.1 += 1;
    });
    let (outcomes, runs) = &*found.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{runs} orders");
    assert!(outcomes.iter().eq(expected), "{outcomes:?} are not {expected:?}");
    assert!(*runs > 1, "a model of one order is none");
}

/// Lets other threads run, as most runtimes do.
fn yield_now(context: &mut Context<'_>) {
    context.waker().wake_by_ref();
}

fn queue(overflow: Overflow, events: usize, congestion: &Arc<Congestion>) -> Arc<Queue> {
    let options = Options::default().queue(events, 1_000_000).overflow(overflow);
    Arc::new(Queue::new(&options, congestion.clone()))
}

/// Pushes a batch as the hub does, and wakes without a lock.
fn push(queue: &Queue, names: &[&str]) {
    // Of a kind that a receiver of events of one name does not want.
    let event = |name: &&str| Event::SubscriptionCount {
        channel: ChannelName::new(name).unwrap(),
        count: 1,
    };
    let mut events: VecDeque<_> = names.iter().map(event).collect();
    let bytes = events.iter().map(cost).sum();
    if let Some(waker) = queue.push_all(&mut events, bytes, 0).map(Sleeper::into_waker) {
        waker.wake();
    }
}

fn end(queue: &Queue) {
    if let Some(waker) = queue.end(None) {
        waker.wake();
    }
}

/// Receives `most` events, or to the end if it comes earlier, as receivers do: their names, and how
/// many were lost before them. The first function runs for each event, before any other thread
/// could know of it; the second when reading can go on.
fn receive(reader: &mut Reader, most: usize, received: impl Fn(), relieved: impl Fn()) -> String {
    let mut names = Vec::new();
    block_on(poll_fn(|context| {
        while names.len() < most {
            let (event, relief) = reader.poll_recv(context);
            if matches!(event, Poll::Ready(Some(_))) {
                received();
            }
            if relief == Relief::All {
                relieved();
            }
            match event {
                Poll::Ready(Some(event)) => names.push(word(&event)),
                Poll::Ready(None) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }));
    names.join(" ")
}

/// Receives until the end.
fn receive_all(reader: &mut Reader) -> String {
    receive(reader, usize::MAX, || (), || ())
}

fn word(event: &Event) -> String {
    match event {
        Event::Subscribed { channel } | Event::SubscriptionCount { channel, .. } => {
            channel.to_string()
        }
        Event::Lagged { dropped: events } => format!("{events} lost"),
        Event::Channel(event) => event.name().to_string(),
        Event::State(change) => format!("{:?}", change.to),
        other => format!("{other:?}"),
    }
}
