//! What the sockets, the timers and the wakers of one loop share.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use pushest_driver::proto::Instant;
use pushest_driver::unstable::Parking;

/// One token for all: the loop looks at everything whenever it wakes.
const ANY: Token = Token(0);

/// Tells the loops of a process apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoopId(u64);

#[derive(Debug)]
pub(crate) struct Reactor {
    id: LoopId,
    registry: Registry,
    waker: mio::Waker,
    parking: Parking,
    origin: std::time::Instant,
    /// When the first timer that was looked at in this turn is over, in microseconds.
    first_timer: AtomicU64,
    wakeups: AtomicU64,
}

impl Reactor {
    pub(crate) fn new(poll: &mio::Poll) -> io::Result<Self> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Ok(Self {
            id: LoopId(LAST.fetch_add(1, Ordering::Relaxed)),
            registry: poll.registry().try_clone()?,
            waker: mio::Waker::new(poll.registry(), ANY)?,
            parking: Parking::new(),
            origin: std::time::Instant::now(),
            first_timer: AtomicU64::new(u64::MAX),
            wakeups: AtomicU64::new(0),
        })
    }

    pub(crate) fn id(&self) -> LoopId {
        self.id
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::ORIGIN + self.origin.elapsed()
    }

    /// Returns how often the loop has waited and was woken.
    pub(crate) fn wakeups(&self) -> u64 {
        self.wakeups.load(Ordering::Relaxed)
    }

    /// Returns whether something has happened since this was asked last, other than on a socket.
    pub(crate) fn take_woken(&self) -> bool {
        self.parking.take_woken()
    }

    /// Waits for a socket, a timer or a waker, at most until then.
    pub(crate) fn wait(
        &self,
        poll: &mut mio::Poll,
        events: &mut mio::Events,
        until: Option<Instant>,
    ) {
        if !self.parking.park() {
            // It has happened already.
            return;
        }
        // The next turn looks at all timers again, and only those that still count.
        let timer = Instant::from_micros(self.first_timer.swap(u64::MAX, Ordering::Relaxed));
        let until = until.map_or(timer, |until| until.min(timer));
        let limit = until.saturating_duration_since(self.now());
        // It fails where a signal interrupts it, and has then waited long enough.
        let _ = poll.poll(events, Some(limit));
        self.wakeups.fetch_add(1, Ordering::Relaxed);
        // A wake that came meanwhile needs no further turn: the loop looks at everything now.
        self.parking.unpark();
    }

    /// Registers a socket: whatever happens on it wakes the loop.
    pub(crate) fn register(&self, stream: &mut TcpStream) -> io::Result<()> {
        self.registry.register(stream, ANY, Interest::READABLE | Interest::WRITABLE)
    }
}

impl Wake for Reactor {
    fn wake(self: Arc<Self>) {
        if self.parking.wake() {
            // It fails only where the loop's queue is full, and then the loop wakes anyway.
            let _ = self.waker.wake();
        }
    }
}

/// Completes at its deadline, if it is polled in every turn of the loop.
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
