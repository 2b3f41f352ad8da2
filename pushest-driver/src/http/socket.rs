//! A connection to an endpoint, as ureq reads and writes it: each step ends at the request's
//! deadline, and all of them when the client goes.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, ShutdownHandle, Transport};

thread_local! {
    /// When the request that this thread carries must be over. ureq's timeouts begin anew with some
    /// of its steps (each read of a TLS handshake has the whole of it), and cannot be shortened once
    /// a request is under way.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs a request on this thread: no step of it lasts longer than until then.
pub(super) fn until<T>(deadline: Instant, request: impl FnOnce() -> T) -> T {
    UNTIL.set(Some(deadline));
    let answer = request();
    UNTIL.set(None);
    answer
}

/// Shortens the time of the request that this thread carries.
pub(super) fn no_longer_than(limit: Duration) {
    let sooner = Instant::now().checked_add(limit);
    let until = [UNTIL.get(), sooner].into_iter().flatten().min();
    UNTIL.set(until);
}

/// Returns how long a step may take, of what is left of the request.
pub(super) fn remaining(timeout: &NextTimeout) -> Result<Duration, Error> {
    let left = UNTIL.get().map(|until| until.saturating_duration_since(Instant::now()));
    let limit = left.map_or(*timeout.after, |left| left.min(*timeout.after));
    if limit.is_zero() { Err(Error::Timeout(timeout.reason)) } else { Ok(limit) }
}

/// Ends a connection, or the attempt at one, from another thread: the client has gone.
pub(super) struct Interrupt(Mutex<State>);

enum State {
    Connecting(mio::Waker),
    Open(Arc<TcpStream>),
    /// The waker lives for as long as what it wakes: closed right after waking, it would be no longer
    /// there when that looks.
    Over {
        _woken: Option<mio::Waker>,
    },
}

impl Interrupt {
    pub(super) fn new(waker: mio::Waker) -> Self {
        Self(Mutex::new(State::Connecting(waker)))
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(*self.lock(), State::Over { .. })
    }

    /// Takes the connection that is open now; if it is no longer wanted, closes it.
    fn open(&self, stream: &Arc<TcpStream>) {
        let mut state = self.lock();
        match *state {
            State::Over { .. } => shut_down(stream),
            _ => *state = State::Open(stream.clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What is behind it is whole at all times.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ShutdownHandle for Interrupt {
    fn shutdown(&self) {
        let mut state = self.lock();
        let former = std::mem::replace(&mut *state, State::Over { _woken: None });
        *state = match former {
            State::Connecting(waker) => {
                // It fails only where the queue is full, and then the thread wakes anyway.
                let _ = waker.wake();
                State::Over { _woken: Some(waker) }
            }
            State::Open(stream) => {
                shut_down(&stream);
                State::Over { _woken: None }
            }
            over @ State::Over { .. } => over,
        };
    }
}

fn shut_down(stream: &TcpStream) {
    // It fails where the connection is closed already.
    let _ = stream.shutdown(Shutdown::Both);
}

/// An open connection.
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    buffers: LazyBuffers,
    /// Kept for as long as there is something to interrupt.
    _interrupt: Arc<Interrupt>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, buffers: LazyBuffers, interrupt: Arc<Interrupt>) -> Self {
        let stream = Arc::new(stream);
        interrupt.open(&stream);
        Self { stream, buffers, _interrupt: interrupt }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

impl Transport for Socket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let mut output = &self.buffers.output()[..amount];
        let mut stream = &*self.stream;
        while !output.is_empty() {
            stream.set_write_timeout(Some(remaining(&timeout)?))?;
            match stream.write(output) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => output = &output[written..],
                Err(error) => retry(error)?,
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let mut stream = &*self.stream;
        loop {
            stream.set_read_timeout(Some(remaining(&timeout)?))?;
            match stream.read(self.buffers.input_append_buf()) {
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
                Err(error) => retry(error)?,
            }
        }
    }

    /// Whether the server has neither closed it nor said anything that was not asked for.
    fn is_open(&mut self) -> bool {
        let is_silent = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        self.stream.set_nonblocking(true).is_ok()
            && self.stream.peek(&mut [0]).is_err_and(is_silent)
            && self.stream.set_nonblocking(false).is_ok()
    }
}

/// Returns no error where a signal interrupted a step, or its time may be over: both show when it
/// is tried again.
pub(super) fn retry(error: io::Error) -> io::Result<()> {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    if matches!(error.kind(), Interrupted | TimedOut | WouldBlock) { Ok(()) } else { Err(error) }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").finish_non_exhaustive()
    }
}
