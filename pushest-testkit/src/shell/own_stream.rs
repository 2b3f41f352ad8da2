//! Streams that a test hands to the server, beside the sockets of a port.

use std::fmt;
use std::io::{self, Read, Write};
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use mio::Registry;
#[cfg(unix)]
use mio::unix::SourceFd;
#[cfg(unix)]
use mio::{Interest, Token};

/// A stream that [`Server::accept`](super::Server::accept) takes: one that reads and writes as those of
/// futures do (async-std, smol), with the feature `tokio` as those of tokio, and on Unix one that reads and
/// writes as those of the standard library and has a descriptor.
///
/// `Kind` tells these apart; it need not be named.
pub trait AcceptStream<Kind> {
    /// Returns the stream as the server keeps it.
    ///
    /// # Errors
    /// The operating system gives no descriptor, or one that cannot be waited for.
    #[doc(hidden)]
    fn __accepted(self) -> io::Result<OwnStream>;
}

/// The streams of futures.
#[derive(Debug)]
#[doc(hidden)]
#[non_exhaustive]
pub enum OfFutures {}

/// The streams of tokio.
#[cfg(feature = "tokio")]
#[derive(Debug)]
#[doc(hidden)]
#[non_exhaustive]
pub enum OfTokio {}

/// What has a descriptor.
#[cfg(unix)]
#[derive(Debug)]
#[doc(hidden)]
#[non_exhaustive]
pub enum OfDescriptors {}

impl<S> AcceptStream<OfFutures> for S
where
    S: futures_io::AsyncRead + futures_io::AsyncWrite + Send + 'static,
{
    fn __accepted(self) -> io::Result<OwnStream> {
        Ok(OwnStream::new(Kept::Polled(Box::new(Futures(Box::pin(self))))))
    }
}

#[cfg(feature = "tokio")]
impl<S> AcceptStream<OfTokio> for S
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + 'static,
{
    fn __accepted(self) -> io::Result<OwnStream> {
        Ok(OwnStream::new(Kept::Polled(Box::new(Tokio(Box::pin(self))))))
    }
}

#[cfg(unix)]
impl<S: Read + Write + AsFd + Send + 'static> AcceptStream<OfDescriptors> for S {
    fn __accepted(self) -> io::Result<OwnStream> {
        // Of the same file, and ours alone: its number stays that of this stream.
        let descriptor = self.as_fd().try_clone_to_owned()?;
        socket2::SockRef::from(&descriptor).set_nonblocking(true)?;
        Ok(OwnStream::new(Kept::Descriptor { stream: Box::new(self), descriptor }))
    }
}

/// A stream that was handed over. Reads and writes return `WouldBlock` instead of waiting.
pub struct OwnStream {
    kept: Kept,
    /// A byte that was looked at.
    first: Option<u8>,
    waker: Waker,
}

enum Kept {
    Polled(Box<dyn Polled>),
    #[cfg(unix)]
    Descriptor {
        stream: Box<dyn ReadWrite>,
        descriptor: OwnedFd,
    },
}

trait ReadWrite: Read + Write + Send {}

impl<S: Read + Write + Send> ReadWrite for S {}

/// A stream that wakes.
trait Polled: Send {
    fn poll_read(&mut self, context: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>>;
    fn poll_write(&mut self, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>>;
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

struct Futures<S>(Pin<Box<S>>);

impl<S: futures_io::AsyncRead + futures_io::AsyncWrite + Send> Polled for Futures<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_read(context, to)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(context, from)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(context)
    }
}

#[cfg(feature = "tokio")]
struct Tokio<S>(Pin<Box<S>>);

#[cfg(feature = "tokio")]
impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send> Polled for Tokio<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut to = tokio::io::ReadBuf::new(to);
        let read = self.0.as_mut().poll_read(context, &mut to);
        read.map_ok(|()| to.filled().len())
    }

    fn poll_write(&mut self, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(context, from)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(context)
    }
}

impl OwnStream {
    fn new(kept: Kept) -> Self {
        Self { kept, first: None, waker: Waker::noop().clone() }
    }

    /// Wakes the loop for this stream from here on, as the one at this index.
    pub(super) fn register(
        &mut self,
        index: usize,
        registry: &Registry,
        woken: &Arc<Woken>,
    ) -> io::Result<()> {
        self.waker = Waker::from(Arc::new(WakesOne { index, woken: woken.clone() }));
        match &self.kept {
            Kept::Polled(_) => {
                let _ = registry;
                Ok(())
            }
            #[cfg(unix)]
            Kept::Descriptor { descriptor, .. } => {
                let interest = Interest::READABLE | Interest::WRITABLE;
                let source = &mut SourceFd(&descriptor.as_raw_fd());
                registry.register(source, Token(index), interest)
            }
        }
    }

    /// Ends what [`register`](Self::register) began: others may have the file, too.
    pub(super) fn deregister(&self, registry: &Registry) {
        match &self.kept {
            Kept::Polled(_) => {
                let _ = registry;
            }
            #[cfg(unix)]
            Kept::Descriptor { descriptor, .. } => {
                // It fails where the system has forgotten it already.
                let _ = registry.deregister(&mut SourceFd(&descriptor.as_raw_fd()));
            }
        }
    }

    /// Returns the next byte without taking it.
    pub(super) fn peek(&mut self) -> io::Result<u8> {
        if self.first.is_none() {
            let mut byte = [0];
            if self.read(&mut byte)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.first = Some(byte[0]);
        }
        self.first.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    /// Makes the close that follows a reset, where it is that of a TCP connection.
    pub(super) fn reset_on_close(&self) {
        match &self.kept {
            Kept::Polled(_) => {}
            #[cfg(unix)]
            Kept::Descriptor { descriptor, .. } => {
                let linger = Some(std::time::Duration::ZERO);
                let _ = socket2::SockRef::from(descriptor).set_linger(linger);
            }
        }
    }
}

impl Read for OwnStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let (Some(first), Some(place)) = (self.first, buffer.first_mut()) {
            *place = first;
            self.first = None;
            return Ok(1);
        }
        match &mut self.kept {
            Kept::Polled(stream) => {
                ready(stream.poll_read(&mut Context::from_waker(&self.waker), buffer))
            }
            #[cfg(unix)]
            Kept::Descriptor { stream, .. } => stream.read(buffer),
        }
    }
}

impl Write for OwnStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kept {
            Kept::Polled(stream) => {
                ready(stream.poll_write(&mut Context::from_waker(&self.waker), bytes))
            }
            #[cfg(unix)]
            Kept::Descriptor { stream, .. } => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kept {
            Kept::Polled(stream) => ready(stream.poll_flush(&mut Context::from_waker(&self.waker))),
            #[cfg(unix)]
            Kept::Descriptor { stream, .. } => stream.flush(),
        }
    }
}

fn ready<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl fmt::Debug for OwnStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OwnStream").finish_non_exhaustive()
    }
}

/// The streams that have woken the loop since it looked last.
#[derive(Debug)]
pub(super) struct Woken {
    indices: Mutex<Vec<usize>>,
    waker: Arc<mio::Waker>,
}

impl Woken {
    pub(super) fn new(waker: Arc<mio::Waker>) -> Self {
        Self { indices: Mutex::default(), waker }
    }

    pub(super) fn take(&self) -> Vec<usize> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<usize>> {
        // What is behind it is whole at all times.
        self.indices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct WakesOne {
    index: usize,
    woken: Arc<Woken>,
}

impl Wake for WakesOne {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut indices = self.woken.lock();
        if !indices.contains(&self.index) {
            indices.push(self.index);
        }
        drop(indices);
        // It fails only where the loop's queue is full, and then the loop wakes anyway.
        let _ = self.woken.waker.wake();
    }
}
