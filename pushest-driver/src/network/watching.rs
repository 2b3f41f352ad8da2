//! What clients' watches have in common: one pointer to what looks at all connections.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::entry::Entry;
#[cfg(feature = "__fuzzing")]
use super::made_up::MadeUp;
use super::watcher::Watcher;

/// What looks at the connections of clients, and tells them.
#[derive(Debug)]
pub(crate) enum Watching {
    /// The watcher of the process.
    System(Watcher),
    /// Networks that a test makes up.
    #[cfg(feature = "__fuzzing")]
    MadeUp(Arc<MadeUp>),
}

impl Watching {
    /// Returns the one of the process, which is started if there is none.
    pub(super) fn of_the_process() -> io::Result<Arc<Self>> {
        static CURRENT: Mutex<Weak<Watching>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = current.upgrade().filter(|watching| watching.is_running()) {
            return Ok(running);
        }
        let watching = Arc::new(Self::System(Watcher::start()?));
        *current = Arc::downgrade(&watching);
        Ok(watching)
    }

    fn is_running(&self) -> bool {
        match self {
            Self::System(watcher) => watcher.is_running(),
            #[cfg(feature = "__fuzzing")]
            Self::MadeUp(_) => true,
        }
    }

    /// Makes a place for one more client.
    pub(super) fn enter(&self, entry: &Arc<Entry>) {
        match self {
            Self::System(watcher) => watcher.enter(entry),
            #[cfg(feature = "__fuzzing")]
            Self::MadeUp(networks) => networks.enter(entry),
        }
    }

    /// Has connections looked at that are new.
    pub(super) fn ring(&self) {
        match self {
            Self::System(watcher) => watcher.ring(),
            #[cfg(feature = "__fuzzing")]
            Self::MadeUp(networks) => networks.ring(),
        }
    }
}
