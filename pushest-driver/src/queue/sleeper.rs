//! A receiver that has found nothing and waits.

use std::ptr;
use std::task::Waker;

thread_local! {
    /// Its address tells threads apart. It can be looked at to a thread's very end, where
    /// `std::thread::current` panics: there is nothing to destroy, on most systems.
    static MARK: u8 = const { 0 };
}

/// A thread. One that begins after another has ended may be taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thread(usize);

impl Thread {
    /// Returns the one that this runs on.
    pub(crate) fn current() -> Self {
        Self(MARK.try_with(|mark| ptr::from_ref(mark).addr()).unwrap_or(0))
    }
}

#[derive(Debug)]
pub(crate) struct Sleeper {
    waker: Waker,
    /// The thread on which it found nothing, mostly the one on which it runs next.
    thread: Thread,
}

impl Sleeper {
    /// Creates one that waits on this thread.
    pub(super) fn new(waker: Waker) -> Self {
        Self { waker, thread: Thread::current() }
    }

    /// Waits again, on this thread, if this waker wakes the same receiver. Returns whether it does.
    pub(super) fn waits_again(&mut self, waker: &Waker) -> bool {
        let is_same = self.waker.will_wake(waker);
        if is_same {
            self.thread = Thread::current();
        }
        is_same
    }

    pub(crate) fn thread(&self) -> Thread {
        self.thread
    }

    pub(crate) fn into_waker(self) -> Waker {
        self.waker
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;
    use std::thread;

    use super::*;

    struct Receiver;

    impl Wake for Receiver {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn it_knows_on_which_thread_it_waited_last() {
        let waker = Waker::from(Arc::new(Receiver));
        let mut sleeper = Sleeper::new(waker.clone());
        assert_eq!(sleeper.thread(), Thread::current());
        let elsewhere = || (sleeper.waits_again(&waker), Thread::current());
        let (is_same, other) = thread::scope(|scope| scope.spawn(elsewhere).join().unwrap());
        assert!(is_same);
        assert_ne!(other, Thread::current());
        assert_eq!(sleeper.thread(), other);
        assert!(!sleeper.waits_again(&Waker::from(Arc::new(Receiver))));
        assert_eq!(sleeper.thread(), other);
    }
}
