//! A connection of the runtime's, as a request on a thread reads and writes it: a stream of the user's own
//! can be waited for by the runtime alone.
//!
//! The thread has one end ([`Near`]), which blocks. The future that waits for the thread has the other
//! ([`Far`]): while it is polled, it carries bytes between the thread and the stream. Each request has a
//! connection of its own.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, LazyBuffers, NextTimeout, Transport,
};

use super::socket::remaining;
use crate::byte_stream::ByteStream;

/// Maximum number of bytes that were read and that the thread has not taken yet.
const MOST: usize = 16 * 1024;

thread_local! {
    /// The end for the request that this thread carries.
    static NEAR: Cell<Option<Near>> = const { Cell::new(None) };
}

/// Makes both ends of a pipe to a stream.
pub(super) fn pipe<S: ByteStream>(stream: S) -> (Near, Far<S>) {
    let shared = Arc::<Shared>::default();
    (Near(shared.clone()), Far { shared, stream, unsent: Vec::new(), broken: None })
}

/// Takes the thread's end, if the request on this thread has one.
pub(super) fn taken(details: &ConnectionDetails<'_>) -> Option<Piped> {
    let near = NEAR.take()?;
    let config = details.config;
    let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
    Some(Piped { near, buffers, is_tls: details.needs_tls() })
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Read from the stream.
    input: VecDeque<u8>,
    /// To be written to it.
    output: Vec<u8>,
    /// Nothing more is read: the peer has closed its side, or the text of an error.
    end: Option<Result<(), String>>,
    /// Wakes the future.
    waker: Option<Waker>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // What is behind it is whole at all times.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, how: Result<(), String>) {
        self.lock().end.get_or_insert(how);
        self.changed.notify_all();
    }
}

/// The thread's end.
pub(super) struct Near(Arc<Shared>);

impl Near {
    /// Runs a request on this thread, whose connection this is.
    pub(super) fn carry<T>(self, request: impl FnOnce() -> T) -> T {
        NEAR.set(Some(self));
        // Also where the request panics: the thread's next one has another connection.
        let _forgetting = Forgetting;
        request()
    }
}

struct Forgetting;

impl Drop for Forgetting {
    fn drop(&mut self) {
        drop(NEAR.take());
    }
}

/// The thread's end with ureq's buffers.
pub(super) struct Piped {
    near: Near,
    buffers: LazyBuffers,
    /// What goes through is encrypted behind it.
    is_tls: bool,
}

impl Transport for Piped {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let mut state = self.near.0.lock();
        // Where the stream has ended, reading says how.
        state.output.extend_from_slice(&self.buffers.output()[..amount]);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let until = Instant::now() + remaining(&timeout)?;
        let mut state = self.near.0.lock();
        while state.input.is_empty() {
            match &state.end {
                Some(Ok(())) => return Ok(false),
                Some(Err(why)) => return Err(io::Error::other(why.clone()).into()),
                None => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Timeout(timeout.reason));
            }
            let waited = self.near.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let buffer = self.buffers.input_append_buf();
        let length = state.input.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(state.input.drain(..length)) {
            *to = from;
        }
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        self.buffers.input_appended(length);
        Ok(length > 0)
    }

    /// It is for one request.
    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.is_tls
    }
}

impl fmt::Debug for Piped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piped").field("is_tls", &self.is_tls).finish_non_exhaustive()
    }
}

/// The end with the stream.
pub(super) struct Far<S> {
    shared: Arc<Shared>,
    stream: S,
    unsent: Vec<u8>,
    /// Writing failed. What the server said before may still be there to be read.
    broken: Option<String>,
}

impl<S: ByteStream> Far<S> {
    /// Waits for the thread, and carries what it says and is told meanwhile.
    pub(super) async fn carry<T>(mut self, request: impl Future<Output = T>) -> T {
        let mut request = pin!(request);
        poll_fn(|context| {
            if let Poll::Ready(output) = request.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            while self.step(context) {}
            Poll::Pending
        })
        .await
    }

    /// Carries what there is. Returns whether there may be more to read.
    fn step(&mut self, context: &mut Context<'_>) -> bool {
        let waker = context.waker().clone();
        let mut state = self.shared.lock();
        let former = state.waker.replace(waker);
        self.unsent.append(&mut state.output);
        let room = if state.end.is_some() { 0 } else { MOST - state.input.len().min(MOST) };
        drop(state);
        drop(former);
        if self.broken.is_none()
            && let Poll::Ready(Err(error)) = self.poll_send(context)
        {
            self.broken = Some(error.to_string());
        }
        if room == 0 {
            return false;
        }
        let mut buffer = [0; 4 * 1024];
        let length = room.min(buffer.len());
        match self.stream.poll_read(context, &mut buffer[..length]) {
            Poll::Ready(Ok(0)) => self.shared.end(self.broken.take().map_or(Ok(()), Err)),
            Poll::Ready(Ok(length)) => {
                self.shared.lock().input.extend(&buffer[..length]);
                self.shared.changed.notify_all();
                return true;
            }
            Poll::Ready(Err(error)) if error.kind() == ErrorKind::Interrupted => return true,
            Poll::Ready(Err(error)) => self.shared.end(Err(error.to_string())),
            Poll::Pending => {
                if let Some(why) = self.broken.take() {
                    self.shared.end(Err(why));
                }
            }
        }
        false
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match self.stream.poll_write(context, &self.unsent) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(length)) => drop(self.unsent.drain(..length)),
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.stream.poll_flush(context)
    }
}

impl<S> Drop for Far<S> {
    fn drop(&mut self) {
        self.shared.end(Err("the client has ended".to_string()));
    }
}
