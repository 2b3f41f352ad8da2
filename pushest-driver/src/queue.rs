//! What one receiver has not received yet: a ring, bounded in events and in the bytes they pin.
//!
//! The hub stages a batch's events and puts them in with one lock; the receiver takes them out one
//! by one. A queue has one receiver, hence one waker.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use pushest_proto::{Event, PresenceChange};

use crate::options::{Options, Overflow};
use crate::sync::{AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering};

/// What an event costs beside the message that it keeps alive.
const EVENT_BYTES: usize = size_of::<Event>();

/// How all queues of a client stand together.
#[derive(Debug, Default)]
pub(crate) struct Congestion {
    /// How many queues are full that reading has to wait for.
    full: AtomicUsize,
    /// Events that receivers were too slow for.
    dropped: AtomicU64,
}

impl Congestion {
    pub(crate) fn is_any(&self) -> bool {
        self.full.load(Ordering::Acquire) > 0
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(crate) struct Queue {
    ring: Mutex<Ring>,
    most_events: usize,
    most_bytes: usize,
    overflow: Overflow,
    congestion: Arc<Congestion>,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Event>,
    bytes: usize,
    /// Events dropped since the receiver was told.
    dropped: u64,
    /// Only channel events of this name are taken in.
    only: Option<Box<str>>,
    waker: Option<Waker>,
    /// Counted in `congestion`.
    is_full: bool,
    /// Nothing more comes.
    is_ended: bool,
}

/// What a receiver's step led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relief {
    /// Nothing that concerns the pump.
    None,
    /// No queue is full anymore: reading can go on.
    All,
}

impl Queue {
    pub(crate) fn new(options: &Options, congestion: Arc<Congestion>) -> Self {
        Self {
            ring: Mutex::default(),
            most_events: options.queue_events,
            most_bytes: options.queue_bytes,
            overflow: options.overflow,
            congestion,
        }
    }

    /// Puts a batch in. Answers whom to wake, once no lock is held.
    pub(crate) fn push_all(&self, events: &mut Vec<Event>) -> Option<Waker> {
        let mut ring = self.lock();
        if ring.is_ended {
            events.clear();
            return None;
        }
        for event in events.drain(..) {
            if ring.wants(&event) {
                ring.bytes += cost(&event);
                ring.events.push_back(event);
            }
        }
        match self.overflow {
            Overflow::DropOldest => {
                let before = ring.dropped;
                while ring.events.len() > 1 && self.is_over(&ring) {
                    ring.pop();
                    ring.dropped += 1;
                }
                self.congestion.dropped.fetch_add(ring.dropped - before, Ordering::Relaxed);
            }
            Overflow::Wait => {
                let is_full =
                    ring.events.len() >= self.most_events || ring.bytes >= self.most_bytes;
                if is_full && !ring.is_full {
                    ring.is_full = true;
                    self.congestion.full.fetch_add(1, Ordering::AcqRel);
                }
            }
        }
        if ring.events.is_empty() { None } else { ring.waker.take() }
    }

    /// Nothing more comes. Answers whom to wake.
    pub(crate) fn end(&self) -> Option<Waker> {
        let mut ring = self.lock();
        ring.is_ended = true;
        self.relieve(&mut ring);
        ring.waker.take()
    }

    /// The receiver is gone: forgets everything.
    pub(crate) fn close(&self) -> Relief {
        let mut ring = self.lock();
        ring.is_ended = true;
        let relief = self.relieve(&mut ring);
        // Dropping these may take long, or run code of the user's: not under the lock.
        let gone = (std::mem::take(&mut ring.events), ring.waker.take());
        ring.bytes = 0;
        drop(ring);
        drop(gone);
        relief
    }

    /// From here on, takes in only channel events of this name; keeps those that wait.
    pub(crate) fn keep_only(&self, name: &str) -> Relief {
        let mut ring = self.lock();
        ring.only = Some(name.into());
        let events = std::mem::take(&mut ring.events);
        ring.bytes = 0;
        for event in events {
            if ring.wants(&event) {
                ring.bytes += cost(&event);
                ring.events.push_back(event);
            }
        }
        self.relieve_if_half(&mut ring)
    }

    pub(crate) fn poll_recv(&self, context: &mut Context<'_>) -> (Poll<Option<Event>>, Relief) {
        let mut ring = self.lock();
        if let Some(ready) = self.receive(&mut ring) {
            return ready;
        }
        if ring.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            return (Poll::Pending, Relief::None);
        }
        drop(ring);
        // Cloning and dropping it may run code of the user's: not under the lock.
        let waker = context.waker().clone();
        let mut ring = self.lock();
        // What came between the two looks woke nobody.
        if let Some(ready) = self.receive(&mut ring) {
            return ready;
        }
        let former = ring.waker.replace(waker);
        drop(ring);
        drop(former);
        (Poll::Pending, Relief::None)
    }

    /// What there is to receive, if there is anything, or the end.
    fn receive(&self, ring: &mut Ring) -> Option<(Poll<Option<Event>>, Relief)> {
        if ring.dropped > 0 {
            let dropped = std::mem::take(&mut ring.dropped);
            return Some((Poll::Ready(Some(Event::Lagged(dropped))), Relief::None));
        }
        if let Some(event) = ring.pop() {
            let relief = self.relieve_if_half(ring);
            return Some((Poll::Ready(Some(event)), relief));
        }
        ring.is_ended.then_some((Poll::Ready(None), Relief::None))
    }

    fn is_over(&self, ring: &Ring) -> bool {
        ring.events.len() > self.most_events || ring.bytes > self.most_bytes
    }

    /// Half of it has to be free before reading goes on, so that it does not stop and go with
    /// every event.
    fn relieve_if_half(&self, ring: &mut Ring) -> Relief {
        if ring.events.len() <= self.most_events / 2 && ring.bytes <= self.most_bytes / 2 {
            self.relieve(ring)
        } else {
            Relief::None
        }
    }

    fn relieve(&self, ring: &mut Ring) -> Relief {
        if !std::mem::take(&mut ring.is_full) {
            return Relief::None;
        }
        match self.congestion.full.fetch_sub(1, Ordering::AcqRel) {
            1 => Relief::All,
            _ => Relief::None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing in here can panic halfway through a change.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn wants(&self, event: &Event) -> bool {
        match (&self.only, event) {
            (None, _) => true,
            (Some(name), Event::Channel(event)) => event.name() == &**name,
            (Some(_), _) => false,
        }
    }

    fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= cost(&event);
        Some(event)
    }
}

/// What an event keeps alive, in bytes.
fn cost(event: &Event) -> usize {
    let beside = match event {
        Event::Channel(event) => event.pinned_bytes(),
        Event::Presence(update) => match &update.change {
            PresenceChange::Reset { joined, left } => {
                (joined.len() + left.len()) * size_of::<usize>()
            }
            PresenceChange::Joined(_) | PresenceChange::Left(_) => 0,
        },
        Event::Unrouted { name, message } => name.len() + message.len(),
        Event::Malformed { message, .. } => message.len(),
        Event::ServerError(error) => error.message.len(),
        Event::Watchlist { user_ids, .. } => {
            user_ids.iter().map(|id| size_of::<String>() + id.len()).sum()
        }
        _ => 0,
    };
    EVENT_BYTES + beside
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use pushest_proto::ChannelName;

    use super::*;

    fn queue(overflow: Overflow, events: usize) -> (Queue, Arc<Congestion>) {
        let congestion = Arc::<Congestion>::default();
        let options = Options::default().queue(events, 1_000_000).overflow(overflow);
        (Queue::new(&options, congestion.clone()), congestion)
    }

    fn push(queue: &Queue, names: &[&str]) {
        let event = |name: &&str| Event::Subscribed { channel: ChannelName::new(name).unwrap() };
        queue.push_all(&mut names.iter().map(event).collect());
    }

    /// The name of the next event, how many were dropped, or how it stands.
    fn next(queue: &Queue) -> (String, Relief) {
        let (event, relief) = queue.poll_recv(&mut Context::from_waker(Waker::noop()));
        let text = match event {
            Poll::Ready(Some(Event::Subscribed { channel })) => channel.to_string(),
            Poll::Ready(Some(Event::Lagged(events))) => format!("lagged {events}"),
            Poll::Ready(None) => "end".to_string(),
            Poll::Pending => "nothing".to_string(),
            other => format!("{other:?}"),
        };
        (text, relief)
    }

    #[test]
    fn the_oldest_go_and_the_receiver_is_told_before_the_rest() {
        let (queue, congestion) = queue(Overflow::DropOldest, 2);
        push(&queue, &["a", "b", "c"]);
        push(&queue, &["d"]);
        assert!(!congestion.is_any());
        for expected in ["lagged 2", "c", "d", "nothing"] {
            assert_eq!(next(&queue).0, expected);
        }
        queue.end();
        assert_eq!(next(&queue).0, "end");
    }

    #[test]
    fn a_full_one_holds_reading_up_until_half_of_it_is_free() {
        let (queue, congestion) = queue(Overflow::Wait, 4);
        push(&queue, &["a", "b", "c"]);
        assert!(!congestion.is_any());
        push(&queue, &["d", "e"]);
        assert!(congestion.is_any());
        assert_eq!(next(&queue), ("a".to_string(), Relief::None));
        assert_eq!(next(&queue), ("b".to_string(), Relief::None));
        assert_eq!(next(&queue), ("c".to_string(), Relief::All));
        assert!(!congestion.is_any());
        assert_eq!(next(&queue), ("d".to_string(), Relief::None));
    }

    #[test]
    fn watchlists_of_empty_ids_are_counted_by_what_they_cost() {
        let (queue, _) = queue(Overflow::DropOldest, 100);
        let user_ids = vec![String::new(); 20_000];
        let event = Event::Watchlist { online: true, user_ids };
        queue.push_all(&mut vec![event; 10]);
        // A million bytes are two of them.
        assert_eq!(next(&queue).0, "lagged 8");
    }

    #[test]
    fn one_that_is_closed_or_ended_holds_nobody_up() {
        let (queue, congestion) = queue(Overflow::Wait, 1);
        push(&queue, &["a"]);
        assert!(congestion.is_any());
        assert_eq!(queue.close(), Relief::All);
        assert!(!congestion.is_any());
        push(&queue, &["b"]);
        assert!(!congestion.is_any());
    }
}
