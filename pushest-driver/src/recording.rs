//! The lines that a session records: gathered under the hub's lock, and handed to the user's sink
//! by the pump, outside of any lock.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use pushest_proto::{Config, Instant, Session};

type Sink = Box<dyn FnMut(&str) + Send>;

/// The sink in the options: the first client that is made with them takes it.
#[derive(Clone, Default)]
pub(crate) struct SinkOption(Arc<Mutex<Option<Sink>>>);

impl SinkOption {
    pub(crate) fn new(sink: impl FnMut(&str) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(sink)))))
    }

    /// Creates a session, and its recording if it is recorded.
    pub(crate) fn session(
        &self,
        config: Config,
        seed: u64,
        now: Instant,
    ) -> (Session, Option<Recording>) {
        let Some(sink) = lock(&self.0).take() else {
            return (Session::new(config, seed, now), None);
        };
        let gathered = Arc::<Mutex<Gathered>>::default();
        let gather = {
            let gathered = gathered.clone();
            move |line: &str| {
                let mut gathered = lock(&gathered);
                gathered.lines.push_str(line);
                gathered.lines.push('\n');
            }
        };
        let session = Session::recorded(config, seed, now, gather);
        (session, Some(Recording { gathered, sink: Mutex::new(Some(sink)) }))
    }
}

/// The recording of a client.
///
/// No lock is held while the sink runs: it may call the client, and poll whatever the client waits
/// with.
pub(crate) struct Recording {
    gathered: Arc<Mutex<Gathered>>,
    /// `None` while it runs, and once it has panicked.
    sink: Mutex<Option<Sink>>,
}

#[derive(Default)]
struct Gathered {
    /// What was not handed over yet.
    lines: String,
    /// The thread that the sink runs on.
    handing: Option<ThreadId>,
}

impl Recording {
    /// Hands over what was gathered. Only the pump does so, and not under the hub's lock.
    pub(crate) fn hand_over(&self) {
        let (sink, mut gathered) = (lock(&self.sink).take(), lock(&self.gathered));
        let lines = std::mem::take(&mut gathered.lines);
        let Some(mut sink) = sink else { return };
        gathered.handing = Some(thread::current().id());
        drop(gathered);
        // A panic of the sink ends this, too.
        let _handing = Handing(&self.gathered);
        let was_panicking = thread::panicking();
        let run = catch_unwind(AssertUnwindSafe(|| lines.lines().for_each(&mut *sink)));
        if let Err(panic) = run {
            // A second panic beside one that is under way would end the process.
            if was_panicking {
                return;
            }
            resume_unwind(panic);
        }
        *lock(&self.sink) = Some(sink);
    }

    /// Returns whether the sink has everything that was recorded.
    pub(crate) fn is_handed_over(&self) -> bool {
        let gathered = lock(&self.gathered);
        gathered.handing.is_none() && gathered.lines.is_empty()
    }

    /// Returns whether it is the sink that calls this.
    pub(crate) fn is_sink_here(&self) -> bool {
        let handing = lock(&self.gathered).handing;
        handing.is_some_and(|thread| thread == thread::current().id())
    }
}

/// The sink runs until this is dropped.
struct Handing<'a>(&'a Mutex<Gathered>);

impl Drop for Handing<'_> {
    fn drop(&mut self) {
        lock(self.0).handing = None;
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these is whole at all times.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
