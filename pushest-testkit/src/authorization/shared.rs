//! What the endpoint and the threads of its requests share.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;

use super::{ReceivedRequest, Reply};
use crate::protocol::App;

/// Maximum number of requests that are kept.
const KEPT_REQUESTS: usize = 10_000;

/// Returns the reply to a request.
pub(super) type Respond = dyn Fn(&ReceivedRequest) -> Reply + Send + Sync;

pub(super) struct Shared {
    pub(super) app: App,
    pub(super) tls: Option<Arc<ServerConfig>>,
    behaviour: Mutex<Behaviour>,
    requests: Mutex<Requests>,
    pub(super) request_came: Condvar,
    is_over: AtomicBool,
    /// Notified at the end, for what waits.
    over: (Mutex<()>, Condvar),
    /// The sockets of the requests that are not answered yet, by a number.
    open: Mutex<HashMap<u64, TcpStream>>,
    last_number: AtomicU64,
}

pub(super) struct Behaviour {
    pub(super) respond: Arc<Respond>,
    /// How many times what comes first.
    pub(super) next: VecDeque<(u32, Reply)>,
    pub(super) delay: Duration,
}

impl Behaviour {
    /// Takes the reply that was set for the next request, if one was.
    fn take_planned(&mut self) -> Option<Reply> {
        while self.next.front().is_some_and(|(times, _)| *times == 0) {
            self.next.pop_front();
        }
        let (times, reply) = self.next.front_mut()?;
        *times -= 1;
        Some(reply.clone())
    }
}

#[derive(Default)]
pub(super) struct Requests {
    pub(super) kept: VecDeque<ReceivedRequest>,
    pub(super) count: u64,
}

impl Shared {
    pub(super) fn new(app: App, tls: Option<Arc<ServerConfig>>, respond: Arc<Respond>) -> Self {
        Self {
            app,
            tls,
            behaviour: Mutex::new(Behaviour {
                respond,
                next: VecDeque::new(),
                delay: Duration::ZERO,
            }),
            requests: Mutex::default(),
            request_came: Condvar::new(),
            is_over: AtomicBool::new(false),
            over: Default::default(),
            open: Mutex::default(),
            last_number: AtomicU64::new(0),
        }
    }

    pub(super) fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        lock(&self.behaviour)
    }

    pub(super) fn requests(&self) -> MutexGuard<'_, Requests> {
        lock(&self.requests)
    }

    /// Keeps a request, and returns the reply to it and how long to wait before.
    pub(super) fn reply(&self, request: &ReceivedRequest) -> (Reply, Duration) {
        let mut requests = self.requests();
        // Before the request counts: a test that waits for it sets the reply to the next one then.
        let mut behaviour = self.behaviour();
        let (planned, delay) = (behaviour.take_planned(), behaviour.delay);
        let respond = behaviour.respond.clone();
        drop(behaviour);
        requests.count += 1;
        if requests.kept.len() == KEPT_REQUESTS {
            requests.kept.pop_front();
        }
        requests.kept.push_back(request.clone());
        drop(requests);
        self.request_came.notify_all();
        // No lock is held: what responds may block, or call the endpoint.
        (planned.unwrap_or_else(|| respond(request)), delay)
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Waits this long, or until the end of the endpoint.
    pub(super) fn wait(&self, duration: Duration) {
        let guard = lock(&self.over.0);
        let waited = self.over.1.wait_timeout_while(guard, duration, |()| !self.is_over());
        drop(waited);
    }

    pub(super) fn end(&self) {
        let guard = lock(&self.over.0);
        self.is_over.store(true, Ordering::SeqCst);
        drop(guard);
        self.over.1.notify_all();
        for stream in lock(&self.open).values() {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Keeps a request's socket among those that the end of the endpoint closes.
pub(super) struct Open {
    pub(super) shared: Arc<Shared>,
    number: u64,
}

impl Open {
    pub(super) fn new(stream: &TcpStream, shared: &Arc<Shared>) -> io::Result<Self> {
        let number = shared.last_number.fetch_add(1, Ordering::Relaxed);
        lock(&shared.open).insert(number, stream.try_clone()?);
        // The end may have closed all others just before.
        if shared.is_over() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        Ok(Self { shared: shared.clone(), number })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.shared.open).remove(&self.number);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of the user's function leaves nothing half-done here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
