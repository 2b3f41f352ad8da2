//! The thread that reads the notices, for all clients of the process.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::burst::Burst;
use super::entry::Entry;
use super::lookup::Lookup;
use super::socket::{Read, Socket};

/// Maximum number of datagrams that are read before the clock is looked at.
const BATCH: usize = 64;

/// Keeps the thread going; with the last one it ends.
#[derive(Debug)]
pub(crate) struct Watcher {
    shared: Arc<Shared>,
}

/// What clients and the thread share.
#[derive(Debug)]
struct Shared {
    entries: Mutex<Vec<Weak<Entry>>>,
    /// Wakes the thread.
    bell: OwnedFd,
    is_over: AtomicBool,
    /// The thread has ended by itself.
    has_failed: AtomicBool,
}

impl Watcher {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let (notices, lookup) = (Socket::of_notices()?, Lookup::new()?);
        let shared = Arc::new(Shared {
            entries: Mutex::default(),
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            is_over: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
        });
        let handed = shared.clone();
        let builder = thread::Builder::new().name("pushest-network".to_string());
        builder.spawn(move || {
            let ending = Ending(handed);
            if let Err(error) = run(&ending.0, notices, lookup) {
                tracing::warn!(target: "pushest", %error, "the network is watched no longer");
            }
        })?;
        Ok(Self { shared })
    }

    pub(super) fn is_running(&self) -> bool {
        !self.shared.has_failed.load(Ordering::Relaxed)
    }

    /// Makes a place for one more client.
    pub(super) fn enter(&self, entry: &Arc<Entry>) {
        let mut entries = self.shared.lock();
        entries.retain(|entry| entry.strong_count() > 0);
        entries.push(Arc::downgrade(entry));
    }

    /// Lets the thread look at connections that are new.
    pub(super) fn ring(&self) {
        self.shared.ring();
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.shared.ring();
    }
}

impl Shared {
    fn ring(&self) {
        // It fails only where it was rung very often, and then the thread wakes anyway.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// Returns the clients that are still there.
    fn entries(&self) -> Vec<Arc<Entry>> {
        self.lock().iter().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Entry>>> {
        // Nothing panics while it is locked.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says so when the thread ends, by a panic, too.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.has_failed.store(true, Ordering::Relaxed);
    }
}

fn run(shared: &Shared, mut notices: Socket, mut lookup: Lookup) -> io::Result<()> {
    let mut burst = Burst::default();
    loop {
        wait(shared, &notices, burst.due_in(Instant::now()))?;
        // How often it was rung says nothing.
        let _ = rustix::io::read(&shared.bell, &mut [0_u8; 8]);
        if shared.is_over.load(Ordering::Relaxed) {
            return Ok(());
        }
        // Before the notices: what they tell of is to be seen as a change.
        look_at_new(shared, &mut lookup);
        for _ in 0..BATCH {
            let now = Instant::now();
            match notices.read(|_, message| burst.note(&message, now))? {
                Read::Some => {}
                Read::Nothing => break,
                Read::Lost => burst.note_lost(now),
            }
        }
        if burst.due_in(Instant::now()).is_some_and(|left| left.is_zero()) {
            tell_all(shared, &mut lookup, &std::mem::take(&mut burst));
        }
    }
}

/// Waits until there is something to read, the bell rings, or the time is over.
fn wait(shared: &Shared, notices: &Socket, limit: Option<Duration>) -> io::Result<()> {
    let mut descriptors =
        [PollFd::new(notices, PollFlags::IN), PollFd::new(&shared.bell, PollFlags::IN)];
    let limit = limit.map(|limit| Timespec::try_from(limit).expect("a burst is short"));
    match poll(&mut descriptors, limit.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Finds out how it is, for connections that were not looked at yet.
fn look_at_new(shared: &Shared, lookup: &mut Lookup) {
    let new = shared.entries().into_iter();
    let mut new = new.filter_map(|entry| entry.watched(true).map(|watched| (entry, watched)));
    let Some(first) = new.next() else { return };
    // What cannot be found out now is found out with the first notice.
    let Ok(owned) = lookup.owned() else { return };
    for (entry, watched) in std::iter::once(first).chain(new) {
        if let Ok(facts) = lookup.facts(watched.addresses, &owned) {
            entry.know(watched, facts);
        }
    }
}

/// Looks at all connections, and tells their clients what is new.
fn tell_all(shared: &Shared, lookup: &mut Lookup, burst: &Burst) {
    let owned = lookup.owned();
    for entry in shared.entries() {
        let looked = entry.watched(false).map(|watched| {
            let facts = match &owned {
                Ok(owned) => lookup.facts(watched.addresses, owned),
                Err(error) => Err(io::Error::other(error.to_string())),
            };
            (watched, facts)
        });
        entry.tell(looked, burst);
    }
}
