//! What became of the webhooks.

use std::collections::VecDeque;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::protocol::Happening;
use crate::shell::TimedOut;

/// Maximum number of attempts that are kept.
const KEPT: usize = 10_000;

/// An attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookAttempt {
    /// Where it went.
    pub url: String,
    /// The body, as it was signed: JSON.
    pub body: String,
    /// 1 for the first attempt with this body, then 2, 3 …
    pub attempt: u32,
    /// The status of the answer; `None` if there was none.
    pub status: Option<u16>,
    /// Why there was no answer; empty if there was one.
    pub problem: String,
}

impl WebhookAttempt {
    /// Returns whether the backend has taken it: the answer was 2xx.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// What the threads of all backends have done.
#[derive(Debug)]
pub(in crate::shell) struct Sent {
    log: Mutex<Log>,
    changed: Condvar,
    /// Wakes the loop, which looks at what is waited for.
    waker: Arc<mio::Waker>,
}

#[derive(Debug, Default)]
struct Log {
    attempts: VecDeque<WebhookAttempt>,
    /// The channel of the program that watches the server.
    watcher: Option<SyncSender<Happening>>,
    /// How many attempts there were, those that are kept no longer included.
    tried: u64,
    taken: u64,
    is_over: bool,
    /// The sockets of requests that are on their way.
    open: Vec<TcpStream>,
}

impl Sent {
    pub(in crate::shell) fn new(
        watcher: Option<SyncSender<Happening>>,
        waker: Arc<mio::Waker>,
    ) -> Self {
        let log = Mutex::new(Log { watcher, ..Log::default() });
        Self { log, changed: Condvar::new(), waker }
    }

    /// Returns how many webhooks were answered with 2xx.
    pub(super) fn taken(&self) -> u64 {
        self.lock().taken
    }

    /// Returns the attempts behind the first `seen` ones, as far as they are kept, and counts them there.
    pub(super) fn attempts_since(&self, seen: &mut u64) -> Vec<WebhookAttempt> {
        let log = self.lock();
        let new = usize::try_from(log.tried - *seen).unwrap_or(usize::MAX);
        *seen = log.tried;
        log.attempts.iter().skip(log.attempts.len().saturating_sub(new)).cloned().collect()
    }

    pub(in crate::shell) fn attempts(&self) -> Vec<WebhookAttempt> {
        self.lock().attempts.iter().cloned().collect()
    }

    pub(in crate::shell) fn wait(&self, count: u64, timeout: Duration) -> Result<(), TimedOut> {
        let log = self.lock();
        let (log, _) = self
            .changed
            .wait_timeout_while(log, timeout, |log| log.taken < count)
            .unwrap_or_else(PoisonError::into_inner);
        if log.taken >= count {
            return Ok(());
        }
        let last = log.attempts.back().map(|last| match last.status {
            Some(status) => format!(", the last of which was answered with {status}"),
            None => format!(", the last of which got no answer: {}", last.problem),
        });
        let (taken, tried) = (log.taken, log.attempts.len());
        Err(TimedOut {
            wanted: format!("{count} webhooks that are taken"),
            found: format!("{taken} of {tried} attempts were{}", last.unwrap_or_default()),
            waited: timeout,
        })
    }

    /// Ends all threads, whatever they wait for.
    pub(in crate::shell) fn end(&self) {
        let mut log = self.lock();
        log.is_over = true;
        // The channel is closed once there is no sender.
        log.watcher = None;
        for socket in log.open.drain(..) {
            // It may be over already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        drop(log);
        self.changed.notify_all();
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().is_over
    }

    pub(super) fn note(&self, attempt: WebhookAttempt) {
        let mut log = self.lock();
        log.tried += 1;
        log.taken += u64::from(attempt.is_taken());
        if let Some(watcher) = &log.watcher {
            let WebhookAttempt { url, attempt, status, problem, .. } = attempt.clone();
            // A watcher that reads too slowly misses it; nothing waits for it.
            let _ = watcher.try_send(Happening::Webhook { url, attempt, status, reason: problem });
        }
        if log.attempts.len() == KEPT {
            log.attempts.pop_front();
        }
        log.attempts.push_back(attempt);
        drop(log);
        self.changed.notify_all();
        // It fails only if the loop is gone, and with it all who wait.
        let _ = self.waker.wake();
    }

    /// Keeps a request's socket, to be cut at the end. Returns whether there is still time for it.
    pub(super) fn opened(&self, socket: &TcpStream) -> bool {
        let mut log = self.lock();
        if !log.is_over
            && let Ok(socket) = socket.try_clone()
        {
            log.open.push(socket);
        }
        !log.is_over
    }

    /// Forgets the socket of a request that is over.
    pub(super) fn closed(&self, socket: &TcpStream) {
        let Ok(address) = socket.local_addr() else { return };
        self.lock().open.retain(|open| open.local_addr().is_ok_and(|other| other != address));
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        // A panic elsewhere leaves nothing half-done here.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
