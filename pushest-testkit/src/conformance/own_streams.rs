//! What a scenario's connector gives: the driver's adapter makes streams of its runtime of it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Server;

/// What a driver wants of its connector.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// The host, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// TLS is spoken with the host.
    pub is_tls: bool,
    /// What the stream is for.
    pub purpose: Purpose,
}

impl Wanted {
    /// Creates the value for a driver's own.
    #[must_use]
    pub fn new(host: &str, port: u16, is_tls: bool, purpose: Purpose) -> Self {
        Self { host: host.to_owned(), port, is_tls, purpose }
    }
}

/// What a stream is for.
///
/// Exhaustive on purpose: a driver's adapter must say which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The WebSocket.
    WebSocket,
    /// The HTTP API.
    Api,
    /// The app's authorization endpoint.
    AuthorizationEndpoint,
    /// The way to a proxy.
    Proxy,
}

/// What the connector of a driver's adapter does.
///
/// Exhaustive on purpose: an adapter must do each of these.
#[derive(Clone)]
pub enum Connects {
    /// It makes a pair of streams in memory, or of sockets where the runtime knows no others, gives one end to
    /// [`Server::accept`], and returns the other.
    Within {
        /// The server.
        server: Arc<Server>,
        /// It says that the stream is encrypted.
        is_encrypted: bool,
    },
    /// It connects to this address by a socket of its own.
    To(SocketAddr),
    /// It connects to this Unix socket.
    #[cfg(unix)]
    ToSocket(std::path::PathBuf),
    /// It returns an error with this text.
    Fails(&'static str),
    /// It panics.
    Panics,
    /// It hangs, for a second at least.
    Hangs,
    /// It returns a stream that panics when it is read.
    Breaks,
}

impl fmt::Debug for Connects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Within { .. } => "Within",
            Self::To(_) => "To",
            #[cfg(unix)]
            Self::ToSocket(_) => "ToSocket",
            Self::Fails(_) => "Fails",
            Self::Panics => "Panics",
            Self::Hangs => "Hangs",
            Self::Breaks => "Breaks",
        })
    }
}

/// Says what a connector does, each time that it is asked.
pub type Connector = Arc<dyn Fn(&Wanted) -> Connects + Send + Sync>;

/// A connector that keeps what it was asked for.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Vec<Wanted>>>);

impl Asked {
    /// Returns the connector that does this, which is told how often it was asked before.
    pub(super) fn connector(
        &self,
        act: impl Fn(usize, &Wanted) -> Connects + Send + Sync + 'static,
    ) -> Option<Connector> {
        let asked = self.clone();
        Some(Arc::new(move |wanted: &Wanted| {
            let mut all = asked.lock();
            all.push(wanted.clone());
            let before = all.len() - 1;
            drop(all);
            act(before, wanted)
        }))
    }

    /// Returns what was asked for so far.
    pub(super) fn all(&self) -> Vec<Wanted> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Wanted>> {
        // What is behind it is whole at all times.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what gives a connection to the server.
pub(super) fn within(server: &Arc<Server>) -> Connects {
    Connects::Within { server: server.clone(), is_encrypted: false }
}
