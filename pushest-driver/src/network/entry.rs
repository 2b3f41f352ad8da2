//! What the watcher and one client share.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::burst::Burst;
use super::path::Facts;
use crate::byte_stream::Addresses;
use crate::network_news::NetworkNews;

/// The place of one client.
pub(crate) struct Entry {
    state: Mutex<State>,
    /// The client asks in each of its turns, mostly for nothing.
    has_news: AtomicBool,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    /// Counts the connections, so that what is found out about one is not told of the next.
    connection: u64,
    /// The addresses of the connection; `None` without one, and for one that has none.
    addresses: Option<Addresses>,
    /// What the last look has shown.
    known: Option<Facts>,
    news: NetworkNews,
}

/// A connection that is to be looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched {
    connection: u64,
    pub(super) addresses: Addresses,
}

impl Entry {
    pub(super) fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), has_news: AtomicBool::new(false), wake: Box::new(wake) }
    }

    /// Goes on with another connection, or without one. What is not told yet was about the former.
    pub(super) fn follow(&self, addresses: Option<Addresses>) {
        let mut state = self.lock();
        let connection = state.connection.wrapping_add(1);
        *state = State { connection, addresses, ..State::default() };
    }

    pub(super) fn take_news(&self) -> NetworkNews {
        if !self.has_news.swap(false, Ordering::Relaxed) {
            return NetworkNews::default();
        }
        std::mem::take(&mut self.lock().news)
    }

    /// Returns the connection; with `is_new` only if it was not looked at yet.
    pub(super) fn watched(&self, is_new: bool) -> Option<Watched> {
        let state = self.lock();
        let addresses = state.addresses.filter(|_| !is_new || state.known.is_none())?;
        Some(Watched { connection: state.connection, addresses })
    }

    /// Keeps what the first look at a connection has shown.
    pub(super) fn know(&self, watched: Watched, facts: Facts) {
        let mut state = self.lock();
        if state.connection == watched.connection {
            state.known = Some(facts);
        }
    }

    /// Tells a client what a look after a burst has shown, and wakes it if that is anything. Without a
    /// connection that was looked at it is what came and went.
    pub(super) fn tell(&self, looked: Option<(Watched, io::Result<Facts>)>, burst: &Burst) {
        let mut state = self.lock();
        let news = match looked {
            // It has gone on with another one meanwhile.
            Some((watched, _)) if watched.connection != state.connection => return,
            Some((watched, Ok(facts))) => {
                let local: IpAddr = watched.addresses.local.ip().to_canonical();
                let before = state.known.replace(facts).unwrap_or(facts);
                facts.news_since(&before, burst, local)
            }
            // A sign of life shows what could not be found out.
            Some((_, Err(_))) => NetworkNews { path_changed: true, ..NetworkNews::default() },
            None => NetworkNews { came: burst.came, went: burst.went, ..NetworkNews::default() },
        };
        if news == NetworkNews::default() {
            return;
        }
        state.news = state.news.and(news);
        drop(state);
        self.has_news.store(true, Ordering::Relaxed);
        (self.wake)();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("state", &*self.lock()).finish_non_exhaustive()
    }
}
