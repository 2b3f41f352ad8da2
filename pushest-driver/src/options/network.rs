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
    /// - Where packets to the server take another way than before, or none, or its interface was
    ///   down for a moment, the client sends a ping, and gives the connection up unless something
    ///   arrives within [`Timeouts::pong_after_change`](crate::Timeouts::pong_after_change), 5 s by
    ///   default.
    /// - Without a connection, an address, a route or an interface that comes brings the next
    ///   attempt forward. An attempt that is under way has `pong_after_change` left, at most. A
    ///   network that changes all the time does not defeat backoff: three pauses in a row are cut
    ///   short, and then one every 30 s.
    ///
    /// Nothing else that happens on the machine concerns the client. Notices come in bursts: what
    /// they tell of is looked up 100 ms after the last one, and 500 ms after the first one at the
    /// latest.
    ///
    /// Linux only: one thread of the process reads the kernel's notices for all clients, in the
    /// network namespace in which the first of them was created. On other systems, and where the
    /// system gives no netlink socket, creating the client fails with
    /// [`StartError::NetworkWatch`](crate::StartError::NetworkWatch).
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
