//! What one receiver has not received yet: a ring, bounded in events and in the bytes that they keep
//! alive.
//!
//! The hub stages a batch's events and puts them in with one lock; the receiver takes them out one
//! by one. A queue has one receiver, hence one waker.
//!
//! # Bytes
//! An event counts what it keeps alive by itself ([`Event::memory`]). A channel's event is a view into
//! the buffer that it was read into, and keeps all of that: what may hang on the views of a client's
//! queues, whichever they are, the hub says with each push. A queue for which that would be too much
//! copies its views, and then keeps alive what it counts; so does one whose receiver has not come for
//! its events until the pump runs again ([`Queue::settle`]). A receiver that keeps up pays for no copy.

pub(crate) mod congestion;
mod ring;

use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use pushest_proto::Event;

use self::congestion::{Congestion, Relief};
use self::ring::Ring;
use crate::options::{Options, Overflow};
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};

#[derive(Debug)]
pub(crate) struct Queue {
    ring: Mutex<Ring>,
    most_events: usize,
    most_bytes: usize,
    overflow: Overflow,
    /// All queues together have a bound.
    is_counted: bool,
    /// The bytes that are counted in `congestion`, to be read without the lock.
    counted: AtomicUsize,
    congestion: Arc<Congestion>,
}

impl Queue {
    pub(crate) fn new(options: &Options, congestion: Arc<Congestion>) -> Self {
        Self {
            ring: Mutex::default(),
            most_events: options.queue_events,
            most_bytes: options.queue_bytes,
            overflow: options.overflow,
            is_counted: congestion.total().is_some(),
            counted: AtomicUsize::new(0),
            congestion,
        }
    }

    /// Pushes a batch. Returns the waker to call after releasing all locks. At most `pinned` bytes
    /// are kept alive by views alone, in all queues of the client together.
    pub(crate) fn push_all(&self, events: &mut Vec<Event>, pinned: usize) -> Option<Waker> {
        let mut ring = self.lock();
        if ring.is_ended {
            events.clear();
            return None;
        }
        let drops = self.overflow == Overflow::DropOldest;
        let most = if drops { self.most_events.saturating_add(1) } else { usize::MAX };
        ring.reserve(events.len().min(most));
        let before = ring.dropped;
        for event in events.drain(..) {
            if ring.wants(&event) {
                ring.push(event);
                while drops && ring.len() > 1 && self.is_over(&ring) {
                    ring.drop_oldest();
                }
            }
        }
        if ring.dropped > before {
            self.congestion.dropped.fetch_add(ring.dropped - before, Ordering::Relaxed);
        }
        if ring.has_views() && ring.bytes().saturating_add(pinned) > self.most_bytes {
            ring.settle();
        }
        ring.shrink();
        if !drops {
            let is_full = ring.len() >= self.most_events || ring.bytes() >= self.most_bytes;
            if is_full && !ring.is_full {
                ring.is_full = true;
                self.congestion.full.fetch_add(1, Ordering::AcqRel);
            }
        }
        self.account(&mut ring);
        if ring.len() == 0 { None } else { ring.waker.take() }
    }

    /// Copies the views among the events that are still here.
    pub(crate) fn settle(&self) {
        self.lock().settle();
    }

    /// Returns the bytes that it holds, where all queues together have a bound.
    pub(crate) fn counted(&self) -> usize {
        self.counted.load(Ordering::Relaxed)
    }

    /// Drops the oldest events until at most `bytes` are left.
    pub(crate) fn shed(&self, bytes: usize) {
        let mut ring = self.lock();
        let before = ring.dropped;
        while ring.bytes() > bytes {
            ring.drop_oldest();
        }
        self.congestion.dropped.fetch_add(ring.dropped - before, Ordering::Relaxed);
        self.account(&mut ring);
    }

    /// Ends the queue with `last`, for which nothing is dropped, however full it is. Returns the
    /// waker to call. What the receiver has not received yet is its own from here on: it delays
    /// nothing, and counts no longer among all queues.
    pub(crate) fn end(&self, last: Option<Event>) -> Option<Waker> {
        let mut ring = self.lock();
        if let Some(last) = last.filter(|last| !ring.is_ended && ring.wants(last)) {
            ring.reserve(1);
            ring.push(last);
        }
        ring.is_ended = true;
        self.relieve(&mut ring);
        ring.waker.take()
    }

    /// Forgets everything, as the receiver is gone.
    pub(crate) fn close(&self) -> Relief {
        let mut ring = self.lock();
        ring.is_ended = true;
        let relief = self.relieve(&mut ring);
        let is_waited_for = ring.is_draining && ring.has_any();
        ring.dropped = 0;
        // Dropping these may take long, or run code of the user's: not under the lock.
        let gone = (ring.take(), ring.waker.take());
        drop(ring);
        drop(gone);
        if is_waited_for { Relief::All } else { relief }
    }

    /// Makes the receiver wake the pump once it has taken everything.
    pub(crate) fn drain(&self) {
        self.lock().is_draining = true;
    }

    /// Returns the number of events that the receiver has not taken, and whether there is anything
    /// that it has not been told.
    pub(crate) fn unread(&self) -> (usize, bool) {
        let ring = self.lock();
        (ring.len(), ring.has_any())
    }

    /// The number of events that the receiver has not taken, and the bytes that they keep alive.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let ring = self.lock();
        (ring.len(), ring.bytes())
    }

    /// Restricts the queue to channel events of this name and what may have cost some of them, among
    /// those that wait, too.
    pub(crate) fn keep_only(&self, name: &str) -> Relief {
        let mut ring = self.lock();
        ring.only = Some(name.into());
        for event in ring.take() {
            if ring.wants(&event) {
                ring.push(event);
            }
        }
        self.relieve_if_half(&mut ring).or(drained(&ring))
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
        // An event between the two looks has woken no task.
        if let Some(ready) = self.receive(&mut ring) {
            return ready;
        }
        let former = ring.waker.replace(waker);
        drop(ring);
        drop(former);
        (Poll::Pending, Relief::None)
    }

    /// Returns what there is to receive, if there is anything, or the end.
    fn receive(&self, ring: &mut Ring) -> Option<(Poll<Option<Event>>, Relief)> {
        if ring.dropped > 0 {
            let dropped = std::mem::take(&mut ring.dropped);
            return Some((Poll::Ready(Some(Event::Lagged { dropped })), drained(ring)));
        }
        if let Some(event) = ring.pop() {
            let relief = self.relieve_if_half(ring);
            return Some((Poll::Ready(Some(event)), relief.or(drained(ring))));
        }
        ring.is_ended.then_some((Poll::Ready(None), Relief::None))
    }

    fn is_over(&self, ring: &Ring) -> bool {
        ring.len() > self.most_events || ring.bytes() > self.most_bytes
    }

    /// Lets reading go on once half of the queue is free, so that it does not stop and go with
    /// every event.
    fn relieve_if_half(&self, ring: &mut Ring) -> Relief {
        if ring.len() <= self.most_events / 2 && ring.bytes() <= self.most_bytes / 2 {
            self.relieve(ring)
        } else {
            self.account(ring)
        }
    }

    fn relieve(&self, ring: &mut Ring) -> Relief {
        let of_all = self.account(ring);
        if !std::mem::take(&mut ring.is_full) {
            return of_all;
        }
        self.congestion.relieve().or(of_all)
    }

    /// Counts what it holds among all queues, if that has a bound.
    fn account(&self, ring: &mut Ring) -> Relief {
        let holds = if ring.is_ended { 0 } else { ring.bytes() };
        if !self.is_counted || holds == ring.counted {
            return Relief::None;
        }
        let before = std::mem::replace(&mut ring.counted, holds);
        self.counted.store(holds, Ordering::Relaxed);
        self.congestion.replace(before, holds)
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing in here can panic halfway through a change.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the pump that waits until the receiver has taken everything.
fn drained(ring: &Ring) -> Relief {
    if ring.is_draining && !ring.has_any() { Relief::All } else { Relief::None }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use pushest_proto::{Action, ChannelName, Config, Instant, Session, SubscribeOptions};
    use tungstenite::Bytes;

    use super::*;

    fn queue(overflow: Overflow, events: usize) -> (Queue, Arc<Congestion>) {
        let congestion = Arc::<Congestion>::default();
        let options = Options::default().queue(events, 1_000_000).overflow(overflow);
        (Queue::new(&options, congestion.clone()), congestion)
    }

    fn push(queue: &Queue, names: &[&str]) {
        let event = |name: &&str| Event::Subscribed { channel: ChannelName::new(name).unwrap() };
        queue.push_all(&mut names.iter().map(event).collect(), 0);
    }

    /// Returns the name of the next event, how many were dropped, or how it stands.
    fn next(queue: &Queue) -> (String, Relief) {
        let (event, relief) = queue.poll_recv(&mut Context::from_waker(Waker::noop()));
        let text = match event {
            Poll::Ready(Some(Event::Subscribed { channel })) => channel.to_string(),
            Poll::Ready(Some(Event::Lagged { dropped: events })) => format!("lagged {events}"),
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
        queue.end(None);
        assert_eq!(next(&queue).0, "end");
    }

    #[test]
    fn the_last_event_of_a_full_one_costs_no_other() {
        let (queue, congestion) = queue(Overflow::DropOldest, 2);
        push(&queue, &["a", "b"]);
        queue.end(Some(Event::Subscribed { channel: ChannelName::new("last").unwrap() }));
        queue.end(Some(Event::Subscribed { channel: ChannelName::new("later").unwrap() }));
        for expected in ["a", "b", "last", "end"] {
            assert_eq!(next(&queue).0, expected);
        }
        assert_eq!(congestion.dropped(), 0);
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
        queue.push_all(&mut vec![event; 10], 0);
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

    /// Events of one channel, which are views into one buffer, and the buffer.
    fn views(events: usize) -> (Vec<Event>, Bytes) {
        let now = Instant::ORIGIN;
        let config = Config::builder("key").host("localhost").build().unwrap();
        let mut session = Session::new(config, 1, now);
        session.subscribe("news", &SubscribeOptions::default(), now).unwrap();
        session.connect(now);
        let Some(connection) = std::iter::from_fn(|| session.poll_action()).find_map(|action| {
            if let Action::Connect { connection, .. } = action { Some(connection) } else { None }
        }) else {
            panic!("it dials")
        };
        session.handle_open(connection, now);
        let message = r#"{"event":"a","channel":"news","data":"1"}"#;
        let buffer = Bytes::from(message.repeat(events).into_bytes());
        let views =
            (0..events).map(|at| buffer.slice(at * message.len()..(at + 1) * message.len()));
        let before = [
            r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\"}"}"#,
            r#"{"event":"pusher_internal:subscription_succeeded","channel":"news","data":"{}"}"#,
        ];
        let before = before.map(|text| Bytes::from_static(text.as_bytes()));
        let mut events = Vec::new();
        for message in before.into_iter().chain(views) {
            session.handle_message(connection, message, now);
            while let Some(action) = session.poll_action() {
                if let Action::Emit(event @ Event::Channel(_)) = action {
                    events.push(event);
                }
            }
        }
        (events, buffer)
    }

    #[test]
    fn views_are_copied_once_they_would_pin_more_than_the_queue_may_hold() {
        let (queue, _) = queue(Overflow::DropOldest, 100);
        let (mut events, buffer) = views(10);
        queue.push_all(&mut events.split_off(5), 900_000);
        assert!(!buffer.is_unique(), "a receiver that comes in time pays for no copy");
        queue.push_all(&mut events, 1_000_000);
        assert!(buffer.is_unique());
        for _ in 0..10 {
            assert!(next(&queue).0.contains("Channel"));
        }
        assert_eq!(next(&queue).0, "nothing");
    }

    #[test]
    fn views_that_are_left_are_copied_each_once() {
        let (queue, _) = queue(Overflow::DropOldest, 100);
        let (mut events, buffer) = views(10);
        let mut later = events.split_off(5);
        queue.push_all(&mut events, 0);
        queue.settle();
        assert!(!buffer.is_unique(), "the later ones");
        let first = |queue: &Queue| match queue.lock().pop() {
            Some(Event::Channel(event)) => event.into_message().as_ptr(),
            other => panic!("{other:?}"),
        };
        assert!(!buffer.as_ptr_range().contains(&first(&queue)));
        queue.push_all(&mut later, 0);
        for _ in 0..4 {
            assert!(!buffer.as_ptr_range().contains(&first(&queue)));
        }
        assert!(buffer.as_ptr_range().contains(&first(&queue)));
        queue.settle();
        assert!(buffer.is_unique());
    }
}
