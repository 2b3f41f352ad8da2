//! A pair of streams in memory.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Makes a pair of streams in memory: what is written to one is read from the other. Each direction holds
/// `capacity` bytes, at least one. Dropping one end is the end for the other.
///
/// They read and write as the streams of futures do (those of async-std and smol), on any executor; tokio has a
/// `duplex` of its own. Give one end to [`Server::accept`](crate::Server::accept), and the other to the client.
///
/// ```
/// use pushest_testkit::{Server, duplex};
///
/// let server = Server::builder().without_port().start()?;
/// let (client, accepted) = duplex(64 * 1024);
/// server.accept(accepted)?;
/// # drop(client);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn duplex(capacity: usize) -> (Duplex, Duplex) {
    let [to, from] = [(); 2].map(|()| Arc::new(Direction::new(capacity.max(1))));
    (Duplex { reads: from.clone(), writes: to.clone() }, Duplex { reads: to, writes: from })
}

/// One end of a pair of streams in memory, from [`duplex`].
#[derive(Debug)]
pub struct Duplex {
    reads: Arc<Direction>,
    writes: Arc<Direction>,
}

#[derive(Debug)]
struct Direction {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    is_closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Direction {
    fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    fn poll_read(&self, context: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
        let waker = context.waker().clone();
        let mut state = self.lock();
        if state.bytes.is_empty() && !state.is_closed && !to.is_empty() {
            state.reader = Some(waker);
            return Poll::Pending;
        }
        let length = state.bytes.len().min(to.len());
        for (to, from) in to.iter_mut().zip(state.bytes.drain(..length)) {
            *to = from;
        }
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(length))
    }

    fn poll_write(&self, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let waker = context.waker().clone();
        let mut state = self.lock();
        if state.is_closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let length = (self.capacity - state.bytes.len()).min(from.len());
        if length == 0 && !from.is_empty() {
            state.writer = Some(waker);
            return Poll::Pending;
        }
        state.bytes.extend(&from[..length]);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(length))
    }

    fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What is behind it is whole at all times.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        self.reads.close();
        self.writes.close();
    }
}

impl futures_io::AsyncRead for Duplex {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.reads.poll_read(context, buffer)
    }
}

impl futures_io::AsyncWrite for Duplex {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writes.close();
        Poll::Ready(Ok(()))
    }
}
