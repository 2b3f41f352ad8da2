//! The thread that carries a client, and the wait for its end.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pushest_driver::StartError;

use crate::event_loop::EventLoop;
use crate::reactor::LoopId;

/// How long the last client waits for its thread: the two seconds that the pump grants to the end
/// of a connection, and one for what else runs there.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

thread_local! {
    /// The loop that this thread was started for.
    static CARRIED: Cell<Option<LoopId>> = const { Cell::new(None) };
}

/// Returns whether this thread was started for the loop: what is waited for here never comes, for
/// the loop does not turn meanwhile.
pub(crate) fn is_carried_here(id: LoopId) -> bool {
    CARRIED.get() == Some(id)
}

/// The thread of one loop.
pub(crate) struct Carrier {
    id: LoopId,
    end: Arc<End>,
}

#[derive(Default)]
struct End {
    has_come: Mutex<bool>,
    comes: Condvar,
}

impl Carrier {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`StartError::Thread`], and the loop as it was.
    pub(crate) fn start(event_loop: Box<EventLoop>) -> Result<Self, (Box<EventLoop>, StartError)> {
        let id = event_loop.reactor.id();
        let end = Arc::<End>::default();
        let ending = end.clone();
        // A thread that is not started drops what it was to run.
        let place = Arc::new(Mutex::new(Some(event_loop)));
        let handed = place.clone();
        let builder = thread::Builder::new().name("pushest-client".to_string());
        let thread = builder.spawn(move || {
            let _ending = Ending(ending);
            CARRIED.set(Some(id));
            let event_loop = lock(&handed).take();
            if let Some(event_loop) = event_loop {
                event_loop.run();
            }
        });
        match thread {
            Ok(_) => Ok(Self { id, end }),
            Err(error) => {
                let event_loop = lock(&place).take();
                let event_loop = event_loop.expect("there is no thread that could have taken it");
                Err((event_loop, StartError::Thread(Arc::new(error))))
            }
        }
    }

    pub(crate) fn id(&self) -> LoopId {
        self.id
    }

    /// Waits until the thread has ended, for a limited time. On that thread itself, returns at once.
    ///
    /// Neither needs anything that a thread on its way out no longer has.
    pub(crate) fn wait_for_end(&self) {
        if is_carried_here(self.id) {
            return;
        }
        let until = Instant::now() + CLOSE_TIMEOUT;
        let mut has_come = lock(&self.end.has_come);
        while !*has_come {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.end.comes.wait_timeout(has_come, left);
            has_come = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Says so when the thread ends, by a panic, too.
struct Ending(Arc<End>);

impl Drop for Ending {
    fn drop(&mut self) {
        *lock(&self.0.has_come) = true;
        self.0.comes.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these is whole at all times.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").field("id", &self.id).finish_non_exhaustive()
    }
}
