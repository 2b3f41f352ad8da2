//! What a session records, on its way to the user: gathered under the hub's lock, handed over
//! outside of it, since the sink is the user's code.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pushest_proto::{Config, Instant, Session};

type Sink = Box<dyn FnMut(&str) + Send>;

/// The sink in the options: the first client that is made with them takes it.
#[derive(Clone, Default)]
pub(crate) struct SinkOption(Arc<Mutex<Option<Sink>>>);

impl SinkOption {
    pub(crate) fn new(sink: impl FnMut(&str) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(sink)))))
    }

    /// A session, and its recording where it is recorded.
    pub(crate) fn session(
        &self,
        config: Config,
        seed: u64,
        now: Instant,
    ) -> (Session, Option<Recording>) {
        let Some(sink) = lock(&self.0).take() else {
            return (Session::new(config, seed, now), None);
        };
        let lines = Arc::new(Mutex::new(String::new()));
        let gathered = lines.clone();
        let gather = move |line: &str| {
            let mut lines = lock(&gathered);
            lines.push_str(line);
            lines.push('\n');
        };
        let session = Session::recorded(config, seed, now, gather);
        (session, Some(Recording { lines, sink: Mutex::new(Some(sink)) }))
    }
}

/// The recording of a client.
pub(crate) struct Recording {
    /// What was not handed over yet.
    lines: Arc<Mutex<String>>,
    /// `None` once it has panicked.
    sink: Mutex<Option<Sink>>,
}

impl Recording {
    /// Hands over what was gathered. Not under the hub's lock.
    pub(crate) fn hand_over(&self) {
        // Held meanwhile, so that lines keep their order.
        let mut place = lock(&self.sink);
        let lines = std::mem::take(&mut *lock(&self.lines));
        if let Some(mut sink) = place.take() {
            lines.lines().for_each(&mut *sink);
            *place = Some(sink);
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these is whole at all times.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
