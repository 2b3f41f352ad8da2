//! What is known of a request while it is carried out: an attempt that is given up still has it.

use std::sync::atomic::{AtomicBool, Ordering};

/// How far a request has come.
#[derive(Debug, Default)]
pub(super) struct Seen {
    is_kept: AtomicBool,
    is_sent: AtomicBool,
    is_heard: AtomicBool,
}

impl Seen {
    /// Notes over which connection it goes: one that was kept, or a new one.
    pub(super) fn begin(&self, is_kept: bool) {
        self.is_kept.store(is_kept, Ordering::Relaxed);
        self.is_heard.store(false, Ordering::Relaxed);
    }

    /// Notes that something of it was written.
    pub(super) fn sent(&self) {
        self.is_sent.store(true, Ordering::Relaxed);
    }

    /// Notes that something of the response was read.
    pub(super) fn heard(&self) {
        self.is_heard.store(true, Ordering::Relaxed);
    }

    /// Returns whether something of it was written, over any connection.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent.load(Ordering::Relaxed)
    }

    /// Returns whether something of the response was read.
    pub(super) fn is_heard(&self) -> bool {
        self.is_heard.load(Ordering::Relaxed)
    }

    /// Returns whether nothing came over a connection that was kept. Its other end may be gone without a
    /// word, as behind a router that has forgotten the connection.
    pub(super) fn is_silent(&self) -> bool {
        self.is_kept.load(Ordering::Relaxed) && !self.is_heard()
    }
}
