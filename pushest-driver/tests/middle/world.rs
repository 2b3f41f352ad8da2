//! What a runtime and its parts share with the test: the log of all calls, the sockets, the names.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use super::chance::Chance;
use super::clock::Clock;
use super::stream::Socket;

/// What the driver asks of the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Now,
    Resolve,
    Connect(SocketAddr),
    /// An attempt to connect was polled.
    Dial,
    Read(Outcome),
    Write(Outcome),
    Flush(Outcome),
    /// A timer was polled.
    Sleep,
    Dropped(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A number of bytes; none for a flush.
    Done(usize),
    Pending,
    Failed,
}

/// What becomes of an attempt to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    Opens,
    /// Once [`World::go_on`] was called so often.
    OpensAfter(usize),
    Refused,
    Silent,
}

type Hook = Box<dyn FnMut(Call) + Send>;

/// All clones are the same.
#[derive(Clone, Default)]
pub(super) struct World(Arc<Shared>);

#[derive(Default)]
struct Shared {
    clock: Clock,
    calls: Mutex<Vec<Call>>,
    hook: Mutex<Option<Hook>>,
    sockets: Mutex<Vec<Socket>>,
    addresses: Mutex<Vec<SocketAddr>>,
    local: Mutex<Option<SocketAddr>>,
    attempts: Mutex<VecDeque<Attempt>>,
    /// Who waits for the world to go on, and how often it has.
    waiting: Mutex<(Vec<Waker>, usize)>,
    chance: Mutex<Option<Chance>>,
    /// Streams, timers, attempts and the runtime itself hold it while they exist.
    lives: Mutex<Option<Arc<()>>>,
}

impl World {
    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Takes note of a call, and runs the test's hook, no lock of the test's being held.
    pub(super) fn called(&self, call: Call) {
        lock(&self.0.calls).push(call);
        let hook = lock(&self.0.hook).take();
        if let Some(mut hook) = hook {
            hook(call);
            lock(&self.0.hook).get_or_insert(hook);
        }
    }

    /// Runs this at each call but those that it makes itself.
    pub(super) fn at_each_call(&self, hook: impl FnMut(Call) + Send + 'static) {
        *lock(&self.0.hook) = Some(Box::new(hook));
    }

    pub(super) fn forget_hook(&self) {
        let hook = lock(&self.0.hook).take();
        drop(hook);
    }

    /// The calls since the last time.
    pub(super) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut lock(&self.0.calls))
    }

    /// The same, of reading, writing and flushing only.
    pub(super) fn take_io(&self) -> Vec<Call> {
        let is_io = |call: &Call| matches!(call, Call::Read(_) | Call::Write(_) | Call::Flush(_));
        self.take_calls().into_iter().filter(is_io).collect()
    }

    /// What the name of the server resolves to from here on.
    pub(super) fn set_addresses(&self, addresses: Vec<SocketAddr>) {
        *lock(&self.0.addresses) = addresses;
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        lock(&self.0.addresses).clone()
    }

    /// Where connections are made from, from here on. By default nothing is known of that.
    pub(super) fn set_local(&self, address: SocketAddr) {
        *lock(&self.0.local) = Some(address);
    }

    pub(super) fn local(&self) -> Option<SocketAddr> {
        *lock(&self.0.local)
    }

    /// What becomes of the next attempts to connect; all others open at once.
    pub(super) fn plan_attempts(&self, attempts: impl IntoIterator<Item = Attempt>) {
        lock(&self.0.attempts).extend(attempts);
    }

    pub(super) fn next_attempt(&self) -> Attempt {
        lock(&self.0.attempts).pop_front().unwrap_or(Attempt::Opens)
    }

    /// How often the world has gone on.
    pub(super) fn age(&self) -> usize {
        lock(&self.0.waiting).1
    }

    /// Leaves a waker until the world goes on.
    pub(super) fn wait(&self, waker: Waker) {
        lock(&self.0.waiting).0.push(waker);
    }

    /// Goes on with attempts and streams that have only paused. Returns whether there were any.
    pub(super) fn go_on(&self) -> bool {
        let mut waiting = lock(&self.0.waiting);
        waiting.1 += 1;
        let wakers = std::mem::take(&mut waiting.0);
        drop(waiting);
        let has_woken = !wakers.is_empty();
        wakers.into_iter().for_each(Waker::wake);
        self.sockets().iter().fold(has_woken, |has_woken, socket| socket.go_on() || has_woken)
    }

    /// An attempt is no longer waited for.
    pub(super) fn forget_waiting(&self) {
        lock(&self.0.waiting).0.clear();
    }

    /// Lets chance cut the calls of the sockets that are connected from here on.
    pub(super) fn leave_to(&self, chance: Chance) {
        *lock(&self.0.chance) = Some(chance);
    }

    /// The chance of a new socket.
    pub(super) fn chance(&self) -> Option<Chance> {
        lock(&self.0.chance).as_mut().map(Chance::split)
    }

    pub(super) fn add_socket(&self, socket: Socket) {
        lock(&self.0.sockets).push(socket);
    }

    /// All sockets that were connected, in order.
    pub(super) fn sockets(&self) -> Vec<Socket> {
        lock(&self.0.sockets).clone()
    }

    /// Something of the runtime's lives as long as what this returns.
    pub(super) fn life(&self) -> Arc<()> {
        lock(&self.0.lives).get_or_insert_default().clone()
    }

    /// How much of the runtime is left: itself, streams, timers, attempts.
    pub(super) fn lives(&self) -> usize {
        lock(&self.0.lives).as_ref().map_or(0, |life| Arc::strong_count(life) - 1)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A hook may panic on purpose.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
