//! How a loop sleeps in the operating system without missing anything, and without a system call
//! for every wake.

use crate::sync::{AtomicU8, Ordering};

/// Nothing has happened since the loop looked last.
const IDLE: u8 = 0;
/// The loop sleeps, or is about to.
const PARKED: u8 = 1;
/// Something has happened.
const WOKEN: u8 = 2;

/// Whether a loop that runs a [`Pump`](crate::unstable::Pump) sleeps, and whether it was woken: for drivers
/// whose loop sleeps in the operating system (`epoll`, a condition variable), of whose waker this
/// is the cheap half.
///
/// The loop looks at everything, calls [`park`](Parking::park), sleeps if that returns `true`, calls
/// [`unpark`](Parking::unpark) and begins again. Its [`Waker`](std::task::Waker) calls
/// [`wake`](Parking::wake) and, if that returns `true`, interrupts the sleep. An interruption must
/// hold for the next sleep if there is none at the time, as those of `eventfd` and of
/// [`std::thread::park`] do.
#[derive(Debug)]
pub struct Parking {
    state: AtomicU8,
}

impl Parking {
    /// Creates the state of a loop that has not looked at anything yet.
    #[must_use]
    pub fn new() -> Self {
        Self { state: AtomicU8::new(IDLE) }
    }

    /// Prepares to sleep. Returns `false` if the loop was woken since it looked last, and has to
    /// look again.
    #[must_use]
    pub fn park(&self) -> bool {
        let parked = self.state.compare_exchange(IDLE, PARKED, Ordering::AcqRel, Ordering::Acquire);
        if parked.is_err() {
            self.unpark();
        }
        parked.is_ok()
    }

    /// Ends the sleep, whatever ended it. The loop looks at everything after this, so that wakes
    /// until here are heard.
    pub fn unpark(&self) {
        self.state.swap(IDLE, Ordering::AcqRel);
    }

    /// Returns whether the loop was woken since it looked last, and takes that as heard: the loop
    /// looks at everything after this.
    #[must_use]
    pub fn take_woken(&self) -> bool {
        // A load first: a loop that asks with every event must not pay for a write each time. A wake that
        // this does not see yet is left to the next call, or to `park`.
        self.state.load(Ordering::Acquire) == WOKEN
            && self.state.swap(IDLE, Ordering::AcqRel) == WOKEN
    }

    /// Wakes the loop, which then sees everything that was done before this call. Returns whether
    /// the caller has to interrupt its sleep.
    #[must_use]
    pub fn wake(&self) -> bool {
        self.state.swap(WOKEN, Ordering::AcqRel) == PARKED
    }
}

impl Default for Parking {
    fn default() -> Self {
        Self::new()
    }
}
