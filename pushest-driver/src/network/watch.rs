//! A client's side of the watch.

use std::fmt;
use std::io;
use std::sync::Arc;

use pushest_proto::ConnectionId;

use super::entry::Entry;
use super::watching::Watching;
use crate::byte_stream::Addresses;
use crate::network_news::NetworkNews;

/// Whether the networks are to be watched.
#[derive(Clone, Default)]
pub(crate) enum WatchOption {
    #[default]
    Off,
    Asked,
    Begun(Arc<Watching>),
}

impl WatchOption {
    pub(crate) fn of(is_asked: bool) -> Self {
        if is_asked { Self::Asked } else { Self::Off }
    }

    /// Begins, if it is asked for.
    ///
    /// # Errors
    /// Those of the system: there is no netlink socket, no file descriptor, or no thread.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        if matches!(self, Self::Asked) {
            *self = Self::Begun(Watching::of_the_process()?);
        }
        Ok(())
    }

    /// Returns the watch of one client, which `wake` wakes. Where the system does not allow it, the log
    /// says so.
    pub(crate) fn watch(mut self, wake: impl Fn() + Send + Sync + 'static) -> Option<NetworkWatch> {
        if let Err(error) = self.begin() {
            tracing::warn!(target: "pushest", %error, "the network is not watched");
        }
        let Self::Begun(watcher) = self else { return None };
        let entry = Arc::new(Entry::new(wake));
        watcher.enter(&entry);
        Some(NetworkWatch { watcher, entry, followed: None })
    }
}

impl fmt::Debug for WatchOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Off) { "off" } else { "on" })
    }
}

/// The watch of one client; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct NetworkWatch {
    watcher: Arc<Watching>,
    entry: Arc<Entry>,
    followed: Option<ConnectionId>,
}

impl NetworkWatch {
    /// Says which connection there is now, and, if it is another one than before, between which addresses.
    pub(crate) fn follow(
        &mut self,
        connection: Option<ConnectionId>,
        addresses: impl FnOnce() -> Option<Addresses>,
    ) {
        if connection == self.followed {
            return;
        }
        self.followed = connection;
        let addresses = connection.and_then(|_| addresses());
        self.entry.follow(addresses);
        if addresses.is_some() {
            self.watcher.ring();
        }
    }

    /// Takes what has happened since the last call.
    pub(crate) fn take_news(&self) -> NetworkNews {
        self.entry.take_news()
    }
}
