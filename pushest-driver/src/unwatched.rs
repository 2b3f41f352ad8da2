//! In the place of `network` in a build without the feature `network-watch`, and on systems other than
//! Linux: no network is watched.

use std::io;

use pushest_proto::ConnectionId;

use crate::byte_stream::Addresses;
use crate::network_news::NetworkNews;

/// Whether the networks are to be watched.
#[derive(Debug, Clone, Default)]
pub(crate) struct WatchOption {
    is_asked: bool,
}

impl WatchOption {
    #[cfg(feature = "network-watch")]
    pub(crate) fn of(is_asked: bool) -> Self {
        Self { is_asked }
    }

    /// Begins, if it is asked for.
    ///
    /// # Errors
    /// That nothing can be watched here.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        if !self.is_asked {
            return Ok(());
        }
        let reason = "this is known of Linux only; call network_changed where the system tells you";
        Err(io::Error::new(io::ErrorKind::Unsupported, reason))
    }

    /// Returns nothing. Where it was asked for, the log says that.
    pub(crate) fn watch(mut self, _: impl Fn() + Send + Sync + 'static) -> Option<NetworkWatch> {
        if let Err(error) = self.begin() {
            tracing::warn!(target: "pushest", %error, "the network is not watched");
        }
        None
    }
}

/// Nothing: no client watches.
#[derive(Debug)]
pub(crate) enum NetworkWatch {}

impl NetworkWatch {
    pub(crate) fn follow(
        &mut self,
        _: Option<ConnectionId>,
        _: impl FnOnce() -> Option<Addresses>,
    ) {
        match *self {}
    }

    pub(crate) fn take_news(&self) -> NetworkNews {
        match *self {}
    }
}
