//! What the sockets, the timers and the wakers of one loop share.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake};

use mio::event::Source;
use mio::{Interest, Registry, Token};
use pushest_driver::proto::Instant;
use pushest_driver::unstable::Parking;

/// The waker's token; sockets have those after it. The loop looks at everything whenever it wakes: they
/// only tell which sockets have nothing behind what they still hold.
const WAKER: Token = Token(0);

/// Tells the loops of a process apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoopId(u64);

#[derive(Debug)]
pub(crate) struct Reactor {
    id: LoopId,
    registry: Registry,
    waker: mio::Waker,
    parking: Parking,
    /// The pump has more to do once what it has read was received.
    has_more: AtomicBool,
    origin: std::time::Instant,
    /// When the first timer that was looked at in this turn is over, in microseconds.
    first_timer: AtomicU64,
    wakeups: AtomicU64,
    /// How often the loop has slept, or would have had it not been woken.
    sleeps: AtomicU64,
    last_token: AtomicUsize,
    /// Sockets whose peer has closed its side, or that have failed: what says so is told once.
    closed: Mutex<Vec<Token>>,
}

impl Reactor {
    pub(crate) fn new(poll: &mio::Poll) -> io::Result<Self> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Ok(Self {
            id: LoopId(LAST.fetch_add(1, Ordering::Relaxed)),
            registry: poll.registry().try_clone()?,
            waker: mio::Waker::new(poll.registry(), WAKER)?,
            parking: Parking::new(),
            has_more: AtomicBool::new(false),
            origin: std::time::Instant::now(),
            first_timer: AtomicU64::new(u64::MAX),
            wakeups: AtomicU64::new(0),
            sleeps: AtomicU64::new(0),
            last_token: AtomicUsize::new(WAKER.0),
            closed: Mutex::default(),
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

    /// Keeps the loop from sleeping once. Unlike a wake it does not make it turn before there is nothing
    /// left to receive.
    pub(crate) fn go_on(&self) {
        self.has_more.store(true, Ordering::Relaxed);
    }

    /// Returns a number that changes whenever sockets that were empty may no longer be.
    pub(crate) fn sleeps(&self) -> u64 {
        self.sleeps.load(Ordering::Relaxed)
    }

    /// Makes sockets be looked at that were empty, although the loop does not sleep.
    pub(crate) fn look_again(&self) {
        self.sleeps.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for a socket, a timer or a waker, at most until then.
    pub(crate) fn wait(
        &self,
        poll: &mut mio::Poll,
        events: &mut mio::Events,
        until: Option<Instant>,
    ) {
        // A loop that is woken again and again must not forget the sockets.
        self.look_again();
        if self.has_more.swap(false, Ordering::Relaxed) || !self.parking.park() {
            // It has happened already.
            return;
        }
        // The next turn looks at all timers again, and only those that still count.
        let timer = Instant::from_micros(self.first_timer.swap(u64::MAX, Ordering::Relaxed));
        let until = until.map_or(timer, |until| until.min(timer));
        let limit = until.saturating_duration_since(self.now());
        // It fails where a signal interrupts it, and has then waited long enough.
        let _ = poll.poll(events, Some(limit));
        for event in events.iter().filter(|event| event.is_read_closed() || event.is_error()) {
            if event.token() != WAKER && !self.is_closed(event.token()) {
                self.closed().push(event.token());
            }
        }
        self.wakeups.fetch_add(1, Ordering::Relaxed);
        // A wake that came meanwhile needs no further turn: the loop looks at everything now.
        self.parking.unpark();
    }

    /// Registers a socket: whatever happens on it wakes the loop. Its token is to be given back
    /// ([`Reactor::forget`]).
    pub(crate) fn register(&self, stream: &mut impl Source) -> io::Result<Token> {
        let token = Token(self.last_token.fetch_add(1, Ordering::Relaxed) + 1);
        self.registry.register(stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(token)
    }

    /// Ends the registration of a socket that may outlive what was registered.
    #[cfg(unix)]
    pub(crate) fn unregister(&self, stream: &mut impl Source) {
        // It fails where the system has forgotten it already.
        let _ = self.registry.deregister(stream);
    }

    /// Returns whether the peer has closed its side of a socket, or the socket has failed: then
    /// nothing more wakes the loop for what is still to be read.
    pub(crate) fn is_closed(&self, token: Token) -> bool {
        self.closed().contains(&token)
    }

    /// Forgets a socket that is dropped.
    pub(crate) fn forget(&self, token: Token) {
        self.closed().retain(|closed| *closed != token);
    }

    fn closed(&self) -> MutexGuard<'_, Vec<Token>> {
        // Nothing panics while it is locked.
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
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
