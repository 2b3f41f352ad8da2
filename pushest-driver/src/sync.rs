//! Locks, atomics and the waker behind everything that several threads share: std's, or
//! [loom](https://docs.rs/loom)'s in the models.
//!
//! A model runs two or three threads over the parts that they share, in every order that the
//! scheduler and the memory could choose with at most three preemptions (`models/`, run by
//! `.ci/loom`). The cfg is our own, `--cfg pushest_loom`: `--cfg loom` would switch code inside of
//! dependencies, too. It counts for this crate's own tests only, so that no user ever builds loom.
//!
//! # What is proved, within that bound
//!
//! - [`Queue`](crate::queue::Queue) and [`Congestion`](crate::queue::Congestion): an event that was
//!   pushed is received, or counted as dropped, in order; a receiver that sleeps is woken by an
//!   event and by the end; reading that stopped for a full queue goes on, whichever of two
//!   receivers makes room last, and when the full queue is closed, ended or narrowed instead; it
//!   goes on only once half of each queue is free. The same for a bound of all queues together, and
//!   what is dropped for that while it is received is counted once. What a receiver has taken at one
//!   go, and hands out without the lock, is received or counted as dropped, each once, and a drain and
//!   reading that waits for room see when it is received.
//! - [`PumpWaker`](crate::pump_waker::PumpWaker): whatever happens before
//!   [`wake`](crate::pump_waker::PumpWaker::wake) is seen by a later turn, however the pump was
//!   going to sleep; no order of memory is needed from the caller.
//! - [`Parking`](crate::park::Parking): the same for a loop that sleeps in the operating system.
//! - [`WaitList`](crate::wait_list::WaitList) and [`slot`](crate::unblocked::slot): no waiter is
//!   left behind, also when another one gives up meanwhile.
//! - The whole of [`Hub`](crate::hub::Hub) and [`Pump`](crate::pump::Pump) over sockets that belong
//!   to the model: a command, the end of the last client, a shutdown and a full receiver, each
//!   against the pump going to sleep.
//!
//! # What is not
//!
//! - Orders of execution with more than three preemptions, or more than three threads.
//! - Orders of memory that loom cannot produce: operations of one thread that change places ("Relaxed
//!   Memory Ordering" in its documentation).
//! - loom's `Mutex` orders the accesses to *all* mutexes; std's does so only for one and the same.
//!   What is read without the lock under which it was written ([`Congestion`], and nothing else)
//!   does not rest on that: the waker's own order suffices, as the models without any lock show.
//! - loom's `AtomicWaker` stands for the one of futures-util, and `Arc` is std's in the models, too:
//!   their insides are taken for correct. So are the runtimes' executors and the operating
//!   system's way of waking.
//! - Recordings, the log and the user's own code.
//!
//! [`Congestion`]: crate::queue::Congestion

#[cfg(all(test, pushest_loom))]
pub(crate) use self::loom::AtomicWaker;
#[cfg(all(test, pushest_loom))]
pub(crate) use ::loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
};
#[cfg(not(all(test, pushest_loom)))]
pub(crate) use futures_util::task::AtomicWaker;
#[cfg(not(all(test, pushest_loom)))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(all(test, pushest_loom))]
mod loom {
    use std::task::Waker;

    /// loom's, with the signatures of the one in futures-util.
    #[derive(Debug, Default)]
    pub(crate) struct AtomicWaker(::loom::future::AtomicWaker);

    impl AtomicWaker {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn register(&self, waker: &Waker) {
            self.0.register_by_ref(waker);
        }

        pub(crate) fn wake(&self) {
            self.0.wake();
        }

        pub(crate) fn take(&self) -> Option<Waker> {
            self.0.take_waker()
        }
    }
}
