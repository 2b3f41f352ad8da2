//! What the sockets, the timers and the wakers of one loop share.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use pushest_driver::proto::Instant;

/// The loop looks at everything whenever it wakes, so that nobody needs a token of their own.
const ANY: Token = Token(0);

/// Nothing has happened since the loop looked last.
const IDLE: u8 = 0;
/// The loop waits, or is about to.
const WAITING: u8 = 1;
/// Something has happened.
const WOKEN: u8 = 2;

#[derive(Debug)]
pub(crate) struct Reactor {
    registry: Registry,
    waker: mio::Waker,
    state: AtomicU8,
    origin: std::time::Instant,
    /// When the first timer that was looked at in this turn is over, in microseconds.
    first_timer: AtomicU64,
    wakeups: AtomicU64,
}

impl Reactor {
    pub(crate) fn new(poll: &mio::Poll) -> io::Result<Self> {
        Ok(Self {
            registry: poll.registry().try_clone()?,
            waker: mio::Waker::new(poll.registry(), ANY)?,
            state: AtomicU8::new(IDLE),
            origin: std::time::Instant::now(),
            first_timer: AtomicU64::new(u64::MAX),
            wakeups: AtomicU64::new(0),
        })
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::ORIGIN + self.origin.elapsed()
    }

    /// How often the loop has waited and was woken.
    pub(crate) fn wakeups(&self) -> u64 {
        self.wakeups.load(Ordering::Relaxed)
    }

    /// Whether something has happened since this was asked last, other than on a socket.
    pub(crate) fn take_woken(&self) -> bool {
        self.state.swap(IDLE, Ordering::AcqRel) == WOKEN
    }

    /// Waits for a socket, a timer or a waker, at most until then.
    pub(crate) fn wait(
        &self,
        poll: &mut mio::Poll,
        events: &mut mio::Events,
        until: Option<Instant>,
    ) {
        let entered =
            self.state.compare_exchange(IDLE, WAITING, Ordering::AcqRel, Ordering::Acquire);
        if entered.is_err() {
            // It has happened already.
            self.take_woken();
            return;
        }
        // The next turn looks at all timers again, and only those that still count.
        let timer = Instant::from_micros(self.first_timer.swap(u64::MAX, Ordering::Relaxed));
        let until = until.map_or(timer, |until| until.min(timer));
        let limit = until.saturating_duration_since(self.now());
        // It fails where a signal interrupts it, and has then waited long enough.
        let _ = poll.poll(events, Some(limit));
        self.wakeups.fetch_add(1, Ordering::Relaxed);
        // Whoever woke it meanwhile has been heard: the loop looks at everything now.
        self.state.swap(IDLE, Ordering::AcqRel);
    }

    /// From here on, whatever happens on the socket wakes the loop.
    pub(crate) fn register(&self, stream: &mut TcpStream) -> io::Result<()> {
        self.registry.register(stream, ANY, Interest::READABLE | Interest::WRITABLE)
    }
}

impl Wake for Reactor {
    fn wake(self: Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == WAITING {
            // It fails only where the loop's queue is full, and then the loop wakes anyway.
            let _ = self.waker.wake();
        }
    }
}

/// Comes true at its deadline, if it is looked at in every turn of the loop.
pub(crate) struct Sleep {
    pub(crate) reactor: Arc<Reactor>,
    pub(crate) deadline: Instant,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.reactor.now() >= self.deadline {
            return Poll::Ready(());
        }
        self.reactor.first_timer.fetch_min(self.deadline.as_micros(), Ordering::Relaxed);
        Poll::Pending
    }
}
