//! Which webhooks have come before: servers send one again that was not answered with 2xx in time
//! ([protocol, webhooks](crate::protocol#webhooks)).

use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

use super::id::WebhookId;
use super::verify::Webhook;

/// The last webhooks that were carried out, and those that are being carried out. One takes about 100
/// bytes.
///
/// It tells a delivery that comes again, a replay, and one that comes while an equal one is being carried
/// out: a server that got no answer in time does not wait for the first. Two things it cannot tell: a
/// server that puts an event into another webhook the second time (the time in it is another one then),
/// and two equal events of one millisecond from one event that came twice. Several processes that share
/// the work need a common store: keep [`Webhook::id`] in it.
///
/// Handlers share it behind a lock, which is held for [`Seen::begin`] and no longer.
#[derive(Debug, Clone)]
pub struct Seen {
    capacity: usize,
    ids: BTreeSet<WebhookId>,
    /// The same ids, the oldest first.
    order: VecDeque<WebhookId>,
    /// Those whose [`Handling`] was there when it was last looked.
    underway: BTreeMap<WebhookId, Arc<AtomicU8>>,
}

/// The states of a [`Handling`].
const UNDERWAY: u8 = 0;
const DONE: u8 = 1;
const GIVEN_BACK: u8 = 2;

impl Seen {
    /// Creates a memory for this number of webhooks, at least 1: as many as can come within [the largest
    /// age](super::Webhooks::largest_age). Those that are being carried out do not count.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            ids: BTreeSet::new(),
            order: VecDeque::new(),
            underway: BTreeMap::new(),
        }
    }

    /// Reserves a webhook for the caller, unless it has been carried out, or is being carried out.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use pushest_proto::webhook::{Delivery, Seen, Webhook};
    /// # async fn carry_out(_: &Webhook) -> Result<(), ()> { Ok(()) }
    /// /// Returns the status to answer with.
    /// async fn handle(seen: &std::sync::Mutex<Seen>, webhook: &Webhook) -> u16 {
    ///     let delivery = seen.lock().expect("no holder panics").begin(webhook);
    ///     let handling = match delivery {
    ///         Delivery::First(handling) => handling,
    ///         Delivery::Again => return 200,
    ///         Delivery::Underway => return 503, // it is sent again
    ///     };
    ///     match carry_out(webhook).await {
    ///         Ok(()) => {
    ///             handling.done();
    ///             200
    ///         }
    ///         Err(()) => 500, // what is dropped counts as new when it comes again
    ///     }
    /// }
    /// # let _ = handle;
    /// ```
    pub fn begin(&mut self, webhook: &Webhook) -> Delivery {
        self.settle();
        let id = webhook.id();
        if self.ids.contains(&id) {
            return Delivery::Again;
        }
        match self.underway.entry(id) {
            Entry::Occupied(_) => Delivery::Underway,
            Entry::Vacant(place) => {
                let state = place.insert(Arc::new(AtomicU8::new(UNDERWAY)));
                Delivery::First(Handling { state: state.clone() })
            }
        }
    }

    /// Returns whether this webhook has been carried out before. What is decided by this alone may be
    /// done twice by two handlers: see [`Seen::begin`].
    #[must_use]
    pub fn contains(&self, webhook: &Webhook) -> bool {
        let id = webhook.id();
        let is_done = |state: &Arc<AtomicU8>| state.load(Ordering::Acquire) == DONE;
        self.ids.contains(&id) || self.underway.get(&id).is_some_and(is_done)
    }

    /// Remembers what was done since it was last looked, and forgets what was given back.
    fn settle(&mut self) {
        let mut done = Vec::new();
        self.underway.retain(|id, state| match state.load(Ordering::Acquire) {
            UNDERWAY => true,
            DONE => {
                done.push(*id);
                false
            }
            _ => false,
        });
        for id in done {
            if self.ids.insert(id) {
                self.order.push_back(id);
            }
            if self.order.len() > self.capacity
                && let Some(oldest) = self.order.pop_front()
            {
                self.ids.remove(&oldest);
            }
        }
    }
}

/// What [`Seen`] knows of a webhook. Exhaustive on purpose: a handler has an answer to each.
#[derive(Debug)]
#[must_use = "a webhook that is not carried out counts as new when it comes again"]
pub enum Delivery {
    /// It is new, and reserved for the caller: carry it out, and call [`Handling::done`].
    First(Handling),
    /// It has been carried out: answer 200, so that it does not come again.
    Again,
    /// An equal one is being carried out, and may still fail: answer 503, so that it comes again.
    Underway,
}

/// A webhook that is being carried out. Dropped without [`Handling::done`] it counts as new when it comes
/// again: after an error or a panic, and where the handler is cancelled because the server has hung up.
#[derive(Debug)]
#[must_use = "dropped without `done`, the webhook counts as new when it comes again"]
pub struct Handling {
    state: Arc<AtomicU8>,
}

impl Handling {
    /// Remembers the webhook as carried out. Needs no lock: the [`Seen`] that it came from learns of it.
    pub fn done(self) {
        self.state.store(DONE, Ordering::Release);
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        let given_back =
            self.state.compare_exchange(UNDERWAY, GIVEN_BACK, Ordering::Release, Ordering::Relaxed);
        // An error says that it is done.
        let _ = given_back;
    }
}
