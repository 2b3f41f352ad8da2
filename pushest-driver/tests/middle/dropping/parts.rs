//! What a user holds of a client, each of which can be dropped alone.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt};
use pushest_driver::{Event, Subscription};

use crate::wakes::{Hand, Wakes};
use crate::world::Call;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Pump,
    Client,
    Events,
    /// A subscription that receives.
    News,
    /// One that waits for its confirmation for good.
    Room,
    Connected,
    ConnectedWithin,
    Subscribed,
    Flushed,
    SignedIn,
    Triggered,
    Shutdown,
    /// The runtime panics in the midst of the pump.
    Panic,
}

/// All but the panic.
pub(super) const ALL: [Part; 12] = {
    use Part::*;
    [
        Pump,
        Client,
        Events,
        News,
        Room,
        Connected,
        ConnectedWithin,
        Subscribed,
        Flushed,
        SignedIn,
        Triggered,
        Shutdown,
    ]
};

/// A future that is polled only when it was woken, as an executor does.
pub(super) struct Task {
    hand: Hand<()>,
    is_new: bool,
    is_done: bool,
}

impl Task {
    pub(super) fn new(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { hand: Hand::new(future), is_new: true, is_done: false }
    }

    /// Polls it if it was woken. Returns whether it is done.
    fn run(&mut self) -> bool {
        if !self.is_done && (std::mem::take(&mut self.is_new) || self.hand.wakes.take() > 0) {
            self.is_done = self.hand.poll().is_ready();
        }
        self.is_done
    }
}

/// A receiver that is asked only when it was woken.
pub(super) struct Receiver {
    events: Pin<Box<dyn Stream<Item = Event> + Send>>,
    wakes: Wakes,
    is_new: bool,
    is_done: bool,
}

impl Receiver {
    pub(super) fn new(events: impl Stream<Item = Event> + Send + 'static) -> Self {
        Self { events: Box::pin(events), wakes: Wakes::default(), is_new: true, is_done: false }
    }

    fn run(&mut self) -> bool {
        if !self.is_done && (std::mem::take(&mut self.is_new) || self.wakes.take() > 0) {
            let waker = self.wakes.waker();
            let context = &mut Context::from_waker(&waker);
            self.is_done = loop {
                match self.events.poll_next_unpin(context) {
                    Poll::Ready(Some(_)) => {}
                    Poll::Ready(None) => break true,
                    Poll::Pending => break false,
                }
            };
        }
        self.is_done
    }
}

/// All of them, shared with the hook that drops some in the midst of a poll.
#[derive(Clone, Default)]
pub(super) struct Parts(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    client: Option<pushest_driver::unstable::Client>,
    room: Option<Subscription>,
    tasks: Vec<(Part, Task)>,
    receivers: Vec<(Part, Receiver)>,
    /// Wakers of those that there were.
    wakes: Vec<Wakes>,
    step: usize,
    stop: usize,
    victims: Vec<Part>,
    is_pump_a_victim: bool,
    is_polling: bool,
}

impl Parts {
    pub(super) fn new(
        client: pushest_driver::unstable::Client,
        stop: usize,
        victims: &[Part],
    ) -> Self {
        let victims = victims.to_vec();
        let held = Held { client: Some(client), stop, victims, ..Held::default() };
        Self(Arc::new(Mutex::new(held)))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn client(&self) -> Option<pushest_driver::unstable::Client> {
        self.lock().client.clone()
    }

    pub(super) fn hold_room(&self, room: Subscription) {
        self.lock().room = Some(room);
    }

    pub(super) fn add_task(&self, part: Part, task: Task) {
        let mut held = self.lock();
        held.wakes.push(task.hand.wakes.clone());
        held.tasks.push((part, task));
    }

    pub(super) fn add_receiver(&self, part: Part, receiver: Receiver) {
        let mut held = self.lock();
        held.wakes.push(receiver.wakes.clone());
        held.receivers.push((part, receiver));
    }

    /// Runs those that were woken. Returns whether all of them are done.
    pub(super) fn run(&self) -> bool {
        // Not under the lock: they may lead to a call that drops them.
        let (tasks, receivers) = {
            let mut held = self.lock();
            (std::mem::take(&mut held.tasks), std::mem::take(&mut held.receivers))
        };
        let mut are_done = true;
        for (part, mut task) in tasks {
            are_done &= task.run();
            self.lock().tasks.push((part, task));
        }
        for (part, mut receiver) in receivers {
            are_done &= receiver.run();
            self.lock().receivers.push((part, receiver));
        }
        are_done
    }

    /// Those that are not done.
    pub(super) fn waiting(&self) -> Vec<Part> {
        let held = self.lock();
        let tasks = held.tasks.iter().filter(|(_, task)| !task.is_done).map(|(part, _)| *part);
        let receivers = held.receivers.iter().filter(|(_, receiver)| !receiver.is_done);
        tasks.chain(receivers.map(|(part, _)| *part)).collect()
    }

    /// One step further; the victims go if their time has come. Returns whether the pump must, too.
    pub(super) fn step(&self) -> bool {
        let mut held = self.lock();
        held.step += 1;
        if held.step - 1 == held.stop {
            let victims = std::mem::take(&mut held.victims);
            drop(held);
            for victim in victims {
                self.drop_part(victim);
            }
            held = self.lock();
        }
        std::mem::take(&mut held.is_pump_a_victim)
    }

    /// The step of a call in the midst of a poll.
    pub(super) fn called(&self, call: Call) {
        let held = self.lock();
        let is_panic = held.victims.contains(&Part::Panic);
        let counts = match call {
            // This one is made under the driver's lock.
            Call::Now => is_panic && held.is_polling,
            // And these may be made while it unwinds.
            Call::Dropped(_) => !is_panic,
            _ => true,
        };
        drop(held);
        if counts && self.step() {
            self.lock().is_pump_a_victim = true;
        }
    }

    pub(super) fn set_polling(&self, is_polling: bool) {
        self.lock().is_polling = is_polling;
    }

    pub(super) fn drop_part(&self, part: Part) {
        let mut held = self.lock();
        let client = held.client.take_if(|_| part == Part::Client);
        let room = held.room.take_if(|_| part == Part::Room);
        let tasks: Vec<_> = held.tasks.extract_if(.., |(name, _)| *name == part).collect();
        let receivers: Vec<_> = held.receivers.extract_if(.., |(name, _)| *name == part).collect();
        held.is_pump_a_victim |= part == Part::Pump;
        let must_panic = part == Part::Panic && held.is_polling;
        drop(held);
        drop((client, room, tasks, receivers));
        if must_panic {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
    }

    /// Whether the time of the victims has come.
    pub(super) fn has_stopped(&self) -> bool {
        self.lock().victims.is_empty()
    }

    /// Number of wakers of tasks and receivers that are held, and how often they were woken since
    /// this was asked last.
    pub(super) fn wakers(&self) -> (usize, usize) {
        let held = self.lock();
        // The list itself has one of each, and so does a task.
        let kept = held.wakes.iter().map(|wakes| wakes.held()).sum::<usize>();
        let own = held.tasks.len() + held.receivers.len();
        (kept - own, held.wakes.iter().map(Wakes::take).sum())
    }
}
