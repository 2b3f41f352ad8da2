//! Whether the networks of the machine are watched.

use super::Options;
use crate::network::WatchOption;

impl Options {
    /// Watches the networks of the machine, and tells the client what concerns it, as
    /// [`network_changed`](struct.Client.html#method.network_changed) does. Off by default. Needs the
    /// feature `network-watch`.
    ///
    /// - A connection whose own address is gone is given up at once
    ///   ([`Loss::AddressGone`](crate::Loss::AddressGone)), and made again.
    /// - Where packets to the server take another way than before, or none, or its interface was down for
    ///   a moment, a sign of life is waited for as
    ///   [`Timeouts::pong_after_change`](crate::Timeouts::pong_after_change) says.
    /// - Without a connection, an address, a route or an interface that comes brings the next attempt
    ///   forward; one that is under way has as much time left, at most. A network that changes all the
    ///   time does not defeat backoff: three in a row, and then one every 30 s.
    ///
    /// Everything else that happens on the machine changes nothing. What comes in a burst is looked at a
    /// tenth of a second after its last notice, half a second after its first one at most.
    ///
    /// This is for Linux: one thread of the process, for all clients, reads the kernel's notices in the
    /// network namespace that the first of them was made in. On other systems making the client fails,
    /// with [`StartError::NetworkWatch`](crate::StartError::NetworkWatch), as it does where the system
    /// gives no netlink socket.
    ///
    /// ```
    /// # use pushest_driver::Options;
    /// let options = Options::default().watch_network(cfg!(target_os = "linux"));
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn watch_network(mut self, is_watched: bool) -> Self {
        self.network = WatchOption::of(is_watched);
        self
    }
}
