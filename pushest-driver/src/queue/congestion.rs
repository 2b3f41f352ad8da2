//! How full all queues of a client are together.

use crate::options::{Options, Overflow};
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// The result of a receiver's step, for the pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relief {
    /// Nothing that concerns the pump.
    None,
    /// No queue is full anymore: reading can go on; or what a pump that drains waits for is taken.
    All,
}

impl Relief {
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::All { self } else { other }
    }
}

/// What all queues of a client share.
#[derive(Debug, Default)]
pub(crate) struct Congestion {
    /// Number of full queues that reading has to wait for; one more if all together are full.
    pub(super) full: AtomicUsize,
    /// Number of events that receivers were too slow for.
    pub(super) dropped: AtomicU64,
    /// What all queues hold together, where that has a bound.
    pub(super) total: Option<Total>,
}

impl Congestion {
    pub(crate) fn new(options: &Options) -> Self {
        let total = options.all_queues.map(|most| Total {
            most,
            drops: options.overflow == Overflow::DropOldest,
            held: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
        });
        Self { total, ..Self::default() }
    }

    pub(crate) fn is_any(&self) -> bool {
        self.full.load(Ordering::Acquire) > 0
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn total(&self) -> Option<&Total> {
        self.total.as_ref()
    }

    /// Holds reading up if all queues together are full. Only the hub calls it, after a push: there
    /// is one such call at a time.
    pub(crate) fn wait_if_full(&self) {
        let Some(total) = &self.total else { return };
        if total.held() < total.most || total.is_full.load(Ordering::Acquire) {
            return;
        }
        self.full.fetch_add(1, Ordering::AcqRel);
        total.is_full.store(true, Ordering::Release);
        // A receiver that has just made room did not see that there was need. Of the two changes of
        // `held`, the later one sees what stands before the other.
        if total.held.fetch_add(0, Ordering::AcqRel) <= total.most / 2 {
            self.relieve_total(total);
        }
    }

    /// Counts what one queue holds now instead of before.
    pub(super) fn replace(&self, before: usize, now: usize) -> Relief {
        let Some(total) = &self.total else { return Relief::None };
        let held = if now >= before {
            total.held.fetch_add(now - before, Ordering::AcqRel) + (now - before)
        } else {
            total.held.fetch_sub(before - now, Ordering::AcqRel) - (before - now)
        };
        if held <= total.most / 2 && total.is_full.load(Ordering::Acquire) {
            self.relieve_total(total)
        } else {
            Relief::None
        }
    }

    fn relieve_total(&self, total: &Total) -> Relief {
        if total.is_full.swap(false, Ordering::AcqRel) { self.relieve() } else { Relief::None }
    }

    /// Counts one full queue fewer.
    pub(super) fn relieve(&self) -> Relief {
        match self.full.fetch_sub(1, Ordering::AcqRel) {
            1 => Relief::All,
            _ => Relief::None,
        }
    }
}

/// What all queues of a client hold together, in bytes.
#[derive(Debug)]
pub(crate) struct Total {
    most: usize,
    /// Whether what is too much is dropped; otherwise reading waits.
    drops: bool,
    held: AtomicUsize,
    /// Counted in `full`.
    is_full: AtomicBool,
}

impl Total {
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    pub(crate) fn drops(&self) -> bool {
        self.drops
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }
}
